package kurento

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"kelas/pipeline/pipelinetest"
)

func on(object, operation string, params obj) obj {
	return obj{"object": object, "operation": operation, "operationParams": params}
}

func (c *client) make(typ string, params obj) string {
	c.t.Helper()
	return c.mustText("create", obj{"type": typ, "constructorParams": params, "properties": obj{}})
}

// TestFlowEvents: what Kurento calls a pad, and that nothing is transcoded, told
// once of each source when it is first taken.
func TestFlowEvents(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	e, pass := c.endpoint(p), c.make("PassThrough", obj{"mediaPipeline": p})
	for _, typ := range []string{"MediaFlowOutStateChanged", "MediaTranscodingStateChanged"} {
		c.subscribe(e, typ)
	}
	c.subscribe(pass, "MediaFlowInStateChanged")
	page := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	c.negotiate(e, page.Negotiate)
	page.Start(pipelinetest.Camera)
	if d := c.event("MediaFlowOutStateChanged").Params.Value.Data; d["padName"] != "default" || d["mediaType"] != "VIDEO" || d["state"] != "FLOWING" {
		t.Errorf("%v", d)
	}
	c.invoke(e, "connect", obj{"sink": pass, "sourceMediaDescription": "", "sinkMediaDescription": ""})
	if d := c.event("MediaTranscodingStateChanged").Params.Value.Data; d["binName"] != "default" || d["mediaType"] != "VIDEO" || d["state"] != "NOT_TRANSCODING" {
		t.Errorf("%v", d)
	}
	if d := c.event("MediaFlowInStateChanged").Params.Value.Data; d["padName"] != "default" || d["state"] != "FLOWING" {
		t.Errorf("%v", d)
	}
	c.invoke(e, "disconnect", obj{"sink": pass})
	if d := c.event("MediaFlowInStateChanged").Params.Value.Data; d["state"] != "NOT_FLOWING" {
		t.Errorf("%v", d)
	}
	c.invoke(e, "connect", obj{"sink": pass})
	c.event("MediaFlowInStateChanged")
	for _, ev := range c.events {
		if ev.Params.Value.Type == "MediaTranscodingStateChanged" {
			t.Errorf("told again: %s", ev.raw)
		}
	}
	for _, q := range []string{"isMediaFlowingIn", "isMediaFlowingOut", "isMediaTranscoding"} {
		c.refuse(codeIllegalParam, "invoke", on(e, q, obj{"mediaType": "DATA"}))
		if yes := c.invoke(e, q, obj{"mediaType": "AUDIO", "sinkMediaDescription": "nowhere", "sourceMediaDescription": "nowhere"}); yes != false {
			t.Errorf("%s: %v", q, yes)
		}
	}
	// Connected, but without a negotiation there is no way to the browser.
	late := c.endpoint(p)
	c.invoke(e, "connect", obj{"sink": late})
	c.refuse(codeNotSupported, "invoke", on(late, "requestKeyframe", nil))
	c.refuse(codeNotSupported, "invoke", on(e, "requestKeyframe", nil))
}

// checkLatencies: how long packets took to the endpoint, and through it, by the
// names of its sink pads.
func (c *client) checkLatencies(e string) {
	c.t.Helper()
	var own obj
	eventually(c.t, "both are measured", func() bool {
		own = c.invoke(e, "getStats", nil).(obj)[e].(obj)
		return len(own["inputLatency"].([]any)) == 2 && len(own["E2ELatency"].([]any)) == 2
	})
	for i, name := range []string{"sink_audio_default", "sink_video_default"} {
		in, through := own["inputLatency"].([]any)[i].(obj), own["E2ELatency"].([]any)[i].(obj)
		if in["name"] != name || through["name"] != name || in["__type__"] != "MediaLatencyStat" {
			c.t.Errorf("%v and %v, want %s", in, through, name)
		}
		if a, b := in["avg"].(float64), through["avg"].(float64); a <= 0 || b < a || b > 1e9 {
			c.t.Errorf("%s: %v ns to the endpoint, %v through it", name, a, b)
		}
	}
	if own = c.invoke(e, "getStats", obj{"mediaType": "AUDIO"}).(obj)[e].(obj); len(own["E2ELatency"].([]any)) != 1 {
		c.t.Errorf("of sound alone: %v", own)
	}
}

