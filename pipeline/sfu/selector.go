package sfu

import "time"

// layerIdle is how long a layer may be silent before a lower one takes its place. A browser that switches a
// layer off stops at once; a screen that does not move still sends a picture a second.
const layerIdle = 1500 * time.Millisecond

// rankOf orders layers by the names that browsers and libraries use for them: q, h, f (quarter, half, full)
// and l, m, h. Unknown names rank as they were added.
func rankOf(rid string, added int) int {
	switch rid {
	case "q", "l", "low", "0":
		return 0
	case "m", "mid", "medium", "1":
		return 100
	case "h", "high", "2":
		return 200
	case "f", "full", "3":
		return 300
	}
	return added
}

// above orders layers: by rank, and of two with one name the newer, since its sender has given up the other.
func (l *Layer) above(o *Layer) bool {
	return l.rank > o.rank || l.rank == o.rank && l.added > o.added
}

// noteFlow keeps u.best at the highest layer that flows. A slot that is sent another one asks for a key frame
// when the next packet of the best one reaches it.
func (u *UpTrack) noteFlow(l *Layer, now int64) {
	best := u.best.Load()
	if best == l || best != nil && best.above(l) && now-best.lastPacket.Load() < int64(layerIdle) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return
	}
	best = l
	for _, other := range u.layers {
		if other.above(best) && now-other.lastPacket.Load() < int64(layerIdle) {
			best = other
		}
	}
	u.best.Store(best)
}
