package pipeline_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kelas/pipeline"
	"kelas/pipeline/record/recordtest"
)

func newPlayer(t *testing.T, p *pipeline.MediaPipeline, uri string) *pipeline.PlayerEndpoint {
	t.Helper()
	e, err := p.NewPlayerEndpoint(pipeline.PlayerEndpointOptions{URI: uri})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// makeFile has ffmpeg make three seconds with a key frame each second.
func makeFile(t *testing.T, path string, args ...string) string {
	t.Helper()
	in := []string{"-f", "lavfi", "-i", "testsrc2=s=128x72:r=25:d=3", "-f", "lavfi", "-i", "sine=r=48000:d=3", "-ac", "2", "-g", "25", "-pix_fmt", "yuv420p"}
	recordtest.FFmpeg(t, append(append(in, args...), path)...)
	return path
}

var (
	withVP8  = []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "200k", "-c:a", "libopus"}
	withVP9  = []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "200k", "-c:a", "libopus"}
	withAV1  = []string{"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-b:v", "200k", "-c:a", "libopus"}
	withH264 = []string{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-c:a", "libopus"}
	onlyVP8  = []string{"-an", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "200k"}
	onlyOpus = []string{"-vn", "-c:a", "libopus"}
)

func play(t *testing.T, e *pipeline.PlayerEndpoint) {
	t.Helper()
	if err := e.Play(); err != nil {
		t.Fatal(err)
	}
}

// TestRoundTrip plays files into a recorder that stops with the stream, and compares what ffprobe reads in both.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	for _, tt := range []struct {
		name    string
		args    []string
		profile pipeline.MediaProfile
	}{
		{"vp8.webm", withVP8, pipeline.ProfileWebM},
		{"vp9.webm", withVP9, pipeline.ProfileWebM},
		{"av1.mkv", withAV1, pipeline.ProfileWebM},
		{"h264.mkv", withH264, pipeline.ProfileMKV},
		{"h264.mp4", withH264, pipeline.ProfileMP4},
		{"vp8.ivf", onlyVP8, pipeline.ProfileWebMVideoOnly},
		{"opus.ogg", onlyOpus, pipeline.ProfileWebMAudioOnly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // they wait for time to pass
			in := makeFile(t, filepath.Join(dir, tt.name), tt.args...)
			out := filepath.Join(dir, "again-"+tt.name)
			player := newPlayer(t, p, "file://"+in)
			r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: "file://" + out, MediaProfile: tt.profile, StopOnEndOfStream: true})
			told, recorded := events(t, player), events(t, r)
			connect(t, player, r)
			if err := r.Record(); err != nil {
				t.Fatal(err)
			}
			play(t, player)
			info, err := player.VideoInfo(t.Context())
			if err != nil || !info.IsSeekable || info.Duration < 2900 || info.Duration > 3100 || info.SeekableEnd != info.Duration {
				t.Errorf("%+v, %v", info, err)
			}
			waitEvent[pipeline.EndOfStream](t, told, nil)
			waitEvent[pipeline.Stopped](t, recorded, nil)
			if s := player.State(); s != pipeline.UriEndpointStop {
				t.Errorf("player: %s", s)
			}
			compare(t, in, out)
		})
	}
}

// TestReordered: H264 of which pictures are shown in another order than they are sent keeps the times of all.
func TestReordered(t *testing.T) {
	dir := t.TempDir()
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	in := makeFile(t, filepath.Join(dir, "in.mp4"), "-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-c:a", "libopus")
	player := newPlayer(t, p, "file://"+in)
	told := events(t, player)
	var stopped []<-chan pipeline.Event
	for _, profile := range []pipeline.MediaProfile{pipeline.ProfileMP4, pipeline.ProfileMKV} {
		r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: string(profile), MediaProfile: profile, StopOnEndOfStream: true})
		stopped = append(stopped, events(t, r))
		connect(t, player, r)
		if err := r.Record(); err != nil {
			t.Fatal(err)
		}
	}
	play(t, player)
	waitEvent[pipeline.EndOfStream](t, told, nil)
	was := shownAt(t, in)
	for i, name := range []string{"MP4", "MKV"} {
		waitEvent[pipeline.Stopped](t, stopped[i], nil)
		is := shownAt(t, filepath.Join(dir, name))
		if len(is) != len(was) {
			t.Fatalf("%s: %d pictures became %d", name, len(was), len(is))
		}
		for i := range is {
			if off := (is[i] - is[0]) - (was[i] - was[0]); off.Abs() > 30*time.Millisecond {
				t.Fatalf("%s: picture %d stands %v off", name, i, off)
			}
		}
		recordtest.Decode(t, filepath.Join(dir, name))
	}
}

