package signaling_test

import (
	"net/http"
	"testing"
	"time"

	"kelas/signaling"
	"kelas/signaling/auth"
)

// A class is planned by its owner's clock and changed by its owner or an
// administrator, and a time that cannot be is refused with nothing changed.
func TestClassIsPlannedAndChanged(t *testing.T) {
	s := newSite(t, signaling.Config{})
	sari := s.account("sari", auth.AccountTeacher)
	s.account("other", auth.AccountTeacher)
	s.account("boss", auth.AccountAdmin)
	teacher := s.browser().login("sari")
	teacher.post("/classes/new", "title", "Kimia", "starts", "2030-02-31T07:00", "zone", "Asia/Jakarta").
		wants(t, http.StatusUnprocessableEntity, "cannot be used")
	teacher.post("/classes/new", "title", "Kimia", "starts", "2030-02-01T07:00", "zone", "Nowhere/Land").
		wants(t, http.StatusUnprocessableEntity, "cannot be used")
	teacher.post("/classes/new", "title", "Kimia", "starts", "2030-02-01T07:00", "zone", "Asia/Jakarta").to(t, "/classes?done=class")
	own, err := s.classes.Lessons(t.Context(), sari.ID)
	if err != nil || len(own) != 1 {
		t.Fatal(own, err)
	}
	if want := time.Date(2030, 2, 1, 0, 0, 0, 0, time.UTC); !own[0].StartsAt.Equal(want) {
		t.Errorf("planned at %v, want %v", own[0].StartsAt, want)
	}
	edit := "/c/" + own[0].ID + "/edit"
	teacher.get("/classes").wants(t, http.StatusOK, `datetime="2030-02-01T00:00:00Z"`, edit)
	teacher.get(edit).wants(t, http.StatusOK, `value="Kimia"`, `data-utc="2030-02-01T00:00:00Z"`)
	teacher.post(edit, "title", "  ").wants(t, http.StatusUnprocessableEntity, "title cannot be used")
	for _, name := range []string{"other"} {
		b := s.browser().login(name)
		b.get(edit).wants(t, http.StatusForbidden)
		b.post(edit, "title", "mine now").wants(t, http.StatusForbidden)
	}
	teacher.post(edit, "title", "Kimia 9", "starts", "").to(t, "/classes?done=class")
	if l, err := s.classes.Lesson(t.Context(), own[0].ID); err != nil || l.Title != "Kimia 9" || !l.StartsAt.IsZero() {
		t.Errorf("after the change: %+v, %v", l, err)
	}
	s.browser().login("boss").post(edit, "title", "Kimia 9A").to(t, "/classes?done=class")
	teacher.get("/c/nosuchclass/edit").wants(t, http.StatusNotFound)
}
