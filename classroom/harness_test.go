package classroom_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	. "kelas/classroom"
	"kelas/classroom/classroomtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ownerID = "teacher"
	owner   = "Bu Rina" // the lesson's owner in every test
)

// room is a registry with one lesson, over a store in memory that can fail.
type room struct {
	t      *testing.T
	mem    *classroomtest.MemStore
	store  *classroomtest.FaultyStore
	media  *fakeMedia
	files  *fakeShelf
	cfg    Config
	reg    *Registry
	lesson Lesson
	ids    atomic.Int64
	waits  []waited     // for a connection, as told to the registry's owner
	met    atomic.Int64 // the same, counted, where time is real
	ended  atomic.Int64 // how often the end of a lesson was told
}

type waited struct {
	role EndpointRole
	took time.Duration
}

func newRoom(t *testing.T, cfg Config) *room {
	t.Helper()
	mem := classroomtest.NewMemStore()
	r := &room{t: t, mem: mem, store: classroomtest.NewFaultyStore(mem), files: &fakeShelf{}, cfg: cfg}
	r.start()
	var err error
	r.lesson, err = r.reg.CreateLesson(t.Context(), "Fisika", ownerID)
	must(t, err)
	t.Cleanup(func() {
		r.store.Fail(nil)
		r.store.Refuse(nil)
		r.stop()
	})
	return r
}

// start makes a registry over the store, as a process does that starts.
func (r *room) start() {
	r.t.Helper()
	r.media = &fakeMedia{}
	reg, err := NewRegistry(r.cfg, Deps{
		Store: r.store, Files: r.files, Log: slog.New(slog.DiscardHandler),
		NewID:     func() string { return fmt.Sprintf("id%d", r.ids.Add(1)) },
		Ended:     func() { r.ended.Add(1) },
		Connected: func(role EndpointRole, took time.Duration) { r.waits = append(r.waits, waited{role, took}) },
	}.WithMedia(r.media))
	must(r.t, err)
	r.reg = reg
	r.media.probe = func() { reg.Stats() }
}

func (r *room) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := r.reg.Close(ctx); err != nil {
		r.t.Errorf("closing: %v", err)
	}
	r.media.checkReleased(r.t)
}

// crash drops the registry as kill -9 would: nothing that waits is stored.
// Its goroutines are ended with a store that takes nothing.
func (r *room) crash() {
	r.t.Helper()
	r.store.Fail(ErrStoreUnavailable)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.reg.Close(ctx)
	r.store.Fail(nil)
}

// page is one browser tab.
type page struct {
	*Session
	r      *room
	id     Identity
	out    *classroomtest.Outlet
	joined Joined
}

func who(name string, role Role) Identity {
	id := Identity{Key: "guest:" + name, Name: name, Role: role}
	if name == owner {
		id.Key, id.UserID = "user:"+ownerID, ownerID
	}
	return id
}

func (r *room) try(id Identity, token string, lastSeq int64) (*page, error) {
	p := &page{r: r, id: id, out: classroomtest.NewOutlet()}
	var err error
	p.Session, p.joined, err = r.reg.Join(context.Background(), JoinRequest{
		ClassID: r.lesson.ID, Identity: id, SessionToken: token, LastSeq: lastSeq, Outlet: p.out,
	})
	return p, err
}

func (r *room) join(name string, role Role) *page {
	r.t.Helper()
	p, err := r.try(who(name, role), "", 0)
	must(r.t, err)
	return p
}

// resume comes back with the page's token.
func (p *page) resume(lastSeq int64) *page {
	p.r.t.Helper()
	q, err := p.r.try(p.id, p.joined.SessionToken, lastSeq)
	must(p.r.t, err)
	return q
}

func (p *page) pid() string { return p.joined.You.ID }

func (p *page) say(text string) ChatEntry {
	p.r.t.Helper()
	e, err := p.SendChat(context.Background(), ChatRequest{Kind: ChatMessage, Text: text})
	must(p.r.t, err)
	return e
}

func (p *page) goLive() string {
	p.r.t.Helper()
	_, id, err := p.Present(context.Background(), "offer", "")
	must(p.r.t, err)
	return id
}

func (p *page) watch() string {
	p.r.t.Helper()
	_, id, err := p.View(context.Background(), "offer", "")
	must(p.r.t, err)
	return id
}

// class is the class as this page was told last.
func (p *page) class() ClassView {
	if e, ok := classroomtest.Last[ClassChanged](p.out); ok {
		return e.Class
	}
	return p.joined.Class
}

func (p *page) stops() []string {
	var reasons []string
	for _, e := range classroomtest.Of[StopCommunication](p.out) {
		reasons = append(reasons, e.Reason)
	}
	return reasons
}

func (p *page) chat() []ChatEntry {
	entries := slices.Clone(p.joined.Chat)
	for _, e := range classroomtest.Of[ChatAdded](p.out) {
		entries = append(entries, e.Entry)
	}
	return entries
}

func texts(entries []ChatEntry) []string {
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Text)
	}
	return list
}

func (r *room) stored() []ChatEntry {
	r.t.Helper()
	var all []ChatEntry
	last, err := r.mem.LastChatSeq(r.t.Context(), r.lesson.ID)
	must(r.t, err)
	for seq := int64(1); seq <= last; seq++ {
		e, err := r.mem.ChatEntry(r.t.Context(), r.lesson.ID, seq)
		if err == nil {
			all = append(all, e)
		}
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// bubble runs a test in a bubble of fake time.
func bubble(t *testing.T, cfg Config, run func(t *testing.T, r *room)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { run(t, newRoom(t, cfg)) })
}

// wait lets time pass and everything settle.
func wait(d time.Duration) {
	time.Sleep(d) // fake time
	synctest.Wait()
}
