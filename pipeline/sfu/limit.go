package sfu

import (
	"math"
	"sync/atomic"
)

// step is what a viewer is sent at most of a track: layers up to a rank, of the layer with that rank temporal
// layers up to tid.
type step struct {
	rank int32
	tid  uint8
}

var (
	noLimit = step{rank: math.MaxInt32, tid: allTemporal}
	nothing = step{rank: -1}
)

// limit is the step that a slot may take. It is set by the viewer's Line and read for each packet.
type limit struct {
	packed atomic.Uint64 // 0: no limit
	// full: the line carries no more than that, so a layer above it is sent as thin as it can be, and not
	// repaired, until a key frame of the right one comes.
	full atomic.Bool
}

func (l *limit) set(s step) {
	if s == noLimit {
		l.packed.Store(0)
		return
	}
	l.packed.Store(1<<63 | uint64(uint32(s.rank))<<8 | uint64(s.tid))
}

func (l *limit) get() step {
	p := l.packed.Load()
	if p == 0 {
		return noLimit
	}
	return step{rank: int32(uint32(p >> 8)), tid: uint8(p)}
}

// temporal is how much of a layer may be sent while it is the current one.
func (l *limit) temporal(rank int) uint8 {
	s := l.get()
	switch {
	case rank == int(s.rank):
		return s.tid
	case rank > int(s.rank) && l.full.Load():
		return 0
	}
	return allTemporal
}

// tooMuch tells whether a layer is more than the line carries.
func (l *limit) tooMuch(rank int) bool { return l.full.Load() && rank > int(l.get().rank) }

// goal is the layer that a slot should be sent from a track: the highest within the limit that flows and does not
// stutter, or the lowest that flows; nil when nothing flows or nothing may be sent.
func (u *UpTrack) goal(l *limit) *Layer {
	s := l.get()
	flow := *u.flow.Load()
	if len(flow) == 0 || s.rank < 0 {
		return nil
	}
	best := flow[0]
	for _, o := range flow[1:] {
		if o.rank <= int(s.rank) && !o.rate.stuttering.Load() {
			best = o
		}
	}
	return best
}
