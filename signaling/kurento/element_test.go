package kurento

import (
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
