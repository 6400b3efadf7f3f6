package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kelas/classroom"
	"kelas/signaling/auth"
	"kelas/signaling/fault"
)

// Limits on bodies.
const (
	formMax   = 64 << 10
	importMax = 1 << 20
)

const cookieLanguage = "kelas_lang"

// visit is one request: who, in which language, with which form token.
type visit struct {
	w       *Web
	c       *gin.Context
	client  Client
	lang    string
	browser string // the browser's random cookie
	account *auth.Account
	login   auth.Login
	token   string // of the log-in
}

type handler func(v *visit) error

// page answers with a page; an error becomes a page that explains it.
func (w *Web) page(h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		v, err := w.visit(c)
		if err == nil {
			err = h(v)
		}
		if err != nil {
			v.problem(err)
		}
	}
}

// form is page for a form or a small fetch: size, shape and form token are
// checked before h. A request that says who it is by Authorization carries
// nothing that a browser would add by itself, so it needs no form token.
func (w *Web) form(h handler) gin.HandlerFunc {
	return w.checked(h, formMax, func(r *http.Request) error { return r.ParseForm() })
}

// upload is form with one small file.
func (w *Web) upload(h handler) gin.HandlerFunc {
	return w.checked(h, importMax, func(r *http.Request) error { return r.ParseMultipartForm(importMax) })
}

func (w *Web) checked(h handler, limit int64, parse func(*http.Request) error) gin.HandlerFunc {
	return w.page(func(v *visit) error {
		r := v.c.Request
		r.Body = http.MaxBytesReader(v.c.Writer, r.Body, limit)
		if err := parse(r); err != nil {
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				return fault.ErrMessageTooLarge
			}
			return fault.WithDetail(fault.ErrBadMessage, "the form could not be read")
		}
		if err := v.checkFormToken(); err != nil {
			return err
		}
		return h(v)
	})
}

// api answers errors as JSON.
func (w *Web) api(h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		v, err := w.visit(c)
		if err == nil {
			err = h(v)
		}
		if err != nil {
			v.refuse(err)
		}
	}
}

// visit reads the cookies. It always returns a visit that can render a page.
func (w *Web) visit(c *gin.Context) (*visit, error) {
	v := &visit{w: w, c: c, client: ClientOf(c.Request), lang: choose(c.GetHeader("Accept-Language"))}
	if l := v.cookie(cookieLanguage); offered(l) {
		v.lang = l
	}
	if v.browser = v.cookie(auth.CookieBrowser); !auth.ValidBrowser(v.browser) {
		v.browser = auth.NewBrowser()
		if c.Request.Method == http.MethodGet {
			v.setCookie(auth.CookieBrowser, v.browser, time.Time{})
		}
	}
	token := v.cookie(auth.CookieLogin)
	if token == "" {
		return v, nil
	}
	acct, login, err := w.d.Accounts.Session(c.Request.Context(), token)
	if errors.Is(err, auth.ErrNotLoggedIn) {
		v.dropCookie(auth.CookieLogin)
		return v, nil
	}
	if err != nil {
		return v, err
	}
	v.account, v.login, v.token = &acct, login, token
	if offered(acct.Language) {
		v.lang = acct.Language
	}
	return v, nil
}

func (v *visit) page() page {
	p := page{w: v.w, Lang: v.lang, Languages: languages, Account: v.account,
		CSRF: v.w.d.Signer.FormToken(v.browser, v.login.ID), Path: v.c.Request.URL.Path}
	p.Here = p.Path
	if v.c.Request.Method == http.MethodGet {
		q := v.c.Request.URL.Query()
		q.Del("done") // said once
		if len(q) > 0 {
			p.Here += "?" + q.Encode()
		}
	}
	if key := "site.done." + v.c.Query("done"); v.w.words.has(v.lang, key) {
		p.Done = key
	}
	return p
}

func (v *visit) t(key string, pairs ...any) string { return v.w.words.text(v.lang, key, pairs...) }

func (v *visit) checkFormToken() error {
	if v.bearer() != "" {
		return nil
	}
	token := v.c.GetHeader("X-CSRF-Token")
	if token == "" {
		token = v.c.Request.PostFormValue("csrf")
	}
	return v.w.d.Signer.CheckFormToken(token, v.browser, v.login.ID)
}

// bearer is the join token or seat of a client without cookies.
func (v *visit) bearer() string {
	h := v.c.GetHeader("Authorization")
	if len(h) > 7 && strings.EqualFold(h[:7], "Bearer ") {
		return strings.TrimSpace(h[7:])
	}
	return ""
}

func (v *visit) cookie(name string) string {
	if c, err := v.c.Request.Cookie(name); err == nil {
		return c.Value
	}
	return ""
}

