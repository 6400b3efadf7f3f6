package pipeline

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"kelas/pipeline/pipelinetest"
)

// TestKeySoftLimit: two endpoints with keys; what is made up is how many packets
// the keys have protected before.
func TestKeySoftLimit(t *testing.T) {
	t.Parallel()
	_, p := ownPipeline(t, Config{})
	a, b := keyed(t, p), keyed(t, p)
	offer, err := a.GenerateOffer(t.Context(), OfferOptions{})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.ProcessAnswer(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	near, far := limits(t, a), limits(t, b)
	from, to := mediaOf(t, a, Audio), mediaOf(t, b, Audio)
	seq := uint16(0)
	send := func() {
		seq++
		h := rtp.Header{Version: 2, PayloadType: from.remote.codecs[0].pt, SSRC: from.ssrc, SequenceNumber: seq, Timestamp: uint32(seq) * 960}
		if err := from.write(&h, make([]byte, 40)); err != nil {
			t.Error(err)
		}
	}
	came := func() uint64 {
		to.decMu.Lock()
		defer to.decMu.Unlock()
		return to.decUse.rtp
	}
	from.encMu.Lock()
	from.encUse.rtp = srtpKeyLife - keyMargin - 3
	from.encMu.Unlock()
	send()
	send()
	eventually(t, "packets come", func() bool { return came() == 2 })
	if len(near) != 0 || len(far) != 0 {
		t.Fatal("told too early")
	}
	for range 5 {
		send()
	}
	wait(t, near, Audio)
	eventually(t, "packets come", func() bool { return came() == 7 })
	if len(far) != 0 {
		t.Error("the key of the other side was used as often")
	}
	// RTCP has its own count, and what is received counts too.
	to.decMu.Lock()
	to.decUse.rtcp = srtcpKeyLife - keyMargin - 1
	to.decMu.Unlock()
	from.sendControl(&rtcp.ReceiverReport{SSRC: from.ssrc})
	wait(t, far, Audio)
	from.sendControl(&rtcp.ReceiverReport{SSRC: from.ssrc})
	send()
	eventually(t, "packets come", func() bool { return came() == 8 })
	if len(near)+len(far) != 0 {
		t.Error("told more than once")
	}
	// The other m-line has its own.
	video := mediaOf(t, a, Video)
	video.encMu.Lock()
	video.encUse.rtcp = srtcpKeyLife
	video.encMu.Unlock()
	video.sendControl(&rtcp.ReceiverReport{SSRC: video.ssrc})
	wait(t, near, Video)
}

func ownPipeline(t *testing.T, cfg Config) (*Server, *MediaPipeline) {
	t.Helper()
	s, err := NewServer(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	p, err := s.NewMediaPipeline()
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func keyed(t *testing.T, p *MediaPipeline) *RtpEndpoint {
	t.Helper()
	e, err := p.NewRtpEndpoint(RtpEndpointOptions{Crypto: &SDES{}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func mediaOf(t *testing.T, e *RtpEndpoint, m MediaType) *rtpMedia {
	t.Helper()
	for _, x := range e.all() {
		if x.at.media == m {
			return x
		}
	}
	t.Fatalf("no %s", m)
	return nil
}

// limits collects what is told of keys.
func limits(t *testing.T, e MediaElement) chan MediaType {
	c := make(chan MediaType, 16)
	t.Cleanup(e.Subscribe(func(ev Event) {
		if k, ok := ev.(KeySoftLimit); ok {
			c <- k.MediaType
		}
	}))
	return c
}

func wait(t *testing.T, c chan MediaType, want MediaType) {
	t.Helper()
	select {
	case got := <-c:
		if got != want {
			t.Errorf("the key of %s", got)
		}
	case <-time.After(15 * time.Second):
		t.Fatalf("nothing is told of the key of %s", want)
	}
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	pipelinetest.Eventually(t, 15*time.Second, what, cond)
}
