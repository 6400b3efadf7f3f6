package pipeline_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestBehindNAT: behind a NAT that lets in only whom something was sent to, the
// STUN server's answer is the way in, and nothing else is.
func TestBehindNAT(t *testing.T) {
	t.Parallel()
	n := pipelinetest.NewNetwork(t, pipelinetest.NetworkOptions{NAT: true})
	stun := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{Net: n.Client(), IP: "10.0.1.1"})
	s := newServer(t, pipeline.Config{Net: n.Server(), MediaAddr: pipelinetest.InnerIP + ":0"})
	teacher, _ := oneToMany(t, s, pipeline.Gathering{STUNServer: stun.Addr}, "srflx", func() pipelinetest.Options { return pipelinetest.Options{Net: n.Client()} })
	pairs := teacher.ICECandidatePairs()
	if len(pairs) != 1 || !strings.Contains(pairs[0].LocalCandidate, " "+pipelinetest.InnerIP+" ") {
		t.Errorf("pairs %+v", pairs)
	}
}

// TestReflexive: the candidate has what a browser needs, and comes only where it
// says something new.
func TestReflexive(t *testing.T) {
	t.Parallel()
	n := pipelinetest.NewNetwork(t, pipelinetest.NetworkOptions{NAT: true})
	stun := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{Net: n.Client(), IP: "10.0.1.1"})
	s := newServer(t, pipeline.Config{Net: n.Server(), MediaAddr: pipelinetest.InnerIP + ":0"})
	p := newPipeline(t, s)
	port := netip.MustParseAddrPort(s.MediaAddr().String()).Port()
	first := ""
	for range 2 {
		list := gather(t, p, pipeline.Gathering{STUNServer: stun.Addr})
		if len(list) != 2 || !strings.Contains(list[0], " typ host") {
			t.Fatalf("candidates %q", list)
		}
		f := strings.Fields(list[1])
		// RFC 8445, section 5.1.2: 2^24 * 100 + 2^8 * 65535 + 255.
		if f[1] != "1" || f[2] != "udp" || f[3] != "1694498815" || f[4] != pipelinetest.ServerIP || strings.Join(f[6:10], " ") != "typ srflx raddr "+pipelinetest.InnerIP ||
			f[10] != "rport" || f[11] != netip.AddrPortFrom(netip.IPv4Unspecified(), port).String()[len("0.0.0.0:"):] {
			t.Errorf("candidate %q", list[1])
		}
		if first == "" {
			first = list[1]
		}
		if list[1] != first {
			t.Errorf("the second endpoint has %q", list[1])
		}
	}
	// A TURN server over UDP says it too.
	if list := gather(t, p, relayedBy(stun, "udp")); len(list) != 3 || !strings.Contains(strings.Join(list, "\n"), " typ srflx ") {
		t.Errorf("candidates %q", list)
	}
}

// gather makes an endpoint with those settings and collects what is told up to
// the end of gathering.
func gather(t *testing.T, p *pipeline.MediaPipeline, g pipeline.Gathering) []string {
	t.Helper()
	e := inKurentosManner(t, p, pipeline.WebRtcEndpointOptions{})
	got := events(t, e)
	setGathering(t, e, g)
	page := pipelinetest.NewViewer(t, pipelinetest.Options{})
	gathering(t, e, page.Offer(), page.Apply)
	return candidatesUpToEnd(t, got)
}

func candidatesUpToEnd(t *testing.T, got <-chan pipeline.Event) (list []string) {
	t.Helper()
	waitFor(t, got, func(ev pipeline.Event) bool {
		if f, ok := ev.(pipeline.IceCandidateFound); ok {
			list = append(list, f.Candidate.Candidate)
		}
		_, done := ev.(pipeline.IceGatheringDone)
		return done
	})
	return list
}

// TestNoNAT: where the STUN server sees what is told already, nothing is added,
// also by a socket on all addresses, whose packets come with IPv4 in IPv6.
func TestNoNAT(t *testing.T) {
	t.Parallel()
	stun := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{})
	for _, at := range []string{"127.0.0.1:0", ":0"} {
		list := gather(t, newPipeline(t, newServer(t, pipeline.Config{MediaAddr: at})), pipeline.Gathering{STUNServer: stun.Addr})
		for _, c := range list {
			if !strings.Contains(c, " typ host") {
				t.Errorf("bound to %s: candidate %q", at, c)
			}
		}
	}
}

// silent is a machine that answers nothing.
func silent(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return netip.MustParseAddrPort(c.LocalAddr().String())
}

