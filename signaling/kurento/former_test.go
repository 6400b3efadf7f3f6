package kurento

import (
	"testing"

	"kelas/pipeline/pipelinetest"
)

// TestFormerNames: who uses Kurento 6's names is answered and told by them,
// beside those who use the ones of 7.
func TestFormerNames(t *testing.T) {
	r := newRig(t, Config{})
	c, other := r.dial(), r.dial()
	p := c.pipeline()
	e := c.endpoint(p)
	c.subscribe(e, "OnIceCandidate")
	c.subscribe(e, "OnIceGatheringDone")
	other.subscribe(e, "IceCandidateFound")
	c.invoke(e, "processOffer", obj{"offer": pipelinetest.NewPresenter(t, pipelinetest.Options{}).Offer()})
	c.invoke(e, "gatherCandidates", nil)
	ev := c.event("OnIceCandidate")
	if d := ev.Params.Value.Data; d["type"] != "OnIceCandidate" || d["candidate"].(obj)["__type__"] != "IceCandidate" {
		t.Errorf("event %s", ev.raw)
	}
	c.event("OnIceGatheringDone")
	if ev := other.event("IceCandidateFound"); ev.Params.Value.Data["type"] != "IceCandidateFound" {
		t.Errorf("the other's event %s", ev.raw)
	}
	for _, m := range append(c.events, other.events...) {
		if typ := m.Params.Value.Type; typ != "OnIceCandidate" && typ != "IceCandidateFound" {
			t.Errorf("an event that nobody wanted: %s", m.raw)
		}
	}
	for _, name := range []string{"MediaFlowInStateChange", "MediaFlowOutStateChange", "MediaTranscodingStateChange", "IceComponentStateChange",
		"OnIceComponentStateChanged", "DataChannelOpen", "OnDataChannelOpened", "DataChannelClose", "OnDataChannelClosed"} {
		c.subscribe(e, name)
	}
	c.refuse(codeEvent, "subscribe", obj{"object": p, "type": "OnIceCandidate"})

	if list := c.invoke(p, "getChilds", nil).([]any); len(list) != 1 || list[0] != e {
		t.Errorf("children %v", list)
	}
	for _, name := range []string{"setOutputBitrate", "setMinOutputBitrate", "setMaxOutputBitrate", "setMaxOuputBitrate", "getMinOuputBitrate"} {
		c.refuse(codeNotImplemented, "invoke", obj{"object": e, "operation": name, "operationParams": obj{"x": 1}})
	}
}

// TestExternalAddress: the property of 6 is the one of 7 of its family.
func TestExternalAddress(t *testing.T) {
	c := newRig(t, Config{}).dial()
	e := c.endpoint(c.pipeline())
	set := func(text string) { c.invoke(e, "setExternalAddress", obj{"externalAddress": text}) }
	set("203.0.113.5")
	set("2001:db8::5")
	if v4, v6 := c.invoke(e, "getExternalIPv4", nil), c.invoke(e, "getExternalIPv6", nil); v4 != "203.0.113.5" || v6 != "2001:db8::5" {
		t.Errorf("addresses %v, %v", v4, v6)
	}
	if both := c.invoke(e, "getExternalAddress", nil); both != "203.0.113.5" {
		t.Errorf("address %v", both)
	}
	c.refuse(codeIllegalParam, "invoke", obj{"object": e, "operation": "setExternalAddress", "operationParams": obj{"externalAddress": "name"}})
	set("")
	if both := c.invoke(e, "getExternalAddress", nil); both != "" {
		t.Errorf("address %v", both)
	}
}
