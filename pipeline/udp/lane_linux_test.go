package udp

import (
	"net"
	"sync"
	"testing"
	"time"
)

func newLane(tb testing.TB, c *Conn) *Lane {
	tb.Helper()
	l, err := c.NewLane()
	if err != nil {
		tb.Fatal(err)
	}
	if l == nil {
		tb.Skip("this kernel has no UDP_SEGMENT")
	}
	return l
}

// send writes a packet in the lane's memory, which is more than it needs.
func (l *Lane) send(tb testing.TB, p []byte, to *receiver) {
	room := l.Reserve(len(p)+20, to.to)
	if len(room) != len(p)+20 {
		tb.Fatalf("%d bytes of room", len(room))
	}
	clear(room)
	l.Commit(copy(room, p))
}

// TestLanes: lanes side by side, each in order, none in another's memory.
func TestLanes(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		cfg  Config
	}{{"default", Config{}}, {"hardly any room", Config{Pending: chunkSize}}} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := loopback(t, x.cfg)
			const each = 200
			var wg sync.WaitGroup
			for range 4 {
				l := newLane(t, c)
				r := newReceiver(t, "udp4", "127.0.0.1:0")
				window := make(chan struct{}, 32)
				wg.Go(func() {
					for i := range uint32(each) {
						got, whole := read(r.next(t))
						if got != i || !whole {
							t.Errorf("packet %d (whole: %t), want %d", got, whole, i)
							return
						}
						<-window
					}
				})
				wg.Go(func() {
					for i := range uint32(each) {
						select {
						case window <- struct{}{}:
						case <-time.After(patience):
							t.Errorf("it stands still at %d", i)
							return
						}
						l.send(t, packet(i, 200+int(i%7)*160), r)
						if i%6 == 5 {
							l.Flush()
						}
					}
				})
			}
			wg.Wait()
			if st := c.Stats(); st.Packets != 4*each || st.Dropped != 0 || st.Segments == 0 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

func TestLaneThatCommitsNothing(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{Wait: time.Hour})
	l := newLane(t, c)
	r := newReceiver(t, "udp4", "127.0.0.1:0")
	l.Reserve(100, r.to)
	l.Commit(0)
	l.send(t, packet(1, 500), r)
	l.Reserve(100, r.to)
	l.Commit(0)
	l.send(t, packet(2, 500), r)
	l.Flush()
	r.expect(t, 1, 2)
	if l.Reserve(chunkSize+1, r.to) != nil {
		t.Error("room for more than any packet has")
	}
}

func TestLanesEndWithTheSocket(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{Wait: time.Hour})
	l := newLane(t, c)
	r := newReceiver(t, "udp4", "127.0.0.1:0")
	l.send(t, packet(0, 300), r)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	r.expect(t, 0)
	if l.Reserve(100, r.to) != nil {
		t.Error("a closed socket gives room")
	}
	if _, err := c.NewLane(); err != net.ErrClosed {
		t.Errorf("a lane of a closed socket: %v", err)
	}
	l.Flush()
}

// TestLaneTimer: what nobody flushes leaves by the clock, lane by lane.
func TestLaneTimer(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{})
	r := newReceiver(t, "udp4", "127.0.0.1:0")
	for i := range uint32(3) {
		newLane(t, c).send(t, packet(i, 300), r)
		r.expect(t, i)
	}
}

func TestLaneDoesNotAllocate(t *testing.T) {
	c := loopback(t, Config{})
	l := newLane(t, c)
	r := newReceiver(t, "udp4", "127.0.0.1:0")
	p := packet(1, 1100)
	round := func() {
		for range 6 {
			l.send(t, p, r)
		}
		l.Flush()
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations for a frame", n)
	}
}
