package main

import (
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// received is what a viewer has of one SSRC, counted as RFC 3550, appendix A
// does. Nothing is kept but figures.
type received struct {
	ssrc    uint32
	rate    uint32
	started bool
	first   int64 // extended sequence numbers
	highest int64
	recent  [8]uint64 // the last 512 numbers, to tell packets that come twice
	packets uint64    // each number once
	twice   uint64
	bytes   uint64 // payload

	jitter   float64 // of the RTP clock
	transit  int64
	reported struct {
		expected, packets uint64
	}
	lastSR   uint32 // middle bits of its NTP time
	lastSRAt time.Time
}

const recentPackets = 512

// take counts a packet; false means that it came before.
func (r *received) take(h *rtp.Header, payload int, sinceEpoch time.Duration) bool {
	seq := r.extend(h.SequenceNumber)
	if !r.fresh(seq) {
		r.twice++
		return false
	}
	r.packets++
	r.bytes += uint64(payload)
	arrival := int64(sinceEpoch) * int64(r.rate) / int64(time.Second)
	transit := arrival - int64(h.Timestamp)
	if r.packets > 1 {
		d := float64(int32(transit - r.transit))
		r.jitter += (max(d, -d) - r.jitter) / 16
	}
	r.transit = transit
	return true
}

func (r *received) extend(seq uint16) int64 {
	if !r.started {
		r.started = true
		r.first = int64(seq)
		r.highest = r.first - 1
	}
	return r.highest + int64(int16(seq-uint16(r.highest)))
}

// fresh moves the window to seq and marks it there.
func (r *received) fresh(seq int64) bool {
	switch {
	case seq <= r.highest-recentPackets:
		return false
	case seq > r.highest:
		for n := max(r.highest+1, seq-recentPackets+1); n <= seq; n++ {
			r.recent[(n/64)%8] &^= 1 << (n % 64)
		}
		r.highest = seq
		r.first = min(r.first, seq)
	case seq < r.first:
		r.first = seq // the first one was overtaken
	}
	word, bit := &r.recent[((seq/64)%8+8)%8], uint64(1)<<((seq%64+64)%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

// expected is how many numbers the server has used, as far as is known.
func (r *received) expected() uint64 {
	if !r.started {
		return 0
	}
	return uint64(r.highest - r.first + 1)
}

// report is a reception report (RFC 3550, section 6.4.1).
func (r *received) report(now time.Time) rtcp.ReceptionReport {
	expected := r.expected()
	rr := rtcp.ReceptionReport{SSRC: r.ssrc, LastSequenceNumber: uint32(r.highest), Jitter: uint32(r.jitter), LastSenderReport: r.lastSR}
	if lost := int64(expected) - int64(r.packets); lost > 0 {
		rr.TotalLost = uint32(min(lost, 1<<23-1))
	}
	if d := expected - r.reported.expected; d > 0 {
		if lost := int64(d) - int64(r.packets-r.reported.packets); lost > 0 {
			rr.FractionLost = uint8(min(lost*256/int64(d), 255))
		}
	}
	r.reported.expected, r.reported.packets = expected, r.packets
	if !r.lastSRAt.IsZero() {
		rr.Delay = uint32(now.Sub(r.lastSRAt) * 65536 / time.Second)
	}
	return rr
}

// keyFrame watches for the first picture that a decoder could show: a key
// frame of which every packet is there.
type keyFrame struct {
	running bool
	ts      uint32
	next    uint16
	done    bool
}

// take tells whether this packet completes the first key frame.
func (k *keyFrame) take(h *rtp.Header, payload []byte) bool {
	if k.done {
		return false
	}
	start, key := vp8Start(payload)
	switch {
	case start && key:
		k.running, k.ts, k.next = true, h.Timestamp, h.SequenceNumber+1
	case k.running && h.Timestamp == k.ts && h.SequenceNumber == k.next:
		k.next++
	default:
		k.running = false
	}
	k.done = k.running && h.Marker
	return k.done
}

// vp8Start tells whether a payload begins a frame, and a key frame (RFC 7741,
// sections 4.2 and 4.3).
func vp8Start(p []byte) (start, key bool) {
	if len(p) < 2 {
		return false, false
	}
	start = p[0]&0x10 != 0 && p[0]&0x07 == 0
	at := 1
	if p[0]&0x80 != 0 {
		x := p[1]
		at = 2
		if x&0x80 != 0 && len(p) > at { // picture id
			if p[at]&0x80 != 0 {
				at++
			}
			at++
		}
		if x&0x40 != 0 { // TL0PICIDX
			at++
		}
		if x&0x30 != 0 { // TID, KEYIDX
			at++
		}
	}
	return start, start && at < len(p) && p[at]&1 == 0
}
