package kurento

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// addressRig is a server on a virtual network, with a TURN server beside it.
type addressRig struct {
	*client
	network *pipelinetest.Network
	turn    *pipelinetest.TURN
}

const turnIP = "10.0.1.1" // the network's first client

func newAddressRig(t *testing.T, o pipelinetest.NetworkOptions) *addressRig {
	t.Helper()
	n := pipelinetest.NewNetwork(t, o)
	at := pipelinetest.ServerIP
	if o.NAT {
		at = pipelinetest.InnerIP
	}
	turn := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{Net: n.Client(), IP: turnIP})
	r := newMediaRig(t, Config{}, pipeline.Config{Net: n.Server(), MediaAddr: at + ":0"})
	return &addressRig{r.dial(), n, turn}
}

func (r *addressRig) turnURL() string {
	return fmt.Sprintf("%s:%s@%s?transport=udp", pipelinetest.TURNUser, pipelinetest.TURNPassword, r.turn.Addr)
}

// loop has a page see itself by an endpoint whose settings are made by set,
// before the offer or behind it; it returns the candidates.
func (r *addressRig) loop(t *testing.T, e string, early bool, set func()) []string {
	t.Helper()
	page := pipelinetest.NewMirror(t, pipelinetest.Options{Net: r.network.Client()})
	r.subscribe(e, "IceCandidateFound")
	r.subscribe(e, "IceGatheringDone")
	r.invoke(e, "connect", obj{"sink": e})
	if early {
		set()
	}
	answer, _ := r.invoke(e, "processOffer", obj{"offer": page.Offer()}).(string)
	if !early {
		set()
	}
	page.Apply(answer)
	page.Start(pipelinetest.Mic, pipelinetest.Camera)
	r.invoke(e, "gatherCandidates", nil)
	r.event("IceGatheringDone")
	var list []string
	for _, m := range r.events {
		if m.Params.Value.Type != "IceCandidateFound" {
			continue
		}
		c := m.Params.Value.Data["candidate"].(obj)
		text, mid := c["candidate"].(string), c["sdpMid"].(string)
		list = append(list, text)
		if err := page.PeerConnection().AddICECandidate(webrtc.ICECandidateInit{Candidate: text, SDPMid: &mid}); err != nil {
			t.Errorf("the browser refused %q: %v", text, err)
		}
	}
	r.events = nil
	page.Slot(pipelinetest.Camera).WaitTotal(t, 20, patience)
	return list
}

// TestRelayInTheProtocol: an application sets turnUrl, and a browser for which
// every way but the TURN server is cut sees its own picture.
func TestRelayInTheProtocol(t *testing.T) {
	for _, early := range []bool{true, false} {
		t.Run(fmt.Sprintf("before the offer %v", early), func(t *testing.T) {
			r := newAddressRig(t, pipelinetest.NetworkOptions{})
			r.network.OnlyBy(turnIP)
			e := r.endpoint(r.pipeline())
			r.subscribe(e, "NewCandidatePairSelected")
			list := r.loop(t, e, early, func() { r.invoke(e, "setTurnUrl", obj{"turnUrl": r.turnURL()}) })
			if len(list) != 2 || !strings.Contains(list[1], " "+turnIP+" ") || !strings.Contains(list[1], " typ relay ") {
				t.Errorf("candidates %q", list)
			}
			if url := r.invoke(e, "getTurnUrl", nil); url != r.turnURL() {
				t.Errorf("turnUrl %v", url)
			}
			pairs := r.invoke(e, "getICECandidatePairs", nil).([]any)
			if len(pairs) != 1 || pairs[0].(obj)["localCandidate"] != list[1] || !strings.Contains(pairs[0].(obj)["remoteCandidate"].(string), " 10.0.1.2 ") {
				t.Errorf("pairs %v", pairs)
			}
			if told := r.event("NewCandidatePairSelected").Params.Value.Data["candidatePair"]; told.(obj)["localCandidate"] != list[1] {
				t.Errorf("the event has %v", told)
			}
			r.must("release", obj{"object": e})
			pipelinetest.Eventually(t, patience, "the allocation ends", func() bool { return r.turn.Allocations() == 0 })
		})
	}
}

// TestSTUNInTheProtocol: the same behind a NAT, by the STUN server's answer.
func TestSTUNInTheProtocol(t *testing.T) {
	r := newAddressRig(t, pipelinetest.NetworkOptions{NAT: true})
	e := r.endpoint(r.pipeline())
	list := r.loop(t, e, false, func() {
		r.invoke(e, "setStunServerAddress", obj{"stunServerAddress": turnIP})
		r.invoke(e, "setStunServerPort", obj{"stunServerPort": int(r.turn.Addr.Port())})
	})
	if len(list) != 2 || !strings.Contains(list[1], " "+pipelinetest.ServerIP+" ") || !strings.Contains(list[1], " typ srflx raddr "+pipelinetest.InnerIP) {
		t.Errorf("candidates %q", list)
	}
	// What is the same as an external address is told once.
	e = r.endpoint(r.pipeline())
	port := strings.Fields(list[0])[5]
	list = r.loop(t, e, true, func() {
		r.invoke(e, "setExternalIPv4", obj{"externalIPv4": pipelinetest.ServerIP})
		r.invoke(e, "setStunServerAddress", obj{"stunServerAddress": turnIP})
		r.invoke(e, "setStunServerPort", obj{"stunServerPort": int(r.turn.Addr.Port())})
	})
	if !strings.Contains(list[0], " "+pipelinetest.ServerIP+" "+port+" typ host") || len(list) != 2 { // the NAT took another port
		t.Errorf("candidates %q", list)
	}
}

