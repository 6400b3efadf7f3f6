package kurento

import (
	"encoding/json"
	"errors"
	"fmt"

	"kelas/pipeline"
	"kelas/signaling/fault"
)

// Error is what a client is answered instead of a result.
type Error struct {
	Code    int
	Type    string // Kurento's name of the code, in error.data.type
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d %s)", e.Message, e.Code, e.Type) }

// MarshalJSON writes it as JSON-RPC 2.0, section 5.1 has it.
func (e *Error) MarshalJSON() ([]byte, error) {
	type data struct {
		Type string `json:"type"`
	}
	out := struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    *data  `json:"data,omitempty"`
	}{Code: e.Code, Message: e.Message}
	if e.Type != "" {
		out.Data = &data{e.Type}
	}
	return json.Marshal(out)
}

// JSON-RPC's own numbers.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeMethod         = -32601
	codeParams         = -32602
	codeInternal       = -32603
	codeMissing        = -32000
)

// Kurento's numbers that this package answers with.
const (
	codeMarshall        = 40001
	codeUnexpected      = 40003
	codeConnect         = 40004
	codeUnsupported     = 40005
	codeNotImplemented  = 40006
	codeSession         = 40007
	codeTransaction     = 40008
	codeResources       = 40009
	codeNotFound        = 40101
	codeEvent           = 40106
	codeIllegalParam    = 40107
	codeNotAvailable    = 40108
	codeNoCommit        = 40109
	codeTagKey          = 40110
	codeNotSupported    = 40111
	codeSDPCreate       = 40200
	codeSDPParse        = 40201
	codeNoLocalSDP      = 40202
	codeNoRemoteSDP     = 40203
	codeGenerateOffer   = 40204
	codeProcessOffer    = 40205
	codeProcessAnswer   = 40206
	codeSDPConfig       = 40207
	codeNegotiated      = 40208
	codeNoOffer         = 40209
	codeAnswerProcessed = 40210
	codeSDPSession      = 40211
	codeGather          = 40400
	codeAddCandidate    = 40401
	codeNoKMD           = 40500
	codeFileNotFound    = 40600
	codeSeek            = 40700
)

// typeOf is error.data.type of each number.
var typeOf = map[int]string{
	codeParams:          "INVALID_PARAMS",
	codeMarshall:        "MARSHALL_ERROR",
	codeUnexpected:      "UNEXPECTED_ERROR",
	codeConnect:         "CONNECT_ERROR",
	codeUnsupported:     "UNSUPPORTED_MEDIA_TYPE",
	codeNotImplemented:  "NOT_IMPLEMENTED",
	codeSession:         "INVALID_SESSION",
	codeTransaction:     "MALFORMED_TRANSACTION",
	codeResources:       "NOT_ENOUGH_RESOURCES",
	codeNotFound:        "MEDIA_OBJECT_NOT_FOUND",
	codeEvent:           "MEDIA_OBJECT_EVENT_NOT_SUPPORTED",
	codeIllegalParam:    "MEDIA_OBJECT_ILLEGAL_PARAM_ERROR",
	codeNotAvailable:    "MEDIA_OBJECT_NOT_AVAILABLE",
	codeNoCommit:        "MEDIA_OBJECT_NOT_FOUND_TRANSACTION_NO_COMMIT",
	codeTagKey:          "MEDIA_OBJECT_TAG_KEY_NOT_FOUND",
	codeNotSupported:    "MEDIA_OBJECT_OPERATION_NOT_SUPPORTED",
	codeSDPCreate:       "SDP_CREATE_ERROR",
	codeSDPParse:        "SDP_PARSE_ERROR",
	codeNoLocalSDP:      "SDP_END_POINT_NO_LOCAL_SDP_ERROR",
	codeNoRemoteSDP:     "SDP_END_POINT_NO_REMOTE_SDP_ERROR",
	codeGenerateOffer:   "SDP_END_POINT_GENERATE_OFFER_ERROR",
	codeProcessOffer:    "SDP_END_POINT_PROCESS_OFFER_ERROR",
	codeProcessAnswer:   "SDP_END_POINT_PROCESS_ANSWER_ERROR",
	codeSDPConfig:       "SDP_CONFIGURATION_ERROR",
	codeNegotiated:      "SDP_END_POINT_ALREADY_NEGOTIATED",
	codeNoOffer:         "SDP_END_POINT_NOT_OFFER_GENERATED",
	codeAnswerProcessed: "SDP_END_POINT_ANSWER_ALREADY_PROCCESED",
	codeSDPSession:      "SDP_END_POINT_CANNOT_CREATE_SESSON",
	codeGather:          "ICE_GATHER_CANDIDATES_ERROR",
	codeAddCandidate:    "ICE_ADD_CANDIDATE_ERROR",
	codeNoKMD:           "UNDEFINED",
	codeFileNotFound:    "URI_PATH_FILE_NOT_FOUND",
	codeSeek:            "PLAYER_SEEK_FAIL",
}

