package sfu

import "time"

const (
	// replayTick is the pace of a replay: in each tick one frame, or as many as make up replayStep, so that
	// two seconds take half a second whatever the frame rate.
	replayTick = 10 * time.Millisecond
	replayStep = 40 * time.Millisecond
	// replayBurst limits what leaves at once; a large key frame is spread over several short ticks.
	replayBurst     = 16
	replayBurstTick = time.Millisecond
)

// armLocked sets the slot's one timer. A slot has a timer only while it waits after connecting, replays, or
// owes a viewer a replay; an idle viewer costs none.
func (s *Slot) armLocked(d time.Duration) {
	s.disarmLocked()
	turn := s.timerTurn
	s.timers.Add(1)
	s.timer = time.AfterFunc(d, func() {
		defer s.timers.Done()
		s.fire(turn)
	})
}

func (s *Slot) disarmLocked() {
	s.timerTurn++
	if s.timer != nil && s.timer.Stop() {
		s.timers.Done()
	}
	s.timer = nil
}

func (s *Slot) fire(turn uint64) {
	var ask *Layer
	s.mu.Lock()
	if turn == s.timerTurn {
		s.timer = nil
		switch s.state {
		case held:
			s.state = idle
			ask = s.wakeLocked(s.cfg.Clock())
		case replaying:
			ask = s.pumpLocked()
		case live:
			ask = s.startLocked(s.cfg.Clock())
		}
	}
	s.mu.Unlock()
	requestKeyFrame(ask)
}

// pumpLocked sends the next piece of a replay. Having caught up with the ring it goes live: a packet that was
// put into the ring since is delivered as soon as the lock is free.
func (s *Slot) pumpLocked() (ask *Layer) {
	v := views.Get().(*view)
	defer views.Put(v)
	var firstTS uint32
	burst := 0
	step := s.out.rewriter.rate * int64(replayStep) / int64(time.Second)
	for sent := 0; ; s.cursor++ {
		found, highest, oldest := s.layer.read(s.cursor, v)
		if s.cursor > highest {
			s.state, s.pace.catching = live, false
			return nil
		}
		if s.cursor < oldest {
			return s.breakLocked() // the ring has gone over the place
		}
		if !found {
			continue
		}
		switch {
		case sent == 0:
			firstTS, burst = v.ts, s.burst(highest)
		case sent >= burst:
			s.armLocked(replayBurstTick)
			return nil
		case v.ts != firstTS && int64(int32(v.ts-firstTS)) >= step:
			s.armLocked(replayTick)
			return nil
		}
		if !s.sendLocked(v) {
			return s.breakLocked()
		}
		sent++
	}
}
