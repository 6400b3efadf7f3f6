package signaling_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/signaling"
	"kelas/signaling/auth"
	"kelas/signaling/rest"
)

// Many send the same creation at once: one thing is made, and everybody who
// is answered hears of that one.
func TestIdempotencyKeys(t *testing.T) {
	s := newSite(t, signaling.Config{})
	p := s.program("lessons:write", "lessons:read", "keys:write", "chat:write")
	var mu sync.Mutex
	made := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				got := p.do("POST", "/lessons", `{"title":"Biology"}`, "Idempotency-Key", "same")
				if got.status == http.StatusConflict {
					continue // it is being worked on
				}
				mu.Lock()
				made[fmt.Sprint(got.status)+got.body]++
				mu.Unlock()
				return
			}
		})
	}
	wg.Wait()
	if len(made) != 1 {
		t.Errorf("%d different answers: %v", len(made), made)
	}
	lessons := decode[struct{ Items []struct{ ID string } }](t, p.do("GET", "/lessons", ""), 200)
	if len(lessons.Items) != 1 {
		t.Errorf("%d lessons were made", len(lessons.Items))
	}
	// Another request under the key, another operation, another program.
	if code := p.do("POST", "/lessons", `{"title":"Chemistry"}`, "Idempotency-Key", "same").problem(t, 422); code != "idempotencyReused" {
		t.Error(code)
	}
	id := lessons.Items[0].ID
	p.do("POST", "/classes/"+id+"/chat", `{"text":"hello"}`, "Idempotency-Key", "same").wants(t, 201)
	p.do("POST", "/classes/"+id+"/chat", `{"text":"hello"}`, "Idempotency-Key", "same").wants(t, 201)
	if seq, err := s.store.LastChatSeq(t.Context(), id); err != nil || seq != 1 {
		t.Errorf("%d messages %v", seq, err)
	}
	other := s.program("lessons:write")
	if got := other.do("POST", "/lessons", `{"title":"Biology"}`, "Idempotency-Key", "same"); got.status != 201 || strings.Contains(got.body, id) {
		t.Errorf("another program gets %s", got.body)
	}
	// A request that failed leaves the key free; a secret is not kept.
	p.do("POST", "/lessons", `{"title":"x","ownerId":"nobody"}`, "Idempotency-Key", "k2").problem(t, 422)
	p.do("POST", "/lessons", `{"title":"x"}`, "Idempotency-Key", "k2").wants(t, 201)
	first := p.do("POST", "/api-keys", `{"name":"a","scopes":["chat:write"]}`, "Idempotency-Key", "k3").wants(t, 201, `"secret":"kelas_`)
	again := p.do("POST", "/api-keys", `{"name":"a","scopes":["chat:write"]}`, "Idempotency-Key", "k3").wants(t, 201)
	if strings.Contains(again.body, "secret") || !strings.HasPrefix(again.body, strings.Split(first.body, `,"secret"`)[0]) {
		t.Errorf("the repetition: %s", again.body)
	}
	for _, bad := range []string{strings.Repeat("k", 256), "two words"} {
		p.do("POST", "/lessons", `{"title":"x"}`, "Idempotency-Key", bad).problem(t, 422)
	}
}

// The server dies between making a lesson and keeping the answer: while it
// may still be at work the repetition is told to wait, and then finds it.
func TestIdempotencyKeysOverACrash(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	s := newSite(t, signaling.Config{Rest: rest.Config{Now: clock}})
	p := s.program("lessons:write")
	lost := &losing{Store: s.store, lose: true}
	door, err := rest.New(rest.Config{Now: clock}, rest.Deps{Classes: s.classes, Shelf: s.shelf, Requests: lost, Accounts: s.auth.Accounts,
		Keys: s.auth.Keys, Signer: s.auth.Signer, Client: func(*http.Request) rest.Client { return rest.Client{} }})
	if err != nil {
		t.Fatal(err)
	}
	crashing := s.serve(t, door)
	ask := func(url string) page {
		b := s.browser()
		return b.do("POST", url+"/api/v1/lessons", strings.NewReader(`{"title":"Biology"}`), "Authorization", "Bearer "+p.secret,
			"Content-Type", "application/json", "Idempotency-Key", "k")
	}
	first := ask(crashing) // its answer is lost on the way, and so is what was kept
	id := decode[struct{ ID string }](t, first, 201).ID
	if code := ask(s.url).problem(t, 409); code != "idempotencyBusy" {
		t.Error(code)
	}
	mu.Lock()
	now = now.Add(3 * time.Minute)
	mu.Unlock()
	if again := decode[struct{ ID string }](t, ask(s.url), 201).ID; again != id {
		t.Errorf("made twice: %s and %s", id, again)
	}
	if list, err := s.classes.Lessons(t.Context(), ""); err != nil || len(list) != 1 {
		t.Errorf("%d lessons %v", len(list), err)
	}
}