func fail(code int, format string, args ...any) *Error {
	return &Error{Code: code, Type: typeOf[code], Message: fmt.Sprintf(format, args...)}
}

func notFound(id string) *Error {
	return fail(codeNotFound, "Object '%s' not found", clip(id))
}

func notThere(what, why string) *Error {
	return fail(codeNotImplemented, "%s is not there: %s", what, why)
}

// clip keeps what a client made up short in what it is told.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}

// kurentosWords are errors of the pipeline for which Kurento has a number and
// words of its own; the rest is in the table of faults.
var kurentosWords = []struct {
	err  error
	code int
	text string
}{
	{pipeline.ErrAlreadyNegotiated, codeNegotiated, "Endpoint already negotiated"},
	{pipeline.ErrOfferNotGenerated, codeNoOffer, "Offer not generated. It is not possible to process an answer."},
	{pipeline.ErrAnswerAlreadyProcessed, codeAnswerProcessed, "Sdp Answer already processed"},
	{pipeline.ErrNoLocalDescription, codeNoLocalSDP, "No local SDP"},
	{pipeline.ErrNoRemoteDescription, codeNoRemoteSDP, "No remote SDP"},
	{pipeline.ErrNotSamePipeline, codeConnect, "Media elements do not share pipeline"},
	{pipeline.ErrNotSameHub, codeConnect, "The ports do not share a hub"},
	{pipeline.ErrUnknownDescription, codeIllegalParam, "There is no such media description"},
	{pipeline.ErrNoDataChannels, codeNotSupported, "Data channels are not supported"},
	{pipeline.ErrTooManyDataChannels, codeUnexpected, "Can not create data channel: there are too many"},
	{pipeline.ErrNoSuchDataChannel, codeIllegalParam, "There is no such data channel"},
	{pipeline.ErrNoFileRoot, codeIllegalParam, "Files are refused: the server was started without a folder for them (--kurento-file-root)"},
	{pipeline.ErrOutsideFileRoot, codeIllegalParam, "The file does not lie in the server's folder for them (--kurento-file-root)"},
	{pipeline.ErrHostNotAllowed, codeIllegalParam, "Players may not reach this host (--kurento-play-from)"},
	{pipeline.ErrSeek, codeSeek, "Seek fails"},
	{pipeline.ErrReleased, codeNotFound, "Object not found: it has been released"},
}

// withReason are errors whose text says what is wrong with what the client
// sent, and nothing else.
var withReason = []struct {
	err  error
	code int
}{
	{pipeline.ErrBadSDP, codeSDPParse},
	{pipeline.ErrBadCandidate, codeAddCandidate},
	{pipeline.ErrBadDataChannel, codeIllegalParam},
	{pipeline.ErrBadURI, codeIllegalParam},
	{pipeline.ErrBadBandwidth, codeIllegalParam},
	{pipeline.ErrBadKey, codeIllegalParam},
	{pipeline.ErrBadGathering, codeIllegalParam},
	{pipeline.ErrRelay, codeGather},
	{pipeline.ErrForbiddenAddress, codeSDPConfig},
	{pipeline.ErrStranger, codeSDPConfig},
	{pipeline.ErrUnsupported, codeNotImplemented},
}

// asError makes an answer of any error. What no table knows is the server's
// own trouble, and is logged by the caller.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	for _, w := range kurentosWords {
		if errors.Is(err, w.err) {
			return fail(w.code, "%s", w.text)
		}
	}
	for _, w := range withReason {
		if errors.Is(err, w.err) {
			return fail(w.code, "%s", clip(err.Error()))
		}
	}
	f := fault.Of(err)
	return fail(f.Kurento, "%s", f.Text)
}

// isKnown reports whether err is one that a client can be told in words.
func isKnown(err error) bool {
	return asError(err).Code != codeUnexpected || fault.Known(err)
}

// as answers with Kurento's number of the operation that failed, unless the
// error has a number of its own.
func as(code int, text string, err error) error {
	if err == nil {
		return nil
	}
	for _, w := range kurentosWords {
		if errors.Is(err, w.err) {
			return err
		}
	}
	for _, w := range withReason {
		if errors.Is(err, w.err) && w.code != code {
			return err
		}
	}
	return fail(code, "%s: %s", text, asError(err).Message)
}

// asSDP is as for what was done with a description of the client: one that
// cannot be read has a number of its own, and words before the reason.
func asSDP(code int, text string, err error) error {
	if errors.Is(err, pipeline.ErrBadSDP) {
		code, text = codeSDPParse, "Error parsing SDP"
	}
	return as(code, text, err)
}
