package pipeline_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/sdp/v3"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestPeerConnectionViewers: the other kind of viewer, which odd offers get, does the same.
func TestPeerConnectionViewers(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{OnlyPeerConnections: true})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{})
	connectAll(t, teacher.endpoint, v.endpoint)
	camera := v.Slot(pipelinetest.Camera)
	camera.WaitTotal(t, 50, patience)
	v.Slot(pipelinetest.Mic).WaitTotal(t, 50, patience)
	checkClean(t, camera, pipelinetest.Camera, teacher.SourceID(pipelinetest.Camera))
	if st := v.endpoint.Stats(); st.SRTPProfile != "AEAD_AES_128_GCM" || st.Protocol != "udp" || st.RemoteAddress == "" {
		t.Errorf("%+v", st)
	}
	restart(t, v)
	camera.WaitFrames(t, 25, patience)
}

// TestViewerAnswer: what stands in an answer of our own.
func TestViewerAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	e := newEndpoint(t, newPipeline(t, s))
	offer := pipelinetest.NewViewer(t, pipelinetest.Options{}).Offer()
	answer, err := e.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	var was, is sdp.SessionDescription
	if err := was.UnmarshalString(offer); err != nil {
		t.Fatal(err)
	}
	if err := is.UnmarshalString(answer); err != nil {
		t.Fatal(err)
	}
	// Firefox takes no other spelling (RFC 8122, section 5).
	if f, _ := is.Attribute("fingerprint"); !strings.HasPrefix(f, "sha-256 ") || f[8:] != strings.ToUpper(f[8:]) {
		t.Errorf("fingerprint %q", f)
	}
	ssrcs := map[string]bool{}
	for i, m := range is.MediaDescriptions {
		mid, _ := m.Attribute("mid")
		if want, _ := was.MediaDescriptions[i].Attribute("mid"); mid != want || m.MediaName.Port.Value == 0 {
			t.Errorf("m-line %d: mid %q, port %d", i, mid, m.MediaName.Port.Value)
		}
		for _, name := range []string{"sendonly", "rtcp-mux", "msid", "ice-ufrag", "setup", "extmap"} {
			if _, ok := m.Attribute(name); !ok {
				t.Errorf("m-line %d has no %s", i, name)
			}
		}
		group, ok := m.Attribute("ssrc-group")
		if (m.MediaName.Media == "video") != ok || ok && len(strings.Fields(group)) != 3 {
			t.Errorf("m-line %d: ssrc-group %q", i, group)
		}
		ssrc, _ := m.Attribute("ssrc")
		number, _, _ := strings.Cut(ssrc, " ")
		if ssrcs[number] {
			t.Errorf("SSRC %s comes twice", number)
		}
		ssrcs[number] = true
		if _, has := m.Attribute("candidate"); has != (i == 0) {
			t.Errorf("m-line %d has candidates: %t", i, has)
		}
	}
	local, err := e.LocalSessionDescription()
	if err != nil || local != answer {
		t.Errorf("the description that is remembered is another one: %v", err)
	}
}

// TestViewerWithoutABundle: one m-line needs none, and gets no group that it has not asked for.
func TestViewerWithoutABundle(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	offer := pipelinetest.NewViewer(t, pipelinetest.Options{Places: []pipelinetest.Place{pipelinetest.Camera}}).Offer()
	for _, group := range []string{"a=group:BUNDLE 0\r\n", ""} {
		answer, err := newEndpoint(t, newPipeline(t, s)).ProcessOffer(t.Context(), strings.Replace(offer, "a=group:BUNDLE 0\r\n", group, 1))
		if err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(answer, "a=group:BUNDLE 0\r\n"); has != (group != "") {
			t.Errorf("offered %q, answered:\n%s", group, answer)
		}
	}
}

// TestManyComeAndLeave: hundreds of viewers negotiate and leave, and nothing of theirs stays.
func TestManyComeAndLeave(t *testing.T) {
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	offer := pipelinetest.NewViewer(t, pipelinetest.Options{}).Offer()
	visit := func(n int) {
		for range n {
			e := newEndpoint(t, p)
			if _, err := e.ProcessOffer(t.Context(), offer); err != nil {
				t.Fatal(err)
			}
			e.Release()
		}
	}
	heap := func() uint64 {
		var m runtime.MemStats
		for range 2 { // the second lets go of what pools kept through the first
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	visit(100)
	goroutines, before := runtime.NumGoroutine(), heap()
	visit(300)
	if after := heap(); after > before+2<<20 {
		t.Errorf("%d bytes in use before, %d after 300 viewers", before, after)
	}
	deadline := time.Now().Add(patience)
	for runtime.NumGoroutine() > goroutines+5 {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
		runtime.Gosched()
	}
	if st := s.Stats(); st.Endpoints != 0 {
		t.Errorf("%d endpoints are left", st.Endpoints)
	}
}

// TestViewerLinesStopAndReturn: the browser switches a place off and on again, and offers a data channel, which a
// viewer's connection does not have.
func TestViewerLinesStopAndReturn(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, newServer(t, pipeline.Config{}))
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := viewing{pipelinetest.NewViewer(t, pipelinetest.Options{}), newEndpoint(t, p)}
	offer := v.Offer()
	answer := func(offer string) (d sdp.SessionDescription) {
		t.Helper()
		text, err := v.endpoint.ProcessOffer(t.Context(), offer)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.UnmarshalString(text); err != nil {
			t.Fatal(err)
		}
		return d
	}
	text, err := v.endpoint.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	v.Apply(text)
	connectAll(t, teacher.endpoint, v.endpoint)
	camera, mic := v.Slot(pipelinetest.Camera), v.Slot(pipelinetest.Mic)
	camera.WaitTotal(t, 20, patience)
	mic.WaitTotal(t, 20, patience)

	// The first m-line of pictures is the camera's.
	at := strings.Index(offer, "m=video")
	off := offer[:at] + strings.Replace(offer[at:], "a=recvonly", "a=inactive", 1)
	d := answer(off)
	stopped := 0
	for _, m := range d.MediaDescriptions {
		if _, ok := m.Attribute("inactive"); ok && m.MediaName.Port.Value != 0 {
			stopped++
		}
	}
	if stopped != 1 {
		t.Errorf("%d m-lines stand still", stopped)
	}
	pictures := func() (n uint64) {
		for _, s := range v.endpoint.Stats().Sent {
			if s.MediaType == pipeline.Video && s.Description == pipeline.DefaultDescription {
				n = s.Packets
			}
		}
		return n
	}
	was := pictures()
	mic.WaitTotal(t, mic.Stats().Packets+20, patience)
	if now := pictures(); now != was {
		t.Errorf("%d packets for a place that is off", now-was)
	}

	data := "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data\r\na=sctp-port:5000\r\n"
	d = answer(offer + data)
	if last := d.MediaDescriptions[len(d.MediaDescriptions)-1]; last.MediaName.Media != "application" || last.MediaName.Port.Value != 0 {
		t.Errorf("the data channel is answered with %+v", last.MediaName)
	}
	camera.WaitFrames(t, 20, patience)
	if st := camera.Stats(); len(st.SSRCs) != 1 || st.Backwards != 0 {
		t.Errorf("%+v", st)
	}
}
