package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"kelas/classroom"
	"kelas/signaling/auth"
	"kelas/signaling/fault"
)

// problem is an error as programs get it (RFC 9457). Code is the one that
// Socket.IO and the pages use too.
type problem struct {
	Type     string      `json:"type" doc:"Where the code is explained" format:"uri-reference"`
	Title    string      `json:"title" doc:"What happened, for people"`
	Status   int         `json:"status" doc:"HTTP status"`
	Code     string      `json:"code" doc:"What happened, for programs; stable"`
	Instance string      `json:"instance" doc:"Names this request in the server's log"`
	Errors   []complaint `json:"errors,omitempty" doc:"What is wrong with the request"`
}

// fromAuth gives an error of auth the one that the table of faults knows.
func fromAuth(err error) error {
	for _, pair := range []struct{ auth, fault error }{
		{auth.ErrKeyInvalid, fault.ErrKeyInvalid},
		{auth.ErrScopeMissing, fault.ErrScopeMissing},
		{auth.ErrBusy, fault.ErrTooFast},
		{auth.ErrNameInvalid, classroom.ErrNameInvalid},
		{auth.ErrNameTaken, classroom.ErrExists},
		{auth.ErrNotFound, classroom.ErrNotFound},
		{auth.ErrExists, classroom.ErrExists},
		{auth.ErrLastAdmin, fault.WithDetail(fault.ErrInvalid, "this is the last administrator")},
		{auth.ErrScopeInvalid, &invalid{[]complaint{{Pointer: "/scopes", Detail: "has a scope that does not exist"}}}},
		{auth.ErrExpiryInvalid, &invalid{[]complaint{{Pointer: "/expiresAt", Detail: "lies in the past"}}}},
		{auth.ErrRoleInvalid, &invalid{[]complaint{{Pointer: "/role", Detail: "is not admin, teacher or student"}}}},
		{auth.ErrLanguageInvalid, &invalid{[]complaint{{Pointer: "/language", Detail: "is not offered"}}}},
		{auth.ErrPasswordShort, &invalid{[]complaint{{Pointer: "/password", Detail: "is too short: at least 8 characters"}}}},
		{auth.ErrPasswordLong, &invalid{[]complaint{{Pointer: "/password", Detail: "is too long"}}}},
		{auth.ErrPasswordWeak, &invalid{[]complaint{{Pointer: "/password", Detail: "is among those that are guessed first"}}}},
	} {
		if errors.Is(err, pair.auth) {
			return fmt.Errorf("%w: %w", pair.fault, err)
		}
	}
	return err
}

// refuse answers with a problem; what nobody foresaw is logged here, once.
func (d *Door) refuse(g *gin.Context, err error) {
	err = fromAuth(err)
	f := fault.Of(err)
	id := d.d.Client(g.Request).RequestID
	if f.Code == fault.Internal && g.Request.Context().Err() == nil {
		d.log.Error("request failed", "request", id, "method", g.Request.Method, "route", g.FullPath(), "error", err)
	}
	p := problem{Type: Prefix + "/#code-" + f.Code, Title: f.Text, Status: f.Status, Code: f.Code, Instance: "urn:kelas:request:" + id}
	if f.Code == "noIdentity" {
		p.Title = "Send an API key as Authorization: Bearer."
	}
	var bad *invalid
	if errors.As(err, &bad) {
		p.Errors = bad.complaints
	}
	h := g.Writer.Header()
	if f.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="kelas"`)
	}
	if f.Retry && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "2")
	}
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	body, err := json.Marshal(p)
	if err != nil {
		d.log.Error("a problem cannot be encoded", "request", id, "error", err)
		g.Status(http.StatusInternalServerError)
		return
	}
	g.Data(f.Status, "application/problem+json", append(body, '\n'))
}

// NotFound answers addresses below Prefix that do not exist.
func (d *Door) NotFound(g *gin.Context) { d.refuse(g, classroom.ErrNotFound) }

// WrongMethod answers methods that an address does not have.
func (d *Door) WrongMethod(g *gin.Context) { d.refuse(g, fault.ErrMethod) }

// TooFast answers an address that asks faster than any key may.
func (d *Door) TooFast(w http.ResponseWriter, requestID string, wait time.Duration) {
	f := fault.Of(fault.ErrTooFast)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	w.WriteHeader(f.Status)
	body, _ := json.Marshal(problem{Type: Prefix + "/#code-" + f.Code, Title: f.Text, Status: f.Status, Code: f.Code,
		Instance: "urn:kelas:request:" + requestID}) // strings and a number
	_, _ = w.Write(body) // a client that has gone
}