// shownAt are the times of a file's pictures in its order.
func shownAt(t *testing.T, path string) (at []time.Duration) {
	t.Helper()
	for _, p := range recordtest.Probe(t, path).Stream("video").Packets {
		at = append(at, p.At)
	}
	return at
}

// compare: everything that was in one file is in the other, at the same distances.
func compare(t *testing.T, in, out string) {
	t.Helper()
	a, b := recordtest.Probe(t, in), recordtest.Probe(t, out)
	if len(a.Streams) != len(b.Streams) {
		t.Fatalf("%d streams became %d", len(a.Streams), len(b.Streams))
	}
	var starts [2]time.Duration
	for i, kind := range []string{"video", "audio"} {
		was, is := a.Stream(kind), b.Stream(kind)
		if was == nil {
			continue
		}
		if is == nil || is.Codec != was.Codec {
			t.Fatalf("%s became %+v", was.Codec, b.Streams)
		}
		is.CheckOrder(t)
		if kind == "video" && len(is.Packets) != len(was.Packets) {
			t.Errorf("%d pictures became %d", len(was.Packets), len(is.Packets))
		}
		// A player on a machine that stands still for a moment stops its clock, and silence takes that time.
		if n := len(is.Packets) - len(was.Packets); kind == "audio" && (n < -3 || n > 50) {
			t.Errorf("%d packets of sound became %d", len(was.Packets), len(is.Packets))
		}
		starts[i] = is.Packets[0].At - was.Packets[0].At
	}
	if off := starts[0] - starts[1]; len(a.Streams) == 2 && off.Abs() > 40*time.Millisecond {
		t.Errorf("sound and pictures moved apart by %v", off)
	}
}

// TestPlayerControls pauses, seeks, and plays again.
func TestPlayerControls(t *testing.T) {
	dir := t.TempDir()
	path := makeFile(t, filepath.Join(dir, "a.webm"), withVP8...)
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	player := newPlayer(t, p, "file://"+path)
	told := events(t, player)
	if err := player.SetPosition(t.Context(), 1000); !errors.Is(err, pipeline.ErrSeek) {
		t.Errorf("seeking while stopped: %v", err)
	}
	play(t, player)
	if err := player.SetPosition(t.Context(), 2500); err != nil {
		t.Fatal(err)
	}
	if at := player.Position(); at < 2000 || at > 2900 {
		t.Errorf("position %d", at)
	}
	if err := player.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := player.SetPosition(t.Context(), 1100); err != nil { // also waits for the pause
		t.Fatal(err)
	}
	at := player.Position()
	if at != 1100 {
		t.Errorf("position %d after seeking to 1100", at)
	}
	play(t, player)
	eventually(t, "going on from there", func() bool { return player.Position() > at+100 })
	// STOP comes first, so that whoever hears of the end may play again.
	waitEvent(t, told, func(e pipeline.UriEndpointStateChanged) bool { return e.State == pipeline.UriEndpointStop })
	waitEvent[pipeline.EndOfStream](t, told, nil)
	if at := player.Position(); at != 0 {
		t.Errorf("position %d after the end", at)
	}
	play(t, player)
	waitEvent[pipeline.SourceAdded](t, told, nil)
	if err := player.Stop(); err != nil {
		t.Fatal(err)
	}
	waitEvent(t, told, func(e pipeline.UriEndpointStateChanged) bool { return e.State == pipeline.UriEndpointStop })
}

