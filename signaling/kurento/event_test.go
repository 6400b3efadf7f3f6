package kurento

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"kelas/pipeline/pipelinetest"
)

func encodeText(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEventShape: byte by byte what a client gets, once however often it
// subscribed, with tags when it asked for them.
func TestEventShape(t *testing.T) {
	now := newClock()
	r := newRig(t, Config{Now: now.Now})
	c, other := r.dial(), r.dial()
	p := c.pipeline()
	e := c.mustText("create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": p}})
	first, second := c.subscribe(e, "ElementConnected"), c.subscribe(e, "ElementConnected")
	if first == second || !uuidText.MatchString(first) {
		t.Errorf("subscriptions %q and %q", first, second)
	}
	other.subscribe(e, "ElementConnected")
	c.invoke(e, "connect", obj{"sink": e, "mediaType": "VIDEO"})
	want := `{"jsonrpc":"2.0","method":"onEvent","params":{"value":{"data":{"mediaType":"VIDEO","sink":"` + e + `","sinkMediaDescription":"default",` +
		`"source":"` + e + `","sourceMediaDescription":"default","tags":[],"timestampMillis":"1795608000000","type":"ElementConnected"},"object":"` + e + `","type":"ElementConnected"}}}`
	if ev := c.event("ElementConnected"); ev.raw != want {
		t.Errorf("event %s\n want %s", ev.raw, want)
	}
	if ev := other.event("ElementConnected"); ev.raw != want {
		t.Errorf("the other's event %s", ev.raw)
	}
	c.must("unsubscribe", obj{"object": e, "subscription": first})
	c.invoke(e, "setSendTagsInEvents", obj{"sendTagsInEvents": true})
	c.invoke(e, "addTag", obj{"key": "k", "value": "v"})
	c.invoke(e, "connect", obj{"sink": e, "mediaType": "AUDIO"})
	ev := c.event("ElementConnected") // the second subscription is still there
	if ev.Params.Value.Data["mediaType"] != "AUDIO" || len(ev.Params.Value.Data["tags"].([]any)) != 1 {
		t.Errorf("event %s", ev.raw)
	}
	c.must("unsubscribe", obj{"object": e, "subscription": second})
	c.invoke(e, "connect", obj{"sink": e, "mediaType": "DATA"})
	if ev := other.event("ElementConnected"); ev.Params.Value.Data["mediaType"] != "AUDIO" {
		t.Errorf("event %s", ev.raw)
	}
	if ev := other.event("ElementConnected"); ev.Params.Value.Data["mediaType"] != "DATA" {
		t.Errorf("event %s", ev.raw)
	}
	c.must("describe", obj{"object": e})
	if len(c.events) != 0 {
		t.Errorf("after the last unsubscribe came %v", c.events)
	}
}

