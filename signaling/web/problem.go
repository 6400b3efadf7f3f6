package web

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"kelas/classroom"
	"kelas/signaling/auth"
	"kelas/signaling/fault"
)

// FromAuth gives an error of auth the one that the table of faults knows.
func FromAuth(err error) error {
	var tooMany *auth.TooManyError
	if errors.As(err, &tooMany) {
		return fmt.Errorf("%w: %w", fault.ErrTooFast, err)
	}
	for _, pair := range []struct{ auth, fault error }{
		{auth.ErrNoIdentity, fault.ErrNoIdentity},
		{auth.ErrNotLoggedIn, fault.ErrNoIdentity},
		{auth.ErrTokenForged, fault.ErrTokenForged},
		{auth.ErrTokenExpired, fault.ErrTokenExpired},
		{auth.ErrTokenNotYet, fault.ErrTokenNotYet},
		{auth.ErrTokenOtherClass, fault.ErrTokenOtherClass},
		{auth.ErrTokenUsed, fault.ErrTokenUsed},
		{auth.ErrKeyInvalid, fault.ErrKeyInvalid},
		{auth.ErrScopeMissing, fault.ErrScopeMissing},
		{auth.ErrNameNeeded, fault.ErrNameNeeded},
		{auth.ErrBusy, fault.ErrTooFast},
		{auth.ErrNameInvalid, classroom.ErrNameInvalid},
		{auth.ErrLanguageInvalid, fault.WithDetail(fault.ErrBadMessage, "this language is not offered")},
		{auth.ErrCSRF, fault.WithDetail(fault.ErrOriginForbidden, "or the page is too old; load it again")},
	} {
		if errors.Is(err, pair.auth) {
			return fmt.Errorf("%w: %w", pair.fault, err)
		}
	}
	return err
}

// problemCodes are the faults with a page of their own; the others share the
// page of their HTTP status.
var problemCodes = map[string]bool{
	"noIdentity": true, "tokenForged": true, "tokenExpired": true, "tokenNotYet": true, "tokenUsed": true, "tokenOtherClass": true,
	"classNotFound": true, "classLocked": true, "removed": true, "notAllowed": true, "noSuchFile": true, "form": true,
	"messageTooLarge": true, "tooFast": true, "storeUnavailable": true, "storeFull": true, "serverClosing": true,
	"conflict": true,
	"notFound": true, "badMessage": true, "internal": true,
}

type problemPage struct {
	page
	Code      string
	Status    int
	RequestID string
	Login     string // address of the log-in page that comes back here, or ""
	Retry     bool
}

// problem shows a page that says what happened and what to do.
func (v *visit) problem(err error) {
	if errors.Is(err, errToLogin) {
		to := "/login"
		if v.c.Request.Method == http.MethodGet {
			to += "?next=" + url.QueryEscape(v.c.Request.URL.Path)
		}
		_ = v.redirect(to)
		return
	}
	if v.wantsJSON() {
		v.refuse(err)
		return
	}
	f := v.fault(err)
	p := problemPage{page: v.page(), Code: f.Code, Status: f.Status, RequestID: v.client.RequestID, Retry: f.Retry}
	switch {
	case errors.Is(err, auth.ErrCSRF):
		p.Code, p.Status = "form", http.StatusForbidden
	case problemCodes[f.Code]:
	case f.Status == http.StatusForbidden:
		p.Code = "notAllowed"
	case f.Status == http.StatusNotFound:
		p.Code = "notFound"
	case f.Status >= 500:
		p.Code = "internal"
	default:
		p.Code = "badMessage"
	}
	if p.Code == "noIdentity" && v.account == nil {
		p.Login = "/login?next=" + url.QueryEscape(v.c.Request.URL.Path)
	}
	v.retryAfter(f, err)
	if err := v.render(p.Status, "problem", p); err != nil {
		v.w.log.Error("the problem page cannot be rendered", "request", v.client.RequestID, "error", err)
		v.c.String(http.StatusInternalServerError, "internal error\n")
	}
}

// refuse answers a program: {code, message}.
func (v *visit) refuse(err error) {
	if errors.Is(err, errToLogin) {
		err = auth.ErrNoIdentity
	}
	f := v.fault(err)
	v.retryAfter(f, err)
	v.c.Writer.Header().Set("Cache-Control", "no-store")
	v.c.JSON(f.Status, map[string]string{"code": f.Code, "message": f.Text})
}

// fault finds what is told; what nobody foresaw is logged here, once.
func (v *visit) fault(err error) fault.Fault {
	err = FromAuth(err)
	f := fault.Of(err)
	if f.Code == fault.Internal && v.c.Request.Context().Err() == nil {
		v.w.log.Error("request failed", "request", v.client.RequestID, "method", v.c.Request.Method,
			"route", v.c.FullPath(), "error", err)
	}
	return f
}

func (v *visit) retryAfter(f fault.Fault, err error) {
	wait := time.Duration(0)
	var tooMany *auth.TooManyError
	if errors.As(err, &tooMany) {
		wait = tooMany.Wait
	} else if f.Retry {
		wait = 2 * time.Second
	}
	if wait > 0 {
		v.c.Writer.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

// wantsJSON: fetches of our pages and clients with a token say so.
func (v *visit) wantsJSON() bool {
	return v.bearer() != "" || v.c.GetHeader("X-CSRF-Token") != "" || v.c.GetHeader("Accept") == "application/json"
}

func (w *Web) fails(c *gin.Context, err error) {
	w.page(func(*visit) error { return err })(c)
}

// NotFound answers addresses that do not exist.
func (w *Web) NotFound(c *gin.Context) { w.fails(c, classroom.ErrNotFound) }

// WrongMethod answers methods that an address does not have.
func (w *Web) WrongMethod(c *gin.Context) {
	w.page(func(v *visit) error {
		v.c.JSON(http.StatusMethodNotAllowed, map[string]string{"code": "unsupported", "message": "This address does not take " + v.c.Request.Method + "."})
		return nil
	})(c)
}
