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
