package pipeline_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestChurn: objects that are made, connected and released leave nothing.
func TestChurn(t *testing.T) {
	s := newServer(t, pipeline.Config{})
	cycle := func() {
		p := newPipeline(t, s)
		hub, err := p.NewDispatcher()
		if err != nil {
			t.Fatal(err)
		}
		in, out := newPort(t, hub), newPort(t, hub)
		if err := hub.Connect(in, out); err != nil {
			t.Fatal(err)
		}
		pass, err := p.NewPassThrough()
		if err != nil {
			t.Fatal(err)
		}
		a, b, e := newRTP(t, p, pipeline.RtpEndpointOptions{Crypto: &pipeline.SDES{}}), newRTP(t, p, pipeline.RtpEndpointOptions{}), withData(t, p)
		connect(t, a, in)
		connect(t, out, pass)
		connect(t, pass, e)
		connect(t, e, e)
		offer, err := a.GenerateOffer(t.Context(), pipeline.OfferOptions{})
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
		if _, err := e.GenerateOffer(t.Context(), pipeline.OfferOptions{}); err != nil {
			t.Fatal(err)
		}
		p.Release()
	}
	cycle() // what is made once
	before := runtime.NumGoroutine()
	for range 25 {
		cycle()
	}
	if st := s.Stats(); st.Endpoints != 0 || st.Pipelines != 0 {
		t.Errorf("%+v", st)
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

// TestAnswerWithoutACodec: a browser that knows none of the offered pictures
// has its sound.
func TestAnswerWithoutACodec(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	e := inKurentosManner(t, p, pipeline.WebRtcEndpointOptions{})
	got := events(t, e)
	connect(t, teacher.endpoint, e)
	offer, err := e.GenerateOffer(t.Context(), pipeline.OfferOptions{})
	if err != nil {
		t.Fatal(err)
	}
	page := pipelinetest.NewMirror(t, pipelinetest.Options{VideoCodecs: []string{"video/H264"}})
	if _, err := e.ProcessAnswer(t.Context(), page.Answer(offer)); err != nil {
		t.Fatal(err)
	}
	trickle(t, e, page.PeerConnection())
	if err := e.GatherCandidates(); err != nil {
		t.Fatal(err)
	}
	page.Slot(pipelinetest.Mic).WaitTotal(t, 10, patience)
	u := waitEvent[pipeline.Unplayable](t, got, nil)
	if u.Codec != "video/VP8" || len(u.Accepted) != 1 || u.Accepted[0] != "video/H264" {
		t.Errorf("%+v", u)
	}
}

func TestRTPOverIPv6(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	a, b := newRTP(t, p, pipeline.RtpEndpointOptions{UseIPv6: true}), newRTP(t, p, pipeline.RtpEndpointOptions{UseIPv6: true})
	teacher, v := present(t, p, pipelinetest.Options{}), view(t, p, pipelinetest.Options{})
	connect(t, teacher.endpoint, a)
	connect(t, b, v.endpoint)
	offer, err := a.GenerateOffer(t.Context(), pipeline.OfferOptions{})
	if errors.Is(err, pipeline.ErrNoPort) {
		t.Skip("the machine has no IPv6")
	}
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(offer, "c=IN IP6 ::1") {
		t.Errorf("the offer:\n%s", offer)
	}
	answer, err := b.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.ProcessAnswer(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v.Slot(pipelinetest.Camera).WaitTotal(t, 10, patience)
	v.Slot(pipelinetest.Mic).WaitTotal(t, 10, patience)
}
