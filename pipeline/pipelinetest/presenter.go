package pipelinetest

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// Rates of the generated media.
const (
	FrameInterval    = 40 * time.Millisecond
	SoundInterval    = 20 * time.Millisecond
	keyFrameInterval = 4 * time.Second // a browser's: long, and on request
)

// Presenter is a page that presents: one offer with four sendonly m-lines.
// Nothing is sent before Start.
type Presenter struct {
	*browser
	sources map[Place][]*source
}

// NewPresenter opens a presenter's page; the test's cleanup closes it.
func NewPresenter(tb testing.TB, o Options) *Presenter {
	tb.Helper()
	p := &Presenter{browser: newBrowser(tb, o), sources: make(map[Place][]*source)}
	for _, place := range o.places(PresenterPlaces()) {
		p.addSource(place, o, webrtc.RTPTransceiverDirectionSendonly)
	}
	return p
}

var nextSource atomic.Uint32

func (p *Presenter) addSource(place Place, o Options, d webrtc.RTPTransceiverDirection) *webrtc.RTPTransceiver {
	p.tb.Helper()
	mime := webrtc.MimeTypeOpus
	if place.kind() == webrtc.RTPCodecTypeVideo {
		mime = webrtc.MimeTypeVP8
		if len(o.VideoCodecs) > 0 {
			mime = o.VideoCodecs[0]
		}
	}
	codec := webrtc.RTPCodecCapability{MimeType: mime}
	if o.Simulcast && place == Camera {
		return p.addLayers(place, codec)
	}
	track, err := webrtc.NewTrackLocalStaticRTP(codec, string(place), "presenter")
	if err != nil {
		p.tb.Fatalf("making a track: %v", err)
	}
	t, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: d})
	if err != nil {
		p.tb.Fatalf("adding a track: %v", err)
	}
	s := newSource(track, place, p.stopped)
	p.sources[place] = []*source{s}
	p.wg.Go(func() { s.readReports(t.Sender().ReadRTCP) })
	return t
}

// addLayers offers one m-line with three encodings (RFC 8853).
func (p *Presenter) addLayers(place Place, codec webrtc.RTPCodecCapability) *webrtc.RTPTransceiver {
	p.tb.Helper()
	var t *webrtc.RTPTransceiver
	for _, rid := range []string{"q", "h", "f"} {
		track, err := webrtc.NewTrackLocalStaticRTP(codec, string(place), "presenter", webrtc.WithRTPStreamID(rid))
		if err != nil {
			p.tb.Fatalf("making a layer: %v", err)
		}
		if t == nil {
			t, err = p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		} else {
			err = t.Sender().AddEncoding(track)
		}
		if err != nil {
			p.tb.Fatalf("adding a layer: %v", err)
		}
		s := newSource(track, place, p.stopped)
		s.transceiver = t
		p.sources[place] = append(p.sources[place], s)
		p.wg.Go(func() {
			s.readReports(func() ([]rtcp.Packet, interceptor.Attributes, error) {
				return t.Sender().ReadSimulcastRTCP(rid)
			})
		})
	}
	return t
}

// Start begins to send on these places, or goes on after Stop.
func (p *Presenter) Start(places ...Place) {
	for _, place := range places {
		for _, s := range p.sources[place] {
			if stop := s.begin(); stop != nil {
				p.wg.Go(func() { s.run(stop) })
			}
		}
	}
}

// Stop stops sending, as replaceTrack(null) does: no word to the server.
func (p *Presenter) Stop(places ...Place) {
	for _, place := range places {
		for _, s := range p.sources[place] {
			s.end()
		}
	}
}

// StopLayer stops one simulcast layer, as active=false does.
func (p *Presenter) StopLayer(place Place, rid string) { p.layer(place, rid).end() }

// SourceID is the number that this place's frames carry; with simulcast, those
// of the lowest layer.
func (p *Presenter) SourceID(place Place) uint32 { return p.sources[place][0].id }

// LayerID is the number that a simulcast layer's frames carry.
func (p *Presenter) LayerID(place Place, rid string) uint32 { return p.layer(place, rid).id }

func (p *Presenter) layer(place Place, rid string) *source {
	for _, s := range p.sources[place] {
		if s.track.RID() == rid {
			return s
		}
	}
	p.tb.Fatalf("%s has no layer %q", place, rid)
	return nil
}

