package pipeline_test

import (
	"testing"
	"time"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func TestOnePresenterFiveViewers(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	var students []viewing
	for range 5 {
		v := view(t, p, pipelinetest.Options{})
		connectAll(t, teacher.endpoint, v.endpoint)
		students = append(students, v)
	}
	for _, v := range students {
		v.Slot(pipelinetest.Camera).WaitTotal(t, 50, patience)
		v.Slot(pipelinetest.Mic).WaitTotal(t, 80, patience)
		for _, place := range []pipelinetest.Place{pipelinetest.Camera, pipelinetest.Mic} {
			checkClean(t, v.Slot(place), place, teacher.SourceID(place))
		}
		if n := v.Slot(pipelinetest.Screen).Stats().Packets; n != 0 {
			t.Errorf("%d packets at the empty screen", n)
		}
	}
	st := s.Stats()
	if st.Endpoints != 6 || st.Connected != 6 || st.Pipelines != 1 || st.PacketsSent < 5*st.PacketsReceived/2 {
		t.Errorf("server stats %+v", st)
	}
}

// checkClean: one SSRC, nothing lost or broken, first a key frame, all of one
// source and in order.
func checkClean(t *testing.T, s *pipelinetest.Slot, place pipelinetest.Place, source uint32) {
	t.Helper()
	st := s.Stats()
	if len(st.SSRCs) != 1 || st.Lost != 0 || st.Broken != 0 || st.Backwards != 0 {
		t.Errorf("%s: %+v", place, st)
	}
	frames := s.Frames()
	if len(frames) == 0 || !frames[0].Key {
		t.Fatalf("%s: it does not begin with a key frame", place)
	}
	for i, f := range frames {
		if f.Source != source {
			t.Errorf("%s: frame %d is of source %d, want %d", place, i, f.Source, source)
			return
		}
		if i > 0 && f.Number <= frames[i-1].Number {
			t.Errorf("%s: frame %d after %d", place, f.Number, frames[i-1].Number)
			return
		}
	}
}

func TestLateJoinerSeesAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	eventually(t, "the teacher has been live for a while", func() bool { return teacher.Frames(pipelinetest.Camera) > 30 })
	asked := teacher.KeyFrameRequests(pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{})
	connectAll(t, teacher.endpoint, v.endpoint)
	v.WaitConnected()
	connected := time.Now()
	camera := v.Slot(pipelinetest.Camera)
	camera.WaitTotal(t, 1, patience)
	first := camera.Frames()[0]
	if !first.Key {
		t.Errorf("the first frame is not a key frame: %+v", first)
	}
	if wait := first.At.Sub(connected); wait > time.Second {
		t.Errorf("the first picture took %v", wait)
	}
	camera.WaitTotal(t, 60, patience)
	checkClean(t, camera, pipelinetest.Camera, teacher.SourceID(pipelinetest.Camera))
	if n := teacher.KeyFrameRequests(pipelinetest.Camera) - asked; n > 2 {
		t.Errorf("one viewer more cost %d key frames", n)
	}
}

