package pipeline

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// MediaPipeline holds elements that may be connected to one another: one class
// while it is live. Releasing it releases them.
type MediaPipeline struct {
	id     string
	server *Server
	timed  atomic.Bool // LatencyStats

	mu       sync.Mutex
	released bool
	elements map[*element]struct{}
	hubs     map[*hub]struct{}

	releasing sync.Once
}

// ID is Kurento's: "<uuid>_kurento.MediaPipeline".
func (p *MediaPipeline) ID() string { return p.id }

// WebRtcEndpointOptions are Kurento's constructor parameters.
type WebRtcEndpointOptions struct {
	// RecvOnly takes media from the browser and never sends any.
	RecvOnly bool
	// SendOnly sends media to the browser and takes none.
	SendOnly bool

	// Trickle leaves the server's candidates out of descriptions, as Kurento
	// does: they are told by IceCandidateFound alone, after GatherCandidates. An
	// offer of a side that does no checks is answered from sockets of its own,
	// which check; without Trickle nobody ever does then.
	Trickle bool
	// NegotiateOnce refuses a second offer with ErrAlreadyNegotiated, as
	// Kurento does. Without it a further offer restarts ICE or adds m-lines.
	NegotiateOnce bool
	// MaySend prepares for a browser that only receives in its first offer and
	// begins to send in a later one. It costs what a presenter's connection
	// costs (interceptors for reports and transport-wide feedback).
	MaySend bool
	// UseDataChannels offers data channels in GenerateOffer, and allows
	// CreateDataChannel.
	UseDataChannels bool
	// Certificate is the sort of key of the DTLS certificate; "" means
	// CertificateECDSA. The server has one certificate of each sort. That of RSA
	// is made when the first endpoint asks for it, whose negotiation waits for it.
	Certificate CertificateKey
	// DSCP is the code point for differentiated services (RFC 2474), 0 to 63, of
	// all that is sent to the browser once a path is chosen; 0 leaves packets
	// as they are. Another one is ErrUnsupported where the system cannot mark.
	DSCP int
}

// NewWebRtcEndpoint makes an endpoint for one browser connection.
func (p *MediaPipeline) NewWebRtcEndpoint(opts WebRtcEndpointOptions) (*WebRtcEndpoint, error) {
	switch opts.Certificate {
	case "", CertificateECDSA, CertificateRSA:
	default:
		return nil, fmt.Errorf("creating a WebRtcEndpoint: %w: certificates with %q", ErrUnsupported, opts.Certificate)
	}
	mark, err := p.server.net.newMark(opts.DSCP)
	if err != nil {
		return nil, fmt.Errorf("creating a WebRtcEndpoint: %w", err)
	}
	if err := p.server.takeElement(); err != nil {
		return nil, fmt.Errorf("creating a WebRtcEndpoint: %w", err)
	}
	p.server.media.ids.prepare(opts.Certificate)
	e := newWebRtcEndpoint(p, opts)
	e.mark = mark
	if err := p.enter(&e.element); err != nil {
		p.server.views.giveBack(e.worker)
		return nil, fmt.Errorf("creating a WebRtcEndpoint: %w", err)
	}
	return e, nil
}

// enter puts a new element, for which there was room, into the graph.
func (p *MediaPipeline) enter(e *element) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.released {
		p.server.returnElement()
		return ErrReleased
	}
	p.elements[e] = struct{}{}
	return nil
}

// SetLatencyStats has it measured from now on, or no longer, how long packets take
// to the elements of the pipeline and through them. It costs two readings of the
// clock a packet and receiver.
func (p *MediaPipeline) SetLatencyStats(on bool) { p.timed.Store(on) }

// LatencyStats tells whether it is measured.
func (p *MediaPipeline) LatencyStats() bool { return p.timed.Load() }

// Elements are the elements of the pipeline, in no particular order.
func (p *MediaPipeline) Elements() []MediaElement {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]MediaElement, 0, len(p.elements))
	for e := range p.elements {
		list = append(list, e.self)
	}
	return list
}

// Release releases the pipeline's elements and waits for their end.
func (p *MediaPipeline) Release() {
	p.releasing.Do(func() {
		p.mu.Lock()
		p.released = true
		p.mu.Unlock()
		var wg sync.WaitGroup
		for _, e := range p.Elements() {
			wg.Go(e.Release)
		}
		wg.Wait()
		for _, h := range p.allHubs() {
			h.Release()
		}
		p.server.forget(p)
	})
}
