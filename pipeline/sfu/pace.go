package sfu

import "time"

// A large key frame that leaves at line rate overflows shallow queues on the way, so what a viewer is sent of pictures
// in one moment is bounded: paceBurst packets at once, then paceRate a millisecond, or more when that would take longer
// than paceTicks. The rest lies in the ring, where a replay would take it from; nothing is queued, and a viewer who is
// not behind has no timer. Sound is never paced.
const (
	paceBurst = 16
	paceRate  = 8 // a tick
	paceTicks = 8
	paceTick  = time.Millisecond
)

// pacer counts what a slot may still send at once.
type pacer struct {
	tokens   int64 // thousandths of a packet
	at       int64 // arrival of the last packet
	catching bool  // the slot is behind, and not in a replay
	step     int   // packets a tick, then
}

// allows takes a packet's place.
func (p *pacer) allows(arrival int64) bool {
	if since := arrival - p.at; since > 0 {
		p.tokens = min(paceBurst*1000, p.tokens+min(since, int64(time.Second))*paceRate*1000/int64(paceTick))
		p.at = arrival
	}
	if p.tokens < 1000 {
		return false
	}
	p.tokens -= 1000
	return true
}

// paceLocked tells whether a packet has to wait; then it is sent from the ring by the slot's timer.
func (s *Slot) paceLocked(v *view) bool {
	if !s.cfg.Pace || s.cfg.Kind != Video || s.state != live || s.timer != nil || v.ext <= s.out.rewriter.newest || s.pace.allows(v.arrival) {
		return false
	}
	s.state, s.cursor = replaying, v.ext
	s.pace.catching, s.pace.step = true, paceRate
	s.armLocked(paceTick)
	return true
}

// burst is how many packets the slot's timer may send at once.
func (s *Slot) burst(highest int64) int {
	if !s.pace.catching {
		return replayBurst
	}
	s.pace.step = max(s.pace.step, int(highest-s.cursor+1)/paceTicks)
	return s.pace.step
}
