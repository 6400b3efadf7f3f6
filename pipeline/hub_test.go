package pipeline_test

import (
	"errors"
	"strings"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func newPort(t *testing.T, h pipeline.Hub) *pipeline.HubPort {
	t.Helper()
	x, err := h.NewHubPort()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func connect(t *testing.T, from, to pipeline.MediaElement) {
	t.Helper()
	if err := from.Connect(to); err != nil {
		t.Fatal(err)
	}
}

// checkSwitches: one stream without a hole, and each run of one source begins
// with a key frame.
func checkSwitches(t *testing.T, s *pipelinetest.Slot, sources ...uint32) {
	t.Helper()
	st := s.Stats()
	if len(st.SSRCs) != 1 || st.Lost != 0 || st.Broken != 0 || st.Backwards != 0 {
		t.Errorf("%+v", st)
	}
	var order []uint32
	for _, f := range s.Frames() {
		if n := len(order); n == 0 || order[n-1] != f.Source {
			if !f.Key {
				t.Errorf("source %d begins with a frame that is no key frame", f.Source)
			}
			order = append(order, f.Source)
		}
	}
	if len(order) != len(sources) {
		t.Fatalf("seen were %v, want %v", order, sources)
	}
	for i, want := range sources {
		if order[i] != want {
			t.Errorf("seen were %v, want %v", order, sources)
		}
	}
}

func TestPassThrough(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	pass, err := p.NewPassThrough()
	if err != nil {
		t.Fatal(err)
	}
	if pass.Type() != "PassThrough" || !strings.HasPrefix(pass.ID(), p.ID()+"/") {
		t.Errorf("%s %s", pass.Type(), pass.ID())
	}
	got := events(t, pass)
	a, b := present(t, p, pipelinetest.Options{}), present(t, p, pipelinetest.Options{})
	v := view(t, p, pipelinetest.Options{})
	connect(t, pass, v.endpoint) // before there is anything
	connect(t, a.endpoint, pass)
	a.Start(pipelinetest.Mic, pipelinetest.Camera)
	b.Start(pipelinetest.Mic, pipelinetest.Camera)
	camera := v.Slot(pipelinetest.Camera)
	camera.WaitSource(t, a.SourceID(pipelinetest.Camera), patience)
	waitEvent(t, got, func(e pipeline.MediaFlowOutStateChanged) bool { return e.Flowing && e.MediaType == pipeline.Video })
	if flowing, ok := pass.MediaFlowingIn(pipeline.Video, "default"); !ok || !flowing {
		t.Errorf("flowing %v, known %v", flowing, ok)
	}
	if list := pass.Sources(); len(list) != 2 || list[1].Codec != "video/VP8" {
		t.Errorf("sources %+v", list)
	}
	connect(t, b.endpoint, pass) // replaces
	camera.WaitSource(t, b.SourceID(pipelinetest.Camera), patience)
	camera.WaitFrames(t, 10, patience)
	checkSwitches(t, camera, a.SourceID(pipelinetest.Camera), b.SourceID(pipelinetest.Camera))
	b.endpoint.Release()
	waitEvent(t, got, func(e pipeline.SourceRemoved) bool { return e.MediaType == pipeline.Video })
	eventually(t, "nothing comes out", func() bool { return len(pass.Sources()) == 0 })
	pass.Release()
	if n := len(v.endpoint.SourceConnections()); n != 0 {
		t.Errorf("%d connections after the release", n)
	}
	if err := a.endpoint.Connect(pass); !errors.Is(err, pipeline.ErrReleased) {
		t.Errorf("error %v", err)
	}
}

// TestCircle: relays that feed one another neither hang nor keep what is gone.
func TestCircle(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	var ring []*pipeline.PassThrough
	for range 3 {
		x, err := p.NewPassThrough()
		if err != nil {
			t.Fatal(err)
		}
		ring = append(ring, x)
	}
	page := pipelinetest.NewMirror(t, pipelinetest.Options{})
	e := newEndpoint(t, p)
	page.Negotiate(e.ProcessOffer)
	page.Start(pipelinetest.Mic, pipelinetest.Camera)
	connect(t, ring[0], ring[1])
	connect(t, ring[1], ring[2])
	connect(t, e, ring[0])
	connect(t, ring[2], e) // a loop through the browser
	page.Slot(pipelinetest.Camera).WaitTotal(t, 10, patience)
	checkClean(t, page.Slot(pipelinetest.Camera), pipelinetest.Camera, page.SourceID(pipelinetest.Camera))
	connect(t, ring[2], ring[0]) // takes the endpoint's place: nothing is left to go round
	for i, x := range ring {
		if list := x.Sources(); len(list) != 0 {
			t.Errorf("%d still gives %v", i, list)
		}
	}
	connect(t, ring[0], ring[0])
	connect(t, e, ring[0])
	page.Slot(pipelinetest.Camera).WaitFrames(t, 10, patience)
	p.Release()
}

func TestDispatcherOneToMany(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	hub, err := p.NewDispatcherOneToMany()
	if err != nil {
		t.Fatal(err)
	}
	var pages []*pipelinetest.Mirror
	var ports []*pipeline.HubPort
	for range 3 {
		page, e, x := pipelinetest.NewMirror(t, pipelinetest.Options{}), newEndpoint(t, p), newPort(t, hub)
		page.Negotiate(e.ProcessOffer)
		page.Start(pipelinetest.Mic, pipelinetest.Camera)
		connect(t, e, x)
		connect(t, x, e)
		pages, ports = append(pages, page), append(ports, x)
	}
	if !strings.HasPrefix(ports[0].ID(), hub.ID()+"/") || ports[0].Type() != "HubPort" || ports[0].Hub() != hub.ID() {
		t.Errorf("%s %s", ports[0].Type(), ports[0].ID())
	}
	for _, i := range []int{0, 2} {
		if err := hub.SetSource(ports[i]); err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			page.Slot(pipelinetest.Camera).WaitSource(t, pages[i].SourceID(pipelinetest.Camera), patience)
			page.Slot(pipelinetest.Camera).WaitFrames(t, 5, patience)
		}
	}
	for _, page := range pages {
		checkSwitches(t, page.Slot(pipelinetest.Camera), pages[0].SourceID(pipelinetest.Camera), pages[2].SourceID(pipelinetest.Camera))
	}
	hub.RemoveSource()
	if list := ports[0].Sources(); len(list) != 0 {
		t.Errorf("sources %+v", list)
	}
	if err := hub.SetSource(ports[1]); err != nil {
		t.Fatal(err)
	}
	late := newPort(t, hub) // a port that comes later has the source as well
	if list := late.Sources(); len(list) != 2 {
		t.Errorf("sources %+v", list)
	}
	ports[1].Release()
	if list := late.Sources(); len(list) != 0 {
		t.Errorf("sources after the release: %+v", list)
	}
	if err := hub.SetSource(ports[1]); !errors.Is(err, pipeline.ErrReleased) {
		t.Errorf("error %v", err)
	}
	hub.Release()
	hub.Release()
	if _, err := hub.NewHubPort(); !errors.Is(err, pipeline.ErrReleased) {
		t.Errorf("error %v", err)
	}
	if st := s.Stats(); st.Endpoints != 3 {
		t.Errorf("%d elements are left of 3", st.Endpoints)
	}
}

func TestDispatcher(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	hub, err := p.NewDispatcher()
	if err != nil {
		t.Fatal(err)
	}
	other, err := p.NewDispatcher()
	if err != nil {
		t.Fatal(err)
	}
	a, b, v := present(t, p, pipelinetest.Options{}), present(t, p, pipelinetest.Options{}), view(t, p, pipelinetest.Options{})
	fromA, fromB, toV := newPort(t, hub), newPort(t, hub), newPort(t, hub)
	connect(t, a.endpoint, fromA)
	connect(t, b.endpoint, fromB)
	connect(t, toV, v.endpoint)
	a.Start(pipelinetest.Mic, pipelinetest.Camera)
	b.Start(pipelinetest.Mic, pipelinetest.Camera)
	camera := v.Slot(pipelinetest.Camera)
	var want []uint32
	for _, x := range []struct {
		port *pipeline.HubPort
		page presenting
	}{{fromA, a}, {fromB, b}, {fromA, a}} {
		if err := hub.Connect(x.port, toV); err != nil {
			t.Fatal(err)
		}
		id := x.page.SourceID(pipelinetest.Camera)
		camera.WaitSource(t, id, patience)
		want = append(want, id)
	}
	camera.WaitFrames(t, 5, patience)
	checkSwitches(t, camera, want...)
	if err := hub.Connect(fromA, newPort(t, other)); !errors.Is(err, pipeline.ErrNotSameHub) {
		t.Errorf("error %v", err)
	}
	if err := hub.Connect(nil, toV); !errors.Is(err, pipeline.ErrNotSameHub) {
		t.Errorf("error %v", err)
	}
	fromA.Release()
	if list := toV.Sources(); len(list) != 0 {
		t.Errorf("sources %+v", list)
	}
	p.Release()
	if st := s.Stats(); st.Endpoints != 0 {
		t.Errorf("%d elements are left", st.Endpoints)
	}
}
