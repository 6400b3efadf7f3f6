package pipeline

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"kelas/pipeline/sfu"
)

const (
	maxEarlyCandidates = 64 // before the offer
	maxQueuedCalls     = 128
)

// WebRtcEndpoint is one connection to a browser. What the browser sends are its
// sources; the places where the browser receives are its sinks, each an
// sfu.Slot with an SSRC for life.
type WebRtcEndpoint struct {
	element
	server *Server
	opts   WebRtcEndpointOptions
	line   *sfu.Line // what the browser's way carries
	tap    *lineTap
	work   queue          // negotiation and what pion reports
	wg     sync.WaitGroup // work and the read loops

	data        *dataChannels
	bandwidth   atomic.Pointer[Bandwidth] // nil: no bounds
	toldMost    atomic.Int64              // by REMB, in kbit/s
	byLoss      atomic.Pointer[lossMeter] // nil: what comes is not bounded by what is lost; set under mu
	srtpProfile atomic.Pointer[string]
	peers       *peerBoard // nil without Trickle, as the next
	relayPort   *relayPort
	releasing   sync.Once
	dead        atomic.Bool

	// Touched by the work queue only.
	identity     *identity // from the first negotiation on
	mark         *mark     // nil: packets are not marked
	first        *offer
	offered      *generated // an offer of ours that was not answered yet
	answeredOurs bool
	mayTake      bool   // the connection can take media from the browser
	answers      uint64 // of a viewer's connection
	clock        *sfu.SourceClock
	worker       int // which sends to this browser

	mu         sync.Mutex
	link       browserLink            // nil before the first negotiation
	pc         *webrtc.PeerConnection // the same, unless link is a viewer's
	state      ConnectionState
	early      []webrtc.ICECandidateInit
	answered   bool // pc knows the browser's description: candidates may go to it
	localSDP   string
	remoteSDP  string
	ice        iceReport
	media      MediaState
	gatherWish bool
	gathering  Gathering
	gathered   []IceCandidate // of the server's own sockets
	complete   bool           // gathered is
	outside    outside
	places     map[string]pad      // by mid: what the browser sends there
	rids       map[string][]string // by mid: its encodings
	tracks     []*upTrack
	slots      []*downTrack
}

func newWebRtcEndpoint(p *MediaPipeline, opts WebRtcEndpointOptions) *WebRtcEndpoint {
	e := &WebRtcEndpoint{
		server: p.server,
		opts:   opts,
		state:  ConnectionNew,
		media:  MediaDisconnected,
		clock:  sfu.NewSourceClock(),
		places: make(map[string]pad),
		rids:   make(map[string][]string),
	}
	if opts.Trickle {
		e.peers, e.relayPort = newPeerBoard(), newRelayPort()
	}
	e.outside.ctx, e.outside.cancel = context.WithCancel(context.Background())
	e.line = sfu.NewLine(nil)
	e.tap = &lineTap{line: e.line}
	e.element.init(p, "WebRtcEndpoint", e)
	e.data = newDataChannels(e)
	e.worker = p.server.views.take()
	e.work = queue{limit: maxQueuedCalls, wg: &e.wg}
	return e
}

var _ MediaElement = (*WebRtcEndpoint)(nil)

// call runs f in the work queue and waits for it. When ctx ends before f has
// begun, f does not run; f itself waits for nothing on the network.
func (e *WebRtcEndpoint) call(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	err := e.work.push(func() {
		switch {
		case e.dead.Load():
			done <- ErrReleased
		case ctx.Err() != nil:
			done <- ctx.Err()
		default:
			done <- f()
		}
	})
	if err != nil {
		return err
	}
	return <-done
}

// negotiate is call for what needs the certificate, and waits for it before it
// takes its turn.
func (e *WebRtcEndpoint) negotiate(ctx context.Context, f func() error) error {
	id, err := e.server.media.ids.of(ctx, e.opts.Certificate)
	if err != nil {
		return err
	}
	return e.call(ctx, func() error {
		e.identity = id
		return f()
	})
}

// peer is the PeerConnection, nil before the first offer and for viewers.
func (e *WebRtcEndpoint) peer() *webrtc.PeerConnection {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pc
}

