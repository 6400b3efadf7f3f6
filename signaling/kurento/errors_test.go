package kurento

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"kelas/pipeline"
)

// TestErrorNumbers: an error of the pipeline keeps its own number through the
// operation that met it, and what is the server's own trouble says nothing.
func TestErrorNumbers(t *testing.T) {
	wrapped := func(err error) error { return fmt.Errorf("doing something: %w", err) }
	for _, x := range []struct {
		err  error
		code int
		text string
	}{
		{asSDP(codeProcessOffer, "Error processing offer", wrapped(pipeline.ErrBadSDP)), codeSDPParse,
			"Error parsing SDP: doing something: the session description cannot be used"},
		{asSDP(codeProcessOffer, "Error processing offer", wrapped(pipeline.ErrAlreadyNegotiated)), codeNegotiated, "Endpoint already negotiated"},
		{asSDP(codeProcessOffer, "Error processing offer", wrapped(pipeline.ErrForbiddenAddress)), codeSDPConfig, ""},
		{asSDP(codeProcessAnswer, "Error processing answer", errors.New("a secret")), codeProcessAnswer, ""},
		{as(codeAddCandidate, "Error adding candidate", wrapped(pipeline.ErrBadCandidate)), codeAddCandidate, ""},
		{as(codeGather, "Error gathering candidates", wrapped(pipeline.ErrReleased)), codeNotFound, "Object not found: it has been released"},
		{wrapped(pipeline.ErrSeek), codeSeek, "Seek fails"},
		{wrapped(pipeline.ErrNotSamePipeline), codeConnect, "Media elements do not share pipeline"},
		{context.DeadlineExceeded, codeUnexpected, ""},
		{errors.New("a secret"), codeUnexpected, ""},
	} {
		e := asError(x.err)
		if e.Code != x.code || x.text != "" && e.Message != x.text || e.Type != typeOf[x.code] {
			t.Errorf("%v: %v, want %d %q", x.err, e, x.code, x.text)
		}
	}
	if e := asError(as(codeGather, "Error gathering candidates", errors.New("a secret"))); e.Message == "" || len(e.Message) > 200 ||
		e.Message != "Error gathering candidates: "+asError(errors.New("x")).Message {
		t.Errorf("what nobody knows is told as %q", e.Message)
	}
}

// TestEveryNumberHasItsName: what clients read in error.data.type.
func TestEveryNumberHasItsName(t *testing.T) {
	for _, code := range []int{codeMarshall, codeUnexpected, codeConnect, codeUnsupported, codeNotImplemented, codeSession, codeTransaction, codeResources,
		codeNotFound, codeEvent, codeIllegalParam, codeNotAvailable, codeNoCommit, codeTagKey, codeNotSupported, codeSDPCreate, codeSDPParse, codeNoLocalSDP,
		codeNoRemoteSDP, codeGenerateOffer, codeProcessOffer, codeProcessAnswer, codeSDPConfig, codeNegotiated, codeNoOffer, codeAnswerProcessed,
		codeSDPSession, codeGather, codeAddCandidate, codeNoKMD, codeFileNotFound, codeSeek} {
		if typeOf[code] == "" {
			t.Errorf("%d has no name", code)
		}
	}
}

// TestPanic: one in an operation fails that operation alone; its transaction
// tells what was made before, and the events of that come.
func TestPanic(t *testing.T) {
	ops := table.operations["PassThrough"]
	ops["fall"] = &operation{name: "fall", run: func(*call) (any, error) { panic("of the test") }}
	defer delete(ops, "fall")
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	c.subscribe(managerID, "ObjectCreated")
	m := c.call("transaction", obj{"operations": []obj{
		op(0, "create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": p}}), op(1, "invoke", obj{"object": "newref:0", "operation": "fall"})}})
	list, _ := m.Result["value"].([]any)
	if len(list) != 2 {
		t.Fatalf("answered %s", m.raw)
	}
	if e, _ := list[1].(obj)["error"].(obj); e["code"] != float64(codeInternal) || e["message"] != "Internal error" {
		t.Errorf("answered %s", m.raw)
	}
	id := list[0].(obj)["result"].(obj)["value"]
	if ev := c.event("ObjectCreated"); ev.Params.Value.Data["object"] != id {
		t.Errorf("event %s", ev.raw)
	}
	c.refuse(codeInternal, "invoke", obj{"object": id, "operation": "fall"})
	c.must("describe", obj{"object": id})
}
