package pipeline

import "time"

// TrackStats are the figures of one source or one slot.
type TrackStats struct {
	MediaType     MediaType
	Description   string
	Codec         string
	Flowing       bool
	Packets       uint64
	Bytes         uint64
	Retransmitted uint64  // sent again on a NACK
	NACKs         uint64  // asked for by the browser
	PLIs          uint64  // key frames asked for: by the browser for a slot, of the browser for a source
	Lost          uint64  // packets missing, as far as this side knows
	LossFraction  float64 // 0..1, of the last report
	WriteErrors   uint64
}

// EndpointStats are the figures of one endpoint.
type EndpointStats struct {
	ID          string
	State       ConnectionState
	DTLSRole    string // "server" once known
	SRTPProfile string // e.g. "AEAD_AES_128_GCM", "" before the handshake
	// LocalCandidateType and RemoteCandidateType are host, srflx, prflx, relay.
	LocalCandidateType, RemoteCandidateType string
	Protocol                                string        // udp or tcp
	RemoteAddress                           string        // of the selected pair
	RoundTrip                               time.Duration // by receiver reports, 0 when not known
	Received                                []TrackStats  // from the browser: the element's sources
	Sent                                    []TrackStats  // to the browser: the element's slots
}

// ServerStats are totals since the start, those of released endpoints included,
// and what is there now.
type ServerStats struct {
	Pipelines, Endpoints, Connected int
	TURNAllocations                 int

	PacketsReceived, BytesReceived uint64
	PacketsSent, BytesSent         uint64
	Retransmitted                  uint64
	NACKs, PLIs                    uint64
	KeyFrameRequests               uint64 // asked of presenters
	PacketsLost                    uint64 // reported lost by viewers
	WriteErrors                    uint64
	EventsDropped                  uint64 // a subscriber was too slow
}
