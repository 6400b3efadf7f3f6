package pipeline

import (
	"fmt"
	"sync"
	"time"
)

// RembParams are Kurento's: how what a browser may send follows what of it is
// lost. They act on pictures that the endpoint receives.
type RembParams struct {
	// PacketsRecvIntervalTop is over how many packets losses are averaged; 1 to
	// a million.
	PacketsRecvIntervalTop int
	// ExponentialFactor is the part by which the limit grows, each half second
	// without loss, while it is below the threshold; 0 to 10.
	ExponentialFactor float64
	// LinealFactorMin is the least, in bit/s, by which it grows above; from 0.
	LinealFactorMin int
	// LinealFactorGrade is in how many steps it comes from the threshold to
	// where there was loss; more than 0.
	LinealFactorGrade float64
	// DecrementFactor is what remains of the limit after much loss; 0 to 1.
	DecrementFactor float64
	// ThresholdFactor is where the threshold lies then, as a part of the limit; 0
	// to 1.
	ThresholdFactor float64
	// UpLosses is how many of 256 packets may be lost before it is much; 0 to 256.
	UpLosses int
	// RembOnConnect is the limit at first, in bit/s; 0 to 10 Gbit/s.
	RembOnConnect int
}

// DefaultRembParams are Kurento's defaults.
func DefaultRembParams() RembParams {
	return RembParams{
		PacketsRecvIntervalTop: 100, ExponentialFactor: 0.04, LinealFactorMin: 50, LinealFactorGrade: 30,
		DecrementFactor: 0.5, ThresholdFactor: 0.8, UpLosses: 12, RembOnConnect: 300_000,
	}
}

func (p RembParams) check() error {
	for _, x := range []struct {
		name             string
		value, low, high float64
	}{
		{"packetsRecvIntervalTop", float64(p.PacketsRecvIntervalTop), 1, 1e6},
		{"exponentialFactor", p.ExponentialFactor, 0, 10},
		{"linealFactorMin", float64(p.LinealFactorMin), 0, MaxBandwidth * 1000},
		{"linealFactorGrade", p.LinealFactorGrade, 1e-3, 1e6},
		{"decrementFactor", p.DecrementFactor, 0, 1},
		{"thresholdFactor", p.ThresholdFactor, 0, 1},
		{"upLosses", float64(p.UpLosses), 0, 256},
		{"rembOnConnect", float64(p.RembOnConnect), 0, MaxBandwidth * 1000},
	} {
		if !(x.value >= x.low && x.value <= x.high) {
			return fmt.Errorf("%w: %s is %v; %v to %v are possible", ErrBadBandwidth, x.name, x.value, x.low, x.high)
		}
	}
	return nil
}

// SetRembParams has the browser told a limit that follows what it loses on the
// way here, from now on and for good. Until it is called nothing follows loss:
// the browser measures its way itself, by transport-wide feedback, which it goes
// on doing; it sends by the lower of both.
func (e *WebRtcEndpoint) SetRembParams(p RembParams) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("setting the REMB parameters: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead.Load() {
		return fmt.Errorf("setting the REMB parameters: %w", ErrReleased)
	}
	if m := e.byLoss.Load(); m != nil {
		m.set(p)
		return nil
	}
	e.byLoss.Store(newLossMeter(p))
	e.server.metering.Add(1)
	return nil
}

// RembParams are those that were set last, or the defaults.
func (e *WebRtcEndpoint) RembParams() RembParams {
	if m := e.byLoss.Load(); m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.rule.params
	}
	return DefaultRembParams()
}

const (
	// rembInterval is the pace that Kurento's parameters are made for.
	rembInterval = 500 * time.Millisecond
	// rembSettles is how long what comes was sent before the browser knew its
	// first limit.
	rembSettles = time.Second
	// leastRemb is Kurento's, in bit/s: a browser that sends nothing loses
	// nothing and would never be let up again.
	leastRemb = 30_000
	// firstThreshold, in bit/s, holds until there was loss.
	firstThreshold = 2_000_000
	// peakFactor is how far the limit may be above what ever came: a browser
	// that does not use what it may send proves nothing.
	peakFactor = 2
)

// lossRule is the limit and what it depends on, in bit/s.
type lossRule struct {
	params     RembParams
	limit      int64
	threshold  int64
	step       int64
	losses     int64 // of 256, averaged; whole numbers, or small ones would never be over
	peak, mean int64 // of what came since there was much loss
}

