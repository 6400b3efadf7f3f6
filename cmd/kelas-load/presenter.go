package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// keyFrameGap is the least time between two key frames, as encoders keep it.
const keyFrameGap = 300 * time.Millisecond

// presenter is a page that presents: one offer with the four places, of which
// a stream fills the sound and one of the two sights.
type presenter struct {
	pc     *webrtc.PeerConnection
	stream *stream
	stamps *stamps
	late   atomic.Pointer[histogram] // how late frames were sent, by our own fault
	keys   atomic.Uint64             // requests for a key frame

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// places of a presenter's offer, in the order within each kind.
var places = []struct {
	name  string
	video bool
}{{"mic", false}, {"screenAudio", false}, {"camera", true}, {"screen", true}}

// newPresenter makes the connection; nothing is sent before start.
func newPresenter(s *stream, st *stamps) (*presenter, error) {
	pc, err := newPresenterConnection()
	if err != nil {
		return nil, fmt.Errorf("making the presenter's connection: %w", err)
	}
	p := &presenter{pc: pc, stream: s, stamps: st}
	p.late.Store(&histogram{})
	return p, nil
}

// shows tells which place the stream's sight fills.
func (s *stream) shows() string {
	if s.video.name == "screen" || s.video.name == "screen-small" {
		return "screen"
	}
	return "camera"
}

// start adds the tracks, has present negotiate the connection, waits for it
// and begins to send.
func (p *presenter) start(ctx context.Context, present func(context.Context, *webrtc.PeerConnection) error) error {
	run, stop := context.WithCancel(context.Background())
	p.stop = stop
	players := []*player{}
	for _, place := range places {
		mime := webrtc.MimeTypeOpus
		if place.video {
			mime = webrtc.MimeTypeVP8
		}
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, place.name, "presenter")
		if err != nil {
			return fmt.Errorf("making the track %s: %w", place.name, err)
		}
		t, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return fmt.Errorf("adding the track %s: %w", place.name, err)
		}
		pl := &player{presenter: p, track: track}
		switch place.name {
		case "mic":
			pl.clip = p.stream.audio
		case p.stream.shows():
			pl.clip = p.stream.video
		}
		p.wg.Go(func() { pl.listen(t.Sender()) })
		if pl.clip != nil {
			players = append(players, pl)
		}
	}
	connected := make(chan struct{})
	var once sync.Once
	p.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(connected) })
		}
	})
	if err := present(ctx, p.pc); err != nil {
		return fmt.Errorf("presenting: %w", err)
	}
	select {
	case <-connected:
	case <-ctx.Done():
		return fmt.Errorf("the presenter's media does not come up: %w", ctx.Err())
	}
	for _, pl := range players {
		p.wg.Go(func() { pl.play(run) })
	}
	return nil
}

// close ends the connection and waits for everything.
func (p *presenter) close() {
	if p.stop != nil {
		p.stop()
	}
	_ = p.pc.GracefulClose() // what is gone is closed
	p.wg.Wait()
}

// traffic is what left for the server and came from it, in bytes and packets.
type traffic struct{ bytes, packets uint64 }

// wire counts what Ethernet would carry above its own frame: 28 bytes of
// IPv4 and UDP for each packet.
func (t traffic) wire() uint64 { return t.bytes + 28*t.packets }

func (p *presenter) traffic() (sent, received traffic) {
	for _, s := range p.pc.GetStats() {
		if pair, ok := s.(webrtc.ICECandidatePairStats); ok {
			sent.bytes += pair.BytesSent
			sent.packets += uint64(pair.PacketsSent)
			received.bytes += pair.BytesReceived
			received.packets += uint64(pair.PacketsReceived)
		}
	}
	return sent, received
}

// player sends one clip, again and again, with timestamps that go on.
type player struct {
	presenter *presenter
	track     *webrtc.TrackLocalStaticRTP
	clip      *clip
	wantKey   atomic.Bool
}

func (pl *player) play(ctx context.Context) {
	p := pl.presenter
	at, lastKey := time.Now(), time.Time{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	w := writer{track: pl.track, stamps: p.stamps, video: pl.clip.video, timestamp: 90000, picture: 1}
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now()
		if late := now.Sub(at); late > time.Second {
			at = now // the machine slept
		} else {
			p.late.Load().add(late)
		}
		if i >= len(pl.clip.frames) || (pl.clip.video && pl.wantKey.Load() && now.Sub(lastKey) >= keyFrameGap) {
			i = 0
		}
		if i == 0 {
			lastKey = now
			pl.wantKey.Store(false)
		}
		w.frame(pl.clip.frames[i])
		w.timestamp += pl.clip.step
		at = at.Add(pl.clip.interval)
		timer.Reset(time.Until(at))
	}
}

// listen hears requests for a key frame. Retransmission and reports are the
// interceptors'.
func (pl *player) listen(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, x := range packets {
			switch x.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				pl.presenter.keys.Add(1)
				pl.wantKey.Store(true)
			}
		}
	}
}

// writer numbers packets.
type writer struct {
	track     *webrtc.TrackLocalStaticRTP
	stamps    *stamps
	video     bool
	seq       uint16
	timestamp uint32
	picture   uint16
	buf       [maxPart + 4]byte
}

func (w *writer) frame(f frame) {
	for i, part := range f.parts {
		payload := part.payload
		if w.video {
			// VP8 payload descriptor with a picture id of 15 bits (RFC 7741, section 4.2).
			d := append(w.buf[:0], 0x80, 0x80, 0x80|byte(w.picture>>8), byte(w.picture))
			if i == 0 {
				d[0] |= 0x10
			}
			payload = append(d, payload...)
		}
		w.seq++
		w.stamps.mark(part.stamp, w.video)
		// An error means that the connection is gone; the viewers will show it.
		_ = w.track.WriteRTP(&rtp.Packet{Payload: payload, Header: rtp.Header{
			Version: 2, Marker: w.video && i == len(f.parts)-1, SequenceNumber: w.seq, Timestamp: w.timestamp}})
	}
	w.picture = (w.picture + 1) & 0x7fff
}

// newPresenterConnection offers what a browser offers for sending.
func newPresenterConnection() (*webrtc.PeerConnection, error) {
	s := webrtc.SettingEngine{LoggerFactory: silent()}
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	m := &webrtc.MediaEngine{}
	for _, c := range []struct {
		p    webrtc.RTPCodecParameters
		kind webrtc.RTPCodecType
	}{
		{webrtc.RTPCodecParameters{PayloadType: opusType, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: "transport-cc"}}}}, webrtc.RTPCodecTypeAudio},
		{webrtc.RTPCodecParameters{PayloadType: vp8Type, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: []webrtc.RTCPFeedback{
				{Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "transport-cc"}}}}, webrtc.RTPCodecTypeVideo},
		{webrtc.RTPCodecParameters{PayloadType: rtxType, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", vp8Type)}}, webrtc.RTPCodecTypeVideo},
	} {
		if err := m.RegisterCodec(c.p, c.kind); err != nil {
			return nil, err
		}
	}
	r := &interceptor.Registry{}
	responder, err := nack.NewResponderInterceptor()
	if err != nil {
		return nil, err
	}
	r.Add(responder)
	if err := webrtc.ConfigureRTCPReports(r); err != nil {
		return nil, err
	}
	if err := webrtc.ConfigureTWCCHeaderExtensionSender(m, r); err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r))
	return api.NewPeerConnection(webrtc.Configuration{})
}

// silent is a log for pion: what matters is in the figures.
func silent() *logging.DefaultLoggerFactory {
	return &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}
}