// setCookie keeps a cookie from scripts and from other sites' requests. Lax
// and not Strict: a join link in a chat or a mail must find the log-in. A
// zero expiry ends with the browser.
func (v *visit) setCookie(name, value string, expires time.Time) {
	c := v.baseCookie(name)
	c.Value, c.Expires = value, expires
	http.SetCookie(v.c.Writer, c)
}

func (v *visit) dropCookie(name string) {
	c := v.baseCookie(name)
	c.MaxAge = -1
	http.SetCookie(v.c.Writer, c)
}

// baseCookie: in a frame on another site a browser keeps only cookies that
// say so, and those in a jar for that site alone (Partitioned). A log-in is
// never among them.
func (v *visit) baseCookie(name string) *http.Cookie {
	c := &http.Cookie{Name: name, Path: "/", HttpOnly: true, Secure: v.client.Secure, SameSite: http.SameSiteLaxMode}
	if v.framed() && name != auth.CookieLogin && name != auth.CookieDevice {
		c.SameSite, c.Partitioned = http.SameSiteNoneMode, true
	}
	return c
}

// framed reports whether the page is shown in a frame that may be another
// site's. Browsers take the cookies for that over TLS only.
func (v *visit) framed() bool {
	if len(v.w.cfg.FrameAncestors) == 0 || !v.client.Secure {
		return false
	}
	dest := v.c.GetHeader("Sec-Fetch-Dest")
	return dest == "iframe" || dest == "frame"
}

// dropSeats forgets who this browser was in classes: after a log-in or
// log-out somebody else may sit before it.
func (v *visit) dropSeats() {
	for _, c := range v.c.Request.Cookies() {
		if strings.HasPrefix(c.Name, auth.SeatCookie("")) {
			v.dropCookie(c.Name)
		}
	}
}

func (v *visit) redirect(to string) error {
	v.c.Writer.Header().Set("Cache-Control", "no-store")
	v.c.Redirect(http.StatusSeeOther, to)
	return nil
}

// local keeps a redirection on this site.
func local(to, otherwise string) string {
	if len(to) > 2048 || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") ||
		strings.ContainsAny(to, "\\\r\n\t") {
		return otherwise
	}
	return to
}

// needAccount sends people who are not logged in to the log-in page.
var errToLogin = errors.New("not logged in")

func (v *visit) needAccount() error {
	if v.account == nil {
		return errToLogin
	}
	return nil
}

func (v *visit) needAdmin() error {
	if err := v.needAccount(); err != nil {
		return err
	}
	if v.account.Role != auth.AccountAdmin {
		return classroom.ErrNotAllowed
	}
	return nil
}

// person is who a request is in a class.
type person struct {
	lesson      classroom.Lesson
	identity    auth.Identity
	participant *classroom.Participant // nil when it never joined
}

// may asks the one table.
func (p person) may(a classroom.Action) bool {
	if p.participant != nil {
		return p.participant.May(a)
	}
	return classroom.Role(p.identity.Role).May(a)
}

// lockedOut: the class is locked, and who asks was never in it.
func (p person) lockedOut() bool {
	return p.lesson.Locked && p.participant == nil && !p.may(classroom.ActLock)
}

// person identifies the request in the class of its address and refuses who
// was removed, guests that were not let in, and whom a locked class keeps out.
func (v *visit) person() (person, error) {
	p, err := v.visitor()
	if err == nil && p.lockedOut() {
		err = classroom.ErrClassLocked
	}
	if err == nil && p.identity.Guest && p.participant == nil {
		err = v.w.d.Classes.MayEnter(v.c.Request.Context(), p.lesson.ID, classroom.Identity{Key: p.identity.Key,
			Name: p.identity.Name, Role: classroom.Role(p.identity.Role), Guest: true})
	}
	return p, err
}

// visitor is person without the refusal of guests, for the page that they
// wait on.
func (v *visit) visitor() (person, error) {
	ctx, classID := v.c.Request.Context(), v.c.Param("class")
	lesson, err := v.lesson(classID)
	if err != nil {
		return person{}, err
	}
	id, err := v.w.d.Gate.Identify(v.c.Request, classID, v.bearer(), "")
	if err != nil {
		return person{}, err
	}
	p := person{lesson: lesson, identity: id}
	part, err := v.w.d.Classes.Participant(ctx, classID, id.Key)
	switch {
	case err == nil:
		p.participant = &part
	case !errors.Is(err, classroom.ErrNoSuchParticipant):
		return person{}, err
	}
	return p, nil
}

func (v *visit) lesson(classID string) (classroom.Lesson, error) {
	if !auth.ValidClassID(classID) {
		return classroom.Lesson{}, classroom.ErrClassNotFound
	}
	lesson, err := v.w.d.Classes.Lesson(v.c.Request.Context(), classID)
	if err != nil {
		return lesson, fmt.Errorf("class: %w", err)
	}
	return lesson, nil
}