// TestSilentServers: they keep nobody waiting but the end of gathering.
func TestSilentServers(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	e := inKurentosManner(t, newPipeline(t, s), pipeline.WebRtcEndpointOptions{})
	got := events(t, e)
	nobody := silent(t)
	setGathering(t, e, pipeline.Gathering{STUNServer: nobody, TURN: &pipeline.TURNServer{Addr: nobody, Transport: "udp", User: "u", Password: "hidden"}})
	page := pipelinetest.NewMirror(t, pipelinetest.Options{})
	trickle(t, e, page.PeerConnection())
	if err := e.Connect(e); err != nil {
		t.Fatal(err)
	}
	gathering(t, e, page.Offer(), page.Apply)
	page.Start(pipelinetest.Mic, pipelinetest.Camera)
	order := []string{}
	waitFor(t, got, func(ev pipeline.Event) bool {
		switch ev := ev.(type) {
		case pipeline.IceComponentStateChanged:
			order = append(order, string(ev.State))
		case pipeline.Error:
			order = append(order, ev.Err.Error())
		case pipeline.IceGatheringDone:
			return true
		}
		return false
	})
	text := strings.Join(order, ", ")
	if ready, failed := strings.Index(text, "READY"), strings.Index(text, "it does not answer"); ready < 0 || failed < ready {
		t.Errorf("ICE waited for the servers: %s", text)
	}
	if strings.Contains(text, "hidden") {
		t.Errorf("the password is told: %s", text)
	}
}

// TestReleaseWhileGathering: an endpoint's end does not wait for servers that do
// not answer.
func TestReleaseWhileGathering(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for transport, nobody := range map[string]netip.AddrPort{"udp": silent(t), "tcp": netip.MustParseAddrPort(listener.Addr().String())} {
		e := inKurentosManner(t, newPipeline(t, s), pipeline.WebRtcEndpointOptions{})
		got := events(t, e)
		setGathering(t, e, pipeline.Gathering{STUNServer: nobody, TURN: &pipeline.TURNServer{Addr: nobody, Transport: transport, User: "u", Password: "p"}})
		page := pipelinetest.NewViewer(t, pipelinetest.Options{})
		gathering(t, e, page.Offer(), page.Apply)
		waitEvent[pipeline.IceCandidateFound](t, got, nil)
		e.Release()
	}
}

// TestInterfaces: addresses of other interfaces are not told, and one that stands
// in their place is told for an interface that has any.
func TestInterfaces(t *testing.T) {
	t.Parallel()
	n := pipelinetest.NewNetwork(t, pipelinetest.NetworkOptions{NAT: true})
	stun := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{Net: n.Client(), IP: "10.0.1.1"})
	const loopback = "lo0String" // as pion's virtual network calls it
	plain := newPipeline(t, newServer(t, pipeline.Config{Net: n.Server(), MediaAddr: "0.0.0.0:5000"}))
	external := newPipeline(t, newServer(t, pipeline.Config{Net: n.Server(), MediaAddr: "0.0.0.0:5001", ExternalIPs: []string{"203.0.113.7"}}))
	for _, x := range []struct {
		p          *pipeline.MediaPipeline
		interfaces []string
		want       string
	}{
		{plain, nil, pipelinetest.InnerIP + " 5000 host, " + pipelinetest.ServerIP + " srflx"},
		{plain, []string{"eth0"}, pipelinetest.InnerIP + " 5000 host, " + pipelinetest.ServerIP + " srflx"},
		{plain, []string{loopback, "eth0"}, pipelinetest.InnerIP + " 5000 host, " + pipelinetest.ServerIP + " srflx"},
		{plain, []string{loopback}, ""},
		{external, nil, "203.0.113.7 5001 host, " + pipelinetest.ServerIP + " srflx"},
		{external, []string{"eth0"}, "203.0.113.7 5001 host, " + pipelinetest.ServerIP + " srflx"},
	} {
		var got []string
		for _, c := range gather(t, x.p, pipeline.Gathering{Interfaces: x.interfaces, STUNServer: stun.Addr}) {
			f := strings.Fields(c)
			if f[7] == "host" {
				got = append(got, f[4]+" "+f[5]+" host")
			} else {
				got = append(got, f[4]+" "+f[7])
			}
		}
		if text := strings.Join(got, ", "); text != x.want {
			t.Errorf("%v: %s; want %s", x.interfaces, text, x.want)
		}
	}
	e := inKurentosManner(t, plain, pipeline.WebRtcEndpointOptions{})
	if err := e.SetGathering(pipeline.Gathering{Interfaces: []string{"eth0", "eth1"}}); !errors.Is(err, pipeline.ErrBadGathering) || !strings.Contains(err.Error(), `"eth1"`) {
		t.Errorf("error %v", err)
	}
}

// TestSetTooLate: what is set behind GatherCandidates changes nothing.
func TestSetTooLate(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	e := inKurentosManner(t, newPipeline(t, s), pipeline.WebRtcEndpointOptions{})
	got := events(t, e)
	page := pipelinetest.NewViewer(t, pipelinetest.Options{})
	gathering(t, e, page.Offer(), page.Apply)
	if list := candidatesUpToEnd(t, got); len(list) != 1 {
		t.Errorf("candidates %q", list)
	}
	relay := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{})
	setGathering(t, e, relayedBy(relay, "udp"))
	if err := e.GatherCandidates(); err != nil {
		t.Fatal(err)
	}
	e.Release()
	if n := relay.Allocations(); n != 0 {
		t.Errorf("%d allocations", n)
	}
}
