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
}

func (r *layerRate) note(tid uint8, payload int, now int64) {
	t := int32(min(tid, temporalLayers-1))
	r.bytes[t] += int64(payload) + packetOverhead
	r.high = max(r.high, t)
	spent := now - r.from
	if spent < rateSpan {
		return
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
	if r.from != 0 {
		r.top.Store(r.high)
	}
	r.high, r.from = 0, now
}

// upTo is the rate of the temporal layers up to tid.
func (r *layerRate) upTo(tid uint8) int64 { return r.rates[min(tid, temporalLayers-1)].Load() }
