package pipelinetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/logging"
	"github.com/pion/transport/v4"
	"github.com/pion/webrtc/v4"
)

// Options say what sort of browser it is.
type Options struct {
	// Net is a client of a Network; nil is this machine's loopback interface.
	Net transport.Net
	// ICEServers are handed to the connection, as the page does.
	ICEServers []webrtc.ICEServer
	// RelayOnly uses TURN or nothing.
	RelayOnly bool
	// VideoCodecs limits what is offered: "video/VP8", "video/H264" and so on,
	// the first of them being what a presenter sends; nil is all that pion
	// knows, VP8 first.
	VideoCodecs []string
	// TCPOnly offers and uses ICE-TCP alone.
	TCPOnly bool
	// IPv6 uses UDP over IPv6 alone.
	IPv6 bool
	// NoRTX offers no retransmission format, so that repeats come on the main
	// SSRC.
	NoRTX bool
	// Places are those that are offered; nil is all of the page's.
	Places []Place
	// G711 also offers PCMU, as browsers do.
	G711 bool
	// Simulcast has a presenter send the camera in three layers: q, h and f.
	Simulcast bool
}

// Answerer takes an offer and gives an answer: an endpoint's ProcessOffer, or
// the way through a class.
type Answerer func(ctx context.Context, offer string) (answer string, err error)

// browser is what presenter and viewer share.
type browser struct {
	tb testing.TB
	pc *webrtc.PeerConnection
	wg sync.WaitGroup

	closing sync.Once
	stopped chan struct{}

	mu     sync.Mutex
	states []webrtc.PeerConnectionState
}

func newBrowser(tb testing.TB, o Options) *browser {
	tb.Helper()
	b := &browser{tb: tb, stopped: make(chan struct{})}
	pc, err := newPeerConnection(o)
	if err != nil {
		tb.Fatalf("opening a test browser: %v", err)
	}
	b.pc = pc
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.states = append(b.states, s)
	})
	tb.Cleanup(b.Close)
	return b
}

func newPeerConnection(o Options) (*webrtc.PeerConnection, error) {
	logs := &logging.DefaultLoggerFactory{Writer: nowhere{}, DefaultLogLevel: logging.LogLevelDisabled}
	s := webrtc.SettingEngine{LoggerFactory: logs}
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if o.TCPOnly {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	}
	if o.IPv6 {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP6})
	}
	if o.Net != nil {
		s.SetNet(o.Net)
	}
	m := &webrtc.MediaEngine{}
	if err := registerCodecs(m, o); err != nil {
		return nil, err
	}
	r := &interceptor.Registry{}
	if err := webrtc.ConfigureRTCPReports(r); err != nil {
		return nil, err
	}
	if err := webrtc.ConfigureTWCCSender(m, r); err != nil {
		return nil, err
	}
	if err := webrtc.ConfigureSimulcastExtensionHeaders(m); err != nil {
		return nil, err
	}
	responder, err := nack.NewResponderInterceptor()
	if err != nil {
		return nil, err
	}
	r.Add(responder)
	api := webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r))
	c := webrtc.Configuration{ICEServers: o.ICEServers}
	if o.RelayOnly {
		c.ICETransportPolicy = webrtc.ICETransportPolicyRelay
	}
	return api.NewPeerConnection(c)
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

func registerCodecs(m *webrtc.MediaEngine, o Options) error {
	err := m.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
		},
		PayloadType: 109, // Firefox's number, other than the server's
	}, webrtc.RTPCodecTypeAudio)
	if err != nil {
		return err
	}
	if o.G711 {
		err := m.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000},
			PayloadType:        0,
		}, webrtc.RTPCodecTypeAudio)
		if err != nil {
			return err
		}
	}
	feedback := []webrtc.RTCPFeedback{
		{Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "transport-cc"},
	}
	known := map[string]string{
		webrtc.MimeTypeVP8:  "",
		webrtc.MimeTypeVP9:  "profile-id=0",
		webrtc.MimeTypeH264: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
		webrtc.MimeTypeAV1:  "level-idx=5;profile=0;tier=0",
	}
	list := o.VideoCodecs
	if list == nil {
		list = []string{webrtc.MimeTypeVP8, webrtc.MimeTypeVP9, webrtc.MimeTypeH264, webrtc.MimeTypeAV1}
	}
	pt := webrtc.PayloadType(120)
	for _, mime := range list {
		fmtp, ok := known[mime]
		if !ok {
			return fmt.Errorf("no test browser knows %s", mime)
		}
		err := m.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: mime, ClockRate: 90000, SDPFmtpLine: fmtp, RTCPFeedback: feedback,
			},
			PayloadType: pt,
		}, webrtc.RTPCodecTypeVideo)
		if err != nil {
			return err
		}
		if !o.NoRTX {
			err = m.RegisterCodec(webrtc.RTPCodecParameters{
				RTPCodecCapability: webrtc.RTPCodecCapability{
					MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", pt),
				},
				PayloadType: pt + 1,
			}, webrtc.RTPCodecTypeVideo)
			if err != nil {
				return err
			}
		}
		pt += 2
		if pt > 126 {
			pt = 35
		}
	}
	return nil
}

