package udp

import "sync/atomic"

// Stats are totals since the start.
type Stats struct {
	Coalescing bool // packets are put together now

	Packets   uint64 // written
	Direct    uint64 // of these, sent by themselves at once: no media, or nothing is put together
	Messages  uint64 // handed to the kernel for those that waited
	Segmented uint64 // of the messages, those that the kernel cut up
	Segments  uint64 // packets in those
	Calls     uint64 // system calls for the messages
	Timed     uint64 // times that the wait was ended by the clock

	Refused uint64 // messages that the kernel would not cut; their packets were sent singly
	Stalls  uint64 // times that the kernel had no room
	Dropped uint64 // packets that waited and that the kernel would not take at all
}

type counters struct {
	off atomic.Bool // nothing is cut any more

	packets, direct, messages, segmented, segments, calls, timed atomic.Uint64
	refused, stalls, dropped                                     atomic.Uint64
}

func (c *counters) cutting() bool { return !c.off.Load() }

func (c *counters) stats() Stats {
	return Stats{
		Packets: c.packets.Load(), Direct: c.direct.Load(), Messages: c.messages.Load(),
		Segmented: c.segmented.Load(), Segments: c.segments.Load(), Calls: c.calls.Load(), Timed: c.timed.Load(),
		Refused: c.refused.Load(), Stalls: c.stalls.Load(), Dropped: c.dropped.Load(),
	}
}
