package pipeline

import (
	"context"
	"fmt"

	"github.com/pion/webrtc/v4"
)

// OfferOptions say what is offered.
type OfferOptions struct {
	// NoAudio and NoVideo leave a kind out, both ways: that is what
	// offerToReceiveAudio and offerToReceiveVideo do in Kurento, whatever W3C's
	// options of that name do.
	NoAudio, NoVideo bool
}

// generated is an offer of ours that waits for its answer.
type generated struct {
	pc    *webrtc.PeerConnection
	sdp   string
	lines []offerLine // as we see them: sends is the browser's sending
	slots []*downTrack
}

// GenerateOffer makes an offer with at most one m-line for sound, one for pictures and,
// with UseDataChannels, one for data. It takes ProcessAnswer to come to
// anything. Only an endpoint without any negotiation can offer.
func (e *WebRtcEndpoint) GenerateOffer(ctx context.Context, opts OfferOptions) (offer string, err error) {
	if e.dead.Load() {
		return "", fmt.Errorf("generating an offer: %w", ErrReleased)
	}
	err = e.negotiate(ctx, func() error {
		if e.first != nil || e.offered != nil {
			return ErrAlreadyNegotiated
		}
		g, err := e.generate(opts)
		if err != nil {
			return err
		}
		e.offered = g
		e.mu.Lock()
		e.pc, e.link = g.pc, peerLink{g.pc}
		e.mu.Unlock()
		offer = e.described(g.sdp, "")
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("generating an offer: %w", err)
	}
	return offer, nil
}

func (e *WebRtcEndpoint) generate(opts OfferOptions) (*generated, error) {
	g := &generated{}
	for _, m := range []MediaType{Audio, Video} {
		if m == Audio && opts.NoAudio || m == Video && opts.NoVideo {
			continue
		}
		l := offerLine{
			media: m, mid: fmt.Sprint(len(g.lines)), at: pad{m, DefaultDescription},
			sends: !e.opts.SendOnly, receives: !e.opts.RecvOnly,
		}
		if l.sends || l.receives {
			g.lines = append(g.lines, l)
		}
	}
	if len(g.lines) == 0 && !e.opts.UseDataChannels {
		return nil, badSDP("there is nothing to offer")
	}
	pc, err := e.newPeerConnection((&offer{lines: g.lines}).sending(), false)
	if err != nil {
		return nil, err
	}
	g.pc = pc
	if err := e.describeOffer(g); err != nil {
		e.abandon(pc, g.slots)
		return nil, err
	}
	e.data.settle(true)
	return g, nil
}

func (e *WebRtcEndpoint) describeOffer(g *generated) error {
	e.watch(g.pc)
	for i, l := range g.lines {
		var d *downTrack
		if l.receives {
			d = newDownTrack(e, l)
			d.offering = true
			g.slots = append(g.slots, d)
		}
		t, err := addTransceiver(g.pc, l, d)
		if err != nil {
			return fmt.Errorf("preparing m-line %d: %w", i+1, err)
		}
		if d != nil {
			d.sender = t.Sender()
		}
		if err := t.SetMid(l.mid); err != nil {
			return fmt.Errorf("preparing m-line %d: %w", i+1, err)
		}
	}
	if e.opts.UseDataChannels {
		g.lines = append(g.lines, offerLine{media: Data, mid: fmt.Sprint(len(g.lines))})
	}
	gathered := webrtc.GatheringCompletePromise(g.pc)
	offer, err := g.pc.CreateOffer(nil)
	if err != nil {
		return fmt.Errorf("describing the offer: %w", err)
	}
	if err := g.pc.SetLocalDescription(offer); err != nil {
		return fmt.Errorf("describing the offer: %w", err)
	}
	g.sdp = described(g.pc, gathered)
	return nil
}

// ProcessAnswer takes the browser's answer to GenerateOffer and returns the
// server's description. An answer that is refused leaves the offer open.
func (e *WebRtcEndpoint) ProcessAnswer(ctx context.Context, sdp string) (local string, err error) {
	if e.dead.Load() {
		return "", fmt.Errorf("processing an answer: %w", ErrReleased)
	}
	err = e.call(ctx, func() error {
		switch {
		case e.offered == nil && e.answeredOurs:
			return ErrAnswerAlreadyProcessed
		case e.offered == nil:
			return ErrOfferNotGenerated
		}
		o, err := readAnswer(sdp, e.offered.lines)
		if err != nil {
			return err
		}
		if err := e.takeAnswer(e.offered, o); err != nil {
			return err
		}
		local = e.described(e.offered.pc.LocalDescription().SDP, sdp)
		e.offered, e.answeredOurs = nil, true
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("processing an answer: %w", err)
	}
	return local, nil
}

func (e *WebRtcEndpoint) takeAnswer(g *generated, o *offer) error {
	byMid := make(map[string]offerLine, len(o.lines))
	for _, l := range o.lines {
		byMid[l.mid] = l
	}
	var slots []*downTrack
	for _, d := range g.slots {
		if l := byMid[d.mid]; l.receives {
			d.offered = l.codecs
			slots = append(slots, d)
		}
	}
	// The places are known before media can come.
	e.mu.Lock()
	e.addPlacesLocked(o)
	e.mu.Unlock()
	err := g.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: o.sdp})
	if err != nil {
		return badSDP("%v", err)
	}
	e.first = o.slim()
	e.adopt(g.pc, peerLink{g.pc}, o, slots)
	return nil
}

// readAnswer checks an answer against the m-lines that were offered.
func readAnswer(text string, offered []offerLine) (*offer, error) {
	o, err := readDescription(text, WebRtcEndpointOptions{}, true)
	if err != nil {
		return nil, err
	}
	if len(o.lines) != len(offered) {
		return nil, badSDP("it has %d m-lines, %d were offered", len(o.lines), len(offered))
	}
	for i := range o.lines {
		l, was := &o.lines[i], offered[i]
		if l.mid != was.mid || l.media != was.media {
			return nil, badSDP("m-line %d is not what was offered", i+1)
		}
		l.sends, l.receives = l.sends && was.sends, l.receives && was.receives
	}
	return o, nil
}
