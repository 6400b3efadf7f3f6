package pipeline_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
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
