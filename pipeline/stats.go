package pipeline

import (
	"slices"
	"time"

	"kelas/pipeline/sfu"
	"kelas/pipeline/udp"
)

// TrackStats are the figures of one source or one slot.
type TrackStats struct {
	MediaType     MediaType
	Description   string
	Codec         string
	Flowing       bool
	Packets       uint64
	Bytes         uint64  // payload
	Retransmitted uint64  // sent again on a NACK
	NACKs         uint64  // sequence numbers asked for: by the browser for a slot, of the browser for a source
	NACKPackets   uint64  // in which they were asked for
	PLIs          uint64  // key frames asked for: by the browser for a slot, of the browser for a source
	FIRs          uint64  // of these: by FIR
	Lost          uint64  // of a slot: reported by the browser; of a source: missing
	LossFraction  float64 // 0..1, of the last report
	WriteErrors   uint64
	RoundTrip     time.Duration // 0: not known
	Layer         Layer         // of a slot
	SSRC          uint32        // of a slot; of a source with one stream
	Jitter        time.Duration // of a slot: reported by the browser; of a source: measured here
	// Latency is how long packets of the source stay in the server, from the wire
	// until they were handed out to all, a running mean; 0: not known.
	Latency time.Duration
	// Rate is what a slot was sent between the last two sweeps, payload, in bits a second.
	Rate    int64
	Streams []StreamStats // of a source: one for each SSRC
}

// StreamStats are the figures of one SSRC that is received.
type StreamStats struct {
	SSRC      uint32
	RID       string // "" without simulcast
	Packets   uint64
	Bytes     uint64 // payload
	Lost      uint64 // missing, not repaired so far
	KeyFrames uint64
	PLIs      uint64 // key frames asked for
	Jitter    time.Duration
	// LossFraction is what is missing of what was sent between the last two sweeps, 0..1.
	LossFraction float64
}

// LineStats are the figures of the way to a browser.
type LineStats struct {
	Quality  Quality
	Capacity int64         // believed, bits a second; 0: no bound is known
	Queue    time.Duration // how much longer than usual packets are on the way
	Loss     float64       // 0..1, over the last second
	Steps    uint64        // up and down
	Probes   uint64
}

// EndpointStats are the figures of one endpoint.
type EndpointStats struct {
	ID          string
	State       ConnectionState
	DTLSRole    string // "server" once the handshake was seen
	SRTPProfile string // "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "" before the handshake
	// LocalCandidateType and RemoteCandidateType are of the selected pair:
	// host, srflx, prflx or relay.
	LocalCandidateType, RemoteCandidateType string
	Protocol                                string // udp or tcp
	RemoteAddress                           string
	RoundTrip                               time.Duration // the longest of the slots, by receiver reports; 0: not known
	Received                                []TrackStats  // the element's sources
	Sent                                    []TrackStats  // the element's slots
	Data                                    DataStats
	Line                                    LineStats
	RecvLimit                               int64 // bit/s that the browser is told to send at most (REMB); 0: none
}

// ServerStats are totals since the start, those of released endpoints included,
// and what is there now.
type ServerStats struct {
	Pipelines, Endpoints, Connected int
	TURNAllocations                 int

	PacketsReceived, BytesReceived uint64
	PacketsSent, BytesSent         uint64
	Retransmitted                  uint64 // RTX packets to viewers
	NACKs, PLIs                    uint64 // from viewers
	KeyFrameRequests               uint64 // to presenters
	LostUpstream                   uint64 // from presenters, not repaired
	LostDownstream                 uint64 // reported by viewers
	WriteErrors                    uint64
	EventsDropped                  uint64 // a subscriber was too slow

	Socket udp.Stats // of the media socket; zero on a virtual network
}

