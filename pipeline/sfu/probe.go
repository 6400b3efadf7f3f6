package sfu

import (
	"math"
	"time"
)

const (
	// probeLength is how long a probe lasts: long enough to see a queue grow by a tenth of what is too much.
	probeLength = 400 * time.Millisecond
	probeTick   = 10 * time.Millisecond
	// probeMargin is how much more than needed is probed for, in percent.
	probeMargin = 8
	// probeAnswer is how long feedback may take.
	probeAnswer = time.Second
	// probeQueue is how much longer than before packets may be on the way at the end of a probe.
	probeQueue = 25 * time.Millisecond
	// probeBurst limits the packets of a tick.
	probeBurst = 24
)

// probe sends more than there is to send, to see whether the line carries it: packets that were sent before are
// repeated in the retransmission stream, where a receiver throws away what it has, and is glad of what it has lost.
type probe struct {
	on       bool
	turn     uint64 // a timer of an older probe does nothing
	target   int64
	began    time.Time
	bytes    int64 // sent by all when it began
	queue    time.Duration
	loss     float64 // before it
	last     uint16  // number of its last packet
	finished bool
	timer    *time.Timer
}

func (l *Line) canProbeLocked() bool {
	for _, t := range l.seats {
		if t.slot.cfg.Kind == Video && t.slot.cfg.RTXSSRC != 0 && t.slot.current.Load() != nil {
			return true
		}
	}
	return false
}

// startProbeLocked begins a probe for so many bits a second; false when there is nothing to probe with.
func (l *Line) startProbeLocked(need int64, now time.Time) bool {
	if l.closed || !l.est.Heard(now) || !l.canProbeLocked() {
		return false
	}
	l.counts.probes.Add(1)
	l.probe = probe{
		on: true, turn: l.probe.turn + 1, target: need * (100 + probeMargin) / 100,
		began: now, bytes: l.est.SentBytes(), queue: l.est.Queue(), loss: l.est.Loss(now),
	}
	l.est.Mark(now)
	l.armProbeLocked()
	return true
}

func (l *Line) armProbeLocked() {
	turn := l.probe.turn
	l.probing.Add(1)
	l.probe.timer = time.AfterFunc(probeTick, func() {
		defer l.probing.Done()
		l.pumpProbe(turn)
	})
}

func (l *Line) stopProbeLocked() {
	if l.probe.timer != nil && l.probe.timer.Stop() {
		l.probing.Done()
	}
	l.probe = probe{turn: l.probe.turn + 1}
}

// pumpProbe sends what is missing to the rate that is tried.
func (l *Line) pumpProbe(turn uint64) {
	l.mu.Lock()
	if l.closed || !l.probe.on || l.probe.turn != turn {
		l.mu.Unlock()
		return
	}
	now := l.clock()
	spent := now.Sub(l.probe.began)
	missing := l.probe.target*int64(spent)/8e9 - (l.est.SentBytes() - l.probe.bytes)
	var slot *Slot
	for _, t := range l.seats {
		if t.slot.cfg.Kind == Video && t.slot.cfg.RTXSSRC != 0 && t.slot.current.Load() != nil {
			slot = t.slot
		}
	}
	l.mu.Unlock()
	if slot != nil && missing > 0 {
		slot.repeat(int(missing))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || !l.probe.on || l.probe.turn != turn {
		return
	}
	l.probe.timer = nil
	if spent >= probeLength {
		l.probe.finished, l.probe.last = true, l.number
		return
	}
	l.armProbeLocked()
}

// judgeProbeLocked ends a probe once it is reported: the queue has not grown, or the line was full.
func (l *Line) judgeProbeLocked(now time.Time) {
	p := &l.probe
	if !p.on {
		return
	}
	grown := l.est.Queue() - p.queue
	switch late := now.Sub(p.began) > probeLength+probeAnswer; {
	case grown > 2*probeQueue, late && !p.finished, l.est.Heavy(now):
		l.failProbeLocked(now)
	case !p.finished || l.est.Outstanding(p.last) && !late:
	case grown > probeQueue, late, l.lostMoreLocked():
		l.failProbeLocked(now)
	default:
		l.capacity = max(l.capacity, p.target*100/(100+probeMargin))
		l.stopProbeLocked()
		l.stepped = 0 // the step that this was for
	}
}

// lostMoreLocked: a line with a short queue shows that it is full by losing, of what was sent during the probe, more
// than before. The second term is what a probe too large by the margin may lose, the third one is chance.
func (l *Line) lostMoreLocked() bool {
	lost, total := l.est.SinceMark()
	if total == 0 {
		return true
	}
	before := l.probe.loss
	return float64(lost)/float64(total) > before+probeMargin/100.0+1.5*math.Sqrt(before*(1-before)/float64(total))
}

func (l *Line) failProbeLocked(now time.Time) {
	l.counts.probesFailed.Add(1)
	l.stopProbeLocked()
	l.est.Hold(now)
	l.bounded = true
	if l.nextTry != 0 {
		l.doubleLocked()
	}
	l.nextTry = now.UnixNano() + l.wait
}

// repeat sends packets again in the retransmission stream until about so many bytes are out.
func (s *Slot) repeat(bytes int) {
	v := views.Get().(*view)
	defer views.Put(v)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.connected || s.layer == nil {
		return
	}
	for n := 0; bytes > 0 && n < probeBurst; n++ {
		size := s.out.repeat(v)
		if size == 0 {
			return
		}
		bytes -= size + wireOverhead + rtpOverhead
	}
}

// rtpOverhead is a header with what is stamped on it.
const rtpOverhead = packetOverhead - wireOverhead

// repeatBack is how far back packets are taken from for a probe.
const repeatBack = 32

// repeat sends the next of the newest packets again; 0 when there is none.
func (d *downTrack) repeat(v *view) int {
	w := &d.rewriter
	for range repeatBack {
		d.repeated++
		seq := w.lastSeq - int64(d.repeated%repeatBack)
		sent, r := w.sent.get(seq), d.runOf(seq)
		if sent == nil || sent.hollow || r == nil || r.codec.RTXPayloadType == 0 || !r.layer.readShort(sent.src, v) || v.empty() {
			continue
		}
		d.counts.repeated.Add(1)
		return d.writeRTX(sent, r.codec, uint16(seq), v)
	}
	return 0
}
