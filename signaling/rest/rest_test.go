package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/signaling/auth"
	"kelas/signaling/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The table's own rules: nothing in it is nameless, twice, or of a scope that
// no key can have.
func TestOperations(t *testing.T) {
	ids, routes := map[string]bool{}, map[string]bool{}
	for _, o := range operations(true) {
		if ids[o.id] || routes[o.method+o.path] || o.id == "" || o.summary == "" {
			t.Errorf("%s %s %q", o.method, o.path, o.id)
		}
		ids[o.id], routes[o.method+o.path] = true, true
		if o.scope != "" && !slices.ContainsFunc(auth.Scopes, func(s auth.Scope) bool { return s.Name == o.scope }) {
			t.Errorf("%s: there is no scope %q", o.id, o.scope)
		}
		if !slices.ContainsFunc(tagWords, func(w struct{ name, about string }) bool { return w.name == o.tag }) {
			t.Errorf("%s: there is no chapter %q", o.id, o.tag)
		}
		if o.creates && o.status < 201 || o.method == "GET" && (o.creates || o.edits) {
			t.Errorf("%s: a creation that answers %d", o.id, o.status)
		}
	}
	// The events that a webhook may be told are spelled out in a tag.
	s := newSchemas()
	m := s.resolve(s.of(reflect.TypeFor[webhookNew]())).Properties["events"]
	if !reflect.DeepEqual(m.Items.Enum, classroom.HappeningTypes()) {
		t.Errorf("events are %v, the classroom's %v", m.Items.Enum, classroom.HappeningTypes())
	}
	m = s.resolve(s.of(reflect.TypeFor[webhookPatch]())).Properties["events"]
	if !reflect.DeepEqual(m.Items.Enum, classroom.HappeningTypes()) {
		t.Errorf("events of a patch are %v", m.Items.Enum)
	}
}

func TestBodies(t *testing.T) {
	s := newSchemas()
	for body, want := range map[string]string{
		`{"title":"x"}`: "",
		`{"title":"x","startsAt":"2026-11-25T08:00:00.5+07:00"}`: "",
		`{"title":"` + strings.Repeat("é", 200) + `"}`:           "",
		`{"title":"` + strings.Repeat("é", 201) + `"}`:           "/title has more than 200 characters",
		`{}`:                              "/title is missing",
		`{"title":null}`:                  "/title may not be null",
		`{"title":7}`:                     "/title must be of type string",
		`{"title":["x"]}`:                 "/title must be of type string",
		`{"title":"x","startsAt":"soon"}`: "/startsAt must be a time such as 2026-11-25T08:00:00Z (RFC 3339)",
		`{"title":"x","startsAt":"0001-01-01T00:00:00Z"}`: "/startsAt must be a time such as 2026-11-25T08:00:00Z (RFC 3339)",
		`{"title":"x","<script>":1}`:                      " has 1 members that are not known; known are title, startsAt, ownerId",
		`[]`:                                              " must be of type object",
		`"x"`:                                             " must be of type object",
		`{"title":"x"} {}`:                                fault.ErrBadMessage.Error(),
		`{"title":`:                                       fault.ErrBadMessage.Error(),
		``:                                                fault.ErrBadMessage.Error(),
		"{\"title\":\"\xff\"}":                            fault.ErrBadMessage.Error(),
	} {
		var b lessonNew
		err := s.readBody([]byte(body), reflect.TypeFor[lessonNew](), &b)
		got := ""
		var bad *invalid
		switch {
		case errors.As(err, &bad):
			got = bad.complaints[0].Pointer + " " + bad.complaints[0].Detail
		case err != nil:
			got, _, _ = strings.Cut(err.Error(), ": ")
		}
		if got != want {
			t.Errorf("%.60s: %q, want %q", body, got, want)
		}
	}
	var p lessonPatch
	if err := s.readBody([]byte(`{"startsAt":null}`), reflect.TypeFor[lessonPatch](), &p); err != nil || !p.StartsAt.Set || p.StartsAt.Value != nil || p.Title != nil {
		t.Errorf("%+v %v", p, err)
	}
	p = lessonPatch{}
	if err := s.readBody([]byte(`{"startsAt":"2026-11-25T08:00:00Z"}`), reflect.TypeFor[lessonPatch](), &p); err != nil || p.StartsAt.Value == nil {
		t.Errorf("%+v %v", p, err)
	}
}