// TestSeekBetweenKeyFrames: who goes forward must not land further back. What a decoder needs is sent at once, without
// its sound.
func TestSeekBetweenKeyFrames(t *testing.T) {
	dir := t.TempDir()
	path := makeFile(t, filepath.Join(dir, "a.webm"), append(withVP8, "-g", "1000")...)
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	player := newPlayer(t, p, "file://"+path)
	r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: "out.webm", StopOnEndOfStream: true})
	told, recorded := events(t, player), events(t, r)
	play(t, player)
	if err := player.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := player.SetPosition(t.Context(), 2000); err != nil {
		t.Fatal(err)
	}
	if at := player.Position(); at != 2000 {
		t.Errorf("position %d", at)
	}
	connect(t, player, r)
	if err := r.Record(); err != nil {
		t.Fatal(err)
	}
	play(t, player)
	waitEvent[pipeline.EndOfStream](t, told, nil)
	waitEvent[pipeline.Stopped](t, recorded, nil)
	f := recordtest.Probe(t, filepath.Join(dir, "out.webm"))
	pictures, sound := f.Stream("video").Packets, f.Stream("audio").Packets
	if len(pictures) < 70 || pictures[49].At > 500*time.Millisecond {
		t.Errorf("%d pictures, the 50th at %v", len(pictures), pictures[min(49, len(pictures)-1)].At)
	}
	if d := sound[len(sound)-1].At; d < 900*time.Millisecond || d > 1600*time.Millisecond {
		t.Errorf("sound of %v, want that of the last second", d)
	}
	recordtest.Decode(t, filepath.Join(dir, "out.webm"))
}

func TestPlayerOverHTTP(t *testing.T) {
	dir := t.TempDir()
	makeFile(t, filepath.Join(dir, "a.webm"), withVP8...)
	makeFile(t, filepath.Join(dir, "a.mp4"), withH264...)
	files := http.FileServer(http.Dir(dir))
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := os.ReadFile(filepath.Join(dir, filepath.Base(r.URL.Path)))
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(b)
	})
	for _, tt := range []struct {
		name     string
		handler  http.Handler
		file     string
		profile  pipeline.MediaProfile
		seekable bool
	}{
		{"with ranges", files, "/a.webm", pipeline.ProfileWebM, true},
		{"without", plain, "/a.webm", pipeline.ProfileWebM, false},
		{"MP4 with its table at the end", files, "/a.mp4", pipeline.ProfileMKV, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			web := httptest.NewServer(tt.handler)
			defer web.Close()
			s := newServer(t, pipeline.Config{FileRoot: dir, PlayFrom: []string{web.Listener.Addr().String()}})
			p := newPipeline(t, s)
			player := newPlayer(t, p, web.URL+tt.file)
			r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: "file://" + dir + "/out", MediaProfile: tt.profile, StopOnEndOfStream: true})
			told, recorded := events(t, player), events(t, r)
			connect(t, player, r)
			if err := r.Record(); err != nil {
				t.Fatal(err)
			}
			play(t, player)
			if info, err := player.VideoInfo(t.Context()); err != nil || info.IsSeekable != tt.seekable {
				t.Errorf("%+v, %v", info, err)
			}
			if err := player.SetPosition(t.Context(), 2000); (err == nil) != tt.seekable {
				t.Errorf("seeking: %v", err)
			}
			waitEvent[pipeline.EndOfStream](t, told, nil)
			waitEvent[pipeline.Stopped](t, recorded, nil)
			if f := recordtest.Probe(t, dir+"/out"); f.Stream("video") == nil || f.Stream("audio") == nil {
				t.Errorf("%+v", f.Streams)
			}
			missing := newPlayer(t, p, web.URL+"/nothing.webm")
			told = events(t, missing)
			play(t, missing)
			checkError(t, waitEvent[pipeline.Error](t, told, nil), pipeline.ResourceErrorOpen)
		})
	}
}

func checkError(t *testing.T, e pipeline.Error, want pipeline.MediaErrorType) {
	t.Helper()
	var media *pipeline.MediaError
	if !errors.As(e.Err, &media) || media.Type != want {
		t.Errorf("%v, want %s", e.Err, want)
	}
}

