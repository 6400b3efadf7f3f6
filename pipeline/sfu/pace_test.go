package sfu

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// sentAt is when packets left for a viewer.
type sentAt struct {
	numbers []uint16
	at      []time.Time
}

// mostAtOnce is the largest number of packets that left in one moment.
func (x *sentAt) mostAtOnce() int {
	most, n := 0, 0
	for i, at := range x.at {
		if i > 0 && !at.Equal(x.at[i-1]) {
			n = 0
		}
		n++
		most = max(most, n)
	}
	return most
}

func TestLargeFramesArePaced(t *testing.T) {
	for _, x := range []struct {
		name           string
		packets        int
		longest, least time.Duration
		burst          int
	}{
		{"small", paceBurst, 0, 0, paceBurst},
		{"large", 80, 10 * time.Millisecond, 5 * time.Millisecond, paceBurst},
		{"huge", 400, 20 * time.Millisecond, 5 * time.Millisecond, 60},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8})
				defer u.Close()
				cam := newCamera(u.AddLayer("", 7))
				var got sentAt
				s := ready(t, u, SlotConfig{Pace: true, Write: func(h *rtp.Header, _ []byte) error {
					got.numbers, got.at = append(got.numbers, h.SequenceNumber), append(got.at, time.Now())
					return nil
				}})
				cam.roll(3, true)
				synctest.Wait()
				got = sentAt{}
				usual := cam.packets
				cam.packets = x.packets
				cam.film(true)
				time.Sleep(2 * time.Millisecond)
				cam.packets = usual
				cam.film(false) // behind the large one, whatever is left of it
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
				if len(got.numbers) != x.packets+usual {
					t.Fatalf("%d packets", len(got.numbers))
				}
				for i := range got.numbers[1:] {
					if got.numbers[i+1] != got.numbers[i]+1 {
						t.Fatalf("%d follows %d", got.numbers[i+1], got.numbers[i])
					}
				}
				if n := got.mostAtOnce(); n > x.burst {
					t.Errorf("%d packets at once", n)
				}
				if d := got.at[x.packets-1].Sub(got.at[0]); d > x.longest || d < x.least {
					t.Errorf("spread over %v", d)
				}
				// Once it has caught up nothing waits any more.
				got = sentAt{}
				began := time.Now()
				cam.film(false)
				if len(got.at) != usual || !got.at[0].Equal(began) {
					t.Errorf("a small frame waits: %v", got.at)
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				if s.timer != nil {
					t.Error("an idle viewer has a timer")
				}
			})
		})
	}
}

// TestPacedFrameAndClose: a viewer who leaves in the middle of a frame leaves nothing behind.
func TestPacedFrameAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8})
		defer u.Close()
		cam := newCamera(u.AddLayer("", 7))
		sent := 0
		s := ready(t, u, SlotConfig{Pace: true, Write: func(*rtp.Header, []byte) error {
			sent++
			return nil
		}})
		cam.packets = 200
		cam.film(true)
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		s.Close()
		was := sent
		time.Sleep(time.Second)
		synctest.Wait()
		if sent != was || sent == 0 || sent >= 200 {
			t.Errorf("%d packets, then %d", was, sent)
		}
	})
}
