package kurento

import (
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestAddressing: what an application sets about addresses is in what the
// browser is told.
func TestAddressing(t *testing.T) {
	a := &addressing{v4: "203.0.113.5", noTCP: true}
	for _, x := range []struct {
		in, out string
		told    bool
	}{
		{"candidate:1 1 udp 2130706431 10.0.0.7 8189 typ host", "candidate:1 1 udp 2130706431 203.0.113.5 8189 typ host", true},
		{"candidate:2 1 udp 2130706431 192.168.1.7 8189 typ host", "", false},
		{"candidate:3 1 udp 2130706431 10.0.0.7 8190 typ host", "candidate:3 1 udp 2130706431 203.0.113.5 8190 typ host", true},
		{"candidate:4 1 tcp 1671430143 10.0.0.7 8189 typ host tcptype passive", "", false},
		{"candidate:5 1 udp 2130706431 fd00::7 8189 typ host", "candidate:5 1 udp 2130706431 fd00::7 8189 typ host", true},
		{"candidate:6 1 udp 1 198.51.100.1 9 typ relay raddr 10.0.0.7 rport 8189", "candidate:6 1 udp 1 198.51.100.1 9 typ relay raddr 10.0.0.7 rport 8189", true},
		{"", "", true},
	} {
		c, told := a.tell(pipeline.IceCandidate{Candidate: x.in})
		if told != x.told || told && c.Candidate != x.out {
			t.Errorf("%q: %q, %v", x.in, c.Candidate, told)
		}
	}
	r := newMediaRig(t, Config{}, pipeline.Config{TCPAddr: "127.0.0.1:0"})
	c := r.dial()
	e := c.endpoint(c.pipeline())
	for _, x := range []struct {
		operation string
		params    obj
	}{
		{"setExternalIPv4", obj{"externalIPv4": "fd00::1"}}, {"setExternalIPv4", obj{"externalIPv4": "name"}}, {"setExternalIPv6", obj{"externalIPv6": "10.0.0.1"}},
		{"setStunServerAddress", obj{"stunServerAddress": "stun.example.org"}}, {"setStunServerPort", obj{"stunServerPort": 70000}},
	} {
		c.refuse(codeIllegalParam, "invoke", obj{"object": e, "operation": x.operation, "operationParams": x.params})
	}
	if tcp := c.invoke(e, "getIceTcp", nil); tcp != true {
		t.Errorf("ICE-TCP at first: %v", tcp)
	}
	c.invoke(e, "setIceTcp", obj{"iceTcp": false})
	c.invoke(e, "setExternalIPv4", obj{"externalIPv4": "203.0.113.5"})
	c.invoke(e, "setStunServerAddress", obj{"stunServerAddress": "203.0.113.9"})
	if port, ip := c.invoke(e, "getStunServerPort", nil), c.invoke(e, "getExternalIPv4", nil); port != 3478.0 || ip != "203.0.113.5" {
		t.Errorf("port %v, address %v", port, ip)
	}
	c.subscribe(e, "IceCandidateFound")
	c.subscribe(e, "IceGatheringDone")
	c.invoke(e, "processOffer", obj{"offer": pipelinetest.NewPresenter(t, pipelinetest.Options{}).Offer()})
	c.invoke(e, "gatherCandidates", nil)
	c.event("IceGatheringDone")
	if len(c.events) != 1 {
		t.Fatalf("candidates %v", c.events)
	}
	if text := c.events[0].Params.Value.Data["candidate"].(obj)["candidate"].(string); !pipelineHost(text, "203.0.113.5") {
		t.Errorf("candidate %q", text)
	}
}

func pipelineHost(candidate, ip string) bool {
	a := &addressing{v4: ip}
	c, _ := a.tell(pipeline.IceCandidate{Candidate: candidate})
	return c.Candidate == candidate
}
