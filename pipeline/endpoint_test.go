package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	e := newEndpoint(t, p)
	if !strings.HasSuffix(p.ID(), "_kurento.MediaPipeline") || strings.Contains(p.ID(), "/") {
		t.Errorf("pipeline id %q", p.ID())
	}
	if !strings.HasPrefix(e.ID(), p.ID()+"/") || !strings.HasSuffix(e.ID(), "_kurento.WebRtcEndpoint") {
		t.Errorf("endpoint id %q", e.ID())
	}
	if e.Type() != "WebRtcEndpoint" || e.MediaPipeline() != p {
		t.Errorf("type %q", e.Type())
	}
}

func TestBadOffers(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	good := pipelinetest.NewViewer(t, pipelinetest.Options{}).Offer()
	lines := strings.SplitAfter(good, "\r\n")
	without := func(prefix string) string {
		var b strings.Builder
		for _, l := range lines {
			if !strings.HasPrefix(l, prefix) {
				b.WriteString(l)
			}
		}
		return b.String()
	}
	head, _, _ := strings.Cut(good, "m=")
	many := func(n int) string {
		_, media, _ := strings.Cut(good, "m=")
		media, _, _ = strings.Cut(media, "m=")
		var b strings.Builder
		b.WriteString(head)
		for i := range n {
			b.WriteString("m=" + strings.Replace(media, "a=mid:0", fmt.Sprintf("a=mid:x%d", i), 1))
		}
		return b.String()
	}
	for name, c := range map[string]struct{ sdp, why string }{
		"empty":            {"", "empty"},
		"garbage":          {"\x00\x01hello", ""},
		"half":             {good[:len(good)/3], ""},
		"json":             {`{"type":"offer"}`, ""},
		"huge":             {good + strings.Repeat("a=x:"+strings.Repeat("y", 1000)+"\r\n", 70), "65536"},
		"no m-lines":       {head, "no m-line"},
		"too many m-lines": {many(33), "33 m-lines"},
		"no fingerprint":   {without("a=fingerprint"), "fingerprint"},
		"no ufrag":         {without("a=ice-ufrag"), "ice-ufrag"},
		"no password":      {without("a=ice-pwd"), "ice-pwd"},
		"no mid":           {without("a=mid"), "mid"},
		"one mid twice":    {strings.Replace(good, "a=mid:1", "a=mid:0", 1), "twice"},
		"plain RTP":        {strings.ReplaceAll(good, "UDP/TLS/RTP/SAVPF", "RTP/AVP"), "SAVPF"},
		"unknown media":    {strings.Replace(good, "m=video", "m=smell", 1), "smell"},
		"bad payload type": {strings.Replace(good, "SAVPF 109", "SAVPF 1009", 1), "1009"},
		"wrong role":       {strings.ReplaceAll(good, "a=setup:actpass", "a=setup:passive"), "passive"},
		"bad fingerprint":  {strings.ReplaceAll(good, "a=fingerprint:sha-256 ", "a=fingerprint:sha-256"), "fingerprint"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, p)
			defer e.Release()
			_, err := e.ProcessOffer(t.Context(), c.sdp)
			if !errors.Is(err, pipeline.ErrBadSDP) || !strings.Contains(err.Error(), c.why) {
				t.Fatalf("error %v, want ErrBadSDP with %q", err, c.why)
			}
			// The endpoint is as it was, and usable.
			if st := e.ConnectionState(); st != pipeline.ConnectionNew {
				t.Errorf("state %s after a bad offer", st)
			}
			if _, err := e.ProcessOffer(t.Context(), good); err != nil {
				t.Errorf("a good offer after the bad one: %v", err)
			}
			// A bad one now must not hurt the connection either.
			if _, err := e.ProcessOffer(t.Context(), c.sdp); !errors.Is(err, pipeline.ErrBadSDP) {
				t.Errorf("error %v in a renegotiation", err)
			}
			if _, err := e.ProcessOffer(t.Context(), good); err != nil {
				t.Errorf("a good renegotiation after the bad one: %v", err)
			}
		})
	}
}

func TestOfferOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	e := newEndpoint(t, newPipeline(t, s))
	first := pipelinetest.NewViewer(t, pipelinetest.Options{})
	first.Negotiate(e.ProcessOffer)
	other := pipelinetest.NewViewer(t, pipelinetest.Options{})
	if _, err := e.ProcessOffer(t.Context(), other.Offer()); !errors.Is(err, pipeline.ErrBadSDP) {
		t.Errorf("error %v", err)
	}
	first.WaitConnected()
}

func TestPort0(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	// Firefox: bundled m-lines after the first have port 0 and bundle-only.
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	offer := v.Offer()
	first, rest, _ := strings.Cut(offer, "m=video")
	rest = strings.ReplaceAll("m=video"+rest, "m=video 9", "m=video 0")
	rest = strings.ReplaceAll(rest, "a=mid:", "a=bundle-only\r\na=mid:")
	e := newEndpoint(t, p)
	answer, err := e.ProcessOffer(t.Context(), first+rest)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(answer, "a=sendonly"); n != 8 {
		t.Errorf("%d of 8 places answered:\n%s", n, answer)
	}
	// Without bundle-only the line is rejected, and its place stays its own.
	e = newEndpoint(t, p)
	answer, err = e.ProcessOffer(t.Context(), strings.Replace(offer, "m=video 9", "m=video 0", 1))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answer, "msid:screen video-screen") || strings.Contains(answer, "video-default") {
		t.Errorf("places moved:\n%s", answer)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{MediaAddr: "127.0.0.1:0", ExternalIPs: []string{"203.0.113.7"}})
	e := newEndpoint(t, newPipeline(t, s))
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	answer, err := e.ProcessOffer(t.Context(), v.Offer())
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(s.MediaAddr().String(), ":")
	for _, want := range []string{
		"a=ice-lite", "a=setup:passive", "203.0.113.7 " + port + " typ host", "a=ssrc-group:FID",
		"a=msid:default audio-default", "a=msid:speaker2 video-speaker2",
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer has no %q:\n%s", want, answer)
		}
	}
	for _, never := range []string{"127.0.0.1", "dependency-descriptor", ".local"} {
		if strings.Contains(answer, never) {
			t.Errorf("the answer has %q", never)
		}
	}
	if len(answer) > 40<<10 {
		t.Errorf("the answer has %d bytes", len(answer))
	}
}

func TestAllAddresses(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{MediaAddr: ":0", TCPAddr: ":0"})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{})
	connectAll(t, teacher.endpoint, v.endpoint)
	v.Slot(pipelinetest.Camera).WaitTotal(t, 5, patience)
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	e := newEndpoint(t, newPipeline(t, s))
	got := events(t, e)
	if err := e.GatherCandidates(); err != nil { // before the offer: remembered
		t.Fatal(err)
	}
	for _, bad := range []string{"nonsense", "candidate:1 1 udp", strings.Repeat("a", 1000)} {
		if err := e.AddIceCandidate(pipeline.IceCandidate{Candidate: bad}); !errors.Is(err, pipeline.ErrBadCandidate) {
			t.Errorf("%q: error %v", bad, err)
		}
	}
	fine := pipeline.IceCandidate{Candidate: "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host", SDPMid: "0"}
	for i := range 64 {
		if err := e.AddIceCandidate(fine); err != nil {
			t.Fatalf("early candidate %d: %v", i, err)
		}
	}
	if err := e.AddIceCandidate(fine); !errors.Is(err, pipeline.ErrTooManyCandidates) {
		t.Errorf("error %v for the 65th", err)
	}
	if err := e.AddIceCandidate(pipeline.IceCandidate{}); err != nil {
		t.Errorf("the end mark: %v", err)
	}
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	v.Negotiate(e.ProcessOffer)
	found := waitEvent[pipeline.IceCandidateFound](t, got, nil)
	if !strings.Contains(found.Candidate.Candidate, "typ host") || found.Candidate.SDPMid == "" {
		t.Errorf("candidate %+v", found.Candidate)
	}
	waitEvent[pipeline.IceGatheringDone](t, got, nil)
	waitEvent(t, got, func(e pipeline.ConnectionStateChanged) bool { return e.New == pipeline.ConnectionConnected })
	mdns := pipeline.IceCandidate{Candidate: "candidate:1 1 udp 2113937151 7f3a3f4e-5b1c-4c5b-9b1e-0e2f0d1c2b3a.local 50000 typ host", SDPMid: "0"}
	if err := e.AddIceCandidate(mdns); err != nil {
		t.Errorf("an mDNS candidate: %v", err)
	}
}