func TestScreenOnAndOff(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{})
	connectAll(t, teacher.endpoint, v.endpoint)
	camera, screen := v.Slot(pipelinetest.Camera), v.Slot(pipelinetest.Screen)
	camera.WaitTotal(t, 10, patience)
	if n := screen.Stats().Packets; n != 0 {
		t.Fatalf("%d packets at the empty screen", n)
	}
	teacher.Start(pipelinetest.Screen, pipelinetest.ScreenAudio)
	screen.WaitTotal(t, 10, patience)
	v.Slot(pipelinetest.ScreenAudio).WaitTotal(t, 10, patience)
	teacher.Stop(pipelinetest.Screen, pipelinetest.ScreenAudio)
	before := screen.Stats().Frames
	camera.WaitFrames(t, 15, patience) // the screen has stopped, the camera goes on
	teacher.Start(pipelinetest.Screen)
	eventually(t, "the screen is back", func() bool { return screen.Stats().Frames >= before+10 })
	checkClean(t, screen, pipelinetest.Screen, teacher.SourceID(pipelinetest.Screen))
	checkClean(t, camera, pipelinetest.Camera, teacher.SourceID(pipelinetest.Camera))
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	first := present(t, p, pipelinetest.Options{})
	first.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{})
	connectAll(t, first.endpoint, v.endpoint)
	camera, mic := v.Slot(pipelinetest.Camera), v.Slot(pipelinetest.Mic)
	camera.WaitTotal(t, 20, patience)
	mic.WaitTotal(t, 20, patience)

	second := present(t, p, pipelinetest.Options{})
	second.Start(pipelinetest.Mic, pipelinetest.Camera)
	connectAll(t, second.endpoint, v.endpoint) // replaces silently
	camera.WaitSource(t, second.SourceID(pipelinetest.Camera), patience)
	mic.WaitSource(t, second.SourceID(pipelinetest.Mic), patience)
	camera.WaitFrames(t, 20, patience)
	mic.WaitFrames(t, 20, patience)
	checkHandOver(t, camera, first.SourceID(pipelinetest.Camera), second.SourceID(pipelinetest.Camera))
	checkHandOver(t, mic, first.SourceID(pipelinetest.Mic), second.SourceID(pipelinetest.Mic))

	second.endpoint.Release()
	if in := v.endpoint.SourceConnections(); len(in) != 0 {
		t.Errorf("connections after the release: %v", in)
	}
	third := present(t, p, pipelinetest.Options{})
	connectAll(t, third.endpoint, v.endpoint) // before there is any media
	third.Start(pipelinetest.Camera)
	camera.WaitSource(t, third.SourceID(pipelinetest.Camera), patience)
	camera.WaitFrames(t, 5, patience)
	checkHandOver(t, camera, first.SourceID(pipelinetest.Camera), second.SourceID(pipelinetest.Camera), third.SourceID(pipelinetest.Camera))
}

// checkHandOver: the sources follow one another, each begins with a key frame,
// and on the wire nothing is missing, doubled or goes back.
func checkHandOver(t *testing.T, s *pipelinetest.Slot, sources ...uint32) {
	t.Helper()
	st := s.Stats()
	if len(st.SSRCs) != 1 || st.Lost != 0 || st.Backwards != 0 || st.Broken > len(sources)-1 {
		// A frame that was cut short by the switch is broken by right.
		t.Errorf("%+v", st)
	}
	var seen []uint32
	for _, f := range s.Frames() {
		if len(seen) == 0 || seen[len(seen)-1] != f.Source {
			seen = append(seen, f.Source)
			if !f.Key {
				t.Errorf("source %d does not begin with a key frame", f.Source)
			}
		}
	}
	if len(seen) != len(sources) {
		t.Fatalf("sources in turn: %v, want %v", seen, sources)
	}
	for i := range seen {
		if seen[i] != sources[i] {
			t.Fatalf("sources in turn: %v, want %v", seen, sources)
		}
	}
}

func TestConnectBeforeAnything(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	from, to := newEndpoint(t, p), newEndpoint(t, p)
	connectAll(t, from, to)
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	v.Negotiate(to.ProcessOffer)
	teacher := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	teacher.Start(pipelinetest.Camera)
	teacher.Negotiate(from.ProcessOffer)
	v.Slot(pipelinetest.Camera).WaitTotal(t, 10, patience)
	if err := from.Disconnect(to); err != nil {
		t.Fatal(err)
	}
	if err := from.Disconnect(to); err != nil {
		t.Errorf("disconnecting again: %v", err)
	}
	packets := v.Slot(pipelinetest.Camera).Stats().Packets
	sent := teacher.Frames(pipelinetest.Camera)
	eventually(t, "more was sent", func() bool { return teacher.Frames(pipelinetest.Camera) > sent+15 })
	if more := v.Slot(pipelinetest.Camera).Stats().Packets - packets; more > 8 {
		t.Errorf("%d packets after Disconnect", more)
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	e := newEndpoint(t, p)
	if err := e.Connect(e); err != nil {
		t.Fatal(err)
	}
	b := pipelinetest.NewMirror(t, pipelinetest.Options{})
	b.Negotiate(e.ProcessOffer)
	b.Start(pipelinetest.Mic, pipelinetest.Camera)
	b.Slot(pipelinetest.Camera).WaitTotal(t, 20, patience)
	b.Slot(pipelinetest.Mic).WaitTotal(t, 20, patience)
	checkClean(t, b.Slot(pipelinetest.Camera), pipelinetest.Camera, b.SourceID(pipelinetest.Camera))
}
