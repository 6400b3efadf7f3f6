package pipeline_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// relayedBy is what an application sets for a TURN server.
func relayedBy(t *pipelinetest.TURN, transport string) pipeline.Gathering {
	return pipeline.Gathering{TURN: &pipeline.TURNServer{
		Addr: t.Addr, Transport: transport, User: pipelinetest.TURNUser, Password: pipelinetest.TURNPassword,
	}}
}

func setGathering(t *testing.T, e *pipeline.WebRtcEndpoint, g pipeline.Gathering) {
	t.Helper()
	if err := e.SetGathering(g); err != nil {
		t.Fatal(err)
	}
}

// tellOnly hands a browser only those of the endpoint's candidates that are of
// one type, and collects all.
func tellOnly(t *testing.T, e *pipeline.WebRtcEndpoint, pc *webrtc.PeerConnection, typ string) (all func() []string) {
	t.Helper()
	var mu sync.Mutex
	var list []string
	t.Cleanup(e.Subscribe(func(ev pipeline.Event) {
		f, ok := ev.(pipeline.IceCandidateFound)
		if !ok {
			return
		}
		mu.Lock()
		list = append(list, f.Candidate.Candidate)
		mu.Unlock()
		if c := f.Candidate; strings.Contains(c.Candidate, " typ "+typ) {
			err := pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: c.Candidate, SDPMid: &c.SDPMid, SDPMLineIndex: c.SDPMLineIndex})
			if err != nil {
				t.Errorf("the browser refused %q: %v", c.Candidate, err)
			}
		}
	}))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), list...)
	}
}

// gathering answers a page's offer and begins to gather.
func gathering(t *testing.T, e *pipeline.WebRtcEndpoint, offer string, apply func(string)) {
	t.Helper()
	answer, err := e.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	apply(answer)
	if err := e.GatherCandidates(); err != nil {
		t.Fatal(err)
	}
}

// oneToMany has a presenter and a viewer who reach the server by type alone, and
// pictures and sound from one to the other.
func oneToMany(t *testing.T, s *pipeline.Server, g pipeline.Gathering, typ string, client func() pipelinetest.Options) (teacher, student *pipeline.WebRtcEndpoint) {
	t.Helper()
	p := newPipeline(t, s)
	teacher = inKurentosManner(t, p, pipeline.WebRtcEndpointOptions{})
	student = inKurentosManner(t, p, pipeline.WebRtcEndpointOptions{})
	if err := teacher.Connect(student); err != nil {
		t.Fatal(err)
	}
	presenter, viewer := pipelinetest.NewPresenter(t, client()), pipelinetest.NewViewer(t, client())
	setGathering(t, teacher, g)
	setGathering(t, student, g)
	told := tellOnly(t, teacher, presenter.PeerConnection(), typ)
	tellOnly(t, student, viewer.PeerConnection(), typ)
	gathering(t, teacher, presenter.Offer(), presenter.Apply)
	gathering(t, student, viewer.Offer(), viewer.Apply)
	presenter.Start(pipelinetest.Mic, pipelinetest.Camera)
	viewer.Slot(pipelinetest.Camera).WaitTotal(t, 20, patience)
	viewer.Slot(pipelinetest.Mic).WaitTotal(t, 20, patience)
	checkClean(t, viewer.Slot(pipelinetest.Camera), pipelinetest.Camera, presenter.SourceID(pipelinetest.Camera))
	t.Logf("candidates: %s", strings.Join(told(), "\n"))
	return teacher, student
}

// checkRelayPair holds what is told of the path to what it is.
func checkRelayPair(t *testing.T, e *pipeline.WebRtcEndpoint, remote string) {
	t.Helper()
	pairs := e.ICECandidatePairs()
	if len(pairs) != 1 || !strings.Contains(pairs[0].LocalCandidate, " typ relay ") || !strings.Contains(pairs[0].RemoteCandidate, " "+remote+" ") {
		t.Errorf("pairs %+v", pairs)
	}
	if st := e.Stats(); st.LocalCandidateType != "relay" || !strings.HasPrefix(st.RemoteAddress, remote+":") {
		t.Errorf("the figures have %s and %s", st.LocalCandidateType, st.RemoteAddress)
	}
}