func TestUnplayable(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := viewing{pipelinetest.NewViewer(t, pipelinetest.Options{VideoCodecs: []string{"video/H264"}}), newEndpoint(t, p)}
	got := events(t, v.endpoint)
	connectAll(t, teacher.endpoint, v.endpoint)
	v.Negotiate(v.endpoint.ProcessOffer)
	u := waitEvent[pipeline.Unplayable](t, got, nil)
	if u.MediaType != pipeline.Video || u.SinkDescription != pipeline.DefaultDescription ||
		u.Codec != "video/VP8" || len(u.Accepted) != 1 || u.Accepted[0] != "video/H264" {
		t.Errorf("%+v", u)
	}
	v.Slot(pipelinetest.Mic).WaitTotal(t, 10, patience) // sound is not hurt
	if n := v.Slot(pipelinetest.Camera).Stats().Packets; n != 0 {
		t.Errorf("%d packets that the viewer cannot play", n)
	}
}

func TestNoCommonCodec(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	e := newEndpoint(t, p)
	got := events(t, e)
	connectAll(t, teacher.endpoint, e)
	// Every video line offers something that is not known here.
	offer := v.Offer()
	for _, name := range []string{"VP8", "VP9", "H264", "AV1"} {
		offer = strings.ReplaceAll(offer, " "+name+"/90000", " THEORA/90000")
	}
	answer, err := e.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(answer, "m=video 0 "); n != 4 {
		t.Errorf("%d of 4 video lines rejected:\n%s", n, answer)
	}
	u := waitEvent(t, got, func(u pipeline.Unplayable) bool { return u.MediaType == pipeline.Video })
	if len(u.Accepted) != 0 || u.Codec != "video/VP8" {
		t.Errorf("%+v", u)
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	e := newEndpoint(t, p)
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	v.Negotiate(e.ProcessOffer)
	v.WaitConnected()
	eventually(t, "the endpoint is connected", func() bool { return e.ConnectionState() == pipeline.ConnectionConnected })
	st := e.Stats()
	// The test browser puts AES-256-GCM first; the server's order must win.
	if st.SRTPProfile != "AEAD_AES_128_GCM" || st.DTLSRole != "server" {
		t.Errorf("profile %q, role %q", st.SRTPProfile, st.DTLSRole)
	}
	if st.LocalCandidateType != "host" || st.RemoteCandidateType == "" || st.Protocol != "udp" || st.RemoteAddress == "" {
		t.Errorf("pair %+v", st)
	}
	if len(st.Sent) != 8 || len(st.Received) != 0 {
		t.Errorf("%d slots, %d sources", len(st.Sent), len(st.Received))
	}
}

func TestICETCP(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{TCPAddr: "127.0.0.1:0"})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{TCPOnly: true})
	connectAll(t, teacher.endpoint, v.endpoint)
	v.Slot(pipelinetest.Camera).WaitTotal(t, 20, patience)
	checkClean(t, v.Slot(pipelinetest.Camera), pipelinetest.Camera, teacher.SourceID(pipelinetest.Camera))
	if st := v.endpoint.Stats(); st.Protocol != "tcp" {
		t.Errorf("%+v", st)
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{})
	connectAll(t, teacher.endpoint, v.endpoint)
	v.Slot(pipelinetest.Camera).WaitTotal(t, 5, patience)
	got := events(t, teacher.endpoint)
	before := s.Stats()
	v.endpoint.Release()
	waitEvent(t, got, func(e pipeline.ElementDisconnected) bool { return e.Sink == v.endpoint })
	p.Release()
	p.Release()
	waitEvent(t, got, func(e pipeline.SourceRemoved) bool { return e.MediaType == pipeline.Video })
	waitEvent(t, got, func(e pipeline.ConnectionStateChanged) bool { return e.New == pipeline.ConnectionClosed })
	_, err := v.endpoint.ProcessOffer(t.Context(), "v=0")
	for name, err := range map[string]error{
		"offer": err, "connect": teacher.endpoint.Connect(v.endpoint), "key frame": v.endpoint.RequestKeyframe(),
		"candidate": v.endpoint.AddIceCandidate(pipeline.IceCandidate{}), "gather": v.endpoint.GatherCandidates(),
	} {
		if !errors.Is(err, pipeline.ErrReleased) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{}); !errors.Is(err, pipeline.ErrReleased) {
		t.Errorf("new endpoint: error %v", err)
	}
	after := s.Stats()
	if after.Endpoints != 0 || after.Pipelines != 0 || after.PacketsSent < before.PacketsSent {
		t.Errorf("stats before %+v, after %+v", before, after)
	}
	eventually(t, "the browser sees the end", func() bool {
		return v.PeerConnection().ConnectionState().String() == "closed"
	})
}

