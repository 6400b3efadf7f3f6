package sfu

import (
	"math"
	"sync/atomic"
	"time"
)

// LayerStats are the counters of one layer.
type LayerStats struct {
	RID              string
	SSRC             uint32
	Packets          uint64 // media packets taken
	Bytes            uint64 // their payload
	Duplicates       uint64
	Empty            uint64 // padding only
	Malformed        uint64 // not RTP, or larger than a packet may be
	TooOld           uint64 // so late that the ring has gone over their place
	Lost             uint64 // gaps in the sequence that are not filled so far
	KeyFrames        uint64
	KeyFrameRequests uint64 // sent upstream, after merging
	LastPacket       time.Time
	Jitter           time.Duration // of arrivals (RFC 3550, section 6.4.1)
	Latency          time.Duration // from arrival until all slots had the packet, a running mean; 0: no slot yet
	Taken            time.Duration // from arrival until the packet was there for all, the same; 0: not measured (Timed)
	LossFraction     float64       // 0..1, of what was sent between the last two sweeps
}

// UpTrackStats are the sums over the layers, and the layers.
type UpTrackStats struct {
	Packets, Bytes, Duplicates, Empty, Malformed, TooOld, Lost, KeyFrames, KeyFrameRequests uint64
	Layers                                                                                  []LayerStats
}

// SlotStats are the counters of one slot.
type SlotStats struct {
	Packets       uint64 // sent on the slot's own SSRC, retransmissions without RTX not counted
	Bytes         uint64 // their payload
	Retransmitted uint64
	NACKs         uint64 // sequence numbers asked for
	NACKsUnknown  uint64 // of these: not sent by us, or no longer in the ring
	NACKPackets   uint64 // that asked for them
	PLIs          uint64 // PLI and FIR received
	FIRs          uint64 // of these: FIR
	Repeated      uint64 // sent again to find out what the line carries
	Replays       uint64 // times that the cached pictures were sent
	Switches      uint64 // times that a new run of packets began: source, layer, reconnect
	WriteErrors   uint64
	LostFraction  float64 // from the last receiver report, 0..1
	LostTotal     uint32  // from the last receiver report
	Jitter        time.Duration
	RTT           time.Duration // 0: unknown
	// How long packets took from the wire until the slot had them, and until they were written: running means of
	// what was sent as it came, not of cached pictures; 0: not measured (Timed).
	Input, Through time.Duration
}

// slotCounters are written by the slot and read by anybody.
type slotCounters struct {
	packets, bytes, retransmitted, nacks, nacksUnknown, plis atomic.Uint64
	replays, switches, writeErrors, repeated                 atomic.Uint64
	nackPackets, firs                                        atomic.Uint64
	input, through                                           meanTime
	lostFraction                                             atomic.Uint64 // bits of a float64
	lostTotal                                                atomic.Uint32
	jitter, rtt                                              atomic.Int64
}

// Stats returns the counters of the slot.
func (s *Slot) Stats() SlotStats {
	c := &s.counts
	return SlotStats{
		Packets: c.packets.Load(), Bytes: c.bytes.Load(), Retransmitted: c.retransmitted.Load(),
		NACKs: c.nacks.Load(), NACKPackets: c.nackPackets.Load(), NACKsUnknown: c.nacksUnknown.Load(),
		PLIs: c.plis.Load(), FIRs: c.firs.Load(), Input: c.input.get(), Through: c.through.get(),
		Repeated: c.repeated.Load(), Replays: c.replays.Load(), Switches: c.switches.Load(), WriteErrors: c.writeErrors.Load(),
		LostFraction: math.Float64frombits(c.lostFraction.Load()), LostTotal: c.lostTotal.Load(),
		Jitter: time.Duration(c.jitter.Load()), RTT: time.Duration(c.rtt.Load()),
	}
}
