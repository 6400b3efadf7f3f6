package webhook_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/classroom/store"
	"kelas/signaling/outbound"
	"kelas/signaling/webhook"
)

// lms is a receiver on loopback that checks signatures and keeps what came,
// once for each message.
type lms struct {
	secret atomic.Value
	broken atomic.Bool

	mu    sync.Mutex
	types []string
	seen  map[string]bool
	bad   int
	news  chan struct{}
}

func (l *lms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var e struct{ Type string }
	l.mu.Lock()
	defer l.mu.Unlock()
	secret, _ := l.secret.Load().(string)
	switch {
	case err != nil || json.Unmarshal(body, &e) != nil || !webhook.Verify(r.Header, secret, body, time.Now(), time.Minute):
		l.bad++
		w.WriteHeader(http.StatusBadRequest)
		return
	case l.broken.Load():
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if id := r.Header.Get(webhook.HeaderID); !l.seen[id] {
		l.seen[id] = true
		l.types = append(l.types, e.Type)
	}
	select {
	case l.news <- struct{}{}:
	default:
	}
}

func (l *lms) got() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.types)
}

// waitFor waits until the last thing that came is want.
func (l *lms) waitFor(t *testing.T, want string) []string {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		got := l.got()
		if len(got) > 0 && got[len(got)-1] == want {
			return got
		}
		select {
		case <-l.news:
		case <-deadline:
			t.Fatalf("%s did not come; there is %v", want, got)
		}
	}
}

// server is the part of a process that this is about, over one database.
type server struct {
	db      classroom.Store
	caller  *outbound.Client
	hooks   *webhook.Engine
	classes *classroom.Registry
}

func startServer(t *testing.T, dir string) *server {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &server{}
	var err error
	log := slog.New(slog.DiscardHandler)
	s.db, err = store.OpenSQLite(t.Context(), filepath.Join(dir, "kelas.db"), log)
	must(err)
	s.caller, err = outbound.New(outbound.Config{Allow: []string{"127.0.0.1"}})
	must(err)
	s.hooks, err = webhook.New(t.Context(), webhook.Config{RetryFirst: 20 * time.Millisecond, RetryMax: 50 * time.Millisecond},
		webhook.Deps{Store: s.db, Caller: s.caller, Log: log})
	must(err)
	s.classes, err = classroom.NewRegistry(classroom.Config{}, classroom.Deps{Store: s.db, Log: log})
	must(err)
	s.classes.Observe(s.hooks)
	must(s.classes.Recover(t.Context()))
	return s
}

func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.classes.Close(context.Background()); err != nil {
		t.Error(err)
	}
	s.hooks.Close()
	s.caller.Close()
	if err := s.db.Close(); err != nil {
		t.Error(err)
	}
}

func (s *server) join(t *testing.T, class, name string, role classroom.Role) *classroom.Session {
	t.Helper()
	p, _, err := s.classes.Join(t.Context(), classroom.JoinRequest{ClassID: class, Outlet: classroomtest.NewOutlet(),
		Identity: classroom.Identity{Key: "guest:" + name, Name: name, Role: role}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFromTheClassToTheReceiver runs the whole way over a real database and
// real HTTP, with a receiver that is broken while the server stops and starts.
func TestFromTheClassToTheReceiver(t *testing.T) {
	l := &lms{seen: map[string]bool{}, news: make(chan struct{}, 1)}
	web := httptest.NewServer(l)
	defer web.Close()
	dir := t.TempDir()
	s := startServer(t, dir)
	lesson, err := s.classes.CreateLesson(t.Context(), "Fisika", "")
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.hooks.Create(t.Context(), classroom.Webhook{URL: web.URL + "/in", ClassID: lesson.ID})
	if err != nil {
		t.Fatal(err)
	}
	l.secret.Store(w.Secret)
	teacher := s.join(t, lesson.ID, "Bu Rina", classroom.RolePresenter)
	if _, err := teacher.SendChat(t.Context(), classroom.ChatRequest{Kind: classroom.ChatMessage, Text: "halo"}); err != nil {
		t.Fatal(err)
	}
	l.waitFor(t, classroom.ChatSent)
	l.broken.Store(true)
	budi := s.join(t, lesson.ID, "Budi", classroom.RoleViewer)
	budi.Leave(t.Context())
	s.stop(t)

	s = startServer(t, dir)
	teacher = s.join(t, lesson.ID, "Bu Rina", classroom.RolePresenter)
	l.broken.Store(false)
	if err := teacher.EndClass(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := l.waitFor(t, classroom.LessonEnded)
	s.stop(t)
	want := []string{"lesson.started", "participant.joined", "chat.message", "participant.joined", "participant.left",
		"participant.left", "participant.joined", "participant.left", "lesson.ended"}
	if !slices.Equal(got, want) || l.bad != 0 {
		t.Fatalf("%d bad signatures, and it came\n%v\nwant\n%v", l.bad, got, want)
	}
}