// What is kept of a request cannot be guessed at: who reads the database
// knows all of a new account but its password.
func TestIdempotencyKeepsNoPassword(t *testing.T) {
	s := newSite(t, signaling.Config{})
	kept := &noting{Store: s.store}
	door, err := rest.New(rest.Config{}, rest.Deps{Classes: s.classes, Shelf: s.shelf, Requests: kept, Accounts: s.auth.Accounts,
		Keys: s.auth.Keys, Signer: s.auth.Signer, Client: func(*http.Request) rest.Client { return rest.Client{} }})
	if err != nil {
		t.Fatal(err)
	}
	url := s.serve(t, door)
	for range 2 { // the same request, each with a key of its own
		s.browser().do("POST", url+"/api/v1/users", strings.NewReader(`{"name":"rina","role":"student","password":"kuda-laut-7"}`),
			"Authorization", "Bearer "+s.program("users:write").secret, "Content-Type", "application/json", "Idempotency-Key", "k")
	}
	if len(kept.fingerprints) != 2 || kept.fingerprints[0] == kept.fingerprints[1] {
		t.Errorf("a fingerprint is made of what can be guessed: %v", kept.fingerprints)
	}
}

// noting remembers the fingerprints of requests.
type noting struct {
	classroom.Store
	fingerprints []string
}

func (n *noting) PutIdempotent(ctx context.Context, r classroom.Idempotent) error {
	n.fingerprints = append(n.fingerprints, r.Fingerprint)
	return n.Store.PutIdempotent(ctx, r)
}

// losing forgets to keep answers.
type losing struct {
	classroom.Store
	lose bool
}

func (l *losing) UpdateIdempotent(ctx context.Context, r classroom.Idempotent) (classroom.Idempotent, error) {
	if l.lose {
		return r, classroom.ErrStoreUnavailable
	}
	return l.Store.UpdateIdempotent(ctx, r)
}

