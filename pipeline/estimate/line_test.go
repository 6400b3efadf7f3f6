package estimate

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
)

// script sends packets on a pretended way and hands the reports in.
type script struct {
	t        *testing.T
	line     Line
	now      time.Time
	number   uint16
	recorder *twcc.Recorder
	arrivals []arrival
	reportAt time.Time
	lose     func(n uint16) bool
	delay    func(since time.Duration) time.Duration
	began    time.Time
	full     []Full
	fullAt   []time.Duration
	believed int64
}

type arrival struct {
	number uint16
	at     time.Time
}

func newScript(t *testing.T) *script {
	s := &script{t: t, now: time.Unix(1_700_000_000, 0), recorder: twcc.NewRecorder(1), number: 65000, believed: 2_000_000}
	s.began, s.reportAt = s.now, s.now.Add(100*time.Millisecond)
	s.lose = func(uint16) bool { return false }
	s.delay = func(time.Duration) time.Duration { return 30 * time.Millisecond }
	return s
}

// run sends 1000 bytes each 5 ms: 1.6 Mbit/s.
func (s *script) run(d time.Duration) {
	for range d / (5 * time.Millisecond) {
		s.now = s.now.Add(5 * time.Millisecond)
		s.line.Sent(s.number, 1000, s.now)
		if !s.lose(s.number) {
			s.arrivals = append(s.arrivals, arrival{s.number, s.now.Add(s.delay(s.now.Sub(s.began)))})
		}
		s.number++
		rest := s.arrivals[:0]
		for _, a := range s.arrivals {
			if a.at.After(s.now) {
				rest = append(rest, a)
				continue
			}
			s.recorder.Record(1, a.number, a.at.Sub(s.began).Microseconds()+7_777_000)
		}
		s.arrivals = rest
		if s.now.Before(s.reportAt) {
			continue
		}
		s.reportAt = s.now.Add(100 * time.Millisecond)
		for _, p := range s.recorder.BuildFeedbackPacket() {
			raw, err := p.Marshal()
			if err != nil {
				s.t.Fatal(err)
			}
			s.line.Arrivals(raw, s.now)
			if s.line.Arrivals(raw, s.now) {
				s.t.Fatal("the same feedback was taken twice")
			}
		}
		if f, yes := s.line.Check(s.believed, 1_600_000, s.now); yes {
			s.full = append(s.full, f)
			s.fullAt = append(s.fullAt, s.now.Sub(s.began))
		}
	}
}

func TestLossUpToTenPercentIsBorne(t *testing.T) {
	for _, share := range []float64{0.02, 0.05, 0.10} {
		for seed := range uint64(20) {
			s := newScript(t)
			random := rand.New(rand.NewPCG(seed, 1))
			s.lose = func(uint16) bool { return random.Float64() < share }
			s.run(20 * time.Second)
			if len(s.full) != 0 {
				t.Errorf("%v lost, seed %d: full %v", share, seed, s.full)
			}
		}
	}
}

func TestHeavyLossIsFull(t *testing.T) {
	s := newScript(t)
	random := rand.New(rand.NewPCG(1, 1))
	s.run(3 * time.Second)
	s.lose = func(uint16) bool { return random.Float64() < 0.4 }
	cut := s.now.Sub(s.began)
	s.run(2 * time.Second)
	if len(s.full) == 0 || s.fullAt[0]-cut > time.Second {
		t.Fatalf("full at %v, cut at %v", s.fullAt, cut)
	}
	// 60 % of 1.6 Mbit/s arrive.
	if f := s.full[0]; !f.ByLoss || f.Rate < 500_000 || f.Rate > 1_100_000 {
		t.Errorf("%+v", f)
	}
}

// TestGrowingQueueIsFull: the way carries 500 kbit/s of 1.6 Mbit/s.
func TestGrowingQueueIsFull(t *testing.T) {
	s := newScript(t)
	s.run(3 * time.Second)
	cut := s.now.Sub(s.began)
	s.delay = func(since time.Duration) time.Duration {
		return 30*time.Millisecond + time.Duration(float64(since-cut)*2.2)
	}
	s.run(1500 * time.Millisecond)
	if len(s.full) == 0 || s.fullAt[0]-cut > time.Second {
		t.Fatalf("full at %v, cut at %v", s.fullAt, cut)
	}
	if f := s.full[0]; f.ByLoss || f.Rate < 350_000 || f.Rate > 500_000 {
		t.Errorf("%+v", f)
	}
}

