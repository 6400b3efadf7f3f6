package pipeline_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// inKurentosManner makes an endpoint as an application of Kurento expects it.
func inKurentosManner(t *testing.T, p *pipeline.MediaPipeline, o pipeline.WebRtcEndpointOptions) *pipeline.WebRtcEndpoint {
	t.Helper()
	o.Trickle, o.NegotiateOnce = true, true
	e, err := p.NewWebRtcEndpoint(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// trickle hands the endpoint's candidates to a browser as they are announced.
func trickle(t *testing.T, e *pipeline.WebRtcEndpoint, pc *webrtc.PeerConnection) {
	t.Helper()
	t.Cleanup(e.Subscribe(func(ev pipeline.Event) {
		if f, ok := ev.(pipeline.IceCandidateFound); ok {
			c := f.Candidate
			err := pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: c.Candidate, SDPMid: &c.SDPMid, SDPMLineIndex: c.SDPMLineIndex})
			if err != nil {
				t.Errorf("the browser refused %q: %v", c.Candidate, err)
			}
		}
	}))
}

// TestHelloWorld makes the calls of Kurento's tutorial in its order.
func TestHelloWorld(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	e := inKurentosManner(t, newPipeline(t, s), pipeline.WebRtcEndpointOptions{})
	got := events(t, e)
	page := pipelinetest.NewMirror(t, pipelinetest.Options{})
	if err := e.Connect(e); err != nil {
		t.Fatal(err)
	}
	if _, err := e.LocalSessionDescription(); !errors.Is(err, pipeline.ErrNoLocalDescription) {
		t.Errorf("error %v", err)
	}
	offer := page.Offer()
	answer, err := e.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(answer, "candidate") {
		t.Errorf("the answer has candidates:\n%s", answer)
	}
	if n := strings.Count(answer, "a=sendrecv"); n != 2 {
		t.Errorf("%d lines are sendrecv", n)
	}
	if local, err := e.LocalSessionDescription(); err != nil || local != answer {
		t.Errorf("the local description differs: %v", err)
	}
	if remote, err := e.RemoteSessionDescription(); err != nil || remote != offer {
		t.Errorf("the remote description differs: %v", err)
	}
	page.Apply(answer)
	page.Start(pipelinetest.Mic, pipelinetest.Camera)
	trickle(t, e, page.PeerConnection())
	if err := e.GatherCandidates(); err != nil {
		t.Fatal(err)
	}
	page.Slot(pipelinetest.Camera).WaitTotal(t, 20, patience)
	page.Slot(pipelinetest.Mic).WaitTotal(t, 20, patience)
	checkClean(t, page.Slot(pipelinetest.Camera), pipelinetest.Camera, page.SourceID(pipelinetest.Camera))
	if _, err := e.ProcessOffer(t.Context(), offer); !errors.Is(err, pipeline.ErrAlreadyNegotiated) {
		t.Errorf("a second offer: %v", err)
	}
	if _, err := e.GenerateOffer(t.Context(), pipeline.OfferOptions{}); !errors.Is(err, pipeline.ErrAlreadyNegotiated) {
		t.Errorf("an offer after an answer: %v", err)
	}
	checkOrder(t, got)
	pairs := e.ICECandidatePairs()
	if len(pairs) != 1 || !strings.Contains(pairs[0].LocalCandidate, "typ host") || !strings.HasPrefix(pairs[0].RemoteCandidate, "candidate:") {
		t.Errorf("pairs %+v", pairs)
	}
	if st := e.IceConnectionState(); len(st) != 1 || st[0].State != pipeline.IceReady {
		t.Errorf("ICE %+v", st)
	}
	if st := e.DtlsConnectionState(); len(st) != 1 || st[0].State != pipeline.DtlsConnected {
		t.Errorf("DTLS %+v", st)
	}
}

// checkOrder waits until media is connected and holds the events before it to
// Kurento's order.
func checkOrder(t *testing.T, got <-chan pipeline.Event) {
	t.Helper()
	var seen []string
	waitEvent(t, got, func(ev pipeline.MediaSessionStarted) bool { return true })
	last := waitFor(t, got, func(ev pipeline.Event) bool {
		switch ev := ev.(type) {
		case pipeline.IceCandidateFound:
			seen = append(seen, "candidate")
		case pipeline.IceComponentStateChanged:
			seen = append(seen, string(ev.State))
		case pipeline.NewCandidatePairSelected:
			seen = append(seen, "pair")
		case pipeline.DtlsConnectionStateChanged:
			seen = append(seen, "dtls "+string(ev.State))
		case pipeline.MediaFlowInStateChanged:
			seen = append(seen, "flow")
		case pipeline.MediaFlowOutStateChanged:
			seen = append(seen, "flow")
		case pipeline.MediaStateChanged:
			return true
		}
		return false
	}).(pipeline.MediaStateChanged)
	if last.New != pipeline.MediaConnected {
		t.Errorf("media is %s", last.New)
	}
	line := strings.Join(seen, ", ")
	at := 0
	for _, want := range []string{"candidate", "GATHERING", "CONNECTING", "pair", "CONNECTED", "READY", "dtls CONNECTED", "flow"} {
		i := strings.Index(line[at:], want)
		if i < 0 {
			t.Fatalf("%q is not in its place in: %s", want, line)
		}
		at += i + len(want)
	}
	for _, once := range []string{"GATHERING", "CONNECTING", "pair", "READY"} {
		n := 0
		for _, s := range seen {
			if s == once {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s came %d times: %s", once, n, line)
		}
	}
}

// waitFor reads events until match is true of one.
func waitFor(t *testing.T, c <-chan pipeline.Event, match func(pipeline.Event) bool) pipeline.Event {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		select {
		case ev := <-c:
			if match(ev) {
				return ev
			}
		case <-deadline.Done():
			t.Fatal("the event did not come")
		}
	}
}