// Stats are the endpoint's figures at this moment.
func (e *WebRtcEndpoint) Stats() EndpointStats {
	e.mu.Lock()
	link, slots, tracks := e.link, e.slots, e.tracks
	st := EndpointStats{ID: e.id, State: e.state}
	e.mu.Unlock()
	st.Data = e.data.stats()
	if name := e.srtpProfile.Load(); name != nil {
		st.SRTPProfile, st.DTLSRole = *name, "server"
	}
	st.RecvLimit = e.toldMost.Load() * 1000
	for _, t := range tracks {
		r := receivedStats(t.at, t.current())
		r.NACKs, r.NACKPackets = t.asked.Load(), t.askedFor.Load()
		st.Received = append(st.Received, r)
	}
	for _, d := range slots {
		if s := d.get(); s != nil {
			sent := sentStats(d.at, s)
			d.mu.Lock()
			sent.Rate = d.rate.rate
			d.mu.Unlock()
			st.RoundTrip = max(st.RoundTrip, sent.RoundTrip)
			st.Sent = append(st.Sent, sent)
		}
	}
	st.Line = e.lineStats()
	if link == nil {
		return st
	}
	if p, ok := link.path(); ok {
		st.LocalCandidateType, st.RemoteCandidateType = p.local, p.remote
		st.Protocol, st.RemoteAddress = p.protocol, p.address
	}
	return st
}

func receivedStats(at pad, u *sfu.UpTrack) TrackStats {
	s := u.Stats()
	t := TrackStats{
		MediaType: at.media, Description: at.description, Codec: u.Codec().MimeType, Flowing: u.Flowing(),
		Packets: s.Packets, Bytes: s.Bytes, PLIs: s.KeyFrameRequests, Lost: s.Lost,
	}
	for _, l := range s.Layers {
		t.Streams = append(t.Streams, StreamStats{
			SSRC: l.SSRC, RID: l.RID, Packets: l.Packets, Bytes: l.Bytes, Lost: l.Lost,
			KeyFrames: l.KeyFrames, PLIs: l.KeyFrameRequests, Jitter: l.Jitter, LossFraction: l.LossFraction,
		})
		t.Jitter, t.Latency = max(t.Jitter, l.Jitter), max(t.Latency, l.Latency)
	}
	if len(s.Layers) == 1 {
		t.SSRC = s.Layers[0].SSRC
	}
	return t
}

func sentStats(at pad, slot *sfu.Slot) TrackStats {
	s := slot.Stats()
	t := TrackStats{
		MediaType: at.media, Description: at.description,
		Packets: s.Packets, Bytes: s.Bytes, Retransmitted: s.Retransmitted, NACKs: s.NACKs, PLIs: s.PLIs,
		NACKPackets: s.NACKPackets, FIRs: s.FIRs,
		Lost: uint64(s.LostTotal), LossFraction: s.LostFraction, WriteErrors: s.WriteErrors, RoundTrip: s.RTT,
		SSRC: slot.SSRC(), Jitter: s.Jitter,
	}
	t.Layer, _ = layerOf(slot)
	if u := slot.Feeding(); u != nil {
		t.Codec, t.Flowing = u.Codec().MimeType, u.Flowing()
	}
	return t
}

// Stats are the server's totals.
func (s *Server) Stats() ServerStats {
	var live []EndpointStats
	for _, e := range s.allElements() {
		if e, ok := e.(interface{ Stats() EndpointStats }); ok {
			live = append(live, e.Stats())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	total := s.past
	total.Pipelines, total.Endpoints = len(s.pipelines), s.elements
	total.EventsDropped = s.eventsDropped.Load()
	if s.net.media != nil {
		total.Socket = s.net.media.Stats()
		total.WriteErrors += total.Socket.Dropped // which the write itself could not tell
	}
	total.WriteErrors += s.workers.Dropped() // a packet once, for all to whom it was not sent
	if s.turn != nil {
		total.TURNAllocations = s.turn.allocations()
	}
	for _, e := range live {
		if e.State == ConnectionConnected {
			total.Connected++
		}
		total.add(e)
	}
	return total
}

func (t *ServerStats) add(e EndpointStats) {
	for _, r := range e.Received {
		t.PacketsReceived += r.Packets
		t.BytesReceived += r.Bytes
		t.KeyFrameRequests += r.PLIs
		t.LostUpstream += r.Lost
	}
	for _, d := range e.Sent {
		t.PacketsSent += d.Packets
		t.BytesSent += d.Bytes
		t.Retransmitted += d.Retransmitted
		t.NACKs += d.NACKs
		t.PLIs += d.PLIs
		t.LostDownstream += d.Lost
		t.WriteErrors += d.WriteErrors
	}
}

// addPast keeps the figures of sources that have ended.
func (s *Server) addPast(received ...TrackStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past.add(EndpointStats{Received: slices.Clone(received)})
}

// endpointGone keeps a released endpoint's figures and frees its place.
func (s *Server) endpointGone(final EndpointStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past.add(final)
	s.elements--
}
