package sfu

import "sync/atomic"

const (
	// rateSpan is what a layer's rate is taken over; temporalLayers is the most that a format can name in use.
	rateSpan       = int64(500e6)
	temporalLayers = 4
	// packetOverhead is what a packet costs on the wire beside its payload: RTP header and extensions, SRTP, UDP, IP.
	packetOverhead = 64
)

// layerRate measures a layer and its temporal layers, in bits a second on the wire. One goroutine notes, anybody
// reads.
type layerRate struct {
	from  int64
	bytes [temporalLayers]int64
	rates [temporalLayers]atomic.Int64 // of this temporal layer and those below it
	top   atomic.Int32                 // highest temporal layer seen in the last span
	high  int32

	frames     int
	fps        atomic.Int64 // pictures a second in the last span
	bad, good  int          // spans in a row
	need       int          // good spans before it is sent again; doubles each time that it halts
	stuttering atomic.Bool
	halted     atomic.Bool // it was silent while lower layers were not; its good spans count anew
}

const (
	// A layer stutters when it has less than so many of ten pictures of a lower one, for badSpans in a row, and does
	// until it has had them for goodSpans.
	smoothShare = 6
	badSpans    = 2
	goodSpans   = 6
	// goodSpansMost is half a minute.
	goodSpansMost = 60
	// haltedAfter is how long a layer may be silent while a lower one with at least haltedBeside pictures a second is
	// not: a browser that has no uplink for it stops it at once.
	haltedAfter  = int64(400e6)
	haltedBeside = 8
)

// note returns whether a span has ended.
func (r *layerRate) note(tid uint8, payload int, marker bool, now int64) bool {
	if marker {
		r.frames++
	}
	t := int32(min(tid, temporalLayers-1))
	r.bytes[t] += int64(payload) + packetOverhead
	r.high = max(r.high, t)
	spent := now - r.from
	if spent < rateSpan {
		return false
	}
	sum := int64(0)
	for i := range r.bytes {
		sum += r.bytes[i]
		r.bytes[i] = 0
		rate := sum * 8e9 / spent
		if old := r.rates[i].Load(); old != 0 && spent < 4*rateSpan {
			rate = (old*3 + rate*2) / 5
		}
		if r.from != 0 {
			r.rates[i].Store(rate)
		}
	}
	ended := r.from != 0
	if ended {
		r.top.Store(r.high)
		r.fps.Store(int64(r.frames) * 1e9 / spent)
	}
	r.high, r.frames, r.from = 0, 0, now
	return ended
}

// halt: nothing has come for a while.
func (r *layerRate) halt() {
	r.halted.Store(true)
	r.stuttering.Store(true)
}

// compare judges a span that has ended by the pictures of a lower layer.
func (r *layerRate) compare(lower int64) {
	if r.halted.Swap(false) {
		r.good, r.need = 0, min(max(2*r.need, 2*goodSpans), goodSpansMost)
	}
	if 10*r.fps.Load() < smoothShare*lower {
		r.bad, r.good = r.bad+1, 0
	} else {
		r.bad, r.good = 0, r.good+1
	}
	switch {
	case r.bad >= badSpans:
		r.stuttering.Store(true)
	case r.good >= max(r.need, goodSpans):
		r.stuttering.Store(false)
		if r.good >= 2*goodSpansMost {
			r.need = goodSpans // a minute without trouble
		}
	}
}

// upTo is the rate of the temporal layers up to tid.
func (r *layerRate) upTo(tid uint8) int64 { return r.rates[min(tid, temporalLayers-1)].Load() }