// Two edit what both have read: one wins, the other is told to read again.
func TestEditsNameTheirVersion(t *testing.T) {
	s := newSite(t, signaling.Config{})
	p := s.program("lessons:write", "lessons:read", "users:read", "users:write", "classes:write", "classes:read")
	id := s.lesson("Biology", "")
	path := "/lessons/" + id
	read := p.do("GET", path, "")
	tag := read.header.Get("ETag")
	if got := p.do("GET", path, "", "If-None-Match", "W/"+tag); got.status != http.StatusNotModified || got.body != "" {
		t.Errorf("%d %q", got.status, got.body)
	}
	if code := p.do("PATCH", path, `{"title":"x"}`).problem(t, 428); code != "preconditionRequired" {
		t.Error(code)
	}
	for _, stale := range []string{`"99"`, "W/" + tag, "x", tag[:len(tag)-1]} {
		if code := p.do("PATCH", path, `{"title":"x"}`, "If-Match", stale).problem(t, 412); code != "preconditionFailed" {
			t.Error(stale, code)
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for i := range 6 {
		wg.Go(func() {
			a := p.do("PATCH", path, fmt.Sprintf(`{"title":"Title %d"}`, i), "If-Match", tag)
			mu.Lock()
			got[a.status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if got[200] != 1 || got[412] != 5 {
		t.Errorf("%v", got)
	}
	p.do("PATCH", path, `{"title":"Last","startsAt":"2026-12-01T08:00:00Z"}`, "If-Match", "*").wants(t, 200, `"startsAt":"2026-12-01T08:00:00Z"`)
	if after := p.do("PATCH", path, `{"startsAt":null}`, "If-Match", "*"); after.status != 200 || strings.Contains(after.body, "startsAt") {
		t.Errorf("%s", after.body)
	}
}

// Without a key, with one that is wrong in any way, or without the scope,
// every operation says no.
func TestNobodyComesInByMistake(t *testing.T) {
	s := newSite(t, signaling.Config{})
	class := s.lesson("Biology", "")
	expired, expiredSecret, err := s.auth.Keys.Create(t.Context(), auth.NewAPIKey{Name: "x", Scopes: []string{"lessons:read"}, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := s.store.APIKey(t.Context(), expired.ID)
	if err != nil {
		t.Fatal(err)
	}
	stored.ExpiresAt = time.Now().Add(-time.Second)
	if _, err := s.store.UpdateAPIKey(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	elsewhere := newSite(t, signaling.Config{}).program("lessons:read")
	join := s.token(auth.JoinClaims{ClassID: class, Role: auth.RolePresenter, Name: "Dewi"})
	c := readContract(t, s.program("lessons:read"))
	weak := s.program("recordings:read")
	teacher := s.browser()
	s.account("kepala", auth.AccountAdmin)
	teacher.login("kepala") // cookies open no door here
	for id, o := range c.ops {
		path := strings.NewReplacer("{lesson}", class, "{class}", class, "{participant}", "p", "{file}", "f", "{user}", "u", "{key}", "k", "{webhook}", "w", "{delivery}", "d").Replace(o.path)
		for what, secret := range map[string]string{"nothing": "", "nonsense": "x", "expired": expiredSecret, "another server's": elsewhere.secret,
			"a join token": join, "cut": expiredSecret[:len(expiredSecret)-1]} {
			if got := (&program{s, secret}).do(o.method, path, ""); got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %s: %d", id, what, got.status)
			}
		}
		if got := teacher.do(o.method, s.url+"/api/v1"+path, nil); got.status != 401 {
			t.Errorf("%s with a log-in: %d", id, got.status)
		}
		got := weak.do(o.method, path, "")
		if id == "getMe" || id == "listRecordings" || id == "leaveAsBot" {
			continue
		}
		if code := got.problem(t, 403); code != "scopeMissing" {
			t.Errorf("%s: %s", id, code)
		}
	}
	for _, path := range []string{"/nothing", "/lessons/", "", "/lessons/x/y"} {
		if code := weak.do("GET", path, "").problem(t, 404); code != "notFound" {
			t.Errorf("%s: %s", path, code)
		}
	}
	if code := weak.do("PUT", "/lessons", "").problem(t, 405); code != "methodNotAllowed" {
		t.Error(code)
	}
	if strings.Contains(s.log.String(), weak.secret) || strings.Contains(s.log.String(), join) {
		t.Error("the log has a secret")
	}
}

// What a key cannot do it cannot give to another, or take for itself.
func TestKeysDoNotGrow(t *testing.T) {
	s := newSite(t, signaling.Config{})
	admin := s.account("kepala", auth.AccountAdmin)
	p := s.program("keys:write", "users:write", "users:read", "chat:read")
	if code := p.do("POST", "/api-keys", `{"name":"x","scopes":["chat:read","users:admin"]}`).problem(t, 403); code != "scopeMissing" {
		t.Error(code)
	}
	p.do("POST", "/users", `{"name":"evil","role":"admin","password":"hujan di bulan juni"}`).problem(t, 403)
	made := decode[struct{ ID string }](t, p.do("POST", "/users", `{"name":"budi","role":"student","password":"hujan di bulan juni"}`), 201)
	p.do("PATCH", "/users/"+made.ID, `{"role":"admin"}`, "If-Match", "*").problem(t, 403)
	p.do("PATCH", "/users/"+admin.ID, `{"password":"a new password 1"}`, "If-Match", "*").problem(t, 403)
	p.do("DELETE", "/users/"+admin.ID, "").problem(t, 403)
	strong := s.program("users:write", "users:admin")
	for _, change := range []string{`{"role":"teacher"}`, `{"disabled":true}`} {
		strong.do("PATCH", "/users/"+admin.ID, change, "If-Match", "*").problem(t, 422) // the last one
	}
	strong.do("DELETE", "/users/"+admin.ID, "").problem(t, 422)
	// A new password ends the log-ins.
	b := s.browser().login("budi")
	p.do("PATCH", "/users/"+made.ID, `{"password":"another good one"}`, "If-Match", "*").wants(t, 200)
	if got := b.get("/classes"); got.status != http.StatusSeeOther {
		t.Errorf("the log-in outlives the password: %d", got.status)
	}
	p.do("POST", "/users", `{"name":"cici","role":"student","password":"password"}`).problem(t, 422)
}

func TestLimitsOfTheAPI(t *testing.T) {
	s := newSite(t, signaling.Config{Rest: rest.Config{Rate: 5, Origins: []string{lms}}})
	p := s.program("lessons:write", "files:write", "lessons:read", "files:read", "attendance:read")
	if code := p.do("POST", "/lessons", `{"title":"`+strings.Repeat("x", 70<<10)+`"}`).problem(t, 413); code != "messageTooLarge" {
		t.Error(code)
	}
	p.do("POST", "/lessons", "x=1", "Content-Type", "application/x-www-form-urlencoded").problem(t, 415)
	got := p.do("GET", "/lessons", "", "Origin", lms)
	if got.header.Get("RateLimit") == "" || got.header.Get("Access-Control-Allow-Origin") != lms {
		t.Errorf("%v", got.header)
	}
	if got := p.do("GET", "/lessons", "", "Origin", "https://evil.example"); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("any origin may read")
	}
	p.do("GET", "/lessons", "").wants(t, 200)
	over := p.do("GET", "/lessons", "")
	if code := over.problem(t, 429); code != "tooFast" || over.header.Get("Retry-After") == "" || !strings.Contains(over.header.Get("RateLimit"), "r=0") {
		t.Error(code, over.header)
	}
	s.program("lessons:read").do("GET", "/lessons", "").wants(t, 200) // each key by itself

	b := s.browser()
	ask := []string{"Access-Control-Request-Method", "PATCH"}
	if got := b.do("OPTIONS", s.url+"/api/v1/lessons", nil, append(ask, "Origin", lms)...); got.status != 204 || !strings.Contains(got.header.Get("Access-Control-Allow-Methods"), "PATCH") {
		t.Errorf("%d %v", got.status, got.header)
	}
	if got := b.do("OPTIONS", s.url+"/api/v1/lessons", nil, append(ask, "Origin", "https://evil.example")...); got.header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("%v", got.header)
	}
	closed := newSite(t, signaling.Config{})
	if got := closed.program("lessons:read").do("GET", "/lessons", "", "Origin", lms); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("CORS is on by itself")
	}
}

func TestFilesOverTheAPI(t *testing.T) {
	s := newSite(t, signaling.Config{})
	p := s.program("files:write", "files:read")
	class := s.lesson("Biology", "")
	dewi := s.join(class, auth.Identity{Key: "token:dewi", Name: "Dewi", Role: auth.RoleViewer})
	put := func(body string, header ...string) page {
		return p.do("POST", "/classes/"+class+"/files?name=a.txt", body, append([]string{"Content-Type", "application/octet-stream"}, header...)...)
	}
	first := put("some words", "Idempotency-Key", "k").wants(t, 201)
	if again := put("some words", "Idempotency-Key", "k"); again.body != first.body || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d %s", again.status, again.body)
	}
	put("other word", "Idempotency-Key", "k").problem(t, 422) // as long, and another
	put(strings.Repeat("x", 2<<20)).problem(t, 413)
	put("").problem(t, 400)
	put("x", "Content-Type", "multipart/form-data; boundary=x").problem(t, 415)
	if files, err := dewi.Files(t.Context()); err != nil || len(files) != 1 || files[0].OwnerName != "Robot" {
		t.Errorf("the class has %+v %v", files, err)
	}
	id := decode[struct{ ID string }](t, first, 201).ID
	got := p.do("GET", "/classes/"+class+"/files/"+id+"/content", "", "Range", "bytes=5-9")
	if got.status != http.StatusPartialContent || got.body != "words" || !strings.Contains(got.header.Get("Content-Disposition"), "a.txt") {
		t.Errorf("%d %q", got.status, got.body)
	}
	p.do("DELETE", "/classes/"+class+"/files/"+id, "").wants(t, 204)
	if files, _ := dewi.Files(t.Context()); len(files) != 0 {
		t.Error("the class still has the file")
	}
	p.do("GET", "/classes/"+class+"/files/"+id, "").problem(t, 404)
}

func TestKeySet(t *testing.T) {
	s := newSite(t, signaling.Config{})
	got := s.browser().get("/.well-known/jwks.json").wants(t, 200, `"crv":"Ed25519"`, `"alg":"EdDSA"`)
	if strings.Contains(got.body, `"d"`) || got.header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%s %v", got.body, got.header)
	}
}
