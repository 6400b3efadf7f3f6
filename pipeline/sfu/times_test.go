package sfu

import (
	"testing"
	"testing/synctest"
	"time"
)

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
