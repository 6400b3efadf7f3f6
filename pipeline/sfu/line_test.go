package sfu

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
)

// tell writes what the README of pipeline has a row for.
func (s *sim) tell(frames int) {
	s.t.Helper()
	b, st := s.browser, s.line.Stats()
	s.t.Logf("sent each second: %s; decoded %d of %d; freezes %d, %v together, longest stand %v; line full %d times, probes %d, %d in vain; key frames of f %d",
		s.course(), b.decoded, frames, b.freezes, b.frozen.Round(time.Millisecond), b.longest.Round(time.Millisecond),
		st.Full, st.Probes, st.ProbesFailed, s.layers[2].keys)
}

// TestRandomLossIsNotCongestion: what NACK repairs costs nobody a layer, nor does a long way.
func TestRandomLossIsNotCongestion(t *testing.T) {
	for _, tt := range []struct {
		name  string
		loss  float64
		delay time.Duration
	}{
		{"no loss", 0, 20 * time.Millisecond},
		{"2 percent", 0.02, 20 * time.Millisecond},
		{"5 percent", 0.05, 20 * time.Millisecond},
		{"10 percent", 0.10, 20 * time.Millisecond},
		{"100 ms", 0, 100 * time.Millisecond},
		{"5 percent and 100 ms", 0.05, 100 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, 7)
				s.down.loss, s.up.loss, s.down.delay, s.up.delay = tt.loss, tt.loss, tt.delay, tt.delay
				s.run(500 * time.Millisecond)
				s.connect()
				s.run(30 * time.Second)
				s.tell(30 * simFPS)
				for i, layer := range s.seconds {
					if i >= 5 && layer != "f" {
						t.Fatalf("second %d: %s", i, layer)
					}
				}
				if n := s.line.Stats().Full; n != 0 {
					t.Errorf("taken for full %d times", n)
				}
				if s.browser.decoded < 30*simFPS*3/4 || s.browser.longest > time.Second {
					t.Error("the picture did not go on")
				}
			})
		})
	}
}

// TestLineIsCut: a line of 5 Mbit/s is cut to 500 kbit/s for half a minute, with queues short and long.
func TestLineIsCut(t *testing.T) {
	for _, queue := range []time.Duration{60 * time.Millisecond, 400 * time.Millisecond, 2 * time.Second} {
		t.Run("queue of "+queue.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, 7)
				s.down.queue, s.down.rate = queue, 5_000_000
				s.run(500 * time.Millisecond)
				s.connect()
				s.run(9500 * time.Millisecond)
				if s.shown() != "f" {
					t.Fatalf("%s on a good line", s.shown())
				}
				s.down.rate = 500_000
				s.run(time.Second)
				if l := s.slots[0].limit.get(); l.rank != 0 {
					t.Errorf("a second after the cut the limit is %v", l)
				}
				decoded, sound, ups := s.browser.decoded, s.browser.sound, s.line.Stats().Ups
				s.run(29 * time.Second)
				if n := s.browser.decoded - decoded; n < 29*simFPS*9/10 {
					t.Errorf("%d pictures decoded while it was cut", n)
				}
				if late := s.browser.soundLate(sound + 4*50); late > 300*time.Millisecond {
					t.Errorf("sound was %v on its way, long after the cut", late)
				}
				if n := s.browser.sound - sound; n < 29*50*95/100 {
					t.Errorf("%d packets of sound arrived while it was cut", n)
				}
				if n := s.line.Stats().Ups - ups; n > 2 {
					t.Errorf("went up %d times while it was cut", n)
				}
				s.down.rate = 5_000_000
				s.run(40 * time.Second)
				s.tell(80 * simFPS)
				if s.shown() != "f" {
					t.Errorf("%s when the line is good again", s.shown())
				}
				if s.browser.longest > 2*time.Second || s.browser.freezes > 6 {
					t.Errorf("%d freezes, the longest %v", s.browser.freezes, s.browser.longest)
				}
			})
		})
	}
}

// TestLineTooNarrowStays: where the line carries one layer and not the next, it is tried more and more seldom.
func TestLineTooNarrowStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 3)
		s.down.rate = 500_000
		s.run(500 * time.Millisecond)
		s.connect()
		s.run(3 * time.Minute)
		s.tell(180 * simFPS)
		st := s.line.Stats()
		if st.Ups > 3 || st.Downs > 4 {
			t.Errorf("up %d times, down %d times", st.Ups, st.Downs)
		}
		if st.Probes > 14 {
			t.Errorf("%d probes in three minutes", st.Probes)
		}
		if s.shown() != "q" {
			t.Errorf("%s in the end", s.shown())
		}
	})
}