func newLossRule(p RembParams) lossRule {
	return lossRule{params: p, limit: int64(p.RembOnConnect), threshold: firstThreshold, step: int64(p.LinealFactorMin)}
}

// update takes what came in one interval: packets, how many of 256 were lost,
// and bit/s. most is a bound of the limit, 0 is none.
func (r *lossRule) update(packets, lost, rate, most int64) {
	top := max(int64(r.params.PacketsRecvIntervalTop), packets)
	r.losses = (r.losses*(top-packets) + lost*packets) / top
	r.peak = max(r.peak, rate)
	if r.mean == 0 {
		r.mean = rate
	}
	r.mean = (r.mean*7 + rate) / 8
	if r.losses == 0 {
		r.grow()
	} else {
		r.bear()
	}
	if most > 0 {
		r.limit = min(r.limit, most)
	}
}

// grow is fast below the threshold, and slow above.
func (r *lossRule) grow() {
	from := max(r.limit, r.peak)
	to := from + r.step
	if from < r.threshold {
		to = int64(float64(from) * (1 + r.params.ExponentialFactor))
	}
	r.limit = max(r.limit, min(to, peakFactor*r.peak))
}

// bear holds the limit to what has come, and cuts it when that is too much.
func (r *lossRule) bear() {
	p := r.params
	from := max(r.limit, r.mean)
	r.threshold = int64(float64(from) * p.ThresholdFactor)
	r.step = max(int64(p.LinealFactorMin), int64(float64(from-r.threshold)/p.LinealFactorGrade))
	if r.losses < int64(p.UpLosses) {
		r.limit = min(r.limit, r.peak)
		return
	}
	r.limit = int64(float64(from) * p.DecrementFactor)
	r.losses, r.peak, r.mean = 0, 0, 0
}

// lossMeter counts what comes to an endpoint, and what of its pictures does not.
type lossMeter struct {
	mu      sync.Mutex
	rule    lossRule
	streams map[uint32]*reception // by SSRC; those that are silent are forgotten
	bytes   int64
	told    time.Time // for the first time
	updated time.Time
}

func newLossMeter(p RembParams) *lossMeter {
	return &lossMeter{rule: newLossRule(p), streams: make(map[uint32]*reception)}
}

func (m *lossMeter) set(p RembParams) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told.IsZero() {
		m.rule = newLossRule(p)
	}
	m.rule.params = p
}

// see takes a packet. Of sound, and of a repair, whose packet was lost before,
// only the size counts: the limit is for all that comes.
func (m *lossMeter) see(ssrc uint32, seq uint16, size int, onlySize bool, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes += int64(size)
	if onlySize {
		return
	}
	r := m.streams[ssrc]
	if r == nil {
		r = &reception{ssrc: ssrc}
		m.streams[ssrc] = r
	}
	r.see(seq, 0, now)
}

// limit is what the browser may send, in bit/s. most and least bound it; 0 is no
// bound.
func (m *lossMeter) limit(now time.Time, most, least int64) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch elapsed := now.Sub(m.updated); {
	case m.told.IsZero():
		m.told, m.updated = now, now
	case now.Sub(m.told) < rembSettles:
		_, _ = m.takeLocked()
		m.bytes, m.updated = 0, now
	case elapsed >= rembInterval*4/5: // a tick may be late, and the next in time
		came, lost := m.takeLocked()
		rate := m.bytes * 8 * int64(time.Second) / int64(elapsed)
		m.bytes, m.updated = 0, now
		if came > 0 {
			m.rule.update(came, lost, rate, most)
		}
	}
	limit := m.rule.limit
	if most > 0 {
		limit = min(limit, most)
	}
	return max(limit, least, leastRemb)
}

// takeLocked is how many packets have come since it was called before, and how
// many of 256 have not.
func (m *lossMeter) takeLocked() (came, lost int64) {
	var expected int64
	for ssrc, r := range m.streams {
		e, c := r.take()
		if c == 0 {
			delete(m.streams, ssrc)
			continue
		}
		expected, came = expected+e, came+c
	}
	if expected > came {
		lost = min((expected-came)*256/expected, 255)
	}
	return came, lost
}
