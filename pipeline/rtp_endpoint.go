package pipeline

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"kelas/pipeline/sfu"
)

// RtpEndpointOptions are Kurento's constructor parameters.
type RtpEndpointOptions struct {
	// Crypto has the endpoint encrypt and refuse descriptions that do not. Without
	// it an offer that is encrypted is answered with a random key.
	Crypto *SDES
	// UseIPv6 opens sockets for IPv6.
	UseIPv6 bool
}

// RtpEndpoint is one connection of plain or SDES-encrypted RTP: at most one
// m-line of sound and one of pictures, each with its own ports, no ICE. It takes
// packets from the address of the description alone, and sends where it may; see
// Config.RTPPeers.
type RtpEndpoint struct {
	element
	server    *Server
	opts      RtpEndpointOptions
	cname     string
	session   uint64
	clock     *sfu.SourceClock
	wg        sync.WaitGroup // the read loops
	releasing sync.Once
	dead      atomic.Bool
	bandwidth atomic.Pointer[Bandwidth]

	negotiating sync.Mutex // held by one negotiation at a time
	offered     []*rtpMedia
	ourOffer    bool

	mu                  sync.Mutex
	media               []*rtpMedia
	localSDP, remoteSDP string
	state               ConnectionState
	mediaState          MediaState
}

var _ MediaElement = (*RtpEndpoint)(nil)

// NewRtpEndpoint makes an endpoint without sockets; they come with its
// description.
func (p *MediaPipeline) NewRtpEndpoint(opts RtpEndpointOptions) (*RtpEndpoint, error) {
	if opts.Crypto != nil {
		s, err := opts.Crypto.check()
		if err != nil {
			return nil, fmt.Errorf("creating an RtpEndpoint: %w", err)
		}
		opts.Crypto = &s
	}
	if err := p.server.takeElement(); err != nil {
		return nil, fmt.Errorf("creating an RtpEndpoint: %w", err)
	}
	e := &RtpEndpoint{
		server: p.server, opts: opts, cname: newUUID(), session: rand.Uint64() >> 2, clock: sfu.NewSourceClock(),
		state: ConnectionNew, mediaState: MediaDisconnected,
	}
	e.bandwidth.Store(&Bandwidth{})
	e.element.init(p, "RtpEndpoint", e)
	if err := p.enter(&e.element); err != nil {
		return nil, fmt.Errorf("creating an RtpEndpoint: %w", err)
	}
	return e, nil
}

// LocalSessionDescription is this side's description.
func (e *RtpEndpoint) LocalSessionDescription() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.localSDP == "" {
		return "", ErrNoLocalDescription
	}
	return e.localSDP, nil
}

// RemoteSessionDescription is the other side's description, as it came.
func (e *RtpEndpoint) RemoteSessionDescription() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.remoteSDP == "" {
		return "", ErrNoRemoteDescription
	}
	return e.remoteSDP, nil
}

// ConnectionState is connected from the negotiation on: there is no handshake
// that could tell more.
func (e *RtpEndpoint) ConnectionState() ConnectionState {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// MediaState tells whether packets come or go.
func (e *RtpEndpoint) MediaState() MediaState {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mediaState
}

func (e *RtpEndpoint) mediaChanged(flowing bool) {
	now := MediaDisconnected
	if flowing {
		now = MediaConnected
	}
	e.mu.Lock()
	old := e.mediaState
	e.mediaState = now
	e.mu.Unlock()
	if old != now {
		e.events.emit(MediaStateChanged{old, now})
	}
}

func (e *RtpEndpoint) all() []*rtpMedia {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.media
}

// RequestKeyframe asks for a key frame of what feeds the other side, and of what
// it sends.
func (e *RtpEndpoint) RequestKeyframe() error {
	if e.dead.Load() {
		return fmt.Errorf("requesting a key frame: %w", ErrReleased)
	}
	media := e.all()
	if media == nil {
		return fmt.Errorf("requesting a key frame: %w", ErrNotNegotiated)
	}
	for _, x := range media {
		if x.slot != nil {
			if u := x.slot.Feeding(); u != nil {
				u.RequestKeyFrame()
			}
		}
		if u := x.current(); u != nil {
			u.RequestKeyFrame()
		}
	}
	return nil
}

func (x *rtpMedia) current() *sfu.UpTrack {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.up
}

func (e *RtpEndpoint) sweep(now time.Time) {
	if e.dead.Load() {
		return
	}
	flowing := false
	for _, x := range e.all() {
		flowing = x.sweep(now) || flowing
	}
	e.mediaChanged(flowing)
}

// Stats are the endpoint's figures at this moment.
func (e *RtpEndpoint) Stats() EndpointStats {
	st := EndpointStats{ID: e.id, State: e.ConnectionState()}
	for _, x := range e.all() {
		if x.local.key != nil {
			st.SRTPProfile = string(x.local.key.Suite)
		}
		st.Protocol = "udp"
		if d := x.dest.Load(); d != nil {
			st.RemoteAddress = d.String()
		}
		if u := x.current(); u != nil {
			r := receivedStats(x.at, u)
			r.NACKs, r.NACKPackets, r.FIRs = x.asked.Load(), x.askedFor.Load(), x.firCount.Load()
			st.Received = append(st.Received, r)
		}
		if x.slot != nil {
			sent := sentStats(x.at, x.slot)
			x.mu.Lock()
			sent.Rate = x.rate.rate
			x.mu.Unlock()
			st.RoundTrip = max(st.RoundTrip, sent.RoundTrip)
			st.Sent = append(st.Sent, sent)
		}
	}
	return st
}

// Release closes the sockets, takes the endpoint out of the graph and waits for
// its goroutines.
func (e *RtpEndpoint) Release() {
	e.releasing.Do(func() {
		e.dead.Store(true)
		e.negotiating.Lock() // what is under way ends first
		defer e.negotiating.Unlock()
		e.pipeline.detach(&e.element)
		media := e.all()
		closeAll(media)
		closeAll(e.offered)
		e.wg.Wait()
		final := e.Stats()
		for _, x := range media {
			if u := x.current(); u != nil {
				u.Close()
			}
		}
		e.mu.Lock()
		old := e.state
		e.state = ConnectionClosed
		e.mu.Unlock()
		if media != nil {
			e.mediaChanged(false)
			e.events.emit(MediaSessionTerminated{})
			e.events.emit(ConnectionStateChanged{old, ConnectionClosed})
		}
		e.events.queue.close()
		e.server.endpointGone(final)
	})
}