// TestStats: members of the real ones and where they come from, ids that last and
// are nobody else's, and a presenter, a relay and a viewer in a row.
func TestStats(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	from, pass, to := c.endpoint(p), c.make("PassThrough", obj{"mediaPipeline": p}), c.endpoint(p)
	c.invoke(p, "setLatencyStats", obj{"latencyStats": true})
	c.invoke(from, "connect", obj{"sink": pass})
	c.invoke(pass, "connect", obj{"sink": to})
	teacher, student := pipelinetest.NewPresenter(t, pipelinetest.Options{}), pipelinetest.NewViewer(t, pipelinetest.Options{})
	c.negotiate(from, teacher.Negotiate)
	c.negotiate(to, student.Negotiate)
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	student.Slot(pipelinetest.Camera).WaitFrames(t, 30, patience)
	c.checkLatencies(to)
	if own := c.invoke(pass, "getStats", nil).(obj)[pass].(obj); own["type"] != "element" || len(own["inputLatency"].([]any)) != 2 {
		t.Errorf("the relay: %v", own)
	}
	if own := c.invoke(from, "getStats", nil).(obj)[from].(obj); own["type"] != "endpoint" || len(own["inputLatency"].([]any)) != 0 || len(own["E2ELatency"].([]any)) != 0 {
		t.Errorf("nothing goes into the presenter: %v", own)
	}
	student.AskForKeyFrame(pipelinetest.Camera)
	student.AskByFIR(pipelinetest.Camera)
	var out obj
	eventually(t, "what the browser asked for is counted", func() bool {
		out = oneStat(t, c.invoke(to, "getStats", obj{"mediaType": "VIDEO"}).(obj), "RTCOutboundRTPStreamStats", "video_default")
		return out["pliCount"].(float64) >= 1 && out["firCount"].(float64) == 1 && out["targetBitrate"].(float64) > 0
	})
	again := oneStat(t, c.invoke(to, "getStats", obj{"mediaType": "VIDEO"}).(obj), "RTCOutboundRTPStreamStats", "video_default")
	if len(out["id"].(string)) != 36 || again["id"] != out["id"] || again["packetsSent"].(float64) < out["packetsSent"].(float64) {
		t.Errorf("%v, then %v", out, again)
	}
	in := oneStat(t, c.invoke(from, "getStats", obj{"mediaType": "VIDEO"}).(obj), "RTCInboundRTPStreamStats", "video_default")
	for _, name := range []string{"packetsReceived", "bytesReceived", "jitter"} {
		if in[name].(float64) <= 0 {
			t.Errorf("%s of what is received is %v", name, in[name])
		}
	}
	if in["codecId"] != "video/VP8" || in["mediaTrackId"] != "video_default" || in["isRemote"] != false || in["type"] != "inboundrtp" {
		t.Errorf("%v", in)
	}
	a, b := oneStat(t, c.invoke(from, "getStats", obj{"mediaType": "DATA"}).(obj), "RTCPeerConnectionStats", ""),
		oneStat(t, c.invoke(to, "getStats", obj{"mediaType": "DATA"}).(obj), "RTCPeerConnectionStats", "")
	if a["id"] == b["id"] {
		t.Errorf("two endpoints have the entry %v", a["id"])
	}
	c.invoke(p, "setLatencyStats", obj{"latencyStats": false})
	if own := c.invoke(pass, "getStats", nil).(obj); len(own) != 0 {
		t.Errorf("the relay has %v though nothing is measured", own)
	}
}

// oneStat is the only entry of its type, and of that track if there is a name.
func oneStat(t testing.TB, stats obj, typ, track string) (found obj) {
	t.Helper()
	for _, s := range stats {
		if s := s.(obj); s["__type__"] == typ && (track == "" || s["mediaTrackId"] == track) {
			if found != nil {
				t.Fatalf("two entries are %s: %v", typ, stats)
			}
			found = s
		}
	}
	if found == nil {
		t.Fatalf("no entry is %s: %v", typ, stats)
	}
	return found
}

// TestDataChannelCalls: what Kurento takes, though it is odd, and what it refuses.
func TestDataChannelCalls(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	plain, e := c.endpoint(p), c.make("WebRtcEndpoint", obj{"mediaPipeline": p, "useDataChannels": true})
	c.refuse(codeNotSupported, "invoke", on(plain, "createDataChannel", nil))
	c.refuse(codeNotSupported, "invoke", on(plain, "closeDataChannel", obj{"channelId": 1}))
	c.refuse(codeIllegalParam, "invoke", on(e, "createDataChannel", obj{"maxPacketLifeTime": 1, "maxRetransmits": 1}))
	c.invoke(e, "closeDataChannel", obj{"channelId": 70000})
	c.invoke(e, "closeDataChannel", obj{"channelId": 7})
	c.invoke(e, "createDataChannel", obj{"label": "x", "maxRetransmits": 70000})
	page := pipelinetest.NewMirror(t, pipelinetest.Options{})
	list := page.Channels()
	page.OpenChannel("mine", nil)
	c.subscribe(e, "DataChannelOpened")
	c.negotiate(e, page.Negotiate)
	for range 2 {
		c.event("DataChannelOpened")
	}
	theirs := <-list
	if n := theirs.Channel().MaxRetransmits(); n == nil || *n != 65535 {
		t.Errorf("retransmits %v", n)
	}
}

