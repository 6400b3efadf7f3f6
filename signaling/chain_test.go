package signaling_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kelas/classroom"
	"kelas/signaling"
	"kelas/signaling/auth"
	"kelas/signaling/socket"
	"kelas/signaling/web"
)

// ask sends one request straight into the handler, from any address.
func (s *site) ask(r *http.Request) *http.Response {
	rec := httptest.NewRecorder()
	s.server.Handler().ServeHTTP(rec, r)
	return rec.Result()
}

func from(addr, method, path string, header ...string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = addr + ":1234"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id := s.lesson("A", "")
	b := s.student(id, "dewi", auth.RoleViewer)
	file := b.share(id, "a.txt", []byte("hello"))
	for _, path := range []string{"/", "/login", "/setup", "/classes", "/account", "/admin/users", "/nothing", "/c/" + id, "/c/" + id + "/after",
		"/c/" + id + "/files/" + file, "/c/" + id + "/attendance", "/c/nothere", "/static/css/site.css", "/static/nothing", "/healthz", "/readyz", "/metrics",
		"/socket.io/?EIO=4&transport=polling", "/c/" + id + "/uploads/x"} {
		for _, method := range []string{"GET", "POST", "HEAD", "PUT"} {
			p := b.do(method, path, nil)
			csp := p.header.Get("Content-Security-Policy")
			for _, part := range []string{"default-src ", "frame-ancestors 'none'"} {
				if !strings.Contains(csp, part) {
					t.Errorf("%s %s: policy %q", method, path, csp)
				}
			}
			for _, never := range []string{"unsafe-inline", "unsafe-eval", "http:", "https:", "*"} {
				if strings.Contains(csp, never) {
					t.Errorf("%s %s: policy allows %s: %q", method, path, never, csp)
				}
			}
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin"} {
				if got := p.header.Get(name); got != want {
					t.Errorf("%s %s: %s is %q", method, path, name, got)
				}
			}
			if len(p.header.Get("X-Request-Id")) != 16 || p.header.Get("Permissions-Policy") == "" || p.header.Get("Referrer-Policy") == "" {
				t.Errorf("%s %s: %v", method, path, p.header)
			}
			if p.header.Get("Strict-Transport-Security") != "" {
				t.Errorf("%s %s: HSTS over plain HTTP", method, path)
			}
			if p.status >= 500 {
				t.Errorf("%s %s: %d", method, path, p.status)
			}
		}
	}
}

func TestPagesHaveNothingInline(t *testing.T) {
	s := newSite(t, signaling.Config{})
	s.account("root1", auth.AccountAdmin)
	b := s.browser().login("root1")
	b.post("/classes/new", "title", "A")
	for _, path := range []string{"/classes", "/classes/new", "/account", "/admin/users", "/nothing"} {
		p := b.get(path)
		for _, bad := range []string{" style=", "<style", " onclick=", "javascript:", "<script>"} {
			if strings.Contains(p.body, bad) {
				t.Errorf("%s has %s", path, bad)
			}
		}
		for _, part := range []string{`<main id="main"`, `href="#main"`, "<h1", `<html lang="en">`} {
			if !strings.Contains(p.body, part) {
				t.Errorf("%s lacks %s", path, part)
			}
		}
	}
}

func TestStaticFiles(t *testing.T) {
	s := newSite(t, signaling.Config{})
	b := s.browser()
	body := b.get("/login").body
	at := strings.Index(body, "/static/v-")
	address := body[at : at+strings.Index(body[at:], `"`)]
	version := strings.Split(address, "/")[2]
	p := b.get("/static/"+version+"/css/site.css").wants(t, 200, "s-card")
	if !strings.Contains(p.header.Get("Cache-Control"), "immutable") || p.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Error(p.header)
	}
	if p := b.get("/static/v-old/css/site.css").wants(t, 200, "s-card"); p.header.Get("Cache-Control") != "no-cache" {
		t.Error("an old version is kept for ever")
	}
	p = b.do("GET", "/static/css/site.css", nil, "Accept-Encoding", "gzip").wants(t, 200)
	if p.header.Get("Content-Encoding") != "gzip" || !strings.HasPrefix(p.body, "\x1f\x8b") || p.header.Get("Vary") != "Accept-Encoding" {
		t.Error(p.header)
	}
	etag := p.header.Get("Etag")
	if p := b.do("GET", "/static/css/site.css", nil, "Accept-Encoding", "gzip", "If-None-Match", etag); p.status != 304 {
		t.Error(p.status)
	}
	for _, path := range []string{"/static/../server.go", "/static/%2e%2e/fs.go", "/static/fs.go", "/static/", "/static/css", "/static/js/../../fs.go"} {
		if p := b.get(path); p.status != 404 {
			t.Errorf("%s: %d", path, p.status)
		}
	}
}

