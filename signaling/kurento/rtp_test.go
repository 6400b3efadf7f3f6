package kurento

import (
	"strings"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestBandwidth: what is set is told again, and stands in the description.
func TestBandwidth(t *testing.T) {
	c := newRig(t, Config{}).dial()
	e := c.endpoint(c.pipeline())
	for _, name := range []string{"MaxAudioRecvBandwidth", "MaxVideoRecvBandwidth", "MinVideoRecvBandwidth", "MinVideoSendBandwidth", "MaxVideoSendBandwidth"} {
		if got := c.invoke(e, "get"+name, nil); got != 0.0 {
			t.Errorf("%s is %v at first", name, got)
		}
	}
	c.invoke(e, "setMaxVideoRecvBandwidth", obj{"maxVideoRecvBandwidth": 321})
	c.invoke(e, "setMaxVideoSendBandwidth", obj{"maxVideoSendBandwidth": 800})
	if a, b := c.invoke(e, "getMaxVideoRecvBandwidth", nil), c.invoke(e, "getMaxVideoSendBandwidth", nil); a != 321.0 || b != 800.0 {
		t.Errorf("they are %v and %v", a, b)
	}
	c.refuse(codeIllegalParam, "invoke", obj{"object": e, "operation": "setMaxVideoSendBandwidth", "operationParams": obj{"maxVideoSendBandwidth": -1}})
	c.refuse(codeIllegalParam, "invoke", obj{"object": e, "operation": "setMinVideoSendBandwidth", "operationParams": obj{"minVideoSendBandwidth": 10_000_001}})
	// What contradicts the other bound is taken to it, as in Kurento.
	for _, x := range []struct {
		name, param string
		set, want   float64
	}{
		{"MinVideoSendBandwidth", "minVideoSendBandwidth", 900, 800}, {"MaxVideoSendBandwidth", "maxVideoSendBandwidth", 300, 800},
		{"MaxVideoSendBandwidth", "maxVideoSendBandwidth", 0, 0}, {"MinVideoRecvBandwidth", "minVideoRecvBandwidth", 500, 321},
	} {
		c.invoke(e, "set"+x.name, obj{x.param: x.set})
		if got := c.invoke(e, "get"+x.name, nil); got != x.want {
			t.Errorf("%s was set to %v and is %v, want %v", x.name, x.set, got, x.want)
		}
	}
	page := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	if answer := c.invoke(e, "processOffer", obj{"offer": page.Offer()}).(string); !strings.Contains(answer, "b=AS:321") {
		t.Errorf("answer %s", answer)
	}
}

// TestRtp: offers in the four profiles, keys that fit, and keys that do not.
func TestRtp(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	make := func(crypto obj) obj {
		return obj{"type": "RtpEndpoint", "constructorParams": obj{"mediaPipeline": p, "crypto": crypto}}
	}
	for _, x := range []struct {
		crypto  obj
		profile string
		code    int
	}{
		{obj{}, "RTP/AVP", 0},
		{obj{"crypto": "AES_128_CM_HMAC_SHA1_80"}, "RTP/SAVP", 0},
		{obj{"key": strings.Repeat("k", 30), "crypto": "AES_128_CM_HMAC_SHA1_32"}, "RTP/SAVP", 0},
		{obj{"keyBase64": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr", "crypto": "AES_128_CM_HMAC_SHA1_80"}, "RTP/SAVP", 0},
		{obj{"key": "short", "crypto": "AES_128_CM_HMAC_SHA1_80"}, "", codeIllegalParam},
		{obj{"key": strings.Repeat("k", 30), "crypto": "AES_256_CM_HMAC_SHA1_80"}, "", codeIllegalParam},
		{obj{"keyBase64": "%%%", "crypto": "AES_128_CM_HMAC_SHA1_80"}, "", codeIllegalParam},
		{obj{"key": "a", "keyBase64": "YQ=="}, "", codeIllegalParam},
		{obj{"crypto": "ROT13"}, "", codeMarshall},
	} {
		if x.code != 0 {
			c.refuse(x.code, "create", make(x.crypto))
			continue
		}
		e := c.mustText("create", make(x.crypto))
		offer := c.invoke(e, "generateOffer", nil).(string)
		if !strings.Contains(offer, x.profile) || !strings.Contains(offer, "m=audio ") || strings.Contains(offer, "m=audio 9 ") || strings.Contains(offer, "ice-ufrag") {
			t.Errorf("%v: offer %s", x.crypto, offer)
		}
		if strings.Contains(x.profile, "SAVP") != strings.Contains(offer, "a=crypto:") {
			t.Errorf("%v: offer %s", x.crypto, offer)
		}
		c.must("release", obj{"object": e})
	}
	e := c.mustText("create", make(obj{}))
	answer := c.invoke(e, "processOffer", obj{"offer": "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
		"m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"}).(string)
	if !strings.Contains(answer, "RTP/AVP 0") {
		t.Errorf("answer %s", answer)
	}
	c.refuse(codeNegotiated, "invoke", obj{"object": e, "operation": "generateOffer"})
	if s := c.invoke(e, "getConnectionState", nil); s != "CONNECTED" && s != "DISCONNECTED" {
		t.Errorf("state %v", s)
	}
}

// TestKeySoftLimit: applications subscribe to it by habit.
func TestKeySoftLimit(t *testing.T) {
	r := newRig(t, Config{})
	c := r.dial()
	e := c.create("RtpEndpoint", obj{"mediaPipeline": c.pipeline()})
	c.subscribe(e, "OnKeySoftLimit")
	o, err := r.s.find(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	r.s.happened(o, pipeline.KeySoftLimit{MediaType: pipeline.Audio})
	if m := c.event("OnKeySoftLimit").Params.Value; m.Object != e || m.Data["mediaType"] != "AUDIO" || m.Data["source"] != e {
		t.Errorf("%+v", m)
	}
	w := c.endpoint(c.pipeline())
	c.refuse(codeEvent, "subscribe", obj{"object": w, "type": "OnKeySoftLimit"})
}

// TestMTU: the size of packets can be read.
func TestMTU(t *testing.T) {
	c := newRig(t, Config{}).dial()
	w := c.endpoint(c.pipeline())
	if mtu := c.invoke(w, "getMtu", nil); mtu != 1200.0 {
		t.Errorf("the size is %v", mtu)
	}
	c.refuse(codeNotImplemented, "invoke", obj{"object": w, "operation": "setMtu", "operationParams": obj{"mtu": 1200}})
}
