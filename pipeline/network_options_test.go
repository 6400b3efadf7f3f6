package pipeline_test

import (
	"errors"
	"strings"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func TestNetworkOptions(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{TCPAddr: "127.0.0.1:0"})
	p := newPipeline(t, s)
	page := pipelinetest.NewViewer(t, pipelinetest.Options{})
	offer := page.Offer()
	describe := func(o pipeline.NetworkOptions) (answer string, candidates []string) {
		t.Helper()
		e, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Release()
		if err := e.SetNetwork(o); err != nil {
			t.Fatal(err)
		}
		got := events(t, e)
		if answer, err = e.ProcessOffer(t.Context(), offer); err != nil {
			t.Fatal(err)
		}
		if err := e.GatherCandidates(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, got, func(ev pipeline.Event) bool {
			if f, ok := ev.(pipeline.IceCandidateFound); ok {
				candidates = append(candidates, f.Candidate.Candidate)
			}
			_, done := ev.(pipeline.IceGatheringDone)
			return done
		})
		return answer, candidates
	}
	plain, told := describe(pipeline.NetworkOptions{})
	if !strings.Contains(plain, " 127.0.0.1 ") || !strings.Contains(plain, "tcptype") || len(told) < 2 {
		t.Fatalf("without options: %v\n%s", told, plain)
	}
	answer, told := describe(pipeline.NetworkOptions{ExternalIPv4: "203.0.113.9", NoTCP: true})
	if strings.Contains(answer, "127.0.0.1 ") || strings.Contains(answer, "tcptype") || !strings.Contains(answer, " 203.0.113.9 ") {
		t.Errorf("the answer:\n%s", answer)
	}
	if len(told) != 1 || !strings.HasPrefix(told[0], "candidate:") || !strings.Contains(told[0], " 203.0.113.9 ") {
		t.Errorf("told were %v", told)
	}
	if _, told = describe(pipeline.NetworkOptions{Interfaces: []string{"lo"}}); len(told) < 2 {
		t.Errorf("of lo are told %v", told)
	}
	e := newEndpoint(t, p)
	for _, bad := range []pipeline.NetworkOptions{
		{ExternalIPv4: "::1"}, {ExternalIPv6: "127.0.0.1"}, {ExternalIPv4: "example.org"}, {Interfaces: []string{"none such"}},
	} {
		if err := e.SetNetwork(bad); !errors.Is(err, pipeline.ErrBadNetwork) {
			t.Errorf("%+v: error %v", bad, err)
		}
	}
}