// TestRelayAlone: browsers for whom every way but the TURN server is cut see
// and hear.
func TestRelayAlone(t *testing.T) {
	t.Parallel()
	n := pipelinetest.NewNetwork(t, pipelinetest.NetworkOptions{})
	relay := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{Net: n.Client(), IP: "10.0.1.1"})
	n.OnlyBy("10.0.1.1")
	s := newServer(t, pipeline.Config{Net: n.Server(), MediaAddr: pipelinetest.ServerIP + ":0"})
	teacher, student := oneToMany(t, s, relayedBy(relay, "udp"), "", func() pipelinetest.Options { return pipelinetest.Options{Net: n.Client()} })
	checkRelayPair(t, teacher, "10.0.1.2")
	checkRelayPair(t, student, "10.0.1.3")
	if n := relay.Allocations(); n != 2 {
		t.Errorf("%d allocations", n)
	}
	teacher.Release()
	student.Release()
	eventually(t, "the allocations end with the endpoints", func() bool { return relay.Allocations() == 0 })
}

// TestRelayTransports: the same over the real network, where viewers have a lane
// of the media socket, and all ways to a TURN server.
func TestRelayTransports(t *testing.T) {
	t.Parallel()
	ours, pool := selfSigned(t)
	for _, transport := range []string{"udp", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			relay := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{Transport: transport, TLS: ours})
			s := newServer(t, pipeline.Config{})
			s.TrustTURN(pool)
			teacher, student := oneToMany(t, s, relayedBy(relay, transport), "relay", func() pipelinetest.Options { return pipelinetest.Options{} })
			checkRelayPair(t, teacher, "127.0.0.1")
			checkRelayPair(t, student, "127.0.0.1")
		})
	}
}

func selfSigned(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}

// TestRelayRefused: a TURN server that does not want us is told as an error
// without the password, and takes nothing from the other ways.
func TestRelayRefused(t *testing.T) {
	t.Parallel()
	ours, _ := selfSigned(t)
	good := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{})
	strange := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{Transport: "tls", TLS: ours})
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	var talking sync.WaitGroup
	defer talking.Wait()
	talking.Go(func() { // something else than a TURN server
		if c, err := web.Accept(); err == nil {
			_, _ = c.Write([]byte("220 mail.example.org ESMTP\r\n"))
			_ = c.Close()
		}
	})
	wrong := relayedBy(good, "udp")
	wrong.TURN.Password = "hidden"
	unknown := relayedBy(strange, "tls")
	unknown.TURN.Password = "hidden"
	other := relayedBy(good, "tcp")
	other.TURN.Addr, other.TURN.Password = netip.MustParseAddrPort(web.Addr().String()), "hidden"
	nobody := relayedBy(good, "tcp") // where only UDP is spoken
	nobody.TURN.Password = "hidden"
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	for name, x := range map[string]struct {
		g   pipeline.Gathering
		why string
	}{
		"wrong password":    {wrong, "error 40"},
		"untrusted":         {unknown, "certificate"},
		"something else":    {other, "does not answer"},
		"nobody is at home": {nobody, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			e := inKurentosManner(t, p, pipeline.WebRtcEndpointOptions{})
			got := events(t, e)
			page := pipelinetest.NewMirror(t, pipelinetest.Options{})
			setGathering(t, e, x.g)
			tellOnly(t, e, page.PeerConnection(), "host")
			gathering(t, e, page.Offer(), page.Apply)
			failed := waitEvent[pipeline.Error](t, got, nil)
			if text := failed.Err.Error(); !errors.Is(failed.Err, pipeline.ErrRelay) || !strings.Contains(text, x.why) || strings.Contains(text, "hidden") {
				t.Errorf("error %v", failed.Err)
			}
			waitEvent[pipeline.IceGatheringDone](t, got, nil)
			page.WaitConnected()
			e.Release()
		})
	}
	if n := good.Allocations() + strange.Allocations(); n != 0 {
		t.Errorf("%d allocations", n)
	}
}

