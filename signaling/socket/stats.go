package socket

import (
	"sync"
	"sync/atomic"
)

// Stats are what is connected now, and totals since the start.
type Stats struct {
	Connections int // open now
	Joined      int // of these, in a class

	Accepted  uint64            // connections that were let in
	Refused   map[string]uint64 // connections that were not, by fault code
	Evictions uint64            // connections cut because they read too slowly
	Oversized uint64            // messages above the limit
	Throttled uint64            // messages above the rate
	Malformed uint64            // packets that are not Engine.IO or Socket.IO, or binary
	Panics    uint64            // in handlers

	Received map[string]uint64 // messages by event; unknown ones under "unknown"
	Failed   map[string]uint64 // requests answered with an error, by fault code
	Sent     uint64            // packets handed to connections
}

const unknownEvents = "unknown"

// counters are what Stats shows.
type counters struct {
	connections, joined                                        atomic.Int64
	accepted, evictions, oversized, throttled, malformed, sent atomic.Uint64
	panics                                                     atomic.Uint64
	events                                                     map[string]*atomic.Uint64 // fixed at the start
	refused, failed                                            byCode
}

func newCounters(events []string) *counters {
	n := &counters{events: map[string]*atomic.Uint64{unknownEvents: {}}}
	for _, e := range events {
		n.events[e] = new(atomic.Uint64)
	}
	return n
}

// received counts a message and reports whether its event is known.
func (n *counters) received(event string) bool {
	if count := n.events[event]; count != nil && event != unknownEvents {
		count.Add(1)
		return true
	}
	n.events[unknownEvents].Add(1)
	return false
}

func (n *counters) refuse(code string) { n.refused.add(code) }
func (n *counters) fail(code string)   { n.failed.add(code) }

func (n *counters) stats() Stats {
	s := Stats{
		Connections: int(n.connections.Load()), Joined: int(n.joined.Load()),
		Accepted: n.accepted.Load(), Evictions: n.evictions.Load(), Oversized: n.oversized.Load(),
		Throttled: n.throttled.Load(), Malformed: n.malformed.Load(), Panics: n.panics.Load(), Sent: n.sent.Load(),
		Received: make(map[string]uint64, len(n.events)),
		Refused:  n.refused.all(), Failed: n.failed.all(),
	}
	for event, count := range n.events {
		s.Received[event] = count.Load()
	}
	return s
}

// byCode counts by fault code, of which there are few.
type byCode struct{ m sync.Map }

func (b *byCode) add(code string) {
	count, ok := b.m.Load(code)
	if !ok {
		count, _ = b.m.LoadOrStore(code, new(atomic.Uint64))
	}
	count.(*atomic.Uint64).Add(1)
}

func (b *byCode) all() map[string]uint64 {
	all := map[string]uint64{}
	b.m.Range(func(code, count any) bool {
		all[code.(string)] = count.(*atomic.Uint64).Load()
		return true
	})
	return all
}
