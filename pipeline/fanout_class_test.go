//go:build unix

package pipeline_test

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// TestFanOutClass is no test but the browsers of BenchmarkFanOut, in the
// process that it starts.
func TestFanOutClass(t *testing.T) {
	viewers, err := strconv.Atoi(os.Getenv(classEnv))
	if err != nil {
		t.Skip("only for BenchmarkFanOut")
	}
	c := &fanoutClass{t: t, to: json.NewEncoder(os.NewFile(3, "to the server")), stop: make(chan struct{})}
	in := os.NewFile(4, "from the server")
	c.from = json.NewDecoder(in)
	c.presenter()
	for i := range viewers {
		c.viewer(i + 1)
	}
	c.received.Wait()
	c.say(fanoutMessage{Ready: true})
	_, _ = io.Copy(io.Discard, in) // until the benchmark has seen enough
	close(c.stop)
	for _, pc := range c.all {
		_ = pc.GracefulClose()
	}
	c.running.Wait()
}

type fanoutClass struct {
	t        *testing.T
	to       *json.Encoder
	from     *json.Decoder
	stop     chan struct{}
	running  sync.WaitGroup
	received sync.WaitGroup // viewers that have seen a packet
	all      []*webrtc.PeerConnection
}

func (c *fanoutClass) must(err error) {
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *fanoutClass) say(m fanoutMessage) { c.must(c.to.Encode(m)) }

func (c *fanoutClass) open() *webrtc.PeerConnection {
	var s webrtc.SettingEngine
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(true)
	s.SetInterfaceFilter(func(name string) bool { return name == "lo" || name == "lo0" })
	m := &webrtc.MediaEngine{}
	c.must(m.RegisterDefaultCodecs())
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{})).NewPeerConnection(webrtc.Configuration{})
	c.must(err)
	c.all = append(c.all, pc)
	return pc
}

func (c *fanoutClass) negotiate(pc *webrtc.PeerConnection, viewer int) {
	offer, err := pc.CreateOffer(nil)
	c.must(err)
	gathered := webrtc.GatheringCompletePromise(pc)
	c.must(pc.SetLocalDescription(offer))
	<-gathered
	c.say(fanoutMessage{Viewer: viewer, SDP: pc.LocalDescription().SDP})
	var m fanoutMessage
	c.must(c.from.Decode(&m))
	c.must(pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: m.SDP}))
}

func (c *fanoutClass) viewer(i int) {
	pc := c.open()
	for _, k := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		_, err := pc.AddTransceiverFromKind(k, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		c.must(err)
	}
	c.received.Add(1)
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		buf := make([]byte, 1500)
		for first := t.Kind() == webrtc.RTPCodecTypeVideo; ; first = false {
			if _, _, err := t.Read(buf); err != nil {
				return
			}
			if first {
				c.received.Done()
			}
		}
	})
	c.negotiate(pc, i)
}

func (c *fanoutClass) presenter() {
	pc := c.open()
	sound, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "sound", "presenter")
	c.must(err)
	picture, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "picture", "presenter")
	c.must(err)
	_, err = pc.AddTrack(sound)
	c.must(err)
	sender, err := pc.AddTrack(picture)
	c.must(err)
	var wantKey atomic.Bool
	wantKey.Store(true)
	c.running.Go(func() {
		for {
			list, _, err := sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, p := range list {
				if _, ok := p.(*rtcp.PictureLossIndication); ok {
					wantKey.Store(true)
				}
			}
		}
	})
	c.negotiate(pc, 0)
	c.running.Go(func() { c.film(picture, &wantKey) })
	c.running.Go(func() { c.speak(sound) })
}

// film sends frames as libwebrtc cuts them: the later packets are a byte longer.
func (c *fanoutClass) film(track *webrtc.TrackLocalStaticRTP, wantKey *atomic.Bool) {
	tick := time.NewTicker(time.Second / classFrames)
	defer tick.Stop()
	filling := make([]byte, 1300)
	for i := range filling {
		filling[i] = byte(rand.Uint32())
	}
	var seq, frame uint16
	for {
		select {
		case <-c.stop:
			return
		case <-tick.C:
		}
		frame++
		tag := byte(1)
		if wantKey.Swap(false) {
			tag = 0
		}
		for i := range framePieces {
			seq++
			first := byte(0x80)
			if i == 0 {
				first |= 0x10
			}
			size := 1160 + i*2/framePieces
			payload := append([]byte{first, 0xe0, 0x80 | byte(frame>>8&0x7f), byte(frame), byte(frame), 0x20, tag}, filling[:size]...)
			_ = track.WriteRTP(&rtp.Packet{
				Header:  rtp.Header{Version: 2, Marker: i == framePieces-1, SequenceNumber: seq, Timestamp: uint32(frame) * 3000},
				Payload: payload,
			})
		}
	}
}

func (c *fanoutClass) speak(track *webrtc.TrackLocalStaticRTP) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for seq := uint16(0); ; seq++ {
		select {
		case <-c.stop:
			return
		case <-tick.C:
		}
		_ = track.WriteRTP(&rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(seq) * 960},
			Payload: make([]byte, 80),
		})
	}
}