// TestConnectionEvents: a source tells when its sink is taken by another, and
// when it is released; the manager tells of a subtree from its leaves up.
func TestConnectionEvents(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	in := obj{"mediaPipeline": p}
	a, b, sink := c.make("PassThrough", in), c.make("PassThrough", in), c.make("PassThrough", in)
	for _, e := range []string{a, b} {
		c.subscribe(e, "ElementConnected")
		c.subscribe(e, "ElementDisconnected")
	}
	told := func(typ, source, media string) {
		t.Helper()
		d := c.event(typ).Params.Value.Data
		if d["source"] != source || d["sink"] != sink || d["mediaType"] != media || d["sourceMediaDescription"] != "default" || d["sinkMediaDescription"] != "default" {
			t.Errorf("%s: %v, want %s of %s", typ, d, media, source)
		}
	}
	for _, e := range []string{a, b} {
		c.invoke(e, "connect", obj{"sink": sink, "mediaType": "VIDEO"})
	}
	told("ElementConnected", a, "VIDEO")
	told("ElementDisconnected", a, "VIDEO")
	told("ElementConnected", b, "VIDEO")
	c.must("release", obj{"object": sink})
	told("ElementDisconnected", b, "VIDEO")
	if list := c.invoke(b, "getSinkConnections", nil).([]any); len(list) != 0 {
		t.Errorf("connections %v", list)
	}
	hub := c.make("Dispatcher", in)
	port := c.make("HubPort", obj{"hub": hub})
	if parent := c.invoke(port, "getParent", nil); parent != hub {
		t.Errorf("the port's parent is %v", parent)
	}
	c.subscribe(managerID, "ObjectDestroyed")
	c.must("release", obj{"object": p})
	at := map[any]int{}
	for i := range 5 {
		at[c.event("ObjectDestroyed").Params.Value.Data["objectId"]] = i + 1
	}
	if at[port] == 0 || at[port] > at[hub] || at[hub] > at[p] || at[a] > at[p] || at[b] > at[p] || at[p] != 5 {
		t.Errorf("order %v", at)
	}
}

// TestWithoutTrickle: an application that waits for IceGatheringDone hands the
// browser the local description, and nothing else is needed.
func TestWithoutTrickle(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	for name, negotiate := range map[string]func(pipelinetest.Answerer){
		"sends and receives": pipelinetest.NewMirror(t, pipelinetest.Options{}).Negotiate,
		"receives":           pipelinetest.NewViewer(t, pipelinetest.Options{}).Negotiate,
	} {
		e := c.endpoint(p)
		c.subscribe(e, "IceGatheringDone")
		c.subscribe(e, "ConnectionStateChanged")
		negotiate(func(_ context.Context, offer string) (string, error) {
			answer := c.invoke(e, "processOffer", obj{"offer": offer}).(string)
			if now := c.invoke(e, "getLocalSessionDescriptor", nil); now != answer || strings.Contains(answer, "a=candidate") {
				t.Errorf("%s: before gathering: %v", name, now)
			}
			c.invoke(e, "gatherCandidates", nil)
			c.event("IceGatheringDone")
			local := c.invoke(e, "getLocalSessionDescriptor", nil).(string)
			if !strings.Contains(local, "\r\na=candidate:") || strings.Count(local, "a=end-of-candidates\r\n") != 1 || strings.Contains(local, "\r\r") {
				t.Errorf("%s: after gathering: %q", name, local)
			}
			return local, nil
		})
		c.event("ConnectionStateChanged")
		c.must("release", obj{"object": e})
	}
}

// TestDirections: what endpoints of one direction offer and answer, from the
// side of the server; of both directions the last one counts, as in Kurento.
func TestDirections(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	directions := regexp.MustCompile(`a=(sendrecv|sendonly|recvonly|inactive)`)
	read := func(sdp any) string { return strings.Join(directions.FindAllString(sdp.(string), -1), " ") }
	for _, x := range []struct {
		params        obj
		offer, answer string
	}{
		{obj{}, "a=sendrecv a=sendrecv", "a=sendrecv a=sendrecv"},
		{obj{"recvonly": true}, "a=recvonly a=recvonly", "a=recvonly a=recvonly"},
		{obj{"sendonly": true}, "a=sendonly a=sendonly", "a=sendonly a=sendonly"},
		{obj{"recvonly": true, "sendonly": true}, "a=sendonly a=sendonly", "a=sendonly a=sendonly"},
	} {
		x.params["mediaPipeline"] = p
		offers, answers := c.make("WebRtcEndpoint", x.params), c.make("WebRtcEndpoint", x.params)
		if got := read(c.invoke(offers, "generateOffer", nil)); got != x.offer {
			t.Errorf("%v offers %s, want %s", x.params, got, x.offer)
		}
		page := pipelinetest.NewMirror(t, pipelinetest.Options{})
		if got := read(c.invoke(answers, "processOffer", obj{"offer": page.Offer()})); got != x.answer {
			t.Errorf("%v answers %s, want %s", x.params, got, x.answer)
		}
	}
	for options, want := range map[string]string{"offerToReceiveAudio": "m=video", "offerToReceiveVideo": "m=audio"} {
		offer := c.invoke(c.endpoint(p), "generateOffer", obj{"options": obj{"__type__": "OfferOptions", options: false}}).(string)
		if lines := regexp.MustCompile(`m=\w+`).FindAllString(offer, -1); len(lines) != 1 || lines[0] != want {
			t.Errorf("without %s: %v", options, lines)
		}
	}
}
