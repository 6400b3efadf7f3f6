package pipeline

import (
	"errors"
	"testing"
	"time"
)

// TestLossRule: what the parameters say.
func TestLossRule(t *testing.T) {
	t.Parallel()
	const much = 26 // of 256: a tenth
	p := DefaultRembParams()
	r := newLossRule(p)
	if r.limit != 300_000 {
		t.Fatalf("it begins with %d", r.limit)
	}
	// Without loss it grows by a part, below what never was too much.
	r.update(50, 0, 280_000, 0)
	if r.limit != 312_000 {
		t.Errorf("it grew to %d, want 4 %% more", r.limit)
	}
	// No further than twice what ever came.
	for range 100 {
		r.update(50, 0, 280_000, 0)
	}
	if r.limit != 560_000 {
		t.Errorf("it grew to %d, twice what came is 560000", r.limit)
	}
	// A little loss holds it to what came.
	r.update(100, 5, 250_000, 0)
	if r.limit != 280_000 {
		t.Errorf("with 2 %% of loss it is %d; 280000 came at most", r.limit)
	}
	// Much cuts it, and says where growing becomes slow.
	r.update(100, much, 280_000, 0)
	if r.limit != 140_000 || r.threshold != 224_000 || r.step != (280_000-224_000)/30 {
		t.Errorf("limit %d, threshold %d, step %d after a cut", r.limit, r.threshold, r.step)
	}
	// What is lost is forgotten with the cut; below the threshold it grows fast.
	r.update(100, 0, 130_000, 0)
	if r.limit != 145_600 {
		t.Errorf("it grew to %d, want 145600", r.limit)
	}
	r.update(100, 0, 230_000, 0) // more came than it allowed
	if r.limit != 230_000+r.step {
		t.Errorf("above the threshold it grew to %d, want %d", r.limit, 230_000+r.step)
	}
	// A bound holds whatever came.
	r.update(100, 0, 900_000, 400_000)
	if r.limit != 400_000 {
		t.Errorf("it is %d, bounded by 400000", r.limit)
	}
}

// TestLossRuleAverages: losses count by the packets among which they were.
func TestLossRuleAverages(t *testing.T) {
	t.Parallel()
	p := DefaultRembParams()
	p.PacketsRecvIntervalTop = 1000
	r := newLossRule(p)
	r.update(100, 100, 300_000, 0) // 10 in 256 of a thousand
	if r.losses != 10 || r.limit != 300_000 {
		t.Errorf("losses %d, limit %d; that is bearable", r.losses, r.limit)
	}
	r.update(100, 100, 300_000, 0)
	if r.limit != 150_000 {
		t.Errorf("limit %d after 19 in 256", r.limit)
	}
	// Few of them are over one day.
	q := newLossRule(DefaultRembParams())
	q.update(50, 10, 300_000, 0)
	for range 10 {
		q.update(50, 0, 300_000, 0)
	}
	if q.losses != 0 {
		t.Errorf("losses %d long after", q.losses)
	}
}

// TestLossMeter: packets become intervals, repairs do not hide losses, and
// silence changes nothing.
func TestLossMeter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 2, 0, 0, 0, time.UTC)
	m := newLossMeter(DefaultRembParams())
	seq := uint16(65500) // it wraps
	send := func(n int, lose int) {
		for i := range n {
			seq++
			m.see(7, seq, 1000, lose > 0 && i%lose == 0, now) // what was lost comes by repair
		}
	}
	if got := m.limit(now, 0, 0); got != 300_000 {
		t.Fatalf("at first %d", got)
	}
	send(500, 2)
	now = now.Add(rembInterval)
	if got := m.limit(now, 0, 0); got != 300_000 {
		t.Errorf("%d: what came first was sent before the browser knew", got)
	}
	now = now.Add(rembInterval)
	_ = m.limit(now, 0, 0)
	for range 3 {
		send(20, 0) // 320 kbit/s
		now = now.Add(rembInterval)
	}
	last := m.limit(now, 0, 0)
	if last <= 300_000 {
		t.Errorf("%d without loss", last)
	}
	for range 6 {
		send(20, 5)
		now = now.Add(rembInterval)
		_ = m.limit(now, 0, 0)
	}
	if got := m.limit(now, 0, 0); got > last*2/3 {
		t.Errorf("%d with a fifth lost, %d before", got, last)
	}
	last = m.limit(now, 0, 0)
	for range 4 {
		now = now.Add(rembInterval)
		if got := m.limit(now, 0, 0); got != last {
			t.Errorf("%d after silence, %d before", got, last)
		}
	}
	if len(m.streams) != 0 {
		t.Errorf("%d silent streams are remembered", len(m.streams))
	}
	if got := m.limit(now, 100_000, 0); got != 100_000 {
		t.Errorf("%d with a bound of 100000", got)
	}
	if got := m.limit(now, 0, 5_000_000); got != 5_000_000 {
		t.Errorf("%d with at least 5000000", got)
	}
}

func TestRembParams(t *testing.T) {
	t.Parallel()
	if err := DefaultRembParams().check(); err != nil {
		t.Error(err)
	}
	for _, change := range []func(p *RembParams){
		func(p *RembParams) { p.PacketsRecvIntervalTop = 0 },
		func(p *RembParams) { p.ExponentialFactor = -1 },
		func(p *RembParams) { p.LinealFactorMin = -1 },
		func(p *RembParams) { p.LinealFactorGrade = 0 },
		func(p *RembParams) { p.DecrementFactor = 1.5 },
		func(p *RembParams) { p.ThresholdFactor = -0.1 },
		func(p *RembParams) { p.UpLosses = 257 },
		func(p *RembParams) { p.RembOnConnect = -1 },
	} {
		p := DefaultRembParams()
		change(&p)
		if err := p.check(); !errors.Is(err, ErrBadBandwidth) {
			t.Errorf("%+v: error %v", p, err)
		}
	}
}
