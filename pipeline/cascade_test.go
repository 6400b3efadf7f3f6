package pipeline_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestBetweenPipelines: elements of two pipelines, or of two servers, are joined
// by two WebRtcEndpoints that negotiate with each other, as Kurento's users do.
func TestBetweenPipelines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		offers pipeline.WebRtcEndpointOptions // of the side that offers
		sends  bool                           // it is where the presenter is
		one    bool                           // server for both
	}{
		"the sending side offers":              {pipeline.WebRtcEndpointOptions{}, true, false},
		"the sending side offers, one server":  {pipeline.WebRtcEndpointOptions{}, true, true},
		"the sending side offers to send":      {pipeline.WebRtcEndpointOptions{SendOnly: true}, true, false},
		"the receiving side offers":            {pipeline.WebRtcEndpointOptions{}, false, false},
		"the receiving side offers to receive": {pipeline.WebRtcEndpointOptions{RecvOnly: true}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, pipeline.Config{})
			from, to := newPipeline(t, s), newPipeline(t, s)
			if !c.one {
				to = newPipeline(t, newServer(t, pipeline.Config{}))
			}
			teacher, student := present(t, from, pipelinetest.Options{}), view(t, to, pipelinetest.Options{})
			there, here := from, to
			if !c.sends {
				there, here = to, from
			}
			offering := inKurentosManner(t, there, c.offers)
			answering := inKurentosManner(t, here, pipeline.WebRtcEndpointOptions{})
			out, in := offering, answering
			if !c.sends {
				out, in = answering, offering
			}
			connect(t, teacher.endpoint, out)
			connect(t, in, student.endpoint)
			negotiateBetween(t, offering, answering)
			teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
			for _, place := range []pipelinetest.Place{pipelinetest.Camera, pipelinetest.Mic} {
				student.Slot(place).WaitTotal(t, 20, patience)
				checkClean(t, student.Slot(place), place, teacher.SourceID(place))
			}
		})
	}
}

// negotiateBetween has two endpoints negotiate with each other, and hands each the
// other's candidates.
func negotiateBetween(t *testing.T, offering, answering *pipeline.WebRtcEndpoint) {
	t.Helper()
	for a, b := range map[*pipeline.WebRtcEndpoint]*pipeline.WebRtcEndpoint{offering: answering, answering: offering} {
		t.Cleanup(a.Subscribe(func(ev pipeline.Event) {
			if f, ok := ev.(pipeline.IceCandidateFound); ok {
				if err := b.AddIceCandidate(f.Candidate); err != nil {
					t.Errorf("%v: %s", err, f.Candidate.Candidate)
				}
			}
		}))
	}
	offer, err := offering.GenerateOffer(t.Context(), pipeline.OfferOptions{})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := answering.ProcessOffer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := offering.ProcessAnswer(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	for _, e := range []*pipeline.WebRtcEndpoint{offering, answering} {
		if err := e.GatherCandidates(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoChecksForClasses: whoever joins a class may write what he likes into his
// offer. None has the server open further sockets and send to the addresses in it.
func TestNoChecksForClasses(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	port := fmt.Sprintf(" %d typ host", s.MediaAddr().(*net.UDPAddr).Port)
	for name, opts := range map[string]pipeline.WebRtcEndpointOptions{"to receive": {RecvOnly: true}, "to send": {SendOnly: true}} {
		offer, err := inKurentosManner(t, p, opts).GenerateOffer(t.Context(), pipeline.OfferOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(offer, "a=ice-lite") {
			t.Fatalf("%s: the offer is of one that checks", name)
		}
		e, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := e.ProcessOffer(t.Context(), offer)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(answer, "a=ice-lite") {
			t.Errorf("%s: the answer is of one that checks", name)
		}
		for line := range strings.Lines(answer) {
			if strings.HasPrefix(line, "a=candidate:") && strings.Contains(line, " udp ") && !strings.Contains(line, port) {
				t.Errorf("%s: a socket of its own: %s", name, line)
			}
		}
	}
}
