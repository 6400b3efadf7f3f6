package socket

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
	Sent     uint64            // events and acknowledgements handed to connections
}
