package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// IceCandidate is a candidate as browsers and Kurento write it.
type IceCandidate struct {
	Candidate     string  `json:"candidate"`
	SDPMid        string  `json:"sdpMid"`
	SDPMLineIndex *uint16 `json:"sdpMLineIndex,omitempty"`
}

// ProcessOffer answers a browser's offer. The answer holds the server's
// candidates unless Trickle is set. A further offer on the same endpoint
// restarts ICE, or adds m-lines, or is refused where NegotiateOnce is set. An
// offer that is refused leaves the endpoint as it was.
func (e *WebRtcEndpoint) ProcessOffer(ctx context.Context, sdp string) (answer string, err error) {
	if e.dead.Load() {
		return "", fmt.Errorf("processing an offer: %w", ErrReleased)
	}
	o, err := readOffer(sdp, e.opts)
	if err != nil {
		return "", fmt.Errorf("processing an offer: %w", err)
	}
	err = e.negotiate(ctx, func() error {
		var err error
		switch {
		case e.offered != nil, e.first != nil && e.opts.NegotiateOnce:
			return ErrAlreadyNegotiated
		case e.first == nil:
			answer, err = e.open(o)
		default:
			answer, err = e.renegotiate(o)
		}
		if err == nil {
			answer = e.described(o.asOffered(answer), sdp)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("processing an offer: %w", err)
	}
	return answer, nil
}

// described remembers both descriptions of a negotiation and returns ours as it
// is shown.
func (e *WebRtcEndpoint) described(local, remote string) string {
	if e.opts.Trickle {
		local = withoutCandidates(local)
	}
	local = e.Bandwidth().bounded(local)
	e.mu.Lock()
	e.localSDP, e.remoteSDP = local, remote
	e.mu.Unlock()
	if remote != "" {
		e.events.emit(MediaSessionStarted{})
	}
	return local
}

// withoutCandidates takes the candidate lines away (RFC 8839, section 5.1).
func withoutCandidates(text string) string {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(text, "\n") {
		if !strings.HasPrefix(line, "a=candidate:") && !strings.HasPrefix(line, "a=end-of-candidates") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// LocalSessionDescription is the server's last description: an answer, or an
// offer.
func (e *WebRtcEndpoint) LocalSessionDescription() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.localSDP == "" {
		return "", ErrNoLocalDescription
	}
	return e.localSDP, nil
}

// RemoteSessionDescription is the browser's last description, as it came.
func (e *WebRtcEndpoint) RemoteSessionDescription() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.remoteSDP == "" {
		return "", ErrNoRemoteDescription
	}
	return e.remoteSDP, nil
}

// open makes the connection for the first offer.
func (e *WebRtcEndpoint) open(o *offer) (string, error) {
	if e.mayBeViewer(o) {
		return e.openViewer(o)
	}
	pc, err := e.newPeerConnection(o.sending() || e.opts.MaySend, e.checks(o))
	if err != nil {
		return "", err
	}
	slots, answer, err := e.answerFirst(pc, o)
	if err != nil {
		e.abandon(pc, slots)
		return "", err
	}
	e.data.settle(true)
	e.first = o.slim()
	e.adopt(pc, peerLink{pc}, o, slots)
	return answer, nil
}

// abandon closes a connection that came to nothing.
func (e *WebRtcEndpoint) abandon(pc *webrtc.PeerConnection, slots []*downTrack) {
	for _, d := range slots {
		d.close()
	}
	_ = pc.GracefulClose()
	e.data.settle(false)
}

// checks tells whether those of ICE are ours, since the other side does none. Only
// with Trickle, where applications negotiate: in a class the offer comes from
// anybody, who could have the server open sockets and send wherever he likes.
func (e *WebRtcEndpoint) checks(o *offer) bool { return e.opts.Trickle && o.lite() }

// newPeerConnection makes one of the sort that takes media, or only gives. With
// checks it does those that the other side, a server like this one, does not.
func (e *WebRtcEndpoint) newPeerConnection(takes, checks bool) (*webrtc.PeerConnection, error) {
	p := e.server.media.lean
	if e.mayTake = takes; takes {
		p = e.server.media.full
	}
	mux, servers := e.udpMux(), []webrtc.ICEServer(nil)
	if checks {
		mux, servers = nil, e.ownGathering()
	}
	pc, err := e.server.media.newPeerConnection(p, e.identity, mux, servers, e.tap, e.opts.UseDataChannels, func(name string) { e.srtpProfile.Store(&name) })
	if err != nil {
		return nil, fmt.Errorf("opening a connection: %w", err)
	}
	if err := e.data.begin(pc); err != nil {
		e.abandon(pc, nil)
		return nil, err
	}
	return pc, nil
}

func (e *WebRtcEndpoint) answerFirst(pc *webrtc.PeerConnection, o *offer) ([]*downTrack, string, error) {
	e.watch(pc)
	slots, err := e.prepareLines(pc, o, 0)
	if err != nil {
		return slots, "", err
	}
	answer, err := describe(pc, o)
	return slots, answer, err
}

// watch has pion's callbacks enqueue, and nothing else.
func (e *WebRtcEndpoint) watch(pc *webrtc.PeerConnection) {
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		_ = e.work.pushOwn(func() { e.connectionChanged(peerLink{pc}, connectionStateOf(s)) })
	})
	e.watchICE(pc)
	pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		_ = e.work.pushOwn(func() { e.trackArrived(pc, t, r) })
	})
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if found, ok := withoutPlace(c); ok {
			_ = e.work.pushOwn(func() { e.candidateFound(peerLink{pc}, found) })
		}
	})
}