func TestParams(t *testing.T) {
	s := newSchemas()
	list := s.params(reflect.TypeFor[chatFilter]())
	path := func(string) string { return "bio" }
	for query, want := range map[string]string{
		"":                        "",
		"limit=200&after=7":       "",
		"limit=0":                 "must be at least 1",
		"limit=201":               "must be at most 200",
		"limit=ten":               "must be an integer of at most 52 bits",
		"limit=1&limit=2":         "is given more than once",
		"after=-1":                "must be at least 0",
		"after=99999999999999999": "must be an integer of at most 52 bits",
		"colour=red":              "the query has 1 parameters that are not known",
		"cursor=%ff":              "is not UTF-8",
	} {
		var f chatFilter
		err := s.readParams(list, path, query, reflect.ValueOf(&f).Elem())
		got := ""
		var bad *invalid
		if errors.As(err, &bad) {
			got = bad.complaints[0].Detail
		}
		if got != want || err == nil && (f.Class != "bio" || f.Limit == 0) {
			t.Errorf("%q: %q %+v, want %q", query, got, f, want)
		}
	}
	if err := s.readParams(list, path, "a=%zz", reflect.ValueOf(&chatFilter{}).Elem()); !errors.Is(err, fault.ErrBadMessage) {
		t.Error(err)
	}
}

func TestPagesMeetWithoutGapsWhileThingsComeAndGo(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e", "f"}
	page := func(list []string, p paging) ([]string, string) {
		got, err := pageOf(p, list, func(s string) place { return place{ID: s} }, func(s string, from place) bool { return s > from.ID }, func(s string) string { return s })
		if err != nil {
			t.Fatal(err)
		}
		return got.Items, got.Next
	}
	for limit := 1; limit <= 7; limit++ {
		var seen []string
		for next := ""; ; {
			items, more := page(all, paging{limit, next})
			seen = append(seen, items...)
			if next = more; next == "" {
				break
			}
		}
		if !slices.Equal(seen, all) {
			t.Errorf("limit %d: %v", limit, seen)
		}
	}
	_, next := page(all, paging{2, ""})
	if items, _ := page([]string{"a", "c", "d"}, paging{2, next}); !slices.Equal(items, []string{"c", "d"}) {
		t.Errorf("after what the cursor named is gone: %v", items)
	}
	for _, bad := range []string{"x", "e30", next + "=", "eyJpIjoiIn0", "eyJhIjotMSwiaSI6IngifQ"} {
		if _, _, err := (paging{1, bad}).begin(); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%q is taken for a cursor: %v", bad, err)
		}
	}
}

func TestLimiter(t *testing.T) {
	l, now := newLimiter(3), time.Unix(1e9, 0)
	count := func(key string) (string, error) {
		h := http.Header{}
		err := l.count(h, key, now)
		if h.Get("RateLimit-Policy") != `"key";q=3;w=60` {
			t.Errorf("policy %q", h.Get("RateLimit-Policy"))
		}
		return h.Get("RateLimit") + " " + h.Get("Retry-After"), err
	}
	for i, want := range []string{`"key";r=2;t=60 `, `"key";r=1;t=60 `, `"key";r=0;t=60 `, `"key";r=0;t=60 60`} {
		if got, err := count("a"); got != want || (err != nil) != (i == 3) {
			t.Errorf("%d: %q %v", i, got, err)
		}
	}
	if _, err := count("b"); err != nil {
		t.Error("another key is held back")
	}
	now = now.Add(59500 * time.Millisecond)
	if got, err := count("a"); got != `"key";r=0;t=1 1` || !errors.Is(err, fault.ErrTooFast) {
		t.Error(got, err)
	}
	now = now.Add(time.Second)
	if got, err := count("a"); got != `"key";r=2;t=60 ` || err != nil {
		t.Error(got, err)
	}
	now = now.Add(time.Hour)
	_, _ = count("c")
	if len(l.used) != 1 {
		t.Errorf("%d windows are kept", len(l.used))
	}
}

