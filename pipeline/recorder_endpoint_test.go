package pipeline_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
	"kelas/pipeline/record/recordtest"
)

func newRecorder(t *testing.T, p *pipeline.MediaPipeline, o pipeline.RecorderEndpointOptions) *pipeline.RecorderEndpoint {
	t.Helper()
	r, err := p.NewRecorderEndpoint(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// written waits until so many more pictures are in the file.
func written(t *testing.T, r *pipeline.RecorderEndpoint, pictures uint64) {
	t.Helper()
	from := r.Stats().Pictures
	eventually(t, "pictures written", func() bool { return r.Stats().Pictures >= from+pictures })
}

func stopAndWait(t *testing.T, r *pipeline.RecorderEndpoint) {
	t.Helper()
	if err := r.StopAndWait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestRecorderOfPresenter records a presenter that came before, pauses, goes on and stops, in Kurento's order of events.
func TestRecorderOfPresenter(t *testing.T) {
	dir := t.TempDir()
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	presenter := present(t, p, pipelinetest.Options{})
	presenter.Start(pipelinetest.Mic, pipelinetest.Camera)
	path := filepath.Join(dir, "class.webm")
	r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: "file://" + path})
	told := events(t, r)
	connect(t, presenter.endpoint, r)
	// Kurento's documentation has applications wait for both before they record.
	for _, m := range []pipeline.MediaType{pipeline.Audio, pipeline.Video} {
		waitEvent(t, told, func(e pipeline.MediaFlowInStateChanged) bool { return e.Flowing && e.MediaType == m })
	}
	for _, call := range []func() error{r.Record, r.Record} { // a second call changes nothing
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	waitEvent[pipeline.Recording](t, told, nil)
	written(t, r, 30)
	if err := r.Pause(); err != nil {
		t.Fatal(err)
	}
	waitEvent[pipeline.Paused](t, told, nil)
	if s := r.State(); s != pipeline.UriEndpointPause {
		t.Errorf("state %s", s)
	}
	if err := r.Record(); err != nil {
		t.Fatal(err)
	}
	waitEvent[pipeline.Recording](t, told, nil)
	written(t, r, 30)
	stopAndWait(t, r)
	waitEvent[pipeline.Stopped](t, told, nil)
	if s := r.State(); s != pipeline.UriEndpointStop {
		t.Errorf("state %s", s)
	}
	if n := presenter.KeyFrameRequests(pipelinetest.Camera); n == 0 {
		t.Error("going on asked for no key frame")
	}
	f := recordtest.Probe(t, path)
	video, audio := f.Stream("video"), f.Stream("audio")
	if video == nil || audio == nil || video.Codec != "vp8" || audio.Codec != "opus" {
		t.Fatalf("streams: %+v", f.Streams)
	}
	video.CheckOrder(t)
	audio.CheckOrder(t)
	st := r.Stats()
	if len(video.Packets) != int(st.Pictures) || !video.Packets[0].Key || st.Pictures < 60 {
		t.Errorf("%d pictures in the file, %d by the figures", len(video.Packets), st.Pictures)
	}
}

func TestRecorderRefuses(t *testing.T) {
	dir := t.TempDir()
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	rootless := newPipeline(t, newServer(t, pipeline.Config{}))
	for _, tt := range []struct {
		name string
		p    *pipeline.MediaPipeline
		o    pipeline.RecorderEndpointOptions
		want error
	}{
		{"no root", rootless, pipeline.RecorderEndpointOptions{URI: "file://" + dir + "/a.webm"}, pipeline.ErrNoFileRoot},
		{"outside", p, pipeline.RecorderEndpointOptions{URI: "file:///etc/a.webm"}, pipeline.ErrOutsideFileRoot},
		{"sibling with the same beginning", p, pipeline.RecorderEndpointOptions{URI: "file://" + dir + "x/a.webm"}, pipeline.ErrOutsideFileRoot},
		{"the root itself", p, pipeline.RecorderEndpointOptions{URI: "file://" + dir}, pipeline.ErrOutsideFileRoot},
		{"dots", p, pipeline.RecorderEndpointOptions{URI: "file://" + dir + "/../a.webm"}, pipeline.ErrBadURI},
		{"dots in disguise", p, pipeline.RecorderEndpointOptions{URI: "file://" + dir + "/%2e%2e/a.webm"}, pipeline.ErrBadURI},
		{"host", p, pipeline.RecorderEndpointOptions{URI: "file://elsewhere" + dir + "/a.webm"}, pipeline.ErrBadURI},
		{"http", p, pipeline.RecorderEndpointOptions{URI: "http://127.0.0.1/a.webm"}, pipeline.ErrBadURI},
		{"zero byte", p, pipeline.RecorderEndpointOptions{URI: "file://" + dir + "/a%00.webm"}, pipeline.ErrBadURI},
		{"profile", p, pipeline.RecorderEndpointOptions{URI: "file://" + dir + "/a.flv", MediaProfile: "FLV"}, pipeline.ErrUnsupported},
		{"profile's ending", p, pipeline.RecorderEndpointOptions{URI: "file://" + dir + "/a.flv", MediaProfile: "WEBM_SMELL_ONLY"}, pipeline.ErrUnsupported},
	} {
		if _, err := tt.p.NewRecorderEndpoint(tt.o); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	for _, tt := range []struct{ name, uri string }{
		{"missing folder", "file://" + dir + "/nowhere/a.webm"},
		{"link that leads out", "file://" + dir + "/link/a.webm"},
	} {
		r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: tt.uri})
		told := events(t, r)
		if err := r.Record(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		e := waitEvent[pipeline.Error](t, told, nil)
		var media *pipeline.MediaError
		if !errors.As(e.Err, &media) || media.Type != pipeline.ResourceErrorOpen {
			t.Errorf("%s: %v", tt.name, e.Err)
		}
		if s := r.State(); s != pipeline.UriEndpointStop {
			t.Errorf("%s: state %s", tt.name, s)
		}
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("written outside: %v", left)
	}
}

// TestRecorderOfAnotherSource: another source with another codec takes the place of the first, which ends, and the
// recorder goes on in a second file. Taking the connection away stops nothing; the end of the stream does.
func TestRecorderOfAnotherSource(t *testing.T) {
	dir := t.TempDir()
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	first := newPlayer(t, p, "file://"+makeFile(t, filepath.Join(dir, "a.webm"), withVP8...))
	second := newPlayer(t, p, "file://"+makeFile(t, filepath.Join(dir, "b.webm"), withVP9...))
	r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: "file://" + dir + "/out.webm", StopOnEndOfStream: true})
	told := events(t, r)
	connect(t, first, r)
	if err := r.Record(); err != nil {
		t.Fatal(err)
	}
	play(t, first)
	written(t, r, 25)
	if err := first.Disconnect(r); err != nil {
		t.Fatal(err)
	}
	if s := r.State(); s != pipeline.UriEndpointStart {
		t.Errorf("state %s", s)
	}
	connect(t, second, r)
	play(t, second)
	waitEvent[pipeline.Stopped](t, told, nil)
	for name, codec := range map[string]string{"out.webm": "vp8", "out-2.webm": "vp9"} {
		f := recordtest.Probe(t, filepath.Join(dir, name))
		if v := f.Stream("video"); v == nil || v.Codec != codec || len(v.Packets) < 20 {
			t.Errorf("%s: %+v", name, f.Streams)
		}
		recordtest.Decode(t, filepath.Join(dir, name))
	}
	// What is stopped may record again, and takes no file's place.
	if err := r.Record(); err != nil {
		t.Fatal(err)
	}
	play(t, first)
	connect(t, first, r)
	written(t, r, 10)
	stopAndWait(t, r)
	if st := r.Stats(); st.Files != 1 || st.Duration > 4*time.Second {
		t.Errorf("%+v", st)
	}
	if f := recordtest.Probe(t, filepath.Join(dir, "out-3.webm")); f.Stream("video") == nil {
		t.Errorf("%+v", f.Streams)
	}
	if f := recordtest.Probe(t, filepath.Join(dir, "out.webm")); len(f.Stream("video").Packets) < 20 {
		t.Errorf("the first recording was replaced: %+v", f.Streams)
	}
}

