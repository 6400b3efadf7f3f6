package signaling_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/classroom/files"
	"kelas/classroom/store"
	"kelas/signaling"
	"kelas/signaling/auth"
	"kelas/signaling/outbound"
	"kelas/signaling/rest"
	"kelas/signaling/socket"
	"kelas/signaling/webhook"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// site is a whole server but for live media, on a real database and disk.
type site struct {
	t       *testing.T
	url     string
	auth    *signaling.Auth
	store   *classroomtest.FaultyStore
	classes *classroom.Registry
	shelf   *files.Shelf
	server  *signaling.Server
	metrics *signaling.Metrics
	log     *syncBuffer
	client  *http.Client
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newSite(t *testing.T, cfg signaling.Config) *site {
	t.Helper()
	s := &site{t: t, log: &syncBuffer{}, metrics: signaling.NewMetrics()}
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Config{DataDir: dir, Observe: s.metrics.ObserveStore}, log)
	must(err)
	t.Cleanup(func() { must(db.Close()) })
	s.store = classroomtest.NewFaultyStore(db)
	s.shelf, err = files.New(files.Config{Dir: filepath.Join(dir, "files"), MaxSize: 1 << 20, ClassQuota: 2 << 20}, s.store, log)
	must(err)
	t.Cleanup(func() { must(s.shelf.Close()) })
	caller, err := outbound.New(outbound.Config{Allow: []string{"127.0.0.1"}})
	must(err)
	t.Cleanup(caller.Close)
	hooks, err := webhook.New(t.Context(), webhook.Config{}, webhook.Deps{Store: s.store, Caller: caller, Log: log})
	must(err)
	t.Cleanup(hooks.Close)
	s.classes, err = classroom.NewRegistry(classroom.Config{}, classroom.Deps{Store: s.store, Files: s.shelf, Log: log})
	must(err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		must(s.classes.Close(ctx))
	})
	s.classes.Observe(hooks)
	s.auth, err = signaling.NewAuth(t.Context(), auth.Config{AccountBurst: 3}, s.store)
	must(err)
	sock, err := socket.New(socket.Config{Registry: s.classes, Admit: signaling.Admit(s.auth.Gate), ClientAddr: signaling.ClientAddr}, log)
	must(err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		must(sock.Close(ctx))
	})
	cfg.Web.FileMaxSize = 1 << 20
	s.server, err = signaling.New(cfg, signaling.Deps{Registry: s.classes, Store: s.store, Shelf: s.shelf, Auth: s.auth,
		Socket: sock, SocketStats: sock.Stats, Webhooks: hooks, Outbound: caller, Metrics: s.metrics, Log: log})
	must(err)
	t.Cleanup(func() { must(s.server.Close(context.Background())) })
	ts := httptest.NewUnstartedServer(nil)
	ts.Config = s.server.HTTPServer()
	ts.Start()
	t.Cleanup(ts.Close)
	s.url, s.client = ts.URL, ts.Client()
	return s
}

// account makes an account with goodPassword.
func (s *site) account(name, role string) auth.Account {
	s.t.Helper()
	a, err := s.auth.Accounts.Create(s.t.Context(), auth.NewAccount{Name: name, DisplayName: strings.ToUpper(name[:1]) + name[1:], Role: role, Password: goodPassword})
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

const goodPassword = "hujan di bulan juni"

func (s *site) lesson(title, ownerID string) string {
	s.t.Helper()
	l, err := s.classes.CreateLesson(s.t.Context(), title, ownerID)
	if err != nil {
		s.t.Fatal(err)
	}
	return l.ID
}

func (s *site) token(c auth.JoinClaims) string {
	s.t.Helper()
	if c.Expires.IsZero() {
		c.Expires = time.Now().Add(time.Hour)
	}
	token, err := s.auth.Signer.Join(c)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// join brings somebody into a class as the socket does.
func (s *site) join(classID string, id auth.Identity) *classroom.Session {
	s.t.Helper()
	session, _, err := s.classes.Join(s.t.Context(), classroom.JoinRequest{ClassID: classID, Outlet: classroomtest.NewOutlet(),
		Identity: classroom.Identity{Key: id.Key, UserID: id.UserID, Name: id.Name, Role: classroom.Role(id.Role)}})
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}

// recorded waits until the attendance of a class is in the store.
func (s *site) recorded(classID string, enough func([]classroom.Attendance) bool) {
	s.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		list, err := s.classes.Attendance(s.t.Context(), classID)
		if err != nil {
			s.t.Fatal(err)
		}
		if enough(list) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("attendance is not recorded: %+v", list)
		}
	}
}

// browser is a person with cookies who does not follow redirections unseen.
type browser struct {
	*site
	client *http.Client
	csrf   string // of the page that was read last
	lang   string
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{site: s, lang: "en", client: &http.Client{Jar: jar, Transport: s.client.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// page is an answer that was read.
type page struct {
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, path string, body io.Reader, header ...string) page {
	b.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = b.url + path
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", b.lang)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := page{res.StatusCode, res.Header, string(raw)}
	if m := csrfField.FindStringSubmatch(p.body); m != nil {
		b.csrf = m[1]
	}
	return p
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

func (b *browser) get(path string) page { b.t.Helper(); return b.do("GET", path, nil) }

func (b *browser) post(path string, pairs ...string) page {
	b.t.Helper()
	v := url.Values{"csrf": {b.csrf}}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return b.do("POST", path, strings.NewReader(v.Encode()), "Content-Type", "application/x-www-form-urlencoded")
}

func (b *browser) login(name string) *browser {
	b.t.Helper()
	b.get("/login")
	if p := b.post("/login", "name", name, "password", goodPassword); p.status != http.StatusSeeOther {
		b.t.Fatalf("log-in of %s: %d", name, p.status)
	}
	b.get("/classes")
	return b
}

func (p page) code(t *testing.T) string {
	t.Helper()
	var v struct{ Code, Message string }
	if err := json.Unmarshal([]byte(p.body), &v); err != nil {
		t.Fatalf("not an error in JSON: %d %.200q", p.status, p.body)
	}
	if v.Message == "" {
		t.Errorf("%s has no message", v.Code)
	}
	return v.Code
}

func (p page) wants(t *testing.T, status int, parts ...string) page {
	t.Helper()
	if p.status != status {
		t.Fatalf("status %d instead of %d: %.300s", p.status, status, p.body)
	}
	for _, part := range parts {
		if !strings.Contains(p.body, part) {
			t.Fatalf("%q is not on the page: %.2000s", part, p.body)
		}
	}
	return p
}

func (p page) to(t *testing.T, location string) {
	t.Helper()
	if p.status != http.StatusSeeOther || p.header.Get("Location") != location {
		t.Fatalf("%d to %q instead of %q: %.300s", p.status, p.header.Get("Location"), location, p.body)
	}
}

// serve serves a door of its own beside the site.
func (s *site) serve(t *testing.T, door *rest.Door) string {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	door.Register(e)
	ts := httptest.NewServer(e)
	t.Cleanup(ts.Close)
	return ts.URL
}