// TestWebRtc: the order of a negotiation in Kurento's manner, and its errors.
func TestWebRtc(t *testing.T) {
	r := newRig(t, Config{})
	c := r.dial()
	p := c.pipeline()
	e := c.endpoint(p)
	in := func(operation string, params obj) obj {
		return obj{"object": e, "operation": operation, "operationParams": params}
	}
	c.refuse(codeNoLocalSDP, "invoke", in("getLocalSessionDescriptor", nil))
	c.refuse(codeNoRemoteSDP, "invoke", in("getRemoteSessionDescriptor", nil))
	c.refuse(codeNoOffer, "invoke", in("processAnswer", obj{"answer": "v=0"}))
	c.refuse(codeSDPParse, "invoke", in("processOffer", obj{"offer": ""}))
	c.refuse(codeSDPParse, "invoke", in("processOffer", obj{"offer": "nonsense"}))
	c.refuse(codeAddCandidate, "invoke", in("addIceCandidate", obj{"candidate": obj{"candidate": "nonsense", "sdpMid": "0", "sdpMLineIndex": 0}}))
	c.refuse(codeUnexpected, "invoke", in("addIceCandidate", obj{"candidate": obj{"__type__": "Tag", "candidate": ""}}))
	c.refuse(codeNotSupported, "invoke", in("requestKeyframe", nil))
	c.must("invoke", in("addIceCandidate", obj{"candidate": obj{"__type__": "IceCandidate", "__module__": "kurento", "candidate": "", "sdpMid": "0", "sdpMLineIndex": 0}}))
	for _, typ := range []string{"IceComponentStateChanged", "NewCandidatePairSelected", "DtlsConnectionStateChange", "ConnectionStateChanged",
		"MediaStateChanged", "MediaFlowOutStateChanged", "MediaFlowInStateChanged", "MediaSessionStarted"} {
		c.subscribe(e, typ)
	}
	page := pipelinetest.NewMirror(t, pipelinetest.Options{})
	c.negotiate(e, page.Negotiate)
	if m := c.refuse(codeNegotiated, "invoke", in("processOffer", obj{"offer": page.Offer()})); m.Error.Message != "Endpoint already negotiated" {
		t.Errorf("a second offer: %s", m.raw)
	}
	c.refuse(codeNegotiated, "invoke", in("generateOffer", nil))
	c.invoke(e, "connect", obj{"sink": e})
	page.Start(pipelinetest.Mic, pipelinetest.Camera)
	page.Slot(pipelinetest.Camera).WaitFrames(t, 5, patience)
	for _, typ := range []string{"MediaSessionStarted", "NewCandidatePairSelected", "ConnectionStateChanged", "MediaFlowOutStateChanged", "MediaFlowInStateChanged", "MediaStateChanged", "DtlsConnectionStateChange"} {
		c.event(typ)
	}
	states := map[string]bool{}
	for !states["READY"] {
		d := c.event("IceComponentStateChanged").Params.Value.Data
		if d["streamId"] != 1.0 || d["componentId"] != 1.0 {
			t.Errorf("%v", d)
		}
		states[d["state"].(string)] = true
	}
	if !states["CONNECTED"] {
		t.Errorf("states %v", states)
	}
	if pairs := c.invoke(e, "getICECandidatePairs", nil).([]any); len(pairs) != 1 || pairs[0].(obj)["__type__"] != "IceCandidatePair" {
		t.Errorf("pairs %v", pairs)
	}
	if list := c.invoke(e, "getIceConnectionState", nil).([]any); len(list) != 1 || list[0].(obj)["state"] != "READY" {
		t.Errorf("ICE %v", list)
	}
	if list := c.invoke(e, "getDtlsConnectionState", nil).([]any); len(list) != 1 || list[0].(obj)["state"] != "CONNECTED" {
		t.Errorf("DTLS %v", list)
	}
	if s := c.invoke(e, "getConnectionState", nil); s != "CONNECTED" {
		t.Errorf("connection %v", s)
	}
	eventually(t, "media is connected", func() bool { return c.invoke(e, "getMediaState", nil) == "CONNECTED" })
	for _, o := range []string{"isMediaFlowingIn", "isMediaFlowingOut"} {
		if flowing := c.invoke(e, o, obj{"mediaType": "VIDEO"}); flowing != true {
			t.Errorf("%s: %v", o, flowing)
		}
	}
	c.invoke(e, "requestKeyframe", nil)
	if stats := c.invoke(e, "getStats", obj{"mediaType": "VIDEO"}).(obj); !hasStat(stats, "RTCInboundRTPStreamStats", "packetsReceived") || !hasStat(stats, "RTCOutboundRTPStreamStats", "packetsSent") {
		t.Errorf("stats %v", stats)
	}
	if own := c.invoke(e, "getStats", nil).(obj)[e]; own != nil {
		t.Errorf("latency without being asked for: %v", own)
	}
	c.invoke(p, "setLatencyStats", obj{"latencyStats": true})
	if on := c.invoke(p, "getLatencyStats", nil); on != true {
		t.Errorf("latencyStats is %v", on)
	}
	c.checkLatencies(e)
	if sdp := c.invoke(e, "getLocalSessionDescriptor", nil).(string); !regexp.MustCompile(`(?m)^v=0`).MatchString(sdp) {
		t.Errorf("local description %q", sdp)
	}
	links := c.invoke(e, "getSinkConnections", obj{"mediaType": "AUDIO"}).([]any)
	if len(links) != 1 || links[0].(obj)["source"] != e || links[0].(obj)["sink"] != e {
		t.Errorf("connections %v", links)
	}
	c.invoke(e, "disconnect", obj{"sink": e})
	if links := c.invoke(e, "getSourceConnections", nil).([]any); len(links) != 0 {
		t.Errorf("connections %v", links)
	}
	c.must("release", obj{"object": p})
	eventually(t, "the media is gone", func() bool { return r.s.cfg.Media.Stats().Endpoints == 0 })
}

func hasStat(stats obj, typ, counter string) bool {
	for id, s := range stats {
		s := s.(obj)
		if s["__type__"] == typ && s["id"] == id && s[counter].(float64) > 0 && s["timestampMillis"].(float64) > 1e12 {
			return true
		}
	}
	return false
}

// TestSlowReader: a client that does not read is cut; its session stays.
func TestSlowReader(t *testing.T) {
	r := newRig(t, Config{CollectPeriod: time.Hour})
	c, busy := r.dial(), r.dial()
	session := c.connect("")
	p := c.pipeline()
	e := c.mustText("create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": p}})
	c.subscribe(e, "ElementConnected")
	c.subscribe(e, "ElementDisconnected")
	gone := func() bool { return r.s.Stats().Connections == 1 }
	deadline := time.Now().Add(2 * patience)
	for !gone() && time.Now().Before(deadline) {
		busy.invoke(e, "connect", obj{"sink": e})
		busy.invoke(e, "disconnect", obj{"sink": e})
	}
	if !gone() {
		t.Fatal("the connection is still there")
	}
	again := r.dial()
	again.connect(session)
	again.must("describe", obj{"object": e})
}