func TestPlayerRefuses(t *testing.T) {
	dir := t.TempDir()
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir, PlayFrom: []string{"media.example.org", "*:8080", "10.1.0.0/16", "127.0.0.1:81"}}))
	for _, tt := range []struct {
		uri  string
		want error
	}{
		{"file:///etc/passwd", pipeline.ErrOutsideFileRoot},
		{"file://" + dir + "/../x.webm", pipeline.ErrBadURI},
		{"ftp://media.example.org/a.webm", pipeline.ErrBadURI},
		{"http://", pipeline.ErrBadURI},
		{"http://127.0.0.1/a.webm", pipeline.ErrHostNotAllowed},
		{"http://127.0.0.1:81/a.webm", nil},
		{"http://[::ffff:127.0.0.1]:81/a.webm", nil},
		{"http://[::1]:8080/a.webm", pipeline.ErrHostNotAllowed},
		{"http://169.254.169.254:8080/latest", pipeline.ErrHostNotAllowed},
		{"http://192.168.1.1:8080/", pipeline.ErrHostNotAllowed},
		{"http://10.1.2.3/a.webm", nil},
		{"http://10.2.2.3/a.webm", pipeline.ErrHostNotAllowed},
		{"https://media.example.org/a.webm", nil},
	} {
		e, err := p.NewPlayerEndpoint(pipeline.PlayerEndpointOptions{URI: tt.uri})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.uri, err)
		}
		if e != nil {
			e.Release()
		}
	}
	if err := os.WriteFile(dir+"/bad.webm", []byte("this is no file of pictures"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bad.webm", "nothing.webm"} {
		player := newPlayer(t, p, "file://"+dir+"/"+name)
		told := events(t, player)
		play(t, player)
		checkError(t, waitEvent[pipeline.Error](t, told, nil), pipeline.ResourceErrorOpen)
		eventually(t, "the state is STOP", func() bool { return player.State() == pipeline.UriEndpointStop })
	}
}

// TestPlayerFollowsNoRedirection to where it may not go.
func TestPlayerFollowsNoRedirection(t *testing.T) {
	reached := make(chan struct{}, 1)
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }))
	defer inside.Close()
	web := httptest.NewServer(http.RedirectHandler(inside.URL+"/a.webm", http.StatusFound))
	defer web.Close()
	p := newPipeline(t, newServer(t, pipeline.Config{PlayFrom: []string{web.Listener.Addr().String()}}))
	player := newPlayer(t, p, web.URL+"/a.webm")
	told := events(t, player)
	play(t, player)
	e := waitEvent[pipeline.Error](t, told, nil)
	if !errors.Is(e.Err, pipeline.ErrHostNotAllowed) {
		t.Error(e.Err)
	}
	select {
	case <-reached:
		t.Error("the address was reached")
	default:
	}
}

// TestLateToPlayer: a file with one key frame at its start is seen by whoever comes in the middle.
func TestLateToPlayer(t *testing.T) {
	dir := t.TempDir()
	path := makeFile(t, filepath.Join(dir, "long.webm"), append(withVP8, "-g", "1000")...)
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	player := newPlayer(t, p, "file://"+path)
	r := newRecorder(t, p, pipeline.RecorderEndpointOptions{
		URI: "file://" + dir + "/late.webm", MediaProfile: pipeline.ProfileWebMVideoOnly, StopOnEndOfStream: true,
	})
	recorded := events(t, r)
	play(t, player)
	eventually(t, "a second played", func() bool { return player.Position() >= 1000 })
	connect(t, player, r)
	if err := r.Record(); err != nil {
		t.Fatal(err)
	}
	waitEvent[pipeline.Stopped](t, recorded, nil)
	// Without the first pictures none could be written. On a busy machine the end comes before all are.
	if st := r.Stats(); st.Pictures < 26 || st.Duration > 2500*time.Millisecond {
		t.Errorf("%+v", st)
	}
	if n := recordtest.Decode(t, dir+"/late.webm"); n == 0 {
		t.Error("no picture decoded")
	}
}