func TestHealth(t *testing.T) {
	s := newSite(t, signaling.Config{})
	b := s.browser()
	b.get("/healthz").wants(t, 200, "ok")
	b.get("/readyz").wants(t, 200, "ok")
	s.store.Fail(classroom.ErrStoreUnavailable)
	b.get("/readyz").wants(t, 503, "store")
	b.get("/healthz").wants(t, 200)
	s.store.Fail(nil)
	b.get("/readyz").wants(t, 200)
	s.server.Closing()
	b.get("/readyz").wants(t, 503, "stopping")
}

func TestADatabaseThatIsGoneIsExplained(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id := s.lesson("A", "")
	b := s.student(id, "dewi", auth.RoleViewer)
	s.store.Fail(classroom.ErrStoreUnavailable)
	p := b.get("/c/"+id+"/after").wants(t, 503, `data-code="storeUnavailable"`, "Nothing is lost")
	if p.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if p := b.tus("POST", "/c/"+id+"/uploads", nil, "Upload-Length", "5", "Upload-Metadata", named("a")); p.status != 503 || p.code(t) != "storeUnavailable" {
		t.Error(p.status, p.body)
	}
	s.store.Fail(nil)
	b.get("/c/"+id+"/after").wants(t, 200)
}

func TestMetrics(t *testing.T) {
	s := newSite(t, signaling.Config{MetricsToken: "sixteen characters"})
	s.join(s.lesson("A", ""), auth.Identity{Key: "token:1", Name: "Dewi", Role: auth.RoleViewer})
	b := s.browser()
	b.get("/metrics").wants(t, 200, "kelas_classes 1", "kelas_participants 1", "kelas_joins_total 1", "kelas_media_nacks_total 0", `kelas_join_seconds_count{role="viewer"} 0`,
		"kelas_outbox_evictions_total 0", "kelas_store_seconds_bucket", `kelas_store_seconds_count{op="PutLesson"} 1`, "kelas_socket_connections 0", "go_goroutines")
	for what, c := range map[string]struct {
		r      *http.Request
		status int
	}{
		"from elsewhere":       {from("192.0.2.1", "GET", "/metrics"), 404},
		"through a proxy here": {from("127.0.0.1", "GET", "/metrics", "X-Forwarded-For", "192.0.2.1"), 404},
		"with the token":       {from("192.0.2.1", "GET", "/metrics", "Authorization", "Bearer sixteen characters"), 200},
		"with a wrong one":     {from("192.0.2.1", "GET", "/metrics", "Authorization", "Bearer sixteen"), 404},
		"from here, over IPv6": {from("[::1]", "GET", "/metrics"), 200},
	} {
		if res := s.ask(c.r); res.StatusCode != c.status {
			t.Errorf("%s: %d", what, res.StatusCode)
		}
	}
	closed := newSite(t, signaling.Config{})
	if res := closed.ask(from("192.0.2.1", "GET", "/metrics", "Authorization", "Bearer ")); res.StatusCode != 404 {
		t.Error("an empty token opens the figures:", res.StatusCode)
	}
}

