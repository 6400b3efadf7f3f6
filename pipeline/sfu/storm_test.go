package sfu

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// TestNoKeyFrameStorm: a hundred viewers come within one second, when the cached key frame is too old to be sent, and
// all of them beg as browsers that see nothing do. The presenter, who takes a while to answer, is asked twice a second
// at the most, and everybody gets a picture.
func TestNoKeyFrameStorm(t *testing.T) {
	// In a bubble a timer that is set to nothing fires where it is set, and all that fire share one context of the
	// race detector: with Go 1.26 two at once, on two processors, crash it.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, func(t *testing.T) {
		w := NewWorkers(2, nil)
		defer w.Close()
		var mu sync.Mutex
		var asked []time.Time
		wanted := make(chan struct{}, 100)
		u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, Workers: w, RequestKeyFrame: func(uint32) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, time.Now())
			wanted <- struct{}{}
		}})
		defer u.Close()
		cam := newCamera(u.AddLayer("", 7))
		cam.roll(75, true) // 3 s ago

		stop := make(chan struct{})
		var running sync.WaitGroup
		running.Go(func() {
			key := make(<-chan time.Time)
			tick := time.NewTicker(40 * time.Millisecond)
			defer tick.Stop()
			due := false
			for {
				select {
				case <-stop:
					return
				case <-wanted:
					key = time.After(150 * time.Millisecond) // a line and an encoder
				case <-key:
					due = true
				case <-tick.C:
					cam.film(due)
					due = false
				}
			}
		})
		const crowd = 100
		var seen [crowd]chan struct{}
		for i := range seen {
			seen[i] = make(chan struct{})
			var once sync.Once
			s := NewSlot(SlotConfig{Kind: Video, SSRC: slotSSRC, RTXSSRC: rtxSSRC, Codecs: viewerCodecs, Worker: i,
				Write: func(h *rtp.Header, p []byte) error {
					once.Do(func() { close(seen[i]) })
					return nil
				}})
			t.Cleanup(s.Close)
			running.Go(func() {
				s.Feed(u)
				s.Connected()
				beg := time.NewTicker(200 * time.Millisecond)
				defer beg.Stop()
				for until := time.Now().Add(5 * time.Second); time.Now().Before(until); <-beg.C {
					s.HandleRTCP(pli()) // also with pictures: a decoder may be unhappy for long
				}
			})
			time.Sleep(10 * time.Millisecond)
		}
		for i := range seen {
			select {
			case <-seen[i]:
			case <-time.After(10 * time.Second):
				t.Fatalf("viewer %d sees nothing", i)
			}
		}
		time.Sleep(6 * time.Second)
		close(stop)
		running.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(asked) == 0 || len(asked) > 30 {
			t.Errorf("asked %d times", len(asked))
		}
		for i := 2; i < len(asked); i++ {
			if d := asked[i].Sub(asked[i-2]); d < time.Second {
				t.Errorf("three requests within %v", d)
			}
		}
	})
}
