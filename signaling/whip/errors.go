package whip

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"kelas/pipeline"
	"kelas/signaling/fault"
)

// problem is an error of this door alone; all others are in the table of
// faults.
type problem struct {
	status int
	code   string
	text   string
}

func (p *problem) Error() string { return p.text }

var (
	errNoToken      = &problem{http.StatusUnauthorized, "noIdentity", "Send a join token of this class as Authorization: Bearer."}
	errNoSession    = &problem{http.StatusNotFound, "noSuchSession", "There is no such session."}
	errNoClass      = &problem{http.StatusNotFound, "classNotFound", "There is no such class."}
	errMethod       = &problem{http.StatusMethodNotAllowed, "methodNotAllowed", "This address does not take this method."}
	errNotSDP       = &problem{http.StatusUnsupportedMediaType, "unsupportedMediaType", "The body must be application/sdp."}
	errNotFragment  = &problem{http.StatusUnsupportedMediaType, "unsupportedMediaType", "The body must be application/trickle-ice-sdpfrag."}
	errTooLarge     = &problem{http.StatusRequestEntityTooLarge, "messageTooLarge", "The body is larger than allowed."}
	errUnreadable   = &problem{http.StatusUnprocessableEntity, "badMessage", "The body could not be read."}
	errManyTracks   = &problem{http.StatusUnprocessableEntity, "badSdp", "An offer has at most one audio and one video track here."}
	errSendsNothing = &problem{http.StatusUnprocessableEntity, "badSdp", "The offer sends neither sound nor picture."}
	errTakesNothing = &problem{http.StatusUnprocessableEntity, "badSdp", "The offer takes neither sound nor picture."}
	errPlace        = &problem{http.StatusUnprocessableEntity, "badMessage", "The parameter as is not one of those that the README lists."}
	errNobodyLive   = &problem{http.StatusConflict, "nobodyLive", "Nobody is live in this class yet."}
	errFull         = &problem{http.StatusServiceUnavailable, "mediaFull", "The server carries as many encoders and players as it can."}
	errNoETag       = &problem{http.StatusPreconditionRequired, "preconditionRequired", "Send the session's ETag as If-Match."}
	errOtherETag    = &problem{http.StatusPreconditionFailed, "preconditionFailed", "The ICE session is another one by now."}
	errFragment     = &problem{http.StatusBadRequest, "badMessage", "The SDP fragment cannot be read."}
	errCredentials  = &problem{http.StatusUnprocessableEntity, "badSdp", "A restart needs ice-ufrag and ice-pwd, both."}
	errOtherToken   = &problem{http.StatusForbidden, "tokenForged", "This is not the token that the session was made with."}
)

// problemOf is err as the client reads it. Bad media descriptions are 422: to
// some players 400 means something else.
func problemOf(err error) (p *problem, retry bool) {
	if errors.As(err, &p) {
		return p, p == errNobodyLive || p == errFull
	}
	f := fault.Of(err)
	p = &problem{f.Status, f.Code, f.Text}
	if errors.Is(err, pipeline.ErrBadSDP) {
		p.status = http.StatusUnprocessableEntity
	}
	return p, f.Retry
}

// refuse answers with problem details (RFC 9457).
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p, retry := problemOf(err)
	var own *problem
	if !errors.As(err, &own) && !fault.Known(err) {
		d.log.Error("a request failed", "path", r.PathValue("class"), "err", err)
	}
	h := w.Header()
	if p.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="kelas"`)
	}
	if retry {
		h.Set("Retry-After", strconv.Itoa(max(1, int(d.cfg.RetryAfter.Seconds()))))
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Code   string `json:"code"`
	}{p.text, p.status, p.code})
}