// TestGatheringProperties: what cannot be is refused in words, and leaves what
// was set before.
func TestGatheringProperties(t *testing.T) {
	r := newMediaRig(t, Config{}, pipeline.Config{})
	c := r.dial()
	e := c.endpoint(c.pipeline())
	for _, x := range []struct {
		name       string
		good, none any
		bad        []any
	}{
		{"turnUrl", "user:secret@127.0.0.1:3478?transport=tcp", "", []any{"secret", "user:secret@name:3478", "user:secret@0.0.0.0:3478", "user:secret@224.0.0.1:3478",
			"user:secret@127.0.0.1:0", strings.Repeat("u", 509) + ":secret@127.0.0.1:1", strings.Repeat("u", 2000)}},
		{"networkInterfaces", "lo", "", []any{"nothere0", "lo,nothere0", strings.Repeat("lo,", 1000)}},
		{"stunServerAddress", "127.0.0.1", "", []any{"stun.example.org", "255.255.255.255", "ff02::1", "0.0.0.0"}},
		{"stunServerPort", 19302.0, 3478.0, []any{0, -1, 65536}},
	} {
		set, get := "set"+strings.ToUpper(x.name[:1])+x.name[1:], "get"+strings.ToUpper(x.name[:1])+x.name[1:]
		if v := c.invoke(e, get, nil); v != x.none {
			t.Errorf("%s is %v at first", x.name, v)
		}
		c.invoke(e, set, obj{x.name: x.good})
		for _, bad := range x.bad {
			m := c.refuse(codeIllegalParam, "invoke", obj{"object": e, "operation": set, "operationParams": obj{x.name: bad}})
			if strings.Contains(m.Error.Message, "secret") {
				t.Errorf("%s: the error tells the password: %s", x.name, m.Error.Message)
			}
		}
		if v := c.invoke(e, get, nil); v != x.good {
			t.Errorf("%s is %v behind refused values", x.name, v)
		}
		if x.name != "stunServerPort" {
			c.invoke(e, set, obj{x.name: ""})
			if v := c.invoke(e, get, nil); v != "" {
				t.Errorf("%s is %v behind nothing", x.name, v)
			}
		}
	}
}

// TestAddressesOfTheServer: endpoints begin with the server's settings, act by
// them, and can take them back.
func TestAddressesOfTheServer(t *testing.T) {
	n := pipelinetest.NewNetwork(t, pipelinetest.NetworkOptions{})
	turn := pipelinetest.NewTURN(t, pipelinetest.TURNOptions{Net: n.Client(), IP: turnIP})
	n.OnlyBy(turnIP)
	url := fmt.Sprintf("%s:%s@%s", pipelinetest.TURNUser, pipelinetest.TURNPassword, turn.Addr)
	media := pipeline.Config{Net: n.Server(), MediaAddr: pipelinetest.ServerIP + ":0"}
	r := &addressRig{newMediaRig(t, Config{Addresses: Addresses{STUN: turn.Addr.String(), TURN: url, Interfaces: "eth0"}}, media).dial(), n, turn}
	p := r.pipeline()
	e := r.endpoint(p)
	for operation, want := range map[string]any{"getTurnUrl": url, "getStunServerAddress": turnIP, "getStunServerPort": float64(turn.Addr.Port()), "getNetworkInterfaces": "eth0"} {
		if v := r.invoke(e, operation, nil); v != want {
			t.Errorf("%s: %v", operation, v)
		}
	}
	if list := r.loop(t, e, true, func() {}); len(list) != 2 || !strings.Contains(list[1], " typ relay ") {
		t.Errorf("candidates %q", list)
	}
	e = r.endpoint(p)
	r.subscribe(e, "IceCandidateFound")
	r.subscribe(e, "IceGatheringDone")
	r.invoke(e, "setTurnUrl", obj{"turnUrl": ""})
	r.invoke(e, "processOffer", obj{"offer": pipelinetest.NewViewer(t, pipelinetest.Options{Net: n.Client()}).Offer()})
	r.invoke(e, "gatherCandidates", nil)
	r.event("IceGatheringDone")
	if len(r.events) != 1 {
		t.Errorf("candidates %v", r.events)
	}
	server, err := pipeline.NewServer(pipeline.Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, a := range []Addresses{{STUN: "stun.example.org:3478"}, {STUN: "198.51.100.1"}, {STUN: "255.255.255.255:1"}, {TURN: "secret"}, {Interfaces: "nothere0"}} {
		if err := (Config{Media: server, Addresses: a}).Validate(); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: error %v", a, err)
		}
	}
}