func TestReleaseFromSubscriber(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	e := newEndpoint(t, p)
	done := make(chan struct{})
	e.Subscribe(func(ev pipeline.Event) {
		if c, ok := ev.(pipeline.ConnectionStateChanged); ok && c.New == pipeline.ConnectionConnected {
			p.Release()
			close(done)
		}
	})
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	v.Negotiate(e.ProcessOffer)
	select {
	case <-done:
	case <-t.Context().Done():
	}
}

func TestCancelledOffer(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	e := newEndpoint(t, newPipeline(t, s))
	v := pipelinetest.NewViewer(t, pipelinetest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	offer := v.Offer()
	if _, err := e.ProcessOffer(ctx, offer); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	answer, err := e.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	v.Apply(answer)
	v.WaitConnected()
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{MaxPipelines: 2, MaxElements: 3})
	a, b := newPipeline(t, s), newPipeline(t, s)
	if _, err := s.NewMediaPipeline(); !errors.Is(err, pipeline.ErrTooManyPipelines) {
		t.Errorf("error %v", err)
	}
	x := newEndpoint(t, a)
	newEndpoint(t, a)
	y := newEndpoint(t, b)
	if _, err := b.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{}); !errors.Is(err, pipeline.ErrTooManyElements) {
		t.Errorf("error %v", err)
	}
	if err := x.Connect(y); !errors.Is(err, pipeline.ErrNotSamePipeline) {
		t.Errorf("error %v", err)
	}
	if err := x.Connect(x, pipeline.OnlyMedia("SMELL")); !errors.Is(err, pipeline.ErrUnknownDescription) {
		t.Errorf("error %v", err)
	}
	a.Release()
	newEndpoint(t, b)
	newPipeline(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.NewMediaPipeline(); !errors.Is(err, pipeline.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for field, c := range map[string]pipeline.Config{
		"MediaAddr":      {MediaAddr: "nowhere"},
		"TCPAddr":        {TCPAddr: "127.0.0.1:99999"},
		"TURNAddr":       {TURNAddr: "x:y:z"},
		"ExternalIPs":    {ExternalIPs: []string{"example.org"}},
		"TURNSecret":     {TURNSecret: []byte("short")},
		"TURNPeers":      {TURNPeers: []string{"10.0.0.0"}},
		"TURNExternalIP": {TURNExternalIP: "x"},
		"KeepAlive":      {KeepAlive: -1},
		"MaxElements":    {MaxElements: -1},
		"ICEServers":     {ICEServers: []pipeline.ICEServer{{}}},
	} {
		if _, err := pipeline.NewServer(c, nil); !errors.Is(err, pipeline.ErrConfig) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: error %v", field, err)
		}
	}
	if err := (pipeline.Config{}).Validate(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
}

// A page that closes its connection ends it; what comes after needs a new
// endpoint.
func TestBrowserCloses(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	got := events(t, teacher.endpoint)
	teacher.Start(pipelinetest.Camera)
	waitEvent[pipeline.SourceAdded](t, got, nil)
	teacher.Close()
	waitEvent[pipeline.SourceRemoved](t, got, nil)
	eventually(t, "the endpoint is closed", func() bool {
		return teacher.endpoint.ConnectionState() == pipeline.ConnectionClosed
	})
	again := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	if _, err := teacher.endpoint.ProcessOffer(t.Context(), again.Offer()); !errors.Is(err, pipeline.ErrReleased) {
		t.Errorf("error %v", err)
	}
	if n := len(teacher.endpoint.Sources()); n != 0 {
		t.Errorf("%d sources", n)
	}
}