// ConnectionState is how the transport is doing.
func (e *WebRtcEndpoint) ConnectionState() ConnectionState {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// RequestKeyframe asks for key frames of what this endpoint's browser is sent
// (Kurento's sense) and of what it sends itself. Requests are merged.
func (e *WebRtcEndpoint) RequestKeyframe() error {
	if e.dead.Load() {
		return fmt.Errorf("requesting a key frame: %w", ErrReleased)
	}
	e.mu.Lock()
	link, slots, tracks := e.link, e.slots, e.tracks
	e.mu.Unlock()
	if link == nil {
		return fmt.Errorf("requesting a key frame: %w", ErrNotNegotiated)
	}
	for _, d := range slots {
		if s := d.get(); s != nil && d.at.media == Video {
			if u := s.Feeding(); u != nil {
				u.RequestKeyFrame()
			}
		}
	}
	requestKeyFrames(tracks)
	return nil
}

func requestKeyFrames(tracks []*upTrack) {
	for _, t := range tracks {
		if t.at.media == Video {
			t.current().RequestKeyFrame()
		}
	}
}

// pictureLoss asks the browser for a key frame (RFC 4585, section 6.3.1). The
// connection may be gone; then nobody waits for the answer.
func pictureLoss(pc *webrtc.PeerConnection) func(ssrc uint32) {
	return func(ssrc uint32) {
		_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}})
	}
}

// connectionChanged is what the transport reports; it runs in the work queue.
func (e *WebRtcEndpoint) connectionChanged(from browserLink, now ConnectionState) {
	e.mu.Lock()
	old := e.state
	if e.dead.Load() || e.link != from {
		e.mu.Unlock()
		return
	}
	e.state = now
	slots, tracks := e.slots, e.tracks
	e.mu.Unlock()
	for _, d := range slots {
		d.transport(now == ConnectionConnected)
	}
	if now == ConnectionConnected {
		// Also after an ICE restart, when pictures were lost on the way.
		requestKeyFrames(tracks)
	}
	if old != now {
		e.events.emit(ConnectionStateChanged{old, now})
	}
	if now != ConnectionConnected {
		e.mediaChanged(false)
	}
	if now == ConnectionClosed && old != now {
		e.events.emit(MediaSessionTerminated{})
	}
}

func connectionStateOf(s webrtc.PeerConnectionState) ConnectionState {
	switch s {
	case webrtc.PeerConnectionStateConnecting:
		return ConnectionConnecting
	case webrtc.PeerConnectionStateConnected:
		return ConnectionConnected
	case webrtc.PeerConnectionStateDisconnected:
		return ConnectionDisconnected
	case webrtc.PeerConnectionStateFailed:
		return ConnectionFailed
	case webrtc.PeerConnectionStateClosed:
		return ConnectionClosed
	}
	return ConnectionNew
}

// Release ends the connection, takes the endpoint out of the graph and waits
// for its goroutines.
func (e *WebRtcEndpoint) Release() {
	e.releasing.Do(func() {
		e.dead.Store(true)
		e.work.close()
		e.pipeline.detach(&e.element)
		// What is queued ends quickly, since dead is set; after it nobody
		// changes link, slots and tracks any more. The read loops go on until
		// the transport is closed.
		e.work.wait()
		e.mu.Lock()
		link, old := e.link, e.state
		slots, tracks := e.slots, e.tracks
		if e.offered != nil {
			slots = append(slots[:len(slots):len(slots)], e.offered.slots...)
		}
		e.state = ConnectionClosed
		if e.byLoss.Load() != nil {
			e.server.metering.Add(-1)
		}
		e.mu.Unlock()
		for _, d := range slots {
			d.close()
		}
		e.line.Close()
		for _, t := range tracks {
			t.current().Close()
		}
		final := e.Stats()
		if link != nil {
			link.close() // says good-bye, by a relay too
		}
		e.mark.lift()
		e.outside.cancel()
		e.wg.Wait()
		if old != ConnectionClosed {
			e.events.emit(ConnectionStateChanged{old, ConnectionClosed})
			if link != nil {
				e.mediaChanged(false)
				e.events.emit(MediaSessionTerminated{})
			}
		}
		e.events.queue.close()
		e.server.views.giveBack(e.worker)
		e.server.endpointGone(final)
	})
}
