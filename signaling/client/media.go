package client

import (
	"context"
	"fmt"
	"sync"

	"github.com/pion/webrtc/v4"

	"kelas/signaling/wire"
)

// Offer sends an offer for an endpoint, wire.EndpointPresenter or
// wire.EndpointViewer, and returns the answer. existing names the endpoint of
// an earlier answer where this one is to go on, for an ICE restart.
func (c *Client) Offer(ctx context.Context, endpoint, sdp, existing string) (wire.OfferResponse, error) {
	event := wire.Viewer
	if endpoint == wire.EndpointPresenter {
		event = wire.Presenter
	}
	answer := make(chan wire.OfferResponse, 1)
	c.mu.Lock()
	if c.answers[endpoint] != nil {
		c.mu.Unlock()
		return wire.OfferResponse{}, ErrAsked
	}
	c.answers[endpoint] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.answers[endpoint] == answer {
			delete(c.answers, endpoint)
		}
	}()
	// The acknowledgement tells of refusals that never reach the class.
	if err := c.Ask(ctx, event, wire.OfferRequest{SDPOffer: sdp, Endpoint: existing}, nil); err != nil {
		return wire.OfferResponse{}, err
	}
	select {
	case r := <-answer:
		if r.Response != wire.Accepted {
			return r, &Refusal{Fault: wire.Fault{Code: r.Code, Message: r.Message}, Event: event}
		}
		return r, nil
	case <-c.done:
		return wire.OfferResponse{}, fmt.Errorf("waiting for the answer to an offer: %w", c.Err())
	case <-ctx.Done():
		return wire.OfferResponse{}, fmt.Errorf("waiting for the answer to an offer: %w", ctx.Err())
	}
}

// Present negotiates pc as the session's presenter: its m-lines in the order
// of PROTOCOL.md section 5, sendonly. It returns the endpoint's name when the
// answer is applied; the connection comes up after that. Candidates trickle
// in both directions for as long as both sides live.
func (c *Client) Present(ctx context.Context, pc *webrtc.PeerConnection) (string, error) {
	return c.negotiate(ctx, wire.EndpointPresenter, pc)
}

// View does the same as viewer, with m-lines that are recvonly.
func (c *Client) View(ctx context.Context, pc *webrtc.PeerConnection) (string, error) {
	return c.negotiate(ctx, wire.EndpointViewer, pc)
}

func (c *Client) negotiate(ctx context.Context, endpoint string, pc *webrtc.PeerConnection) (string, error) {
	theirs := &trickle{deliver: func(x wire.Candidate) {
		// A candidate that pion cannot use (a name, another network) is no
		// reason to give up the others.
		_ = pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: x.Candidate, SDPMid: &x.SDPMid, SDPMLineIndex: x.SDPMLineIndex})
	}}
	ours := &trickle{deliver: func(x wire.Candidate) {
		// Where the line is cut there is nobody to tell.
		_ = c.Emit(wire.OnIceCandidate, wire.CandidateRequest{Endpoint: endpoint, Candidate: x})
	}}
	c.mu.Lock()
	c.trickled[endpoint] = theirs.add
	c.mu.Unlock()
	pc.OnICECandidate(func(found *webrtc.ICECandidate) {
		if found == nil {
			ours.add(wire.Candidate{})
			return
		}
		x := found.ToJSON()
		one := wire.Candidate{Candidate: x.Candidate, SDPMLineIndex: x.SDPMLineIndex}
		if x.SDPMid != nil {
			one.SDPMid = *x.SDPMid
		}
		ours.add(one)
	})
	offer, err := pc.CreateOffer(nil)
	if err == nil {
		err = pc.SetLocalDescription(offer)
	}
	if err != nil {
		return "", fmt.Errorf("making an offer: %w", err)
	}
	answer, err := c.Offer(ctx, endpoint, offer.SDP, "")
	if err != nil {
		return "", err
	}
	ours.open()
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.SDPAnswer}); err != nil {
		return "", fmt.Errorf("applying the answer: %w", err)
	}
	theirs.open()
	return answer.Endpoint, nil
}

// trickle keeps candidates in order and back until the other side can use them.
type trickle struct {
	deliver func(wire.Candidate)

	mu      sync.Mutex
	opened  bool
	waiting []wire.Candidate
}

// maxWaiting is far above what a machine has of addresses; the server takes
// no more than that either.
const maxWaiting = 256

func (t *trickle) add(x wire.Candidate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.opened:
		t.deliver(x)
	case len(t.waiting) < maxWaiting:
		t.waiting = append(t.waiting, x)
	}
}

func (t *trickle) open() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.opened = true
	for _, x := range t.waiting {
		t.deliver(x)
	}
	t.waiting = nil
}