func TestOneAddressIsLimited(t *testing.T) {
	s := newSite(t, signaling.Config{RequestRate: 0.001, RequestBurst: 5})
	for i := range 5 {
		if res := s.ask(from("192.0.2.1", "GET", "/login")); res.StatusCode != 200 {
			t.Fatal(i, res.StatusCode)
		}
	}
	res := s.ask(from("192.0.2.1", "GET", "/login"))
	raw, _ := io.ReadAll(res.Body)
	var v struct{ Code string }
	if err := json.Unmarshal(raw, &v); err != nil || res.StatusCode != 429 || v.Code != "tooFast" || res.Header.Get("Retry-After") == "" {
		t.Fatal(res.StatusCode, string(raw))
	}
	for _, path := range []string{"/healthz", "/static/css/site.css"} {
		if res := s.ask(from("192.0.2.1", "GET", path)); res.StatusCode != 200 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	if res := s.ask(from("192.0.2.2", "GET", "/login")); res.StatusCode != 200 {
		t.Error("another address pays for it:", res.StatusCode)
	}
	// Who is no trusted proxy cannot choose its address.
	if res := s.ask(from("192.0.2.1", "GET", "/login", "X-Forwarded-For", "198.51.100.9")); res.StatusCode != 429 {
		t.Error("a made-up X-Forwarded-For opens the limit:", res.StatusCode)
	}
}

func TestTrustedProxies(t *testing.T) {
	s := newSite(t, signaling.Config{TrustedProxies: []string{"10.0.0.0/8", "2001:db8::1"}})
	last := func() (addr string) {
		lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
		var v struct{ Addr string }
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
			t.Fatal(err)
		}
		return v.Addr
	}
	for _, c := range []struct{ peer, xff, proto, want string }{
		{"192.0.2.1", "198.51.100.9", "https", "192.0.2.1"},
		{"10.1.2.3", "198.51.100.9", "https", "198.51.100.9"},
		{"10.1.2.3", "6.6.6.6, 198.51.100.9, 10.9.9.9", "https", "198.51.100.9"},
		{"10.1.2.3", "rubbish, 198.51.100.9", "http", "198.51.100.9"},
		{"10.1.2.3", "198.51.100.9, rubbish", "http", "10.1.2.3"},
		{"10.1.2.3", "", "", "10.1.2.3"},
		{"[2001:db8::1]", "[2001:db8:5::7]", "https", "2001:db8:5::7"},
	} {
		res := s.ask(from(c.peer, "GET", "/login", "X-Forwarded-For", c.xff, "X-Forwarded-Proto", c.proto))
		if got := last(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
		believed := c.peer != "192.0.2.1" && c.proto == "https"
		if secure := res.Header.Get("Strict-Transport-Security") != ""; secure != believed {
			t.Errorf("%+v: HSTS %v", c, secure)
		}
		for _, cookie := range res.Cookies() {
			if cookie.Secure != believed || !cookie.HttpOnly {
				t.Errorf("%+v: cookie %v", c, cookie)
			}
		}
	}
}

func TestLargeBodiesAreRefused(t *testing.T) {
	s := newSite(t, signaling.Config{})
	b := s.browser()
	b.get("/login")
	b.post("/login", "name", strings.Repeat("x", 100<<10), "password", "x").wants(t, 413, `data-code="messageTooLarge"`)
	b.post("/login", "name", strings.Repeat("x", 3<<20), "password", "x").wants(t, 413)
	b.do("POST", "/login", strings.NewReader("%zz=1"), "Content-Type", "application/x-www-form-urlencoded").wants(t, 400, `data-code="badMessage"`)
	b.post("/login", "name", "\x00\x01", "password", "x").wants(t, 401)
}

func TestTheLogHasNoSecrets(t *testing.T) {
	s := newSite(t, signaling.Config{})
	s.account("sari", auth.AccountTeacher)
	b := s.browser().login("sari")
	b.get("/classes?token=geheimnis")
	b.do("GET", "/classes", nil, "Authorization", "Bearer geheimnis")
	log := s.log.String()
	for _, secret := range []string{"geheimnis", goodPassword, strings.ReplaceAll(goodPassword, " ", "+"), b.csrf} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
	if !strings.Contains(log, `"path":"/classes"`) || !strings.Contains(log, `"status":303`) {
		t.Error("the log does not tell of requests")
	}
}

type panicking struct{ signaling.Registry }

func (panicking) Lesson(context.Context, string) (classroom.Lesson, error) { panic("boom") }

func TestAPanicFailsOneRequest(t *testing.T) {
	s := newSite(t, signaling.Config{})
	sock := http.NotFoundHandler()
	srv, err := signaling.New(signaling.Config{}, signaling.Deps{Registry: panicking{s.classes}, Store: s.store, Shelf: s.shelf, Auth: s.auth, Socket: sock})
	if err != nil {
		t.Fatal(err)
	}
	s.server = srv
	if res := s.ask(from("192.0.2.1", "GET", "/c/x")); res.StatusCode != 500 {
		t.Error(res.StatusCode)
	}
	if res := s.ask(from("192.0.2.1", "GET", "/login")); res.StatusCode != 200 {
		t.Error(res.StatusCode)
	}
}

func TestConfigNamesTheField(t *testing.T) {
	for field, c := range map[string]signaling.Config{
		"RequestRate": {RequestRate: -1}, "RequestBurst": {RequestBurst: -1}, "ReadTimeout": {ReadTimeout: -1},
		"MetricsToken": {MetricsToken: "short"}, "TrustedProxies": {TrustedProxies: []string{"proxy"}},
		"PublicURL": {Web: web.Config{PublicURL: "class.example.org"}}, "LinkTTL": {Web: web.Config{LinkTTL: -1}},
		"ICETransportPolicy": {Web: web.Config{ICETransportPolicy: "none"}},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
		if _, err := signaling.New(c, signaling.Deps{}); err == nil {
			t.Errorf("%s: a server was made", field)
		}
	}
	if err := (signaling.Config{}).Validate(); err != nil {
		t.Error(err)
	}
	if _, err := signaling.New(signaling.Config{}, signaling.Deps{}); err == nil {
		t.Error("a server without anything was made")
	}
}

func TestAdmitSpeaksInFaults(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id := s.lesson("A", "")
	admit := signaling.Admit(s.auth.Gate)
	good := s.token(auth.JoinClaims{ClassID: id, Role: auth.RoleModerator, ID: "j", Name: "Pak Joko"})
	who, err := admit(t.Context(), socket.Handshake{Request: from("192.0.2.1", "GET", "/socket.io/"), ClassID: id, Token: good})
	if err != nil || who != (classroom.Identity{Key: "token:j", Name: "Pak Joko", Role: classroom.RoleModerator}) {
		t.Fatal(who, err)
	}
	_, err = admit(t.Context(), socket.Handshake{Request: from("192.0.2.1", "GET", "/socket.io/"), ClassID: id, Token: "x"})
	if err == nil || !strings.Contains(err.Error(), "was not issued by this server") {
		t.Fatal(err)
	}
}

// A guest that keeps no cookies is the same guest again by its seat, and by
// nothing else; who has a token or an account of its own needs none.
func TestSeatInsteadOfCookies(t *testing.T) {
	s := newSite(t, signaling.Config{})
	id, other := s.lesson("A", ""), s.lesson("B", "")
	admit, seats := signaling.Admit(s.auth.Gate), signaling.Seats(s.auth.Gate)
	come := func(class, token, name string) (classroom.Identity, error) {
		return admit(t.Context(), socket.Handshake{Request: from("192.0.2.1", "GET", "/socket.io/"), ClassID: class, Token: token, Name: name})
	}
	invitation := s.token(auth.JoinClaims{ClassID: id, Role: auth.RoleViewer})
	first, err := come(id, invitation, "Ani")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := come(id, invitation, "Ani"); err != nil || again.Key == first.Key {
		t.Errorf("by the invitation and a name alone: %v %v", again, err)
	}
	seat, err := seats(id, invitation, first)
	if err != nil || seat == "" {
		t.Fatal(seat, err)
	}
	if again, err := come(id, seat, "Another Name"); err != nil || again != first {
		t.Errorf("by the seat: %v %v", again, err)
	}
	// A seat that made the next one would hold for ever.
	if next, err := seats(id, seat, first); next != "" || err != nil {
		t.Errorf("a seat for a seat: %q %v", next, err)
	}
	if _, err := come(other, seat, ""); err == nil {
		t.Error("the seat opened another class")
	}
	for _, key := range []string{"token:j", "user:u"} {
		if seat, err := seats(id, "", classroom.Identity{Key: key, Name: "Budi", Role: classroom.RoleViewer}); seat != "" || err != nil {
			t.Errorf("%s was given a seat: %v", key, err)
		}
	}
}
