package sfu

import (
	"cmp"
	"slices"
	"time"
)

// layerIdle is how long a layer may be silent before a lower one takes its place. A browser that switches a
// layer off stops at once; a screen that does not move still sends a picture a second.
const layerIdle = 1500 * time.Millisecond

// rankOf orders layers by the names that browsers and libraries use for them: q, h, f (quarter, half, full)
// and l, m, h. Unknown names rank as they were added.
func rankOf(rid string, added int) int {
	switch rid {
	case "":
		return 0 // no simulcast: one after the other
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

// noteFlow keeps u.flow: the layers that flow, the lowest first, and of those with one rank the newest. A slot
// that is sent another one than it should asks for a key frame when the next packet of the right one reaches it.
func (u *UpTrack) noteFlow(l *Layer, now int64) {
	known, stale := false, false
	for _, o := range *u.flow.Load() {
		if o == l {
			known = true
		} else if silent := now - o.lastPacket.Load(); silent >= int64(layerIdle) {
			stale = true
		} else if silent > haltedAfter && o.rank > l.rank && l.rate.fps.Load() >= haltedBeside && !o.rate.halted.Load() {
			o.rate.halt()
		}
	}
	if known && !stale {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return
	}
	var flow []*Layer
	for _, o := range u.layers {
		if o.flows(now) {
			flow = append(flow, o)
		}
	}
	slices.SortFunc(flow, func(a, b *Layer) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.added, a.added)) })
	flow = slices.CompactFunc(flow, func(a, b *Layer) bool { return a.rank == b.rank })
	u.flow.Store(&flow)
}

// fpsBelow is how many pictures a second the smoothest layer below has.
func (u *UpTrack) fpsBelow(l *Layer) (fps int64) {
	for _, o := range *u.flow.Load() {
		if o.rank < l.rank {
			fps = max(fps, o.rate.fps.Load())
		}
	}
	return fps
}

func (l *Layer) flows(now int64) bool { return now-l.lastPacket.Load() < int64(layerIdle) }