// TestRelayDies: the end of a TURN server is told, and an endpoint that has
// another way goes on by it.
func TestRelayDies(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			relay := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{Transport: transport})
			s := newServer(t, pipeline.Config{})
			s.CheckRelays(100 * time.Millisecond)
			e := inKurentosManner(t, newPipeline(t, s), pipeline.WebRtcEndpointOptions{})
			got := events(t, e)
			page := pipelinetest.NewMirror(t, pipelinetest.Options{})
			if err := e.Connect(e); err != nil {
				t.Fatal(err)
			}
			setGathering(t, e, relayedBy(relay, transport))
			trickle(t, e, page.PeerConnection())
			gathering(t, e, page.Offer(), page.Apply)
			page.Start(pipelinetest.Mic, pipelinetest.Camera)
			page.Slot(pipelinetest.Camera).WaitTotal(t, 20, patience)
			eventually(t, "the browser's addresses are let through", func() bool { return relay.Permissions() > 0 })
			relay.Close()
			if failed := waitEvent[pipeline.Error](t, got, nil); !errors.Is(failed.Err, pipeline.ErrRelay) {
				t.Errorf("error %v", failed.Err)
			}
			before := page.Slot(pipelinetest.Camera).Stats().Frames
			page.Slot(pipelinetest.Camera).WaitTotal(t, before+20, patience)
			if pairs := e.ICECandidatePairs(); len(pairs) != 1 || !strings.Contains(pairs[0].LocalCandidate, " typ host") {
				t.Errorf("pairs %+v", pairs)
			}
		})
	}
}

// TestRelayLate: an offer of ours, candidates of the browser that come one by
// one behind the relay's, and an end of the pipeline with all that hangs on it.
func TestRelayLate(t *testing.T) {
	t.Parallel()
	n := pipelinetest.NewNetwork(t, pipelinetest.NetworkOptions{})
	relay := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{Net: n.Client(), IP: "10.0.1.1"})
	n.OnlyBy("10.0.1.1")
	s := newServer(t, pipeline.Config{Net: n.Server(), MediaAddr: pipelinetest.ServerIP + ":0"})
	p := newPipeline(t, s)
	e := inKurentosManner(t, p, pipeline.WebRtcEndpointOptions{})
	got := events(t, e)
	setGathering(t, e, relayedBy(relay, "udp"))
	if err := e.GatherCandidates(); err != nil { // before there is anything to gather for
		t.Fatal(err)
	}
	offer, err := e.GenerateOffer(t.Context(), pipeline.OfferOptions{})
	if err != nil {
		t.Fatal(err)
	}
	page := pipelinetest.NewMirror(t, pipelinetest.Options{Net: n.Client()})
	answer := page.Answer(offer)
	if _, err := e.ProcessAnswer(t.Context(), withoutCandidateLines(answer)); err != nil {
		t.Fatal(err)
	}
	for _, c := range candidatesUpToEnd(t, got) {
		if err := page.PeerConnection().AddICECandidate(webrtc.ICECandidateInit{Candidate: c}); err != nil {
			t.Error(err)
		}
	}
	for line := range strings.Lines(answer) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "a="); ok && strings.HasPrefix(text, "candidate:") {
			if err := e.AddIceCandidate(pipeline.IceCandidate{Candidate: text}); err != nil {
				t.Error(err)
			}
		}
	}
	page.WaitConnected()
	checkRelayPair(t, e, "10.0.1.2")
	p.Release()
	eventually(t, "the allocation ends", func() bool { return relay.Allocations() == 0 })
}

func withoutCandidateLines(sdp string) string {
	var b strings.Builder
	for line := range strings.Lines(sdp) {
		if !strings.HasPrefix(line, "a=candidate") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestRelayBetweenServers: an endpoint that answers another server does the
// checks, from sockets of its own, and reaches it by its TURN server alone.
func TestRelayBetweenServers(t *testing.T) {
	t.Parallel()
	n := pipelinetest.NewNetwork(t, pipelinetest.NetworkOptions{})
	relay := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{Net: n.Client(), IP: "10.0.1.1"})
	n.OnlyBy("10.0.1.1")
	there := newServer(t, pipeline.Config{Net: n.Server(), MediaAddr: pipelinetest.ServerIP + ":0"})
	here := newServer(t, pipeline.Config{Net: n.Client(), MediaAddr: "10.0.1.2:0"})
	offering := inKurentosManner(t, newPipeline(t, there), pipeline.WebRtcEndpointOptions{UseDataChannels: true})
	answering := inKurentosManner(t, newPipeline(t, here), pipeline.WebRtcEndpointOptions{UseDataChannels: true})
	setGathering(t, answering, relayedBy(relay, "udp"))
	got := events(t, answering)
	negotiateBetween(t, offering, answering)
	waitEvent(t, got, func(ev pipeline.ConnectionStateChanged) bool { return ev.New == pipeline.ConnectionConnected })
	if pairs := answering.ICECandidatePairs(); len(pairs) != 1 || !strings.Contains(pairs[0].LocalCandidate, " typ relay ") {
		t.Errorf("pairs %+v", pairs)
	}
	if n := relay.Allocations(); n != 1 {
		t.Errorf("%d allocations", n)
	}
}
