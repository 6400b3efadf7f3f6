package kurento

import (
	"os"
	"path/filepath"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func (c *client) uriEndpoint(typ, p, uri string) string {
	c.t.Helper()
	return c.mustText("create", obj{"type": typ, "constructorParams": obj{"mediaPipeline": p, "uri": uri}})
}

// TestRecordAndPlay: what a browser sends goes into a file, and the file to
// another browser.
func TestRecordAndPlay(t *testing.T) {
	dir := t.TempDir()
	r := newMediaRig(t, Config{}, pipeline.Config{FileRoot: dir})
	c := r.dial()
	p := c.pipeline()
	path := filepath.Join(dir, "lesson.webm")
	presenter := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	from := c.endpoint(p)
	c.negotiate(from, presenter.Negotiate)
	rec := c.uriEndpoint("RecorderEndpoint", p, "file://"+path)
	for _, typ := range []string{"Recording", "Paused", "Stopped", "UriEndpointStateChanged", "Error"} {
		c.subscribe(rec, typ)
	}
	if uri, state := c.invoke(rec, "getUri", nil), c.invoke(rec, "getState", nil); uri != "file://"+path || state != "STOP" {
		t.Errorf("uri %v, state %v", uri, state)
	}
	c.invoke(from, "connect", obj{"sink": rec})
	c.invoke(rec, "record", nil)
	presenter.Start(pipelinetest.Mic, pipelinetest.Camera)
	c.event("Recording")
	eventually(t, "some seconds are sent", func() bool { return presenter.Frames(pipelinetest.Camera) > 50 })
	c.invoke(rec, "pause", nil)
	c.event("Paused")
	c.invoke(rec, "record", nil)
	eventually(t, "some more are sent", func() bool { return presenter.Frames(pipelinetest.Camera) > 100 })
	c.invoke(rec, "stopAndWait", nil)
	if st, err := os.Stat(path); err != nil || st.Size() < 10_000 {
		t.Fatalf("the file: %v, %v", st, err)
	}
	c.event("Stopped")
	if ev := c.event("UriEndpointStateChanged"); ev.Params.Value.Data["state"] != "START" {
		t.Errorf("event %s", ev.raw)
	}

	player := c.uriEndpoint("PlayerEndpoint", p, "file://"+path)
	c.subscribe(player, "EndOfStream")
	viewer := pipelinetest.NewViewer(t, pipelinetest.Options{})
	to := c.endpoint(p)
	c.negotiate(to, viewer.Negotiate)
	c.invoke(player, "connect", obj{"sink": to})
	c.invoke(player, "play", nil)
	viewer.Slot(pipelinetest.Camera).WaitFrames(t, 20, patience)
	if info := c.invoke(player, "getVideoInfo", nil).(obj); info["isSeekable"] != true || info["duration"].(float64) < 1000 || info["__type__"] != "VideoInfo" {
		t.Errorf("info %v", info)
	}
	c.invoke(player, "setPosition", obj{"position": 0})
	eventually(t, "the position moves", func() bool { return c.invoke(player, "getPosition", nil).(float64) > 0 })
	if stats := c.invoke(player, "getStats", nil).(obj); !hasStat(stats, "RTCInboundRTPStreamStats", "packetsReceived") {
		t.Errorf("stats %v", stats)
	}
	c.invoke(player, "pause", nil)
	if state := c.invoke(player, "getState", nil); state != "PAUSE" {
		t.Errorf("state %v", state)
	}
	c.invoke(player, "play", nil)
	c.event("EndOfStream")
	c.invoke(player, "stop", nil)
	c.refuse(codeSeek, "invoke", obj{"object": player, "operation": "setPosition", "operationParams": obj{"position": 0}})
}

// TestURIs: what may not be touched is refused at once, what is not there is
// an event.
func TestURIs(t *testing.T) {
	dir := t.TempDir()
	r := newMediaRig(t, Config{}, pipeline.Config{FileRoot: dir})
	c := r.dial()
	p := c.pipeline()
	for _, x := range []struct {
		typ, uri, profile string
		code              int
	}{
		{"RecorderEndpoint", "file:///etc/passwd", "WEBM", codeIllegalParam},
		{"RecorderEndpoint", "file://" + dir + "/../escape.webm", "WEBM", codeIllegalParam},
		{"RecorderEndpoint", "nonsense:", "WEBM", codeIllegalParam},
		{"RecorderEndpoint", "file://" + dir + "/a.webm", "OGG", codeMarshall},
		{"RecorderEndpoint", "../escape.webm", "WEBM", codeIllegalParam},
		{"RecorderEndpoint", "https://media.example.org/a.webm", "WEBM", codeIllegalParam},
		{"RecorderEndpoint", "file://" + dir + "/a.jpg", "JPEG_VIDEO_ONLY", codeNotImplemented},
		{"RecorderEndpoint", "file://" + dir + "/a.flv", "FLV", codeNotImplemented},
		{"RecorderEndpoint", "file://" + dir + "/a", "KURENTO_SPLIT_RECORDER", codeIllegalParam},
		{"PlayerEndpoint", "file:///etc/passwd", "", codeIllegalParam},
		{"PlayerEndpoint", "http://127.0.0.1/a.webm", "", codeIllegalParam},
	} {
		params := obj{"mediaPipeline": p, "uri": x.uri}
		if x.profile != "" {
			params["mediaProfile"] = x.profile
		}
		c.refuse(x.code, "create", obj{"type": x.typ, "constructorParams": params})
	}
	player := c.uriEndpoint("PlayerEndpoint", p, "file://"+dir+"/none.webm")
	c.subscribe(player, "Error")
	c.invoke(player, "play", nil)
	if d := c.event("Error").Params.Value.Data; d["type"] != "RESOURCE_ERROR_OPEN" || d["errorCode"] != float64(codeFileNotFound) || d["description"] == "" {
		t.Errorf("event %v", d)
	}
	none := newRig(t, Config{}).dial()
	none.refuse(codeIllegalParam, "create", obj{"type": "RecorderEndpoint", "constructorParams": obj{"mediaPipeline": none.pipeline(), "uri": "file:///tmp/a.webm"}})
}