// Frames is how many frames, or sound packets, were sent, of the lowest layer
// with simulcast.
func (p *Presenter) Frames(place Place) int { return int(p.sources[place][0].frames.Load()) }

// KeyFrameRequests is how often the server asked for a key frame, of any layer.
func (p *Presenter) KeyFrameRequests(place Place) int {
	n := 0
	for _, s := range p.sources[place] {
		n += int(s.requests.Load())
	}
	return n
}

// Estimate is what the server said last that may be sent (REMB), in bit/s; 0 is
// nothing.
func (p *Presenter) Estimate(place Place) uint64 { return p.sources[place][0].estimate.Load() }

// source is one generated track.
type source struct {
	id      uint32
	track   *webrtc.TrackLocalStaticRTP
	video   bool
	stopped <-chan struct{}

	frames   atomic.Uint32
	requests atomic.Uint32
	wantKey  atomic.Bool
	estimate atomic.Uint64

	mu   sync.Mutex
	stop chan struct{}
	done chan struct{}

	// The run loop's.
	seq       uint16
	timestamp uint32
	payloader *codecs.VP8Payloader

	transceiver *webrtc.RTPTransceiver // nil: no simulcast
}

func newSource(track *webrtc.TrackLocalStaticRTP, place Place, stopped <-chan struct{}) *source {
	return &source{
		id: nextSource.Add(1), track: track, video: place.kind() == webrtc.RTPCodecTypeVideo, stopped: stopped,
		seq: uint16(rand.Uint32()), timestamp: rand.Uint32(), payloader: newVP8Payloader(),
	}
}

func (s *source) begin() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		return nil
	}
	s.stop, s.done = make(chan struct{}), make(chan struct{})
	return s.stop
}

func (s *source) end() {
	s.mu.Lock()
	stop, done := s.stop, s.done
	s.stop = nil
	s.mu.Unlock()
	if stop != nil {
		close(stop)
		<-done
	}
}

func (s *source) run(stop chan struct{}) {
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	defer close(done)
	interval, step := SoundInterval, uint32(960)
	if s.video {
		interval, step = FrameInterval, 3600
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	s.wantKey.Store(true)
	var lastKey time.Time
	for {
		select {
		case <-stop:
			return
		case <-s.stopped:
			return
		case now := <-tick.C:
			s.timestamp += step
			number := s.frames.Add(1)
			if !s.video {
				s.send(encodeSound(s.id, number), false)
				continue
			}
			key := s.wantKey.Swap(false) || now.Sub(lastKey) >= keyFrameInterval
			if key {
				lastKey = now
			}
			parts := s.payloader.Payload(1200, encodeFrame(s.id, number, key))
			for i, part := range parts {
				s.send(part, i == len(parts)-1)
			}
		}
	}
}

func (s *source) send(payload []byte, marker bool) {
	s.seq++
	p := &rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: marker, SequenceNumber: s.seq, Timestamp: s.timestamp},
		Payload: payload,
	}
	s.sign(&p.Header)
	// An error means that the connection is not up or gone.
	_ = s.track.WriteRTP(p)
}

// sign says which layer the packet is of (RFC 8852, section 3).
func (s *source) sign(h *rtp.Header) {
	if s.transceiver == nil {
		return
	}
	for _, x := range s.transceiver.Sender().GetParameters().HeaderExtensions {
		switch x.URI {
		case sdp.SDESMidURI:
			_ = h.SetExtension(uint8(x.ID), []byte(s.transceiver.Mid()))
		case sdp.SDESRTPStreamIDURI:
			_ = h.SetExtension(uint8(x.ID), []byte(s.track.RID()))
		}
	}
}

func (s *source) readReports(next func() ([]rtcp.Packet, interceptor.Attributes, error)) {
	for {
		packets, _, err := next()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.ReceiverEstimatedMaximumBitrate:
				s.estimate.Store(uint64(p.Bitrate))
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				if !s.isFor(p) {
					continue
				}
				s.requests.Add(1)
				s.wantKey.Store(true)
			}
		}
	}
}

// isFor: every layer's reader may be shown what is about another.
func (s *source) isFor(p rtcp.Packet) bool {
	if s.transceiver == nil {
		return true
	}
	for _, e := range s.transceiver.Sender().GetParameters().Encodings {
		if e.RID == s.track.RID() {
			return slices.Contains(p.DestinationSSRC(), uint32(e.SSRC))
		}
	}
	return false
}
