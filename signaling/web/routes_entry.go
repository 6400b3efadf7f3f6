package web

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"kelas/signaling/auth"
)

// deviceTTL is how long a browser is known as one that logged in before.
const deviceTTL = 365 * 24 * time.Hour

func (w *Web) home(v *visit) error {
	if v.account != nil {
		return v.redirect("/classes")
	}
	return v.redirect("/login")
}

type setupPage struct {
	page
	Code, Name, DisplayName, Language string
	Error                             string // key
}

func (w *Web) setupPage(v *visit) error {
	code := v.c.Query("code")
	if err := w.d.Accounts.CheckSetupCode(v.c.Request.Context(), code); err != nil {
		return w.setupFailed(v, setupPage{}, err)
	}
	// The code goes on in the form; this page must not be what a Referer names.
	v.c.Writer.Header().Set("Referrer-Policy", "no-referrer")
	return v.render(http.StatusOK, "setup", setupPage{page: v.page(), Code: code, Language: v.lang})
}

func (w *Web) setup(v *visit) error {
	f := v.c.Request.PostForm
	p := setupPage{page: v.page(), Code: f.Get("code"), Name: f.Get("name"),
		DisplayName: f.Get("display"), Language: f.Get("language")}
	if f.Get("password") != f.Get("again") {
		p.Error = "site.account.error.differ"
		return v.render(http.StatusUnprocessableEntity, "setup", p)
	}
	in, err := w.d.Accounts.Setup(v.c.Request.Context(), p.Code, auth.NewAccount{Name: p.Name,
		DisplayName: p.DisplayName, Password: f.Get("password"), Language: p.Language}, v.loginRequest())
	if err != nil {
		return w.setupFailed(v, p, err)
	}
	v.enterAccount(in)
	return v.redirect("/classes/new")
}

func (w *Web) setupFailed(v *visit, p setupPage, err error) error {
	if errors.Is(err, auth.ErrSetupClosed) {
		p.page = v.page()
		p.Code, p.Error = "", "setup.closed"
		return v.render(http.StatusGone, "setup", p)
	}
	if p.Error = accountError(err); p.Error == "" {
		return err
	}
	return v.render(http.StatusUnprocessableEntity, "setup", p)
}

// accountError is the key of what a person can put right in a form about
// accounts, or "" for everything else.
func accountError(err error) string {
	for _, pair := range []struct {
		err error
		key string
	}{
		{auth.ErrNameTaken, "site.account.error.taken"},
		{auth.ErrNameInvalid, "site.account.error.name"},
		{auth.ErrRoleInvalid, "site.account.error.role"},
		{auth.ErrPasswordShort, "site.account.error.short"},
		{auth.ErrPasswordLong, "site.account.error.long"},
		{auth.ErrPasswordWeak, "site.account.error.weak"},
		{auth.ErrLanguageInvalid, "site.account.error.language"},
		{auth.ErrBusy, "site.account.error.busy"},
		{auth.ErrSelf, "site.account.error.self"},
	} {
		if errors.Is(err, pair.err) {
			return pair.key
		}
	}
	return ""
}

type loginPage struct {
	page
	Name, Next string
	Error      string // words
}

func (w *Web) loginPage(v *visit) error {
	next := local(v.c.Query("next"), "/classes")
	if v.account != nil {
		return v.redirect(next)
	}
	return v.render(http.StatusOK, "login", loginPage{page: v.page(), Next: next})
}

func (w *Web) login(v *visit) error {
	f := v.c.Request.PostForm
	p := loginPage{page: v.page(), Name: f.Get("name"), Next: local(f.Get("next"), "/classes")}
	req := v.loginRequest()
	req.Name, req.Password = p.Name, f.Get("password")
	in, err := w.d.Accounts.Login(v.c.Request.Context(), req)
	var tooMany *auth.TooManyError
	switch {
	case err == nil:
		if v.token != "" { // the browser changes hands; the old log-in ends
			if err := w.d.Accounts.Logout(v.c.Request.Context(), v.token); err != nil {
				return err
			}
		}
		v.enterAccount(in)
		return v.redirect(p.Next)
	case errors.Is(err, auth.ErrCredentials):
		p.Error = v.t("login.wrong")
		return v.render(http.StatusUnauthorized, "login", p)
	case errors.As(err, &tooMany):
		seconds := int(math.Ceil(tooMany.Wait.Seconds()))
		v.c.Writer.Header().Set("Retry-After", strconv.Itoa(seconds))
		p.Error = v.t("login.tooMany") + " " + w.words.number(v.lang, "login.wait", seconds)
		return v.render(http.StatusTooManyRequests, "login", p)
	case errors.Is(err, auth.ErrBusy):
		v.c.Writer.Header().Set("Retry-After", "5")
		p.Error = v.t("login.busy")
		return v.render(http.StatusServiceUnavailable, "login", p)
	}
	return err
}

func (v *visit) loginRequest() auth.LoginRequest {
	return auth.LoginRequest{Addr: v.client.Addr, UserAgent: v.c.Request.UserAgent(), Device: v.cookie(auth.CookieDevice)}
}

// enterAccount leaves a log-in in the browser.
func (v *visit) enterAccount(in auth.LoggedIn) {
	v.setCookie(auth.CookieLogin, in.Token, in.Expires)
	v.setCookie(auth.CookieDevice, in.Device, v.w.cfg.Now().Add(deviceTTL))
	v.dropSeats()
}

func (w *Web) logout(v *visit) error {
	if err := w.d.Accounts.Logout(v.c.Request.Context(), v.token); err != nil {
		return err
	}
	return v.leaveAccount("out")
}

func (w *Web) logoutEverywhere(v *visit) error {
	if err := v.needAccount(); err != nil {
		return err
	}
	if err := w.d.Accounts.LogoutEverywhere(v.c.Request.Context(), v.account.ID); err != nil {
		return err
	}
	return v.leaveAccount("everywhere")
}

func (v *visit) leaveAccount(done string) error {
	v.dropCookie(auth.CookieLogin)
	v.dropSeats()
	return v.redirect("/login?done=" + done)
}

// language keeps the choice in the browser and, where there is one, in the account.
func (w *Web) language(v *visit) error {
	f := v.c.Request.PostForm
	code := f.Get("language")
	if !offered(code) {
		return auth.ErrLanguageInvalid
	}
	if v.account != nil && v.account.Language != code {
		if err := w.d.Accounts.SetLanguage(v.c.Request.Context(), *v.account, code); err != nil && !errors.Is(err, auth.ErrConflict) {
			return err
		}
	}
	v.setCookie(cookieLanguage, code, w.cfg.Now().Add(deviceTTL))
	if v.wantsJSON() {
		v.c.Status(http.StatusNoContent)
		return nil
	}
	return v.redirect(local(f.Get("next"), "/"))
}