// Negotiate makes an offer, has it answered and applies the answer.
func (b *browser) Negotiate(answer Answerer) {
	b.tb.Helper()
	b.negotiate(answer, nil)
}

// Restart does the same with new ICE credentials (RFC 8445, section 9).
func (b *browser) Restart(answer Answerer) {
	b.tb.Helper()
	b.negotiate(answer, &webrtc.OfferOptions{ICERestart: true})
}

func (b *browser) negotiate(answer Answerer, o *webrtc.OfferOptions) {
	b.tb.Helper()
	text, err := answer(b.tb.Context(), b.offer(o))
	if err != nil {
		b.tb.Fatalf("the offer was refused: %v", err)
	}
	b.Apply(text)
}

// Offer makes an offer with all candidates and applies it on this side.
func (b *browser) Offer() string {
	b.tb.Helper()
	return b.offer(nil)
}

func (b *browser) offer(o *webrtc.OfferOptions) string {
	b.tb.Helper()
	offer, err := b.pc.CreateOffer(o)
	if err != nil {
		b.tb.Fatalf("making an offer: %v", err)
	}
	gathered := webrtc.GatheringCompletePromise(b.pc)
	if err := b.pc.SetLocalDescription(offer); err != nil {
		b.tb.Fatalf("applying the own offer: %v", err)
	}
	select {
	case <-gathered:
	case <-time.After(10 * time.Second):
		b.tb.Fatalf("gathering candidates took more than 10 s")
	}
	return b.pc.LocalDescription().SDP
}

// Apply applies the answer to the last Offer.
func (b *browser) Apply(answer string) {
	b.tb.Helper()
	err := b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
	if err != nil {
		b.tb.Fatalf("applying the answer: %v\n%s", err, answer)
	}
}

// Answer answers an offer of the server, with all candidates.
func (b *browser) Answer(offer string) string {
	b.tb.Helper()
	err := b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
	if err != nil {
		b.tb.Fatalf("applying the server's offer: %v\n%s", err, offer)
	}
	answer, err := b.pc.CreateAnswer(nil)
	if err != nil {
		b.tb.Fatalf("making an answer: %v", err)
	}
	gathered := webrtc.GatheringCompletePromise(b.pc)
	if err := b.pc.SetLocalDescription(answer); err != nil {
		b.tb.Fatalf("applying the own answer: %v", err)
	}
	select {
	case <-gathered:
	case <-time.After(10 * time.Second):
		b.tb.Fatalf("gathering candidates took more than 10 s")
	}
	return b.pc.LocalDescription().SDP
}

// WaitConnected waits until the transport is up.
func (b *browser) WaitConnected() {
	b.tb.Helper()
	Eventually(b.tb, 15*time.Second, "the browser is connected", func() bool {
		return b.pc.ConnectionState() == webrtc.PeerConnectionStateConnected
	})
}

// States are the connection states so far, in order.
func (b *browser) States() []webrtc.PeerConnectionState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]webrtc.PeerConnectionState(nil), b.states...)
}

// PeerConnection is the connection itself, for what is not covered here.
func (b *browser) PeerConnection() *webrtc.PeerConnection { return b.pc }

// Close closes the connection, as a page does that goes away in order: the
// server is told by DTLS. It waits for its goroutines. Cleanup calls it too.
func (b *browser) Close() {
	b.closing.Do(func() {
		close(b.stopped)
		_ = b.pc.GracefulClose()
		b.wg.Wait()
	})
}

// Eventually polls a condition of the real network and fails the test when it
// has not come true in time.
func Eventually(tb testing.TB, within time.Duration, what string, cond func() bool) {
	tb.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline.C:
			tb.Fatalf("not within %v: %s", within, what)
		case <-tick.C:
		}
	}
}
