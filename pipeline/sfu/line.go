package sfu

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kelas/pipeline/estimate"
)

// Quality is what a viewer wants.
type Quality uint8

const (
	// Automatic: the best that the line carries.
	Automatic Quality = iota
	// Low: the lowest layer of everything, whatever the line carries.
	Low
	// SoundOnly: no pictures.
	SoundOnly
)

const (
	// startCapacity is believed of a line that nothing is known of, in bits a second: enough for a camera's
	// middle layer and sound, little enough for most lines.
	startCapacity = 1_000_000
	// unlimited is believed of a line that never reports.
	unlimited = 1 << 40
	// stepEvery is how often a line thinks about going up, while feedback comes.
	stepEvery = int64(200e6)
	// trial is how long a step up is on trial: a line that is full within it was not ready. Pictures differ, so a
	// layer may fit for a while.
	trial = int64(20e9)
	// backOff is how long nothing is tried after a line was full; it doubles up to backOffMost with each trial
	// that fails.
	backOff     = int64(2e9)
	backOffMost = int64(20e9)
	// sameReport is how soon after a receiver report another one is the same, told again: a connection has it for each
	// stream that it is about.
	sameReport = int64(50e6)
	// settled is how long after a step down the next one may be forced where the figures see no need.
	settled = int64(1e9)
)

// Line is one viewer's way, shared by the viewer's slots: one budget, from which sound is taken first and then
// each slot in the order of its precedence. It steps down when feedback says that the way is full, and up when a
// probe has shown that there is room. It has no goroutine and no ticker: feedback and one sweep for the whole server
// drive it; a timer exists while a probe lasts.
type Line struct {
	clock   func() time.Time
	quality atomic.Uint32

	mu       sync.Mutex
	closed   bool
	est      estimate.Line
	seats    []*seat
	capacity int64 // believed, bits a second
	least    int64 // SetBounds
	most     int64
	bounded  bool  // it was full once: capacity is a bound, not a guess
	pressed  bool  // what is being decided now is decided since the line is full
	stepped  int64 // when step last ran
	lowered  int64 // when a step down was last made
	nextTry  int64 // no probe before this
	wait     int64 // the back-off now
	trialTo  int64 // the last step up is on trial until then
	shared   int   // by how many places, when a step up was last thought of
	number   uint16
	received int64 // when loss was last reported
	probe    probe
	probing  sync.WaitGroup // the probe's timer, while it is set or runs

	counts lineCounters
}

type lineCounters struct{ full, probes, probesFailed, ups, downs atomic.Uint64 }

// seat is a slot at the line.
type seat struct {
	slot *Slot
	now  step // what slot.limit says
	new  bool // nothing flowed here when the line was shared last
}

// NewLine makes a line that nothing is known of. clock may be nil.
func NewLine(clock func() time.Time) *Line {
	if clock == nil {
		clock = time.Now
	}
	return &Line{clock: clock, capacity: startCapacity, wait: backOff}
}

func (l *Line) add(s *Slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seats = append(l.seats, &seat{slot: s, now: noLimit})
	slices.SortStableFunc(l.seats, func(a, b *seat) int { return a.slot.cfg.Precedence - b.slot.cfg.Precedence })
}

func (l *Line) remove(s *Slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seats = slices.DeleteFunc(l.seats, func(t *seat) bool { return t.slot == s })
}

// fed finds the place for a new source; the slot is locked.
func (l *Line) fed(s *Slot) {
	if s.cfg.Kind != Video {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.seats {
		if t.slot == s {
			t.new = true
		}
	}
	l.seatNewLocked()
}

// reconnected: delays on the new path cannot be compared with those before. A slot may be locked.
func (l *Line) reconnected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.est.Reset()
	l.stopProbeLocked()
}

// Sent is told of each packet that goes out to the viewer: its transport-wide number, its size with all headers
// of RTP and the payload, and when. A slot may be locked.
func (l *Line) Sent(number uint16, size int, now time.Time) {
	l.mu.Lock()
	l.number = number
	l.est.Sent(number, size+wireOverhead, now)
	l.mu.Unlock()
}

// wireOverhead is SRTP's tag, UDP and IPv4.
const wireOverhead = 16 + 28

// HandleRTCP takes a compound RTCP packet of the viewer as it came. It may be told of one more than once, and of
// packets that have nothing to do with it. No slot is locked.
func (l *Line) HandleRTCP(compound []byte, now time.Time) {
	news, lost := false, -1.0
	l.mu.Lock()
	estimate.Read(compound, func(r estimate.Report) {
		switch r.Kind {
		case estimate.Transport:
			news = l.est.Arrivals(r.Arrivals, now) || news
		case estimate.REMB:
			l.est.REMB(r.Bitrate, now)
			news = true
		case estimate.Reception:
			if l.hasPictureLocked(r.SSRC) {
				lost = max(lost, r.Fraction)
			}
		}
	})
	if at := now.UnixNano(); lost >= 0 && at-l.received >= sameReport {
		l.received = at
		l.est.Reception(lost) // once, whatever the number of pictures it is about
		news = true
	}
	var ask asks
	if news {
		l.thinkLocked(now, &ask)
	}
	l.mu.Unlock()
	ask.send()
}

