package pipeline_test

import (
	"errors"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/pion/rtp"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestRTPGuard: a description alone must not have the server send anywhere.
func TestRTPGuard(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{RTPPeers: []string{"192.0.2.0/24"}})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic)
	for name, change := range map[string]func(string) string{
		"multicast": func(o string) string { return strings.Replace(o, "c=IN IP4 127.0.0.1", "c=IN IP4 239.1.2.3/3", 1) },
		"broadcast": func(o string) string { return strings.Replace(o, "c=IN IP4 127.0.0.1", "c=IN IP4 255.255.255.255", 1) },
		"DNS":       func(o string) string { return regexp.MustCompile(`m=audio \d+`).ReplaceAllString(o, "m=audio 53") },
	} {
		e := newRTP(t, p, pipeline.RtpEndpointOptions{})
		_, err := e.ProcessOffer(t.Context(), change(newPhone(t).offer("audio", "RTP/AVP", "96", "a=rtpmap:96 opus/48000/2")))
		if !errors.Is(err, pipeline.ErrForbiddenAddress) {
			t.Errorf("%s: error %v", name, err)
		}
		e.Release()
	}
	// 127.0.0.1 is not among the peers here: it has to show that it is there.
	x := newPhone(t)
	x.listen()
	e := newRTP(t, p, pipeline.RtpEndpointOptions{})
	connect(t, teacher.endpoint, e)
	answer, err := e.ProcessOffer(t.Context(), x.offer("audio", "RTP/AVP", "96", "a=rtpmap:96 opus/48000/2"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the source is connected", func() bool { return len(e.SourceConnections()) > 0 })
	before := teacher.Frames(pipelinetest.Mic)
	eventually(t, "the teacher has spoken", func() bool { return teacher.Frames(pipelinetest.Mic) > before+20 })
	if n := len(x.got()); n != 0 {
		t.Fatalf("%d packets before anything came from there", n)
	}
	x.send(target(t, answer, 0), 96, 1, 5, []byte{1, 2})
	eventually(t, "then it is sent to", func() bool { return len(x.got()) > 10 })
}

// TestComedia: with a=direction:active media goes where media comes from.
func TestComedia(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic)
	e := newRTP(t, p, pipeline.RtpEndpointOptions{})
	connect(t, teacher.endpoint, e)
	told, real, late := newPhone(t), newPhone(t), newPhone(t)
	for _, x := range []*phone{told, real, late} {
		x.listen()
	}
	answer, err := e.ProcessOffer(t.Context(), told.offer("audio", "RTP/AVP", "96", "a=rtpmap:96 opus/48000/2", "a=direction:active"))
	if err != nil {
		t.Fatal(err)
	}
	to := target(t, answer, 0)
	real.send(to, 96, 1, 5, []byte{1, 2})
	eventually(t, "it goes where it came from", func() bool { return len(real.got()) > 10 })
	late.send(to, 96, 2, 5, []byte{1, 2}) // the same host, but the first keeps its place
	n := len(real.got())
	eventually(t, "it still goes there", func() bool { return len(real.got()) > n+10 })
	if a, b := len(told.got()), len(late.got()); a != 0 || b != 0 {
		t.Errorf("%d packets to the address of the description, %d to the late one", a, b)
	}
}

// TestRTPFromElsewhere: who says 127.0.0.1 may send from any address of this machine, nobody else in the clear from
// another address than the description's. That is told once.
func TestRTPFromElsewhere(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, newServer(t, pipeline.Config{}))
	from, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	if err != nil {
		t.Skipf("the machine has no 127.0.0.2: %v", err)
	}
	defer from.Close()
	send := func(to netip.AddrPort) {
		t.Helper()
		raw, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SSRC: 5, SequenceNumber: 1}, Payload: []byte{1, 2}}).Marshal()
		if err == nil {
			_, err = from.WriteToUDPAddrPort(raw, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		address string
		taken   bool
	}{{"127.0.0.1", true}, {"192.0.2.7", false}} {
		e := newRTP(t, p, pipeline.RtpEndpointOptions{})
		told := events(t, e)
		offer := strings.ReplaceAll(newPhone(t).offer("audio", "RTP/AVP", "96", "a=rtpmap:96 opus/48000/2", "a=sendonly"), "127.0.0.1", tt.address)
		answer, err := e.ProcessOffer(t.Context(), offer)
		if err != nil {
			t.Fatal(err)
		}
		waitEvent[pipeline.ConnectionStateChanged](t, told, nil)
		send(target(t, answer, 0))
		if tt.taken {
			eventually(t, "it is taken", func() bool { st := e.Stats(); return len(st.Received) == 1 && st.Received[0].Packets == 1 })
			continue
		}
		got := waitEvent[pipeline.Error](t, told, nil)
		if !errors.Is(got.Err, pipeline.ErrStranger) || !strings.Contains(got.Err.Error(), "127.0.0.2") || !strings.Contains(got.Err.Error(), tt.address) {
			t.Error(got.Err)
		}
		send(target(t, answer, 0))
		e.Release()
		waitEvent(t, told, func(ev pipeline.Event) bool {
			if _, again := ev.(pipeline.Error); again {
				t.Error("it was told twice")
			}
			_, last := ev.(pipeline.ConnectionStateChanged)
			return last
		})
		if st := e.Stats(); len(st.Received) != 0 {
			t.Errorf("%+v", st)
		}
	}
}

// TestRTPKeyFrames: a receiver that cannot ask for a key frame gets one now and then all the same.
func TestRTPKeyFrames(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, newServer(t, pipeline.Config{}))
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Camera)
	e := newRTP(t, p, pipeline.RtpEndpointOptions{})
	connect(t, teacher.endpoint, e)
	x := newPhone(t)
	x.listen()
	if _, err := e.ProcessOffer(t.Context(), x.offer("video", "RTP/AVP", "97", "a=rtpmap:97 VP8/90000", "a=recvonly")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the camera comes", func() bool { return len(x.got()) > 30 })
	from := teacher.KeyFrameRequests(pipelinetest.Camera)
	eventually(t, "two more are asked for", func() bool { return teacher.KeyFrameRequests(pipelinetest.Camera) >= from+2 })
}