func TestOneToOne(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	a, b := inKurentosManner(t, p, pipeline.WebRtcEndpointOptions{}), inKurentosManner(t, p, pipeline.WebRtcEndpointOptions{})
	anna, budi := pipelinetest.NewMirror(t, pipelinetest.Options{}), pipelinetest.NewMirror(t, pipelinetest.Options{})
	for _, x := range []struct {
		page *pipelinetest.Mirror
		end  *pipeline.WebRtcEndpoint
	}{{anna, a}, {budi, b}} {
		x.page.Negotiate(x.end.ProcessOffer)
		trickle(t, x.end, x.page.PeerConnection())
		if err := x.end.GatherCandidates(); err != nil {
			t.Fatal(err)
		}
		x.page.Start(pipelinetest.Mic, pipelinetest.Camera)
	}
	if err := errors.Join(a.Connect(b), b.Connect(a)); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ sees, shows *pipelinetest.Mirror }{{anna, budi}, {budi, anna}} {
		for _, place := range []pipelinetest.Place{pipelinetest.Mic, pipelinetest.Camera} {
			x.sees.Slot(place).WaitTotal(t, 20, patience)
			checkClean(t, x.sees.Slot(place), place, x.shows.SourceID(place))
		}
	}
}

func TestGenerateOffer(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	e := inKurentosManner(t, p, pipeline.WebRtcEndpointOptions{})
	if err := e.Connect(e); err != nil {
		t.Fatal(err)
	}
	page := pipelinetest.NewMirror(t, pipelinetest.Options{})
	if _, err := e.ProcessAnswer(t.Context(), "v=0"); !errors.Is(err, pipeline.ErrOfferNotGenerated) {
		t.Errorf("an answer to nothing: %v", err)
	}
	offer, err := e.GenerateOffer(t.Context(), pipeline.OfferOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(offer, "a=sendrecv") != 2 || strings.Contains(offer, "candidate:") || !strings.Contains(offer, "a=ice-lite") {
		t.Errorf("the offer:\n%s", offer)
	}
	for name, f := range map[string]func() (string, error){
		"another offer of ours":     func() (string, error) { return e.GenerateOffer(t.Context(), pipeline.OfferOptions{}) },
		"an offer of the browser's": func() (string, error) { return e.ProcessOffer(t.Context(), offer) },
	} {
		if _, err := f(); !errors.Is(err, pipeline.ErrAlreadyNegotiated) && !errors.Is(err, pipeline.ErrBadSDP) {
			t.Errorf("%s: %v", name, err)
		}
	}
	early := pipeline.IceCandidate{Candidate: "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host", SDPMid: "0"}
	if err := e.AddIceCandidate(early); err != nil {
		t.Errorf("a candidate before the answer: %v", err)
	}
	answer := page.Answer(offer)
	for name, bad := range map[string]string{
		"empty": "", "of another shape": strings.Replace(answer, "a=mid:1", "a=mid:7", 1), "garbage": "hello",
	} {
		if _, err := e.ProcessAnswer(t.Context(), bad); !errors.Is(err, pipeline.ErrBadSDP) {
			t.Errorf("%s: %v", name, err)
		}
	}
	local, err := e.ProcessAnswer(t.Context(), answer)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(local, "a=ice-lite") {
		t.Errorf("not our description:\n%s", local)
	}
	if _, err := e.ProcessAnswer(t.Context(), answer); !errors.Is(err, pipeline.ErrAnswerAlreadyProcessed) {
		t.Errorf("a second answer: %v", err)
	}
	trickle(t, e, page.PeerConnection())
	if err := e.GatherCandidates(); err != nil {
		t.Fatal(err)
	}
	page.Start(pipelinetest.Mic, pipelinetest.Camera)
	for _, place := range []pipelinetest.Place{pipelinetest.Mic, pipelinetest.Camera} {
		page.Slot(place).WaitTotal(t, 20, patience)
		checkClean(t, page.Slot(place), place, page.SourceID(place))
	}
}

func TestGenerateOfferDirections(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	for name, c := range map[string]struct {
		make  pipeline.WebRtcEndpointOptions
		offer pipeline.OfferOptions
		want  string
	}{
		"all":        {want: "sendrecv sendrecv"},
		"send only":  {make: pipeline.WebRtcEndpointOptions{SendOnly: true}, want: "sendonly sendonly"},
		"take only":  {make: pipeline.WebRtcEndpointOptions{RecvOnly: true}, want: "recvonly recvonly"},
		"no picture": {offer: pipeline.OfferOptions{NoVideo: true}, want: "sendrecv"},
		"no sound":   {offer: pipeline.OfferOptions{NoAudio: true}, want: "sendrecv"},
		"take sound": {make: pipeline.WebRtcEndpointOptions{RecvOnly: true}, offer: pipeline.OfferOptions{NoVideo: true}, want: "recvonly"},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := p.NewWebRtcEndpoint(c.make)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Release()
			offer, err := e.GenerateOffer(t.Context(), c.offer)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.SplitSeq(offer, "\r\n") {
				switch d, ok := strings.CutPrefix(line, "a="); {
				case ok && (d == "sendrecv" || d == "sendonly" || d == "recvonly" || d == "inactive"):
					got = append(got, d)
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("directions %q, want %q", s, c.want)
			}
		})
	}
}