// prepareLines makes a transceiver for each m-line from index from on, before
// the offer is applied, and gives it its mid: pion would pair them by
// direction, and then a place could change hands.
func (e *WebRtcEndpoint) prepareLines(pc *webrtc.PeerConnection, o *offer, from int) ([]*downTrack, error) {
	var slots []*downTrack
	for i := from; i < len(o.lines); i++ {
		l := o.lines[i]
		if l.media != Audio && l.media != Video {
			continue
		}
		var d *downTrack
		if l.receives {
			d = newDownTrack(e, l)
			slots = append(slots, d)
		}
		// Without a common codec pion must make the transceiver itself, which
		// it then rejects in the answer.
		if len(l.codecs) == 0 {
			continue
		}
		t, err := addTransceiver(pc, l, d)
		if err != nil {
			return slots, fmt.Errorf("preparing m-line %d: %w", i+1, err)
		}
		if t == nil {
			continue
		}
		if d != nil {
			d.sender = t.Sender()
		}
		if err := t.SetMid(l.mid); err != nil {
			return slots, fmt.Errorf("preparing m-line %d: %w", i+1, err)
		}
	}
	return slots, nil
}

func addTransceiver(pc *webrtc.PeerConnection, l offerLine, d *downTrack) (*webrtc.RTPTransceiver, error) {
	init := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	switch {
	case l.receives:
		init.Direction = webrtc.RTPTransceiverDirectionSendonly
		if l.sends {
			init.Direction = webrtc.RTPTransceiverDirectionSendrecv
		}
		return pc.AddTransceiverFromTrack(d, init)
	case l.sends && l.media == Audio:
		return pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, init)
	case l.sends:
		return pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, init)
	}
	return nil, nil // inactive: pion makes it
}

// maxGathering bounds the wait for candidates of our own sockets, which is a
// matter of milliseconds.
const maxGathering = 3 * time.Second

// describe applies the offer and returns the answer, with candidates: they are
// addresses of our own sockets, so gathering them takes no time worth trickling.
func describe(pc *webrtc.PeerConnection, o *offer) (string, error) {
	err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: o.sdp})
	if err != nil {
		return "", badSDP("%v", err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", badSDP("%v", err)
	}
	if err := pc.SetLocalDescription(answer); err != nil {
		return "", badSDP("%v", err)
	}
	return o.withoutData(described(pc, gathered))
}

// described is pc's own description with the candidates of our sockets.
func described(pc *webrtc.PeerConnection, gathered <-chan struct{}) string {
	select {
	case <-gathered:
	case <-time.After(maxGathering):
		// Then the candidates found so far must do.
	}
	return pc.LocalDescription().SDP
}

