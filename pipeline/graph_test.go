package pipeline_test

import (
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func TestConnections(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	a, b, sink := newEndpoint(t, p), newEndpoint(t, p), newEndpoint(t, p)
	fromA, fromB := events(t, a), events(t, b)
	if err := a.Connect(sink); err != nil {
		t.Fatal(err)
	}
	for _, m := range []pipeline.MediaType{pipeline.Audio, pipeline.Video, pipeline.Data} {
		waitEvent(t, fromA, func(e pipeline.ElementConnected) bool {
			return e.MediaType == m && e.Sink == sink && e.SourceDescription == "default" && e.SinkDescription == "default"
		})
	}
	if n := len(sink.SourceConnections()); n != 3 {
		t.Fatalf("%d connections", n)
	}
	if err := a.Connect(sink); err != nil || len(sink.SourceConnections()) != 3 {
		t.Errorf("again: %v, %d connections", err, len(sink.SourceConnections()))
	}
	// A new source replaces, in that place alone.
	if err := b.Connect(sink, pipeline.OnlyMedia(pipeline.Video)); err != nil {
		t.Fatal(err)
	}
	waitEvent(t, fromA, func(e pipeline.ElementDisconnected) bool { return e.MediaType == pipeline.Video && e.Sink == sink })
	waitEvent(t, fromB, func(e pipeline.ElementConnected) bool { return e.MediaType == pipeline.Video })
	for _, c := range sink.SourceConnections() {
		want := pipeline.MediaElement(a)
		if c.MediaType == pipeline.Video {
			want = b
		}
		if c.Source != want || c.Sink != sink {
			t.Errorf("%s comes from %s", c.MediaType, c.Source.ID())
		}
	}
	// What is fed by another source is not disconnected.
	if err := a.Disconnect(sink, pipeline.OnlyMedia(pipeline.Video)); err != nil || len(sink.SourceConnections()) != 3 {
		t.Errorf("%v, %d connections", err, len(sink.SourceConnections()))
	}
	// One source may go to several places of one sink.
	err := b.Connect(sink, pipeline.OnlyMedia(pipeline.Video), pipeline.SourceDescription("screen"), pipeline.SinkDescription("speaker1"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b.SinkConnections()); n != 2 {
		t.Errorf("%d connections out of b", n)
	}
	b.Release()
	if n := len(sink.SourceConnections()); n != 2 {
		t.Errorf("%d connections after the release of b", n)
	}
	waitEvent(t, fromB, func(e pipeline.ElementDisconnected) bool { return e.SinkDescription == "speaker1" })
	sink.Release()
	waitEvent(t, fromA, func(e pipeline.ElementDisconnected) bool { return e.MediaType == pipeline.Data })
	if n := len(a.SinkConnections()); n != 0 {
		t.Errorf("%d connections after the release of the sink", n)
	}
}

func TestFlowEvents(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	from, to := newEndpoint(t, p), newEndpoint(t, p)
	out, in := events(t, from), events(t, to)
	connectAll(t, from, to)
	teacher := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	teacher.Negotiate(from.ProcessOffer)
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	v.Negotiate(to.ProcessOffer)
	teacher.Start(pipelinetest.Screen)
	added := waitEvent[pipeline.SourceAdded](t, out, nil)
	if added.MediaType != pipeline.Video || added.Description != pipeline.ScreenDescription || added.Codec != "video/VP8" {
		t.Errorf("%+v", added)
	}
	waitEvent(t, out, func(e pipeline.MediaFlowOutStateChanged) bool { return e.Flowing && e.Description == "screen" })
	waitEvent(t, in, func(e pipeline.MediaFlowInStateChanged) bool { return e.Flowing && e.Description == "screen" })
	if list := from.Sources(); len(list) != 1 || !list[0].Flowing || list[0].Description != "screen" {
		t.Errorf("sources %+v", list)
	}
	teacher.Stop(pipelinetest.Screen)
	waitEvent(t, out, func(e pipeline.MediaFlowOutStateChanged) bool { return !e.Flowing })
	waitEvent(t, in, func(e pipeline.MediaFlowInStateChanged) bool { return !e.Flowing })
	from.Release()
	waitEvent(t, out, func(e pipeline.SourceRemoved) bool { return e.Description == "screen" })
}

func TestSenderReports(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{})
	connectAll(t, teacher.endpoint, v.endpoint)
	camera, mic := v.Slot(pipelinetest.Camera), v.Slot(pipelinetest.Mic)
	eventually(t, "sender reports come for sound and picture", func() bool {
		return camera.Stats().Reports >= 2 && mic.Stats().Reports >= 2
	})
	if a, b := camera.Stats().LastReport, mic.Stats().LastReport; a.SSRC != camera.Stats().SSRCs[0] || b.SSRC != mic.Stats().SSRCs[0] {
		t.Errorf("reports of %d and %d", a.SSRC, b.SSRC)
	}
	// Both media were taken at the same rate of real time from the same
	// moment on: by the reports, frame n of both must lie near each other.
	skew := capture(t, camera, 90000) - capture(t, mic, 48000)
	if skew < -0.2 || skew > 0.2 {
		t.Errorf("sound and picture are %.3f s apart", skew)
	}
}

// capture is when, in seconds of the sender's clock less the time since the
// start of the source, the place's last frame was taken.
func capture(t *testing.T, s *pipelinetest.Slot, rate float64) float64 {
	t.Helper()
	f, ok := s.Last()
	if !ok {
		t.Fatal("no frame")
	}
	sr := s.Stats().LastReport
	ntp := float64(sr.NTPTime>>32) + float64(uint32(sr.NTPTime))/(1<<32)
	interval := pipelinetest.FrameInterval.Seconds()
	if rate == 48000 {
		interval = pipelinetest.SoundInterval.Seconds()
	}
	return ntp + float64(int32(f.Timestamp-sr.RTPTime))/rate - float64(f.Number)*interval
}

func TestDirections(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	taker, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{RecvOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	giver, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{SendOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []*pipeline.WebRtcEndpoint{taker, giver} {
		if err := taker.Connect(e); err != nil {
			t.Fatal(err)
		}
	}
	a, b := pipelinetest.NewMirror(t, pipelinetest.Options{}), pipelinetest.NewMirror(t, pipelinetest.Options{})
	a.Negotiate(taker.ProcessOffer)
	b.Negotiate(giver.ProcessOffer)
	a.Start(pipelinetest.Camera)
	b.Start(pipelinetest.Camera)
	b.Slot(pipelinetest.Camera).WaitTotal(t, 10, patience)
	if n := a.Slot(pipelinetest.Camera).Stats().Packets; n != 0 {
		t.Errorf("a receive-only endpoint sent %d packets", n)
	}
	if list := giver.Sources(); len(list) != 0 {
		t.Errorf("a send-only endpoint has sources %v", list)
	}
}

func TestSimulcast(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{Simulcast: true})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{})
	connectAll(t, teacher.endpoint, v.endpoint)
	camera := v.Slot(pipelinetest.Camera)
	camera.WaitTotal(t, 30, patience)
	camera.WaitSource(t, teacher.LayerID(pipelinetest.Camera, "f"), patience) // the best one
	st := camera.Stats()
	if len(st.SSRCs) != 1 || st.Lost != 0 || st.Backwards != 0 {
		t.Errorf("%+v", st)
	}
	if list := teacher.endpoint.Sources(); len(list) != 2 {
		t.Errorf("sources %+v", list)
	}
	// Without the best layer the viewer goes on with another.
	teacher.StopLayer(pipelinetest.Camera, "f")
	eventually(t, "a lower layer is shown", func() bool {
		f, ok := camera.Last()
		return ok && f.Source != teacher.LayerID(pipelinetest.Camera, "f")
	})
	camera.WaitFrames(t, 10, patience)
	if st := camera.Stats(); len(st.SSRCs) != 1 || st.Backwards != 0 {
		t.Errorf("%+v", st)
	}
}
