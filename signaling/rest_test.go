package signaling_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"kelas/signaling"
	"kelas/signaling/auth"
)

// program is a client of the API.
type program struct {
	*site
	secret string
}

func (s *site) program(scopes ...string) *program {
	s.t.Helper()
	_, secret, err := s.auth.Keys.Create(s.t.Context(), auth.NewAPIKey{Name: "Robot", Scopes: scopes})
	if err != nil {
		s.t.Fatal(err)
	}
	return &program{s, secret}
}

func (p *program) do(method, path, body string, header ...string) page {
	p.t.Helper()
	b := p.browser()
	b.client.Jar = nil
	if p.secret != "" {
		header = append(header, "Authorization", "Bearer "+p.secret)
	}
	if body != "" {
		header = append([]string{"Content-Type", "application/json"}, header...)
	}
	return b.do(method, p.url+"/api/v1"+path, strings.NewReader(body), header...)
}

func decode[T any](t *testing.T, p page, status int) T {
	t.Helper()
	if p.status != status {
		t.Fatalf("status %d instead of %d: %.500s", p.status, status, p.body)
	}
	var v T
	if err := json.Unmarshal([]byte(p.body), &v); err != nil {
		t.Fatalf("%v: %.300s", err, p.body)
	}
	return v
}

// problem checks that an answer is one and returns its code.
func (p page) problem(t *testing.T, status int) string {
	t.Helper()
	v := decode[struct {
		Type, Title, Code, Instance string
		Status                      int
	}](t, p, status)
	if p.header.Get("Content-Type") != "application/problem+json" || v.Status != status || v.Title == "" || v.Type == "" || !strings.HasPrefix(v.Instance, "urn:kelas:request:") {
		t.Errorf("%+v %s", v, p.header.Get("Content-Type"))
	}
	return v.Code
}

// The way of an LMS: make a lesson, make links, people come in by them.
func TestFromNothingToAClass(t *testing.T) {
	s := newSite(t, signaling.Config{})
	p := s.program("lessons:write", "lessons:read", "links:write", "classes:read")
	made := p.do("POST", "/lessons", `{"title":"Biology 8B","startsAt":"2026-11-26T08:00:00+07:00"}`, "Idempotency-Key", "k1")
	l := decode[struct{ ID, Title, URL, StartsAt string }](t, made, http.StatusCreated)
	if l.Title != "Biology 8B" || l.StartsAt != "2026-11-26T01:00:00Z" || made.header.Get("Location") != "/api/v1/lessons/"+l.ID || l.URL != s.url+"/c/"+l.ID {
		t.Errorf("%+v %v", l, made.header)
	}
	again := p.do("POST", "/lessons", `{"title":"Biology 8B","startsAt":"2026-11-26T08:00:00+07:00"}`, "Idempotency-Key", "k1")
	if again.body != made.body || again.header.Get("Idempotent-Replayed") != "true" || again.header.Get("ETag") != made.header.Get("ETag") || again.header.Get("Location") != made.header.Get("Location") {
		t.Errorf("not the answer of before: %s", again.body)
	}
	link := decode[struct {
		URL, Token string
		ExpiresAt  time.Time
	}](t, p.do("POST", "/classes/"+l.ID+"/join-links", `{"role":"viewer","name":"Dewi","externalId":"u-42","once":true}`), http.StatusCreated)
	b := s.browser()
	b.get(link.URL).to(t, "/c/"+l.ID)
	b.get("/c/"+l.ID).wants(t, 200, "Biology 8B")
	b.get(link.URL).to(t, "/c/"+l.ID) // the same browser once more
	if got := s.browser().get(link.URL); got.status != http.StatusUnauthorized {
		t.Errorf("a one-time link opens a second browser: %d", got.status)
	}
	if code := (&program{s, ""}).do("GET", "/lessons", "").problem(t, 401); code != "noIdentity" {
		t.Error(code)
	}
	if got := p.do("GET", "/openapi.json", ""); got.status != 200 || !strings.Contains(got.body, `"openapi": "3.1.0"`) {
		t.Errorf("%d %.100s", got.status, got.body)
	}
	if got := p.do("GET", "/", ""); got.status != 200 || !strings.Contains(got.body, "Make a join link") {
		t.Errorf("%d %.100s", got.status, got.body)
	}
}

// The administrator's page: a key is made, shown once, used and revoked.
func TestKeysPage(t *testing.T) {
	s := newSite(t, signaling.Config{})
	s.account("kepala", auth.AccountAdmin)
	s.account("sari", auth.AccountTeacher)
	teacher := s.browser().login("sari")
	teacher.get("/admin/keys").wants(t, http.StatusForbidden)
	teacher.post("/admin/keys/create", "name", "evil", "scope", "users:admin").wants(t, http.StatusForbidden)
	teacher.post("/admin/keys/revoke", "id", "x").wants(t, http.StatusForbidden)

	b := s.browser().login("kepala")
	b.get("/admin/keys").wants(t, 200, "There are no keys yet", "There are no webhooks")
	b.post("/admin/keys/create", "name", "Moodle").wants(t, 422, "at least one thing")
	b.post("/admin/keys/create", "name", "", "scope", "chat:read").wants(t, 422)
	for _, days := range []string{"0", "-1", "4000", "soon"} { // never a key without an end
		b.post("/admin/keys/create", "name", "Moodle", "scope", "chat:read", "days", days).wants(t, 422, "from 1 to 3660", "There are no keys yet")
	}
	made := b.post("/admin/keys/create", "name", "Moodle", "scope", "lessons:read", "days", "30").wants(t, 200, "not shown again", "lessons:read")
	_, rest, _ := strings.Cut(made.body, `data-testid="new-key-value">`)
	secret, _, _ := strings.Cut(rest, "<")
	p := &program{s, secret}
	me := decode[struct {
		ID, Name  string
		ExpiresAt time.Time
	}](t, p.do("GET", "/me", ""), 200)
	if me.Name != "Moodle" || time.Until(me.ExpiresAt) < 29*24*time.Hour {
		t.Errorf("%+v", me)
	}
	if again := b.get("/admin/keys").wants(t, 200, "Moodle"); strings.Contains(again.body, secret) {
		t.Error("the secret is shown again")
	}
	b.lang = "id"
	b.get("/admin/keys").wants(t, 200, "Kunci API", "Berlaku")
	b.post("/admin/keys/revoke", "id", me.ID).to(t, "/admin/keys?done=revoked")
	b.post("/admin/keys/revoke", "id", "nothing").wants(t, http.StatusNotFound)
	if code := p.do("GET", "/me", "").problem(t, 401); code != "keyInvalid" {
		t.Error(code)
	}
	if strings.Contains(s.log.String(), secret) {
		t.Error("the log has the secret")
	}
}
