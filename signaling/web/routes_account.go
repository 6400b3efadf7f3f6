package web

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"kelas/signaling/auth"
)

type accountPage struct {
	page
	Logins []loginLine
	Error  string // words
}

type loginLine struct {
	Browser, Addr string
	Since, Until  time.Time
	This          bool
}

func (w *Web) account(v *visit) error { return w.showAccount(v, http.StatusOK, "") }

func (w *Web) showAccount(v *visit, status int, problem string) error {
	if err := v.needAccount(); err != nil {
		return err
	}
	logins, err := w.d.Accounts.Logins(v.c.Request.Context(), v.account.ID)
	if err != nil {
		return err
	}
	p := accountPage{page: v.page(), Error: problem}
	for _, l := range logins {
		p.Logins = append(p.Logins, loginLine{Browser: browserName(l.UserAgent), Addr: l.Addr,
			Since: l.CreatedAt, Until: l.ExpiresAt, This: l.ID == v.login.ID})
	}
	return v.render(status, "account", p)
}

func (w *Web) changePassword(v *visit) error {
	if err := v.needAccount(); err != nil {
		return err
	}
	f := v.c.Request.PostForm
	if f.Get("password") != f.Get("again") {
		return w.showAccount(v, http.StatusUnprocessableEntity, v.t("site.account.error.differ"))
	}
	err := w.d.Accounts.ChangePassword(v.c.Request.Context(), *v.account, v.login.ID, f.Get("old"), f.Get("password"))
	var tooMany *auth.TooManyError
	switch {
	case err == nil:
		return v.redirect("/account?done=password")
	case errors.Is(err, auth.ErrCredentials):
		return w.showAccount(v, http.StatusUnprocessableEntity, v.t("account.old.wrong"))
	case errors.As(err, &tooMany):
		seconds := int(math.Ceil(tooMany.Wait.Seconds()))
		v.c.Writer.Header().Set("Retry-After", strconv.Itoa(seconds))
		return w.showAccount(v, http.StatusTooManyRequests, v.t("login.tooMany")+" "+w.words.number(v.lang, "login.wait", seconds))
	}
	if key := accountError(err); key != "" {
		return w.showAccount(v, http.StatusUnprocessableEntity, v.t(key))
	}
	return err
}
