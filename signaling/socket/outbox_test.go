package socket

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"kelas/classroom"
)

// gatedLink records what is said; it waits at a gate as a link does whose
// client is slow.
type gatedLink struct {
	gate chan struct{} // nil: always open
	said chan string

	mu      sync.Mutex
	aborted bool
	cut     chan struct{}
}

func newGatedLink(gate chan struct{}) *gatedLink {
	return &gatedLink{gate: gate, said: make(chan string, 1000), cut: make(chan struct{})}
}

func (l *gatedLink) say(s string) {
	if l.gate != nil {
		select {
		case <-l.gate:
		case <-l.cut:
			return
		}
	}
	l.said <- s
}

func (l *gatedLink) ID() string                      { return "link" }
func (l *gatedLink) Auth() visitor                   { return visitor{} }
func (l *gatedLink) Emit(event string, body rawJSON) { l.say(event + string(body)) }
func (l *gatedLink) Ack(id int64, body rawJSON)      { l.say(fmt.Sprint(id, string(body))) }
func (l *gatedLink) Close(g goodbye)                 { l.say(fmt.Sprintf("%+v", g)) }
func (l *gatedLink) Abort() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.aborted {
		l.aborted = true
		close(l.cut)
	}
}

func (l *gatedLink) next(t *testing.T) string {
	t.Helper()
	return <-l.said
}

func startOutbox(t *testing.T, l *gatedLink, limit int) *outbox {
	t.Helper()
	o := newOutbox(l, limit, newCounters(nil), func() string { return "me" })
	o.shelf = new(shelf)
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.run()
	}()
	t.Cleanup(func() {
		o.stop()
		l.Abort()
		<-done
	})
	return o
}

func stored(n int) classroom.Event { return classroom.ChatStored{Seq: int64(n)} }

// TestOutboxHolds: what the class says before the client has its picture
// comes after it; answers do not wait.
func TestOutboxHolds(t *testing.T) {
	l := newGatedLink(nil)
	o := startOutbox(t, l, 100)
	o.Deliver(stored(1))
	o.ack(5, "{}")
	if got := l.next(t); got != "5{}" {
		t.Fatalf("first %s", got)
	}
	o.Deliver(stored(2))
	o.joined("picture", "joined")
	o.Deliver(stored(3))
	for _, want := range []string{"joinedpicture", `chatStored{"seq":1}`, `chatStored{"seq":2}`, `chatStored{"seq":3}`} {
		if got := l.next(t); got != want {
			t.Fatalf("%s instead of %s", got, want)
		}
	}
}

// TestOutboxOverflow: a full one says so once, and cuts the line without
// waiting for it.
func TestOutboxOverflow(t *testing.T) {
	for name, fill := range map[string]func(o *outbox) bool{
		"news": func(o *outbox) bool { return o.Deliver(stored(0)) },
		"answers": func(o *outbox) bool {
			o.ack(1, "{}")
			o.mu.Lock()
			defer o.mu.Unlock()
			return !o.full
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newGatedLink(make(chan struct{})) // a client that reads nothing
			o := startOutbox(t, l, 10)
			o.joined("p", "joined")
			n := 0
			for fill(o) {
				if n++; n > 20 {
					t.Fatal("it takes without end")
				}
			}
			if o.Deliver(stored(0)) {
				t.Fatal("a full one took more")
			}
			o.Close(classroom.ErrTooSlow)
			<-l.cut
			if got := o.counters.evictions.Load(); got != 1 {
				t.Fatalf("counted %d evictions", got)
			}
		})
	}
}

// TestOutboxEnd: the reason and goodbye come last, after the answer of the
// request that caused them; nothing is taken afterwards.
func TestOutboxEnd(t *testing.T) {
	l := newGatedLink(nil)
	o := startOutbox(t, l, 100)
	o.joined("p", "joined")
	l.next(t)
	o.answer(func() {
		o.Deliver(stored(1))
		o.Close(classroom.ErrClassEnded)
		if o.Deliver(stored(2)) {
			t.Error("took news after the end")
		}
		o.ack(7, "{}")
	})
	o.ack(8, "{}")
	o.Close(classroom.ErrClosing)
	var got []string
	for range 4 {
		got = append(got, l.next(t))
	}
	if !slices.Equal(got[:2], []string{`chatStored{"seq":1}`, "7{}"}) ||
		!strings.HasPrefix(got[2], `error{"code":"classEnded"`) || got[3] != "{Code:1008 Reason:classEnded Final:true}" {
		t.Fatalf("%q", got)
	}
}

// TestOutboxEndInvites: after a reason that passes, clients come back.
func TestOutboxEndInvites(t *testing.T) {
	l := newGatedLink(nil)
	o := startOutbox(t, l, 100)
	o.Deliver(stored(1)) // never joined: it could not be understood
	o.end(classroom.ErrClosing)
	if got := l.next(t); !strings.HasPrefix(got, `error{"code":"serverClosing"`) {
		t.Fatal(got)
	}
	if got := l.next(t); got != "{Code:1001 Reason:serverClosing Final:false}" {
		t.Fatal(got)
	}
}

// TestOutboxLong: a long queue keeps its order while it is taken from.
func TestOutboxLong(t *testing.T) {
	gate := make(chan struct{})
	l := newGatedLink(gate)
	o := startOutbox(t, l, 1000)
	o.joined("p", "joined")
	for n := range 400 {
		if !o.Deliver(stored(n)) {
			t.Fatal(n)
		}
	}
	close(gate)
	l.next(t)
	for n := range 400 {
		if n%3 == 0 {
			o.Deliver(stored(400 + n))
		}
		if got := l.next(t); got != fmt.Sprintf(`chatStored{"seq":%d}`, n) {
			t.Fatalf("%s instead of %d", got, n)
		}
	}
}
