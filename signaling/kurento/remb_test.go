package kurento

import (
	"reflect"
	"testing"

	"kelas/pipeline/pipelinetest"
)

// TestRembParams: what is given changes, what is not given stays, and it acts.
func TestRembParams(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	e := c.endpoint(p)
	want := obj{"packetsRecvIntervalTop": 100.0, "exponentialFactor": 0.04, "linealFactorMin": 50.0, "linealFactorGrade": 30.0,
		"decrementFactor": 0.5, "thresholdFactor": 0.8, "upLosses": 12.0, "rembOnConnect": 300000.0, "__type__": "RembParams", "__module__": "kurento"}
	if got := c.invoke(e, "getRembParams", nil); !reflect.DeepEqual(got, want) {
		t.Errorf("at first %v", got)
	}
	c.invoke(e, "setRembParams", obj{"rembParams": obj{"rembOnConnect": 90000, "exponentialFactor": 0.01}})
	want["rembOnConnect"], want["exponentialFactor"] = 90000.0, 0.01
	c.refuse(codeIllegalParam, "invoke", obj{"object": e, "operation": "setRembParams", "operationParams": obj{"rembParams": obj{"decrementFactor": 7}}})
	c.invoke(e, "setRembParams", obj{"rembParams": obj{"upLosses": 20, "__type__": "RembParams", "__module__": "kurento"}})
	want["upLosses"] = 20.0
	if got := c.invoke(e, "getRembParams", nil); !reflect.DeepEqual(got, want) {
		t.Errorf("then %v", got)
	}
	page := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	c.negotiate(e, page.Negotiate)
	page.WaitConnected()
	page.Start(pipelinetest.Camera)
	eventually(t, "the browser is told", func() bool { return page.Estimate(pipelinetest.Camera) > 0 })
	if first := page.Estimate(pipelinetest.Camera); first != 90000 {
		t.Errorf("it is told %d", first)
	}
	r := c.create("RtpEndpoint", obj{"mediaPipeline": p})
	c.refuse(codeNotImplemented, "invoke", obj{"object": r, "operation": "getRembParams"})
	c.refuse(codeNotImplemented, "invoke", obj{"object": r, "operation": "setRembParams", "operationParams": obj{"rembParams": obj{}}})
}
