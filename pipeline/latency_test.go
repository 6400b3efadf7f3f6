package pipeline_test

import (
	"path/filepath"
	"testing"
	"time"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestLatencies: through a hub to a viewer, a recording and an RtpEndpoint.
func TestLatencies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPipeline(t, newServer(t, pipeline.Config{FileRoot: dir}))
	teacher := present(t, p, pipelinetest.Options{})
	hub, err := p.NewDispatcherOneToMany()
	if err != nil {
		t.Fatal(err)
	}
	in, out := newPort(t, hub), newPort(t, hub)
	if err := hub.SetSource(in); err != nil {
		t.Fatal(err)
	}
	v, phone := view(t, p, pipelinetest.Options{}), newRTP(t, p, pipeline.RtpEndpointOptions{})
	r := newRecorder(t, p, pipeline.RecorderEndpointOptions{URI: "file://" + filepath.Join(dir, "class.webm")})
	connect(t, teacher.endpoint, in)
	sinks := map[string]pipeline.MediaElement{"viewer": v.endpoint, "recording": r, "phone": phone}
	for _, e := range sinks {
		connect(t, out, e)
	}
	x := newPhone(t)
	x.listen()
	if _, err := phone.ProcessOffer(t.Context(), x.offer("video", "RTP/AVP", "97", "a=rtpmap:97 VP8/90000", "a=recvonly")); err != nil {
		t.Fatal(err)
	}
	if err := r.Record(); err != nil {
		t.Fatal(err)
	}
	teacher.Start(pipelinetest.Camera)
	v.Slot(pipelinetest.Camera).WaitFrames(t, 5, patience)
	if input, through := v.endpoint.Latencies(); input != nil || through != nil {
		t.Errorf("measured without being asked to: %v, %v", input, through)
	}
	p.SetLatencyStats(true)
	of := func(list []pipeline.Latency) time.Duration {
		if len(list) == 1 && list[0].MediaType == pipeline.Video && list[0].Description == "default" {
			return list[0].Mean
		}
		return 0
	}
	for name, e := range sinks {
		eventually(t, name+" has been measured", func() bool {
			input, through := e.Latencies()
			return of(input) > 0 && of(through) >= of(input) && of(through) < time.Second
		})
	}
	for _, port := range []*pipeline.HubPort{in, out} {
		eventually(t, "what goes into the hub has been measured", func() bool {
			input, through := port.Latencies()
			want := port == in // nothing goes in at the other
			return (of(input) > 0) == want && through == nil
		})
	}
	if input, through := teacher.endpoint.Latencies(); input != nil || through != nil {
		t.Errorf("nothing goes into the presenter: %v, %v", input, through)
	}
	stopAndWait(t, r)
}