// A bot by REST leaves when it is no longer asked for, or when the door closes.
func TestStandIns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		reg, err := classroom.NewRegistry(classroom.Config{}, classroom.Deps{Store: classroomtest.NewMemStore()})
		if err != nil {
			t.Fatal(err)
		}
		l, err := reg.CreateLesson(ctx, "Biology", "")
		if err != nil {
			t.Fatal(err)
		}
		s := newStandIns(reg, time.Now)
		bot := classroom.Identity{Key: "bot:1", Name: "Quiz", Role: classroom.RoleViewer}
		here := func() int { _, roster, _ := reg.View(l.ID); return len(roster) }
		for range 3 {
			p, err := s.come(ctx, l.ID, bot, "192.0.2.1")
			if err != nil || p.Name != "Quiz" || here() != 1 {
				t.Fatal(p, err, here())
			}
			time.Sleep(lease - time.Second)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if here() != 0 {
			t.Fatal("it stays for ever")
		}
		// Many at once are one.
		errs := make(chan error, 5)
		for range 5 {
			go func() { _, err := s.come(ctx, l.ID, bot, ""); errs <- err }()
		}
		for range 5 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if v, roster, _ := reg.View(l.ID); len(roster) != 1 || !roster[0].Bot {
			t.Errorf("%+v %+v", v, roster)
		}
		s.leave(ctx, l.ID, bot.Key)
		s.leave(ctx, l.ID, bot.Key)
		if here() != 0 {
			t.Error("it did not leave")
		}
		// One that a moderator put out comes back with the reason.
		p, err := s.come(ctx, l.ID, bot, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := reg.RemoveParticipant(ctx, l.ID, p.ParticipantID, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.come(ctx, l.ID, bot, ""); !errors.Is(err, classroom.ErrRemoved) {
			t.Error(err)
		}
		other := classroom.Identity{Key: "bot:2", Name: "Other", Role: classroom.RoleViewer}
		if _, err := s.come(ctx, l.ID, other, ""); err != nil {
			t.Fatal(err)
		}
		s.close(ctx)
		if here() != 0 {
			t.Error("it outlives the door")
		}
		if _, err := s.come(ctx, l.ID, other, ""); !errors.Is(err, classroom.ErrClosing) {
			t.Error(err)
		}
		if err := reg.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// FuzzBody: whatever comes is refused by a fault of the table or fits the
// type, and never an empty complaint.
func FuzzBody(f *testing.F) {
	s := newSchemas()
	var types []reflect.Type
	for _, o := range operations(true) {
		if o.hasJSONBody() {
			types = append(types, o.body)
			s.of(o.body)
		}
	}
	for i := range types {
		f.Add(uint8(i), []byte(`{"title":"x","role":"viewer","scopes":["chat:read"],"expiresIn":60,"startsAt":null}`))
	}
	f.Add(uint8(0), []byte(`{"title":"\ud800","startsAt":"9999-12-31T23:59:60Z"}`))
	f.Add(uint8(1), []byte(strings.Repeat("[", 100000)))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		typ := types[int(which)%len(types)]
		v := reflect.New(typ)
		err := s.readBody(body, typ, v.Interface())
		var bad *invalid
		switch {
		case err == nil:
			if again, merr := json.Marshal(v.Interface()); merr == nil && len(again) == 0 {
				t.Fatal("nothing")
			}
		case errors.As(err, &bad):
			for _, c := range bad.complaints {
				if c.Detail == "" {
					t.Fatalf("an empty complaint about %q", body)
				}
			}
		case !fault.Known(err):
			t.Fatalf("%q: %v", body, err)
		}
	})
}

func FuzzQuery(f *testing.F) {
	s := newSchemas()
	list := s.params(reflect.TypeFor[chatFilter]())
	f.Add("limit=5&cursor=eyJpIjoieCJ9&after=3")
	f.Add("limit=%00&limit=2;a")
	f.Fuzz(func(t *testing.T, query string) {
		var p chatFilter
		err := s.readParams(list, func(string) string { return "bio" }, query, reflect.ValueOf(&p).Elem())
		if err == nil && (p.Limit < 1 || p.Limit > 200 || p.After < 0) {
			t.Fatalf("%q passes as %+v", query, p)
		}
		if err != nil && !fault.Known(err) {
			t.Fatal(err)
		}
		if at, ok, err := p.begin(); ok && err == nil && at.cursor() != p.Cursor {
			t.Fatalf("%q is another cursor than %q", p.Cursor, at.cursor())
		}
	})
}