// TestLayerThatBreathes fits now and then: it is tried more and more seldom, and not at each breath.
func TestLayerThatBreathes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 3)
		s.down.rate = 500_000
		s.run(500 * time.Millisecond)
		s.connect()
		for i := range 60 {
			s.layers[1].bytes = []int{280_000, 560_000}[i%2] / 8 / simFPS
			s.run(3 * time.Second)
		}
		s.tell(180 * simFPS)
		if n := s.line.Stats().Ups; n > 12 {
			t.Errorf("up %d times", n)
		}
		if s.browser.decoded < 180*simFPS*9/10 {
			t.Error("the picture did not go on")
		}
	})
}

// TestLongerWayIsNotAQueue: a route that becomes longer at once costs no layer for long.
func TestLongerWayIsNotAQueue(t *testing.T) {
	for _, more := range []time.Duration{100 * time.Millisecond, 300 * time.Millisecond} {
		t.Run(more.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, 5)
				s.run(500 * time.Millisecond)
				s.connect()
				s.run(10 * time.Second)
				s.down.delay += more
				s.run(20 * time.Second)
				s.tell(30 * simFPS)
				if s.shown() != "f" {
					t.Errorf("%s in the end", s.shown())
				}
				if n := s.line.Stats().Full; n > 1 {
					t.Errorf("taken for full %d times", n)
				}
			})
		})
	}
}

// TestOutage: a line that is away for three seconds carries afterwards what it carried before.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 5)
		s.run(500 * time.Millisecond)
		s.connect()
		s.run(10 * time.Second)
		s.down.loss, s.up.loss = 1, 1
		s.run(3 * time.Second)
		s.down.loss, s.up.loss = 0, 0
		s.run(5 * time.Second)
		s.tell(18 * simFPS)
		if n := s.line.Stats().Full; n != 0 {
			t.Errorf("taken for full %d times", n)
		}
		if s.shown() != "f" {
			t.Errorf("%s in the end", s.shown())
		}
	})
}

// TestViewerChooses: low, sound only and automatic, each without a stand of the picture.
func TestViewerChooses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 9)
		s.run(500 * time.Millisecond)
		s.connect()
		s.run(5 * time.Second)
		s.line.SetQuality(Low)
		s.run(3 * time.Second)
		if s.shown() != "q" || s.browser.longest > 200*time.Millisecond {
			t.Errorf("low: %s, longest stand %v", s.shown(), s.browser.longest)
		}
		s.line.SetQuality(SoundOnly)
		s.run(500 * time.Millisecond)
		decoded, sound := s.browser.decoded, s.browser.sound
		s.run(5 * time.Second)
		if n := s.browser.decoded - decoded; n != 0 {
			t.Errorf("sound only: %d pictures", n)
		}
		if n := s.browser.sound - sound; n < 245 {
			t.Errorf("sound only: %d packets of sound", n)
		}
		if r, ok := s.slots[0].Received(); !ok || !r.Paused || !r.ByChoice {
			t.Errorf("sound only: %+v %v", r, ok)
		}
		s.line.SetQuality(Automatic)
		s.run(4 * time.Second)
		if s.shown() != "f" {
			t.Errorf("automatic: %s", s.shown())
		}
		if s.browser.decoded-decoded < 3*simFPS {
			t.Error("automatic: no pictures")
		}
		if c := s.course(); strings.Contains(c, "0") && strings.Contains(c, "f0") {
			t.Errorf("pictures were left out on a good line: %s", c)
		}
	})
}

// TestViewerWithReceiverReportsAlone goes down when they tell of loss twice, and up again after a pause.
func TestViewerWithReceiverReportsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 9)
		s.up.loss = 1 // no arrivals are reported
		s.run(500 * time.Millisecond)
		s.connect()
		report := func(seconds int, lost uint8) {
			for range seconds {
				s.run(time.Second)
				raw, err := (&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: slotSSRC, FractionLost: lost}}}).Marshal()
				if err != nil {
					t.Fatal(err)
				}
				// A PeerConnection tells it for each stream that it is about.
				s.line.HandleRTCP(raw, time.Now())
				s.line.HandleRTCP(raw, time.Now())
			}
		}
		report(10, 0)
		if s.shown() != "f" {
			t.Fatalf("%s on a good line", s.shown())
		}
		report(1, 100)
		if l := s.slots[0].limit.get(); l.rank != 300 {
			t.Errorf("one report of loss: %v", l)
		}
		report(2, 100)
		if l := s.slots[0].limit.get(); l.rank >= 300 {
			t.Errorf("two reports of loss: %v", l)
		}
		report(40, 0)
		if s.shown() != "f" {
			t.Errorf("%s after 40 good seconds", s.shown())
		}
	})
}

// TestViewerThatReportsNothing is sent all there is, as before there were lines.
func TestViewerThatReportsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 9)
		s.up.loss = 1
		s.run(500 * time.Millisecond)
		s.connect()
		s.run(10 * time.Second)
		if s.shown() != "f" {
			t.Errorf("%s in the end", s.shown())
		}
	})
}
