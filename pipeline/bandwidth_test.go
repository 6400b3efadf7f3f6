package pipeline_test

import (
	"errors"
	"strings"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func setBandwidth(t *testing.T, e *pipeline.WebRtcEndpoint, b pipeline.Bandwidth) {
	t.Helper()
	if err := e.SetBandwidth(b); err != nil {
		t.Fatal(err)
	}
	if e.Bandwidth() != b {
		t.Errorf("%+v was set, %+v is there", b, e.Bandwidth())
	}
}

func TestRecvBandwidth(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	e := newEndpoint(t, p)
	setBandwidth(t, e, pipeline.Bandwidth{MaxVideoRecv: 300, MaxAudioRecv: 40, MinVideoRecv: 100})
	page := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	answer, err := e.ProcessOffer(t.Context(), page.Offer())
	if err != nil {
		t.Fatal(err)
	}
	audio, video, _ := strings.Cut(answer, "m=video")
	for _, x := range []struct{ in, want string }{
		{audio, "b=AS:40\r\nb=TIAS:40000\r\n"}, {video, "b=AS:300\r\nb=TIAS:300000\r\n"}, {video, "x-google-min-bitrate=100"},
	} {
		if !strings.Contains(x.in, x.want) {
			t.Errorf("no %q in\n%s", x.want, x.in)
		}
	}
	page.Apply(answer) // a browser takes it
	page.WaitConnected()
	page.Start(pipelinetest.Mic, pipelinetest.Camera)
	eventually(t, "the browser is told", func() bool { return page.Estimate(pipelinetest.Camera) == 340_000 })
	setBandwidth(t, e, pipeline.Bandwidth{})
	eventually(t, "the bound is lifted", func() bool { return page.Estimate(pipelinetest.Camera) > 10_000_000 })
	for _, bad := range []pipeline.Bandwidth{{MaxVideoRecv: -1}, {MaxVideoSend: 1 << 30}} {
		if err := e.SetBandwidth(bad); !errors.Is(err, pipeline.ErrBadBandwidth) {
			t.Errorf("%+v: error %v", bad, err)
		}
	}
}

// TestSendBandwidthChoosesLayers: one viewer's bound is not another's.
func TestSendBandwidthChoosesLayers(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{Simulcast: true})
	teacher.Start(pipelinetest.Camera)
	free, bounded := view(t, p, pipelinetest.Options{}), view(t, p, pipelinetest.Options{})
	connect(t, teacher.endpoint, free.endpoint)
	connect(t, teacher.endpoint, bounded.endpoint)
	best, lowest := teacher.LayerID(pipelinetest.Camera, "f"), teacher.LayerID(pipelinetest.Camera, "q")
	bounded.Slot(pipelinetest.Camera).WaitSource(t, best, patience)
	setBandwidth(t, bounded.endpoint, pipeline.Bandwidth{MaxVideoSend: 1})
	bounded.Slot(pipelinetest.Camera).WaitSource(t, lowest, patience)
	if !free.Slot(pipelinetest.Camera).Shows(best) {
		t.Error("the other viewer has lost the best layer too")
	}
	setBandwidth(t, bounded.endpoint, pipeline.Bandwidth{})
	bounded.Slot(pipelinetest.Camera).WaitSource(t, best, patience)
	if st := bounded.Slot(pipelinetest.Camera).Stats(); len(st.SSRCs) != 1 || st.Lost != 0 || st.Broken != 0 || st.Backwards != 0 {
		t.Errorf("%+v", st)
	}
}

// TestSendBandwidthReachesSource: where there is one layer, its sender is told
// the least bound of its viewers, also behind a relay.
func TestSendBandwidthReachesSource(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	pass, err := p.NewPassThrough()
	if err != nil {
		t.Fatal(err)
	}
	a, b, free := view(t, p, pipelinetest.Options{}), view(t, p, pipelinetest.Options{}), view(t, p, pipelinetest.Options{})
	connect(t, teacher.endpoint, pass)
	connect(t, pass, a.endpoint)
	connect(t, teacher.endpoint, b.endpoint)
	connect(t, teacher.endpoint, free.endpoint)
	setBandwidth(t, a.endpoint, pipeline.Bandwidth{MaxVideoSend: 200})
	setBandwidth(t, b.endpoint, pipeline.Bandwidth{MaxVideoSend: 500})
	told := func() uint64 { return teacher.Estimate(pipelinetest.Camera) }
	eventually(t, "the smaller bound counts", func() bool { return told() == 264_000 })
	a.endpoint.Release()
	eventually(t, "then the one that is left", func() bool { return told() == 564_000 })
	setBandwidth(t, b.endpoint, pipeline.Bandwidth{})
	eventually(t, "then none", func() bool { return told() > 10_000_000 })
}