func TestLongerWayIsNoQueue(t *testing.T) {
	s := newScript(t)
	s.run(3 * time.Second)
	s.delay = func(time.Duration) time.Duration { return 130 * time.Millisecond }
	s.run(20 * time.Second)
	if len(s.full) != 0 {
		t.Errorf("100 ms more: full at %v", s.fullAt)
	}
	s.delay = func(time.Duration) time.Duration { return 430 * time.Millisecond }
	s.run(4 * time.Second)
	if len(s.full) != 1 {
		t.Fatalf("400 ms more: full at %v", s.fullAt)
	}
	if rate, ok := s.line.Mistaken(s.now); !ok || rate != s.believed {
		t.Errorf("the mistake was not noticed: %d %v", rate, ok)
	}
	s.run(10 * time.Second)
	if len(s.full) != 1 || s.line.Queue() > 5*time.Millisecond {
		t.Errorf("full at %v, queue %v", s.fullAt, s.line.Queue())
	}
}

// TestPausesOfTheBrowserAreNoQueue: a busy machine reads its packets in lumps, 300 ms apart.
func TestPausesOfTheBrowserAreNoQueue(t *testing.T) {
	s := newScript(t)
	s.delay = func(since time.Duration) time.Duration {
		lump := 300 * time.Millisecond
		return (since/lump+1)*lump - since + 30*time.Millisecond
	}
	s.run(20 * time.Second)
	if len(s.full) != 0 {
		t.Errorf("full at %v", s.fullAt)
	}
}

func TestOutageIsNoLoss(t *testing.T) {
	s := newScript(t)
	s.run(3 * time.Second)
	s.lose = func(uint16) bool { return true }
	s.run(2 * time.Second)
	s.lose = func(uint16) bool { return false }
	s.run(3 * time.Second)
	if len(s.full) != 0 {
		t.Errorf("full at %v", s.fullAt)
	}
	if l := s.line.Loss(s.now); l != 0 {
		t.Errorf("loss of %v", l)
	}
}

func TestResetForgetsTheOldPath(t *testing.T) {
	s := newScript(t)
	s.run(3 * time.Second)
	s.line.Reset()
	s.delay = func(time.Duration) time.Duration { return 500 * time.Millisecond }
	s.run(5 * time.Second)
	if len(s.full) != 0 || s.line.Queue() > 5*time.Millisecond {
		t.Errorf("full at %v, queue %v", s.fullAt, s.line.Queue())
	}
}

func TestBlindLine(t *testing.T) {
	var l Line
	now := time.Unix(1000, 0)
	for n := range uint16(200) {
		now = now.Add(20 * time.Millisecond)
		l.Sent(n, 1000, now)
	}
	if !l.Blind(now) {
		t.Fatal("200 packets and no feedback")
	}
	if _, yes := l.Check(1e6, 1e6, now); yes {
		t.Error("full without a word")
	}
	l.Reception(0.05)
	l.Reception(0.3)
	if _, yes := l.Check(1e6, 1e6, now); yes {
		t.Error("one lossy report is chance")
	}
	l.Reception(0.3)
	f, yes := l.Check(1e6, 1e6, now)
	if !yes || !f.ByLoss || f.Rate < 500_000 || f.Rate > 700_000 {
		t.Errorf("two lossy reports: %+v %v", f, yes)
	}
	now = now.Add(time.Second)
	l.REMB(400_000, now)
	if f, yes := l.Check(1e6, 9e5, now); !yes || f.Rate != 400_000 {
		t.Errorf("REMB below what is sent: %+v %v", f, yes)
	}
	now = now.Add(time.Second)
	l.REMB(4_000_000, now)
	if _, yes := l.Check(1e6, 9e5, now); yes {
		t.Error("REMB above what is sent")
	}
}

func TestSentDoesNotAllocate(t *testing.T) {
	var l Line
	now := time.Unix(1000, 0)
	n := uint16(0)
	l.Sent(n, 1000, now)
	if a := testing.AllocsPerRun(1000, func() {
		n++
		l.Sent(n, 1000, now)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

// TestFeedbackAboutTooMuch: four bytes that claim to be about 65535 packets are not gone through.
func TestFeedbackAboutTooMuch(t *testing.T) {
	var l Line
	now := time.Unix(1_700_000_000, 0)
	l.Sent(1, 1000, now)
	p := []byte{0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0xff, 0xff, 0, 0, 1, 1, 0, 0, 0, 0}
	if l.Arrivals(p, now) || !l.Outstanding(1) || l.Heard(now) {
		t.Error("it was taken")
	}
	p[14], p[15], p[21] = 0, 1, 1 // one, and lost
	if !l.Arrivals(p, now) || l.Outstanding(1) {
		t.Error("feedback about one packet was not taken")
	}
}
