package client_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kelas/classroom"
	"kelas/classroom/store"
	"kelas/pipeline"
	"kelas/signaling/client"
	"kelas/signaling/fault"
	"kelas/signaling/socket"
	"kelas/signaling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what should come soon.
const patience = 20 * time.Second

// rig is a server with one class: real classes, store, media and network.
type rig struct {
	t     *testing.T
	url   string
	class string
	http  *httptest.Server
}

func newRig(t *testing.T) *rig {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	db, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "test.db"), log)
	must(err)
	t.Cleanup(func() { must(db.Close()) })
	media, err := pipeline.NewServer(pipeline.Config{}, log)
	must(err)
	t.Cleanup(func() { must(media.Close()) })
	classes, err := classroom.NewRegistry(classroom.Config{}, classroom.Deps{Store: db, Media: media})
	must(err)
	t.Cleanup(func() { must(classes.Close(context.Background())) })
	lesson, err := classes.CreateLesson(t.Context(), "Fisika", "")
	must(err)
	sock, err := socket.New(socket.Config{Registry: classes, Admit: admit}, log)
	must(err)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", sock)
	r := &rig{t: t, class: lesson.ID, http: httptest.NewServer(mux)}
	r.url = r.http.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		must(sock.Close(ctx))
		r.http.Close()
	})
	return r
}

// admit knows tokens such as "viewer:ani".
func admit(_ context.Context, h socket.Handshake) (classroom.Identity, error) {
	role, name, ok := strings.Cut(h.Token, ":")
	if !ok {
		return classroom.Identity{}, fault.ErrTokenForged
	}
	return classroom.Identity{Key: "token:" + name, Name: name, Role: classroom.Role(role)}, nil
}

// news keeps what a client heard.
type news struct {
	mu     sync.Mutex
	events []client.Event
}

func (n *news) hear(e client.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, e)
}

// wait returns the first event of the name that is accepted.
func (n *news) wait(t *testing.T, name string, accept func(client.Event) bool) client.Event {
	t.Helper()
	var found client.Event
	eventually(t, "the event "+name, func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, e := range n.events {
			if e.Name == name && (accept == nil || accept(e)) {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

func (r *rig) dial(token string) (*client.Client, *news) {
	r.t.Helper()
	n := &news{}
	c, err := client.Dial(r.ctx(), client.Config{URL: r.url, Class: r.class, Token: token, OnEvent: n.hear})
	if err != nil {
		r.t.Fatalf("dial: %v", err)
	}
	r.t.Cleanup(c.Close)
	return c, n
}

func (r *rig) join(token string) (*client.Client, *news, wire.JoinedEvent) {
	r.t.Helper()
	c, n := r.dial(token)
	j, err := c.Join(r.ctx(), wire.JoinRequest{})
	if err != nil {
		r.t.Fatalf("join: %v", err)
	}
	return c, n, j
}

func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	r.t.Cleanup(cancel)
	return ctx
}

func eventually(t *testing.T, what string, ok func() bool) {
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
