package socket

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/classroom/store"
	"kelas/pipeline"
	"kelas/signaling/fault"
)

// patience is how long a test waits for what should come soon.
const patience = 20 * time.Second

// rig is a whole door: real classes, a real database, real media, a real
// network.
type rig struct {
	t        testing.TB
	server   *Server
	registry *classroom.Registry
	http     *httptest.Server
	classID  string
	admitted atomic.Int64
}

type rigOptions struct {
	socket    func(*Config)
	classroom classroom.Config
	listener  func(net.Listener) net.Listener
}

// newRig starts a door with one class.
func newRig(t testing.TB, o rigOptions) *rig {
	t.Helper()
	ctx := context.Background()
	r := &rig{t: t}
	st, err := store.OpenSQLite(ctx, filepath.Join(t.TempDir(), "test.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	media, err := pipeline.NewServer(pipeline.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = media.Close() })
	if o.classroom.ChatRate == 0 {
		o.classroom.ChatRate, o.classroom.ChatBurst = 100_000, 100_000
	}
	r.registry, err = classroom.NewRegistry(o.classroom, classroom.Deps{Store: st, Media: media})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.registry.Close(ctx) })
	lesson, err := r.registry.CreateLesson(ctx, "Fisika", "")
	if err != nil {
		t.Fatal(err)
	}
	r.classID = lesson.ID

	cfg := Config{Registry: r.registry, Admit: r.admit, EventsPerSecond: 100_000, EventsBurst: 100_000}
	if o.socket != nil {
		o.socket(&cfg)
	}
	r.server, err = New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", r.server)
	r.http = httptest.NewUnstartedServer(mux)
	if o.listener != nil {
		r.http.Listener = o.listener(r.http.Listener)
	}
	r.http.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		_ = r.server.Close(ctx)
		r.http.Close()
	})
	return r
}

// admit knows tokens such as "viewer:ani" and a few that are refused.
func (r *rig) admit(_ context.Context, h Handshake) (classroom.Identity, error) {
	switch h.Token {
	case "":
		return classroom.Identity{}, fault.ErrNoIdentity
	case "expired":
		return classroom.Identity{}, fault.ErrTokenExpired
	case "secret-failure":
		return classroom.Identity{}, errors.New("dial tcp 10.0.0.7: the secret detail")
	}
	if h.ClassID != r.classID {
		return classroom.Identity{}, fault.ErrTokenOtherClass
	}
	role, name, ok := strings.Cut(h.Token, ":")
	if !ok || !classroom.Role(role).Valid() {
		return classroom.Identity{}, fault.ErrTokenForged
	}
	if h.Name != "" {
		name = h.Name
	}
	r.admitted.Add(1)
	return classroom.Identity{Key: "token:" + name, Name: name, Role: classroom.Role(role)}, nil
}

// eventually waits for a condition on figures that other goroutines keep.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}