// TestStopAndWaitTells: whoever waited has heard of the end. A uri without a scheme begins in the root.
func TestStopAndWaitTells(t *testing.T) {
	dir := t.TempDir()
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	player := newPlayer(t, p, "file://"+makeFile(t, filepath.Join(dir, "a.webm"), withVP8...))
	r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: "out.webm"})
	var told atomic.Int32
	cancel := r.Subscribe(func(ev pipeline.Event) {
		if _, ok := ev.(pipeline.Stopped); ok {
			told.Add(1)
		}
	})
	defer cancel()
	connect(t, player, r)
	play(t, player)
	for range 3 {
		if err := r.Record(); err != nil {
			t.Fatal(err)
		}
		before := told.Load()
		stopAndWait(t, r)
		if told.Load() != before+1 {
			t.Error("StopAndWait returned before the event Stopped")
		}
	}
	if err := r.Record(); err != nil {
		t.Fatal(err)
	}
	written(t, r, 5)
	stopAndWait(t, r)
	if f := recordtest.Probe(t, filepath.Join(dir, "out.webm")); f.Stream("video") == nil {
		t.Errorf("%+v", f.Streams)
	}
}

// TestRecorderOfNothing leaves no file behind, and the one that was there alone.
func TestRecorderOfNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "old.webm")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: "file://" + path})
	told := events(t, r)
	if err := r.Record(); err != nil {
		t.Fatal(err)
	}
	stopAndWait(t, r)
	waitEvent[pipeline.Stopped](t, told, nil)
	if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
		t.Errorf("%q, %v", b, err)
	}
	// A folder in the file's place is told when the first packet comes.
	blocked := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: "file://" + dir + "/folder"})
	if err := os.MkdirAll(filepath.Join(dir, "folder", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	told = events(t, blocked)
	player := newPlayer(t, p, "file://"+makeFile(t, filepath.Join(dir, "a.webm"), withVP8...))
	connect(t, player, blocked)
	if err := blocked.Record(); err != nil {
		t.Fatal(err)
	}
	play(t, player)
	checkError(t, waitEvent[pipeline.Error](t, told, nil), pipeline.ResourceErrorOpen)
	eventually(t, "the state is STOP", func() bool { return blocked.State() == pipeline.UriEndpointStop })
}
