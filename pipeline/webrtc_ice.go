package pipeline

import "github.com/pion/webrtc/v4"

// IceComponentState is how ICE is doing, in Kurento's words.
type IceComponentState string

const (
	IceDisconnected IceComponentState = "DISCONNECTED"
	IceGathering    IceComponentState = "GATHERING"
	IceConnecting   IceComponentState = "CONNECTING"
	IceConnected    IceComponentState = "CONNECTED"
	// IceReady follows CONNECTED at once: the browser alone checks, and has
	// nominated when a pair is selected here (RFC 8445, section 8.1.1).
	IceReady  IceComponentState = "READY"
	IceFailed IceComponentState = "FAILED"
)

// DtlsState is how the encryption is doing, in Kurento's words.
type DtlsState string

const (
	DtlsNew        DtlsState = "NEW"
	DtlsConnecting DtlsState = "CONNECTING"
	DtlsConnected  DtlsState = "CONNECTED"
	DtlsClosed     DtlsState = "CLOSED"
	DtlsFailed     DtlsState = "FAILED"
)

// MediaState tells whether media comes or goes.
type MediaState string

const (
	MediaDisconnected MediaState = "DISCONNECTED"
	MediaConnected    MediaState = "CONNECTED"
)

// All media of an endpoint share one transport, which has these names.
const (
	theStream     = 1
	theComponent  = 1
	theStreamName = "1"
	theConnection = "bundle"
)

// IceCandidatePair is the path that is used; the candidates are written as in
// SDP ("candidate:...").
type IceCandidatePair struct {
	StreamID, ComponentID           int
	LocalCandidate, RemoteCandidate string
}

// IceConnection is the state of one ICE component.
type IceConnection struct {
	StreamID, ComponentID int
	State                 IceComponentState
}

// DtlsConnection is the state of one DTLS connection.
type DtlsConnection struct {
	StreamID, ComponentID, ConnectionID string
	State                               DtlsState
}

// iceReport is what was told about the transport; WebRtcEndpoint.mu guards it.
type iceReport struct {
	told IceComponentState
	held IceComponentState // not told before candidates are
	pair *IceCandidatePair
	dtls DtlsState
}

// watchICE has pion's callbacks about the transport enqueue.
func (e *WebRtcEndpoint) watchICE(pc *webrtc.PeerConnection) {
	pc.OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) {
		_ = e.work.pushOwn(func() { e.peerIceChanged(pc, s) })
	})
	dtls := pc.SCTP().Transport()
	dtls.OnStateChange(func(s webrtc.DTLSTransportState) {
		if now, ok := dtlsStates[s]; ok {
			_ = e.work.pushOwn(func() { e.dtlsChanged(peerLink{pc}, now) })
		}
	})
	dtls.ICETransport().OnSelectedCandidatePairChange(func(p *webrtc.ICECandidatePair) {
		_ = e.work.pushOwn(func() { e.peerPairSelected(pc, p) })
	})
}

// peerIceChanged runs in the work queue. pion tells states and pairs on different
// goroutines, so the pair is looked up before CONNECTED is told.
func (e *WebRtcEndpoint) peerIceChanged(pc *webrtc.PeerConnection, s webrtc.ICEConnectionState) {
	var now IceComponentState
	switch s {
	case webrtc.ICEConnectionStateChecking:
		now = IceConnecting
	case webrtc.ICEConnectionStateConnected, webrtc.ICEConnectionStateCompleted:
		now = IceConnected
		if p, err := pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair(); err == nil {
			e.peerPairSelected(pc, p)
		}
	case webrtc.ICEConnectionStateDisconnected, webrtc.ICEConnectionStateClosed:
		now = IceDisconnected
	case webrtc.ICEConnectionStateFailed:
		now = IceFailed
	default:
		return
	}
	e.iceChanged(peerLink{pc}, now)
}

// iceChanged runs in the work queue.
func (e *WebRtcEndpoint) iceChanged(from browserLink, now IceComponentState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.link != from || e.dead.Load() {
		return
	}
	// With Trickle nothing is told before the candidates: the browser could not
	// have come this far without them.
	if e.opts.Trickle && !(e.gatherWish && e.complete) {
		e.ice.held = now
		return
	}
	e.tellIceLocked(now)
}

