package pipelinetest

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
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
	sources map[Place]*source
}

// NewPresenter opens a presenter's page; the test's cleanup closes it.
func NewPresenter(tb testing.TB, o Options) *Presenter {
	tb.Helper()
	p := &Presenter{browser: newBrowser(tb, o), sources: make(map[Place]*source)}
	for _, place := range PresenterPlaces() {
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
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, string(place), "presenter")
	if err != nil {
		p.tb.Fatalf("making a track: %v", err)
	}
	t, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: d})
	if err != nil {
		p.tb.Fatalf("adding a track: %v", err)
	}
	s := &source{
		id: nextSource.Add(1), track: track, video: place.kind() == webrtc.RTPCodecTypeVideo, stopped: p.stopped,
		seq: uint16(rand.Uint32()), timestamp: rand.Uint32(), payloader: newVP8Payloader(),
	}
	p.sources[place] = s
	p.wg.Go(func() { s.readReports(t.Sender()) })
	return t
}

// Start begins to send on these places, or goes on after Stop.
func (p *Presenter) Start(places ...Place) {
	for _, place := range places {
		s := p.sources[place]
		if stop := s.begin(); stop != nil {
			p.wg.Go(func() { s.run(stop) })
		}
	}
}

// Stop stops sending, as replaceTrack(null) does: no word to the server.
func (p *Presenter) Stop(places ...Place) {
	for _, place := range places {
		p.sources[place].end()
	}
}

// SourceID is the number that this place's frames carry.
func (p *Presenter) SourceID(place Place) uint32 { return p.sources[place].id }

// Frames is how many frames, or sound packets, were sent.
func (p *Presenter) Frames(place Place) int { return int(p.sources[place].frames.Load()) }

// KeyFrameRequests is how often the server asked for a key frame.
func (p *Presenter) KeyFrameRequests(place Place) int {
	return int(p.sources[place].requests.Load())
}

// source is one generated track.
type source struct {
	id      uint32
	track   *webrtc.TrackLocalStaticRTP
	video   bool
	stopped <-chan struct{}

	frames   atomic.Uint32
	requests atomic.Uint32
	wantKey  atomic.Bool

	mu   sync.Mutex
	stop chan struct{}
	done chan struct{}

	// The run loop's.
	seq       uint16
	timestamp uint32
	payloader *codecs.VP8Payloader
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
	// An error means that the connection is not up or gone.
	_ = s.track.WriteRTP(&rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: marker, SequenceNumber: s.seq, Timestamp: s.timestamp},
		Payload: payload,
	})
}

func (s *source) readReports(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				s.requests.Add(1)
				s.wantKey.Store(true)
			}
		}
	}
}