func (l *Line) hasPictureLocked(ssrc uint32) bool {
	return slices.ContainsFunc(l.seats, func(t *seat) bool { return t.slot.cfg.SSRC == ssrc && t.slot.cfg.Kind == Video })
}

// Sweep is called about once a second, also for lines that report nothing.
func (l *Line) Sweep(now time.Time) {
	var ask asks
	l.mu.Lock()
	l.thinkLocked(now, &ask)
	l.mu.Unlock()
	ask.send()
}

// SetQuality changes what the viewer wants; it holds at once.
func (l *Line) SetQuality(q Quality) {
	var ask asks
	l.quality.Store(uint32(q))
	l.mu.Lock()
	l.allocateLocked(true, &ask)
	l.mu.Unlock()
	ask.send()
}

// Quality is what the viewer wants.
func (l *Line) Quality() Quality { return Quality(l.quality.Load()) }

// Close ends a probe under way and waits for it. No slot is locked.
func (l *Line) Close() {
	l.mu.Lock()
	l.closed = true
	l.stopProbeLocked()
	l.mu.Unlock()
	l.probing.Wait()
}

// thinkLocked steps down at once when the line is full, and up when there is room.
func (l *Line) thinkLocked(now time.Time, ask *asks) {
	at := now.UnixNano()
	l.seatNewLocked()
	if l.est.Blind(now) && !l.bounded {
		l.capacity = unlimited
	}
	if full, yes := l.est.Check(l.capacity, l.spentLocked(), now); yes {
		l.fullLocked(full, now, ask)
		return
	}
	if l.overLocked(at) {
		l.allocateLocked(false, ask)
		l.lowered = at
	}
	if rate, yes := l.est.Mistaken(now); yes {
		l.capacity, l.nextTry, l.wait = max(l.capacity, rate), 0, backOff
	}
	if l.est.Queue() < quiet {
		l.capacity = max(l.capacity, l.est.Arrived())
	}
	l.judgeProbeLocked(now)
	if at-l.stepped < stepEvery || l.probe.on {
		return
	}
	l.stepped = at
	l.upLocked(now, ask)
}

// quiet is a queue that is none.
const quiet = 25 * time.Millisecond

// fullLocked: the line carries less than it is sent.
func (l *Line) fullLocked(full estimate.Full, now time.Time, ask *asks) {
	at := now.UnixNano()
	l.counts.full.Add(1)
	if l.probe.on {
		// It carries what is sent without the probe, or this comes again.
		l.failProbeLocked(now)
		return
	}
	l.capacity, l.bounded = min(full.Rate, max(l.capacity, estimate.Least)), true
	if at < l.trialTo {
		l.doubleLocked()
	} else {
		l.wait = backOff
	}
	l.trialTo, l.nextTry = 0, at+l.wait
	l.pressed = true
	if !l.allocateLocked(false, ask) && l.settledLocked(at) {
		l.forceLocked(ask)
	}
	l.pressed, l.lowered = false, at
}

func (l *Line) doubleLocked() { l.wait = min(2*l.wait, backOffMost) }

// asks collects layers to be asked for a key frame once the lock is released.
type asks struct {
	layers [8]*Layer
	n      int
}

func (a *asks) add(l *Layer) {
	if l != nil && a.n < len(a.layers) {
		a.layers[a.n] = l
		a.n++
	}
}

func (a *asks) send() {
	for _, l := range a.layers[:a.n] {
		l.keys.request()
	}
}

// Received is what a viewer is sent in a slot at this moment.
type Received struct {
	RID      string
	Temporal int  // highest temporal layer that may be sent, -1: all
	Paused   bool // nothing is sent, though there is something
	ByChoice bool // Paused, since the viewer wants it so
}

// Received tells what the slot is sent; ok is false when nothing feeds it.
func (s *Slot) Received() (r Received, ok bool) {
	u := s.feeding.Load()
	if u == nil {
		return r, false
	}
	lim := s.limit.get()
	if lim.rank < 0 {
		return Received{Paused: true, ByChoice: s.cfg.Line != nil && s.cfg.Line.Quality() == SoundOnly}, true
	}
	r.Temporal = -1
	if l := s.current.Load(); l != nil {
		r.RID = l.rid
		if t := s.limit.temporal(l.rank); t != allTemporal {
			r.Temporal = int(t)
		}
	}
	return r, true
}

// LineStats are the figures of a line.
type LineStats struct {
	Capacity     int64 // believed, bits a second; 0: no bound is known
	Queue        time.Duration
	Loss         float64 // 0..1, over the last second
	Full         uint64  // times that the line was full
	Probes       uint64
	ProbesFailed uint64
	Ups, Downs   uint64 // steps
}

// Stats returns the figures of the line.
func (l *Line) Stats() LineStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := LineStats{
		Queue: l.est.Queue(), Loss: l.est.Loss(l.clock()),
		Full: l.counts.full.Load(), Probes: l.counts.probes.Load(), ProbesFailed: l.counts.probesFailed.Load(),
		Ups: l.counts.ups.Load(), Downs: l.counts.downs.Load(),
	}
	if l.capacity != unlimited {
		st.Capacity = l.capacity
	}
	return st
}

// OnlyArrivals tells whether a compound RTCP packet says nothing but when packets arrived.
func OnlyArrivals(compound []byte) bool { return estimate.OnlyArrivals(compound) }