// tellIceLocked tells a state once. GATHERING is told only at the beginning.
func (e *WebRtcEndpoint) tellIceLocked(s IceComponentState) {
	if s == e.ice.told || s == IceGathering && e.ice.told != "" || s == IceConnected && e.ice.told == IceReady {
		return
	}
	e.ice.told = s
	e.events.emit(IceComponentStateChanged{theStream, theComponent, s})
	if s == IceConnected {
		e.tellIceLocked(IceReady)
	}
}

func (e *WebRtcEndpoint) tellHeldIceLocked() {
	if s := e.ice.held; s != "" {
		e.ice.held = ""
		e.tellIceLocked(s)
	}
}

func (e *WebRtcEndpoint) peerPairSelected(pc *webrtc.PeerConnection, p *webrtc.ICECandidatePair) {
	if p != nil && p.Local != nil && p.Remote != nil {
		e.pairSelected(peerLink{pc}, p.Local.ToJSON().Candidate, p.Remote.ToJSON().Candidate)
	}
}

// pairSelected tells a path once.
func (e *WebRtcEndpoint) pairSelected(from browserLink, local, remote string) {
	e.mark.follow(from)
	e.mu.Lock()
	defer e.mu.Unlock()
	if a, ok := candidateAddr(local); ok && isRelayPlace(int(a.Port()), !isUDP(local)) {
		local = e.outside.relay
	}
	pair := IceCandidatePair{theStream, theComponent, local, remote}
	if e.link != from || e.dead.Load() || e.ice.pair != nil && *e.ice.pair == pair {
		return
	}
	e.ice.pair = &pair
	e.events.emit(NewCandidatePairSelected{pair})
}

var dtlsStates = map[webrtc.DTLSTransportState]DtlsState{
	webrtc.DTLSTransportStateNew:        DtlsNew,
	webrtc.DTLSTransportStateConnecting: DtlsConnecting,
	webrtc.DTLSTransportStateConnected:  DtlsConnected,
	webrtc.DTLSTransportStateClosed:     DtlsClosed,
	webrtc.DTLSTransportStateFailed:     DtlsFailed,
}

// dtlsChanged runs in the work queue.
func (e *WebRtcEndpoint) dtlsChanged(from browserLink, now DtlsState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.link != from || e.dead.Load() || e.ice.dtls == now {
		return
	}
	e.ice.dtls = now
	e.events.emit(DtlsConnectionStateChanged{theStreamName, theStreamName, theConnection, now})
}

// mediaChanged tells whether media comes or goes, when that is news.
func (e *WebRtcEndpoint) mediaChanged(connected bool) {
	now := MediaDisconnected
	if connected {
		now = MediaConnected
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if old := e.media; old != now {
		e.media = now
		e.events.emit(MediaStateChanged{old, now})
	}
}

// MediaState tells whether media comes or goes.
func (e *WebRtcEndpoint) MediaState() MediaState {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.media
}

// ICECandidatePairs is the path in use: empty before there is one, and never
// more than one, since all media share it.
func (e *WebRtcEndpoint) ICECandidatePairs() []IceCandidatePair {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ice.pair == nil {
		return nil
	}
	return []IceCandidatePair{*e.ice.pair}
}

// IceConnectionState is the state of the one ICE component; empty before the
// negotiation.
func (e *WebRtcEndpoint) IceConnectionState() []IceConnection {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.link == nil {
		return nil
	}
	s := e.ice.told
	if s == "" {
		s = IceDisconnected
	}
	return []IceConnection{{theStream, theComponent, s}}
}

// DtlsConnectionState is the state of the one DTLS connection; empty before the
// negotiation.
func (e *WebRtcEndpoint) DtlsConnectionState() []DtlsConnection {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.link == nil {
		return nil
	}
	s := e.ice.dtls
	if s == "" {
		s = DtlsNew
	}
	return []DtlsConnection{{theStreamName, theStreamName, theConnection, s}}
}