// adopt makes the negotiated connection the endpoint's own.
func (e *WebRtcEndpoint) adopt(pc *webrtc.PeerConnection, link browserLink, o *offer, slots []*downTrack) {
	e.mu.Lock()
	e.pc, e.link = pc, link
	e.answered = true
	e.addPlacesLocked(o)
	e.slots = append(e.slots, slots...)
	early := e.early
	e.early = nil
	e.mu.Unlock()
	for _, c := range o.remote().Candidates {
		e.peers.add(c)
	}
	for _, d := range slots {
		e.startSlot(d)
	}
	for _, c := range early {
		if err := link.addCandidate(c); err != nil {
			e.server.log.Debug("early candidate refused", "endpoint", e.id, "error", err)
		}
	}
}

func (e *WebRtcEndpoint) addPlacesLocked(o *offer) {
	for _, l := range o.lines {
		if l.sends {
			e.places[l.mid] = l.at
			e.rids[l.mid] = l.rids
		}
	}
}

// renegotiate answers a further offer: an ICE restart, m-lines that came or
// stopped, or both.
func (e *WebRtcEndpoint) renegotiate(o *offer) (string, error) {
	e.mu.Lock()
	pc, link := e.pc, e.link
	e.mu.Unlock()
	if link.ended() {
		return "", fmt.Errorf("%w: the browser has closed this connection", ErrReleased)
	}
	if err := o.continues(e.first); err != nil {
		return "", err
	}
	if o.sending() && !e.mayTake {
		return "", badSDP("the connection was made for receiving only; sending needs an endpoint of its own, or MaySend")
	}
	if v, ok := link.(viewerLink); ok {
		return e.renegotiateViewer(v, o)
	}
	slots, err := e.prepareLines(pc, o, len(e.first.lines))
	if err == nil {
		var answer string
		// The places are known before media can come.
		e.mu.Lock()
		e.addPlacesLocked(o)
		e.mu.Unlock()
		if answer, err = describe(pc, o); err == nil {
			e.first = o.slim()
			e.adopt(pc, link, o, slots)
			return answer, nil
		}
	}
	for _, d := range slots {
		d.close()
	}
	if pc.SignalingState() == webrtc.SignalingStateHaveRemoteOffer {
		rollback := webrtc.SessionDescription{Type: webrtc.SDPTypeRollback}
		if e := pc.SetRemoteDescription(rollback); e != nil {
			err = errors.Join(err, e)
		}
	}
	return "", err
}

// AddIceCandidate takes a candidate of the browser, also before the offer. An
// empty one is the end mark.
func (e *WebRtcEndpoint) AddIceCandidate(c IceCandidate) error {
	if err := checkCandidate(c); err != nil {
		return fmt.Errorf("adding a candidate: %w", err)
	}
	if e.dead.Load() {
		return fmt.Errorf("adding a candidate: %w", ErrReleased)
	}
	if c.Candidate == "" {
		return nil // pion needs no end mark: it goes on checking
	}
	e.peers.add(c.Candidate)
	init := webrtc.ICECandidateInit{Candidate: c.Candidate, SDPMLineIndex: c.SDPMLineIndex}
	if c.SDPMid != "" {
		init.SDPMid = &c.SDPMid
	}
	e.mu.Lock()
	if !e.answered {
		defer e.mu.Unlock()
		if len(e.early) >= maxEarlyCandidates {
			return fmt.Errorf("adding a candidate: %w", ErrTooManyCandidates)
		}
		e.early = append(e.early, init)
		return nil
	}
	link := e.link
	e.mu.Unlock()
	err := e.work.push(func() {
		if e.dead.Load() {
			return
		}
		if err := link.addCandidate(init); err != nil {
			e.events.emit(Error{fmt.Errorf("%w: %v", ErrBadCandidate, err)})
		}
	})
	if err != nil {
		return fmt.Errorf("adding a candidate: %w", err)
	}
	return nil
}

// checkCandidate refuses what is no candidate (RFC 8839, section 5.1). One with
// a .local name (mDNS) is right, though of no use here.
func checkCandidate(c IceCandidate) error {
	if c.Candidate == "" {
		return nil
	}
	if len(c.Candidate) > 512 || len(c.SDPMid) > 64 {
		return fmt.Errorf("%w: it is too long", ErrBadCandidate)
	}
	text := strings.TrimPrefix(c.Candidate, "candidate:")
	_, err := ice.UnmarshalCandidate(text)
	if err != nil && !errors.Is(err, ice.ErrUnknownCandidateTyp) && !errors.Is(err, ice.ErrDetermineNetworkType) {
		return fmt.Errorf("%w: %v", ErrBadCandidate, err)
	}
	return nil
}
