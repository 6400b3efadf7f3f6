package sfu

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// TestTimed: how long packets take to a slot and through it, when that is wished.
func TestTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		var timed atomic.Bool
		st.track.cfg.Timed, st.slot.cfg.Timed = &timed, &timed
		write := st.slot.cfg.Write
		st.slot.cfg.Write = func(h *rtp.Header, payload []byte) error {
			time.Sleep(2 * time.Millisecond) // a slow socket
			return write(h, payload)
		}
		st.cam.packets = 1
		film := func(n int) {
			for range n {
				for _, p := range st.cam.frame(false) {
					st.cam.layer.Write(p, time.Now().Add(-3*time.Millisecond)) // it was read 3 ms ago
				}
				time.Sleep(35 * time.Millisecond)
			}
		}
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(20, true)
		film(5)
		if s := st.slot.Stats(); s.Input != 0 || s.Through != 0 || st.track.Stats().Layers[0].Taken != 0 {
			t.Errorf("measured without being asked to: %v and %v", s.Input, s.Through)
		}
		timed.Store(true)
		film(3)
		s, l := st.slot.Stats(), st.track.Stats().Layers[0]
		if s.Input != 3*time.Millisecond || s.Through != 5*time.Millisecond || l.Taken != 3*time.Millisecond {
			t.Errorf("%v to the slot, %v through it, %v until taken; want 3, 5 and 3 ms", s.Input, s.Through, l.Taken)
		}
		// Cached pictures are as old as they are, which is no latency.
		st.slot.Disconnected()
		st.cam.roll(1, true)
		film(20)
		st.slot.Connected()
		time.Sleep(time.Second)
		if again := st.slot.Stats(); again.Replays == s.Replays || again.Through != s.Through {
			t.Errorf("%d replays, %v through the slot", again.Replays-s.Replays, again.Through)
		}
	})
}

// TestLossFraction: what is missing of what was sent between two sweeps.
func TestLossFraction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.cam.packets = 1
		film := func(n, of int) {
			for i := range n {
				p := st.cam.frame(i == 0)[0]
				if i%of != of-1 || of == 1 {
					st.cam.layer.Write(p, time.Now())
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		for _, x := range []struct {
			of   int
			want float64
		}{{1, 0}, {4, 0.25}, {1, 0}} {
			film(101, x.of)
			st.track.Sweep()
			if got := st.track.Stats().Layers[0].LossFraction; got < x.want-0.01 || got > x.want+0.01 {
				t.Errorf("loss %v, want %v", got, x.want)
			}
		}
	})
}

func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.cam.packets = 1
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(100, true) // a frame each 40 ms, as its timestamps say
		if s := st.track.Stats().Layers[0]; s.Jitter != 0 || s.Latency != 0 {
			t.Errorf("jitter %v, latency %v of packets that come evenly and take no time", s.Jitter, s.Latency)
		}
		for i := range 200 {
			time.Sleep(time.Duration(20+40*(i%2)) * time.Millisecond)
			for _, p := range st.cam.frame(false) {
				st.cam.layer.Write(p, time.Now().Add(-3*time.Millisecond)) // it was read 3 ms ago
			}
		}
		s := st.track.Stats().Layers[0]
		if s.Jitter < 18*time.Millisecond || s.Jitter > 21*time.Millisecond {
			t.Errorf("jitter %v, want 20 ms", s.Jitter)
		}
		if s.Latency < 2900*time.Microsecond || s.Latency > 3100*time.Microsecond {
			t.Errorf("latency %v, want 3 ms", s.Latency)
		}
	})
}