func TestViewerBeginsToSend(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	viewer, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{MaySend: true})
	if err != nil {
		t.Fatal(err)
	}
	other := view(t, p, pipelinetest.Options{})
	connectAll(t, viewer, other.endpoint)
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	v.Negotiate(viewer.ProcessOffer)
	v.WaitConnected()
	send := v.BeginToSend(pipelinetest.Camera)
	v.Negotiate(viewer.ProcessOffer)
	send.Start(pipelinetest.Camera)
	// Its new m-line is the fifth of pictures.
	if err := viewer.Connect(other.endpoint, pipeline.OnlyMedia(pipeline.Video), pipeline.SourceDescription("media5")); err != nil {
		t.Fatal(err)
	}
	other.Slot(pipelinetest.Camera).WaitTotal(t, 10, patience)
	checkClean(t, other.Slot(pipelinetest.Camera), pipelinetest.Camera, send.SourceID(pipelinetest.Camera))
}

// TestViewerOrder: a viewer's connection keeps Kurento's order too.
func TestViewerOrder(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Camera)
	e := inKurentosManner(t, p, pipeline.WebRtcEndpointOptions{})
	connect(t, teacher.endpoint, e)
	got := events(t, e)
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	v.Negotiate(e.ProcessOffer)
	trickle(t, e, v.PeerConnection())
	if err := e.GatherCandidates(); err != nil {
		t.Fatal(err)
	}
	checkOrder(t, got)
}

// TestFlowEnds: when a browser hangs up, its sources are told to be still.
func TestFlowEnds(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	teacher := present(t, newPipeline(t, s), pipelinetest.Options{})
	got := events(t, teacher.endpoint)
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	is := func(m pipeline.MediaType, flowing bool) func(pipeline.MediaFlowOutStateChanged) bool {
		return func(ev pipeline.MediaFlowOutStateChanged) bool { return ev.MediaType == m && ev.Flowing == flowing }
	}
	waitEvent(t, got, is(pipeline.Video, true))
	teacher.Close()
	waitEvent(t, got, is(pipeline.Video, false))
}

// TestWithoutBundle: a client that knows no groups and names no lines gets an
// answer without, and a connection; with more lines it is told why not.
func TestWithoutBundle(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	marks := regexp.MustCompile(`a=(group:BUNDLE|mid:)[^\r]*\r\n`)
	for _, direction := range []webrtc.RTPTransceiverDirection{webrtc.RTPTransceiverDirectionSendonly, webrtc.RTPTransceiverDirectionRecvonly} {
		t.Run(direction.String(), func(t *testing.T) {
			pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = pc.GracefulClose() })
			if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: direction}); err != nil {
				t.Fatal(err)
			}
			offer, err := pc.CreateOffer(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := pc.SetLocalDescription(offer); err != nil {
				t.Fatal(err)
			}
			e := newEndpoint(t, p)
			got := events(t, e)
			answer, err := e.ProcessOffer(t.Context(), marks.ReplaceAllString(offer.SDP, ""))
			if err != nil {
				t.Fatal(err)
			}
			if m := marks.FindString(answer); m != "" || strings.Contains(answer, "m=audio 0 ") {
				t.Errorf("%q was not offered, or the line is rejected:\n%s", m, answer)
			}
			// pion itself cannot do without.
			answer = strings.Replace(answer, "m=audio", "a=group:BUNDLE 0\r\nm=audio", 1) + "a=mid:0\r\n"
			if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
				t.Fatalf("%v in\n%s", err, answer)
			}
			waitEvent(t, got, func(ev pipeline.ConnectionStateChanged) bool { return ev.New == pipeline.ConnectionConnected })
		})
	}
	_, err := newEndpoint(t, p).ProcessOffer(t.Context(), marks.ReplaceAllString(pipelinetest.NewMirror(t, pipelinetest.Options{}).Offer(), ""))
	if !errors.Is(err, pipeline.ErrBadSDP) || !strings.Contains(err.Error(), "not bundled") {
		t.Errorf("error %v", err)
	}
}
