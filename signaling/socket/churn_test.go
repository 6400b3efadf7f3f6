package socket

import (
	"fmt"
	"sync"
	"testing"

	"kelas/classroom"
	"kelas/signaling/wire"
)

// TestChurn: 300 clients of both revisions come, talk, cut their lines,
// resume and go, some at any moment; nothing is left of them. Run it with
// -race; the leak check is TestMain's.
func TestChurn(t *testing.T) {
	r := newRig(t, rigOptions{classroom: classroom.Config{MaxParticipants: 1000}})
	const people, atOnce = 300, 30
	watcher, _ := r.come(rev4, "presenter:Bu Sri")
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Add(1)
	go func() { // what happens is read, or the watcher would be evicted
		defer watching.Done()
		for {
			select {
			case <-watcher.frames:
			case <-stop:
				return
			}
		}
	}()
	turns := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := range people {
		wg.Add(1)
		go func() {
			defer wg.Done()
			turns <- struct{}{}
			defer func() { <-turns }()
			rev := []revision{rev3, rev4}[i%2]
			token := fmt.Sprintf("viewer:p%d", i)
			c, _, err := r.tryDial(dialOptions{rev: rev, token: token})
			if err != nil {
				t.Errorf("client %d: %v", i, err)
				return
			}
			defer c.close()
			if i%5 == 0 {
				return // gone before it was let in
			}
			c.connect()
			if i%7 == 0 {
				c.emit(wire.Join, nil)
				return // gone while it joins
			}
			picture := c.join(wire.JoinRequest{})
			c.must(wire.Chat, wire.ChatRequest{Text: "halo", ClientID: "1"})
			switch i % 3 {
			case 0:
				c.must(wire.Leave, nil)
			case 1:
				c.close()
				again, _, err := r.tryDial(dialOptions{rev: rev, token: token})
				if err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				defer again.close()
				again.connect()
				if back := again.join(wire.JoinRequest{Session: picture.Session}); !back.Resumed {
					t.Errorf("client %d did not resume", i)
				}
			}
		}()
	}
	wg.Wait()
	eventually(t, "all are gone", func() bool { return r.server.Stats().Connections == 1 && r.server.Stats().Joined == 1 })
	close(stop)
	watching.Wait()
	select {
	case <-watcher.done:
		t.Errorf("the watcher was cut off: %v", watcher.end)
	default:
	}
	if s := r.server.Stats(); s.Panics != 0 || s.Evictions != 0 {
		t.Errorf("stats: %+v", s)
	}
}
