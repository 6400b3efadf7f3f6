package pipeline

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"kelas/pipeline/sfu"
)

const testStampID = 3

// bound is what pion tells a local track of a negotiation, and what is written then.
type bound struct {
	webrtc.TrackLocalContext
	rtx    bool
	writer interceptor.RTPWriter

	mu   sync.Mutex
	sent []*rtp.Packet
}

func (b *bound) CodecParameters() []webrtc.RTPCodecParameters {
	list := []webrtc.RTPCodecParameters{{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, PayloadType: 96,
	}}
	if b.rtx {
		list = append(list, webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96"}, PayloadType: 97,
		})
	}
	return list
}

func (b *bound) HeaderExtensions() []webrtc.RTPHeaderExtensionParameter {
	return []webrtc.RTPHeaderExtensionParameter{{URI: sdp.TransportCCURI, ID: testStampID}}
}

func (b *bound) SSRC() webrtc.SSRC { return 5 }

func (b *bound) SSRCRetransmission() webrtc.SSRC {
	if b.rtx {
		return 6
	}
	return 0
}

func (b *bound) WriteStream() webrtc.TrackLocalWriter { return b }

func (b *bound) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	return b.writer.Write(h, payload, nil)
}

func (b *bound) Write([]byte) (int, error) { panic("not used") }

// take is what goes to SRTP.
func (b *bound) take(h *rtp.Header, payload []byte, _ interceptor.Attributes) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, &rtp.Packet{Header: h.Clone(), Payload: slices.Clone(payload)})
	return len(payload), nil
}

func (b *bound) all() []*rtp.Packet {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sent)
}

// TestOneNonceOnePacket: what goes out again under its own SSRC and number is the same to the byte, so it has no
// transport-wide number where the browser knows no retransmission format.
func TestOneNonceOnePacket(t *testing.T) {
	for name, rtx := range map[string]bool{"without RTX": false, "with RTX": true} {
		t.Run(name, func(t *testing.T) {
			s, err := NewServer(Config{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			e := &WebRtcEndpoint{element: element{pipeline: &MediaPipeline{}}, server: s, line: sfu.NewLine(nil)}
			e.tap = &lineTap{line: e.line}
			d := newDownTrack(e, offerLine{mid: "0", media: Video, at: pad{Video, DefaultDescription}, codecs: []uint8{96, 97}})
			b := &bound{rtx: rtx}
			if _, err := d.Bind(b); err != nil {
				t.Fatal(err)
			}
			tap, _ := e.tap.NewInterceptor("")
			b.writer = tap.BindLocalStream(&interceptor.StreamInfo{
				SSRC: 5, RTPHeaderExtensions: []interceptor.RTPHeaderExtension{{URI: sdp.TransportCCURI, ID: testStampID}},
			}, interceptor.RTPWriterFunc(b.take))
			slot := d.get()
			defer slot.Close()
			up := sfu.NewUpTrack(sfu.UpTrackConfig{Kind: sfu.Video, Codec: sfu.Codec{MimeType: "video/VP8", ClockRate: 90000}})
			defer up.Close()
			slot.Feed(up)
			slot.Connected()
			layer, seq := up.AddLayer("", 9), uint16(0)
			until(t, "a picture was sent", func() bool {
				p := rtp.Packet{
					Header:  rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(seq) * 3000, SSRC: 9, Marker: true},
					Payload: append([]byte{0x90, 0xe0, 0x80, byte(seq), 1, 0x20, 0}, make([]byte, 500)...),
				}
				seq++
				raw, err := p.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				layer.Write(raw, time.Now())
				return len(b.all()) > 0
			})
			first := b.all()[0]
			until(t, "it was sent again", func() bool {
				n := len(b.all())
				slot.HandleRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{
					MediaSSRC: 5, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{first.SequenceNumber}),
				}})
				return len(b.all()) > n
			})
			again := b.all()[len(b.all())-1]
			if rtx {
				if again.SSRC != 6 || binary.BigEndian.Uint16(again.Payload) != first.SequenceNumber || first.GetExtension(testStampID) == nil {
					t.Errorf("%v, and again %v", first.Header, again.Header)
				}
				return
			}
			was, _ := first.Marshal()
			now, _ := again.Marshal()
			if string(was) != string(now) {
				t.Errorf("one number, two packets: %v and %v", first.Header, again.Header)
			}
		})
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
