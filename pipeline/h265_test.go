package pipeline_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/pion/webrtc/v4"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

var h265 = webrtc.RTPCodecCapability{
	MimeType: webrtc.MimeTypeH265, ClockRate: 90000, SDPFmtpLine: "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST",
	RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}},
}

// h265Peer is a browser that knows H265 alone, by a number of its own.
func h265Peer(t *testing.T) *webrtc.PeerConnection {
	t.Helper()
	m := &webrtc.MediaEngine{}
	if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: h265, PayloadType: 116}, webrtc.RTPCodecTypeVideo); err != nil {
		t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	return pc
}

func negotiateWith(t *testing.T, pc *webrtc.PeerConnection, e *pipeline.WebRtcEndpoint) {
	t.Helper()
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	answer, err := e.ProcessOffer(t.Context(), offer.SDP)
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatalf("%v in\n%s", err, answer)
	}
}

// TestH265: from a real encoder into a browser, from there back, and to a real
// decoder. Whose browser does not list it is told so.
func TestH265(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, newServer(t, pipeline.Config{}))
	in, out := newRTP(t, p, pipeline.RtpEndpointOptions{}), newRTP(t, p, pipeline.RtpEndpointOptions{})
	to, from := newEndpoint(t, p), newEndpoint(t, p)
	without := view(t, p, pipelinetest.Options{})
	lacks := events(t, without.endpoint)
	connect(t, in, to)
	connect(t, in, without.endpoint)
	connect(t, from, out)

	taking, giving := h265Peer(t), h265Peer(t)
	track, err := webrtc.NewTrackLocalStaticRTP(h265, "video", "back")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := giving.AddTrack(track); err != nil {
		t.Fatal(err)
	}
	taking.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			packet, _, err := remote.ReadRTP()
			if err != nil {
				return
			}
			_ = track.WriteRTP(packet) // nobody is there yet, or any more
		}
	})
	if _, err := taking.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	negotiateWith(t, giving, from)
	negotiateWith(t, taking, to)

	s := streams["H265"]
	port := freePair(t)
	if _, err := out.ProcessOffer(t.Context(), sdpHead+s.lines("RTP/AVP", "recvonly", port)); err != nil {
		t.Fatal(err)
	}
	file, frames := filepath.Join(t.TempDir(), "in.sdp"), filepath.Join(t.TempDir(), "v")
	if err := os.WriteFile(file, []byte(sdpHead+s.lines("RTP/AVP", "recvonly", port)), 0o600); err != nil {
		t.Fatal(err)
	}
	wait := program(t, "ffmpeg", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file,udp,rtp", "-i", file,
		"-map", "0:v", "-frames:v", "20", "-f", "framecrc", frames)
	answer, err := in.ProcessOffer(t.Context(), sdpHead+s.lines("RTP/AVP", "sendonly", freePair(t)))
	if err != nil {
		t.Fatal(err)
	}
	send := append([]string{"ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=15", "-t", "50"}, s.encode...)
	program(t, append(send, "-payload_type", strconv.Itoa(s.pt), "-f", "rtp", fmt.Sprintf("rtp://%s?pkt_size=1100", target(t, answer, 0)))...)
	if u := waitEvent[pipeline.Unplayable](t, lacks, nil); u.Codec != webrtc.MimeTypeH265 {
		t.Errorf("%+v", u)
	}
	if text, err := wait(); err != nil {
		t.Fatalf("the receiver: %v\n%s\n%+v\n%+v", err, text, in.Stats(), out.Stats())
	}
	checkFrames(t, frames, 20)
	// Without a viewer's connection of ours too.
	plain, err := pipeline.NewServer(pipeline.Config{OnlyPeerConnections: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	e := newEndpoint(t, newPipeline(t, plain))
	last := h265Peer(t)
	if _, err := last.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	negotiateWith(t, last, e)
	if sent := e.Stats().Sent; len(sent) != 1 || sent[0].SSRC == 0 {
		t.Errorf("%+v", sent)
	}
}
