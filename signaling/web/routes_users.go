package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"kelas/signaling/auth"
	"kelas/signaling/fault"
)

type usersPage struct {
	page
	Users    []userLine
	New      auth.NewAccount
	Error    string // key, of the form to add somebody
	FileErr  string // key, of the import
	Password string // of an account that was just made or reset; shown once
	For      string // whose password
}

type userLine struct {
	ID, Name, DisplayName, Role string
	Disabled, Self              bool
	CreatedAt                   time.Time
}

func (w *Web) users(v *visit) error { return w.showUsers(v, http.StatusOK, usersPage{}) }

func (w *Web) showUsers(v *visit, status int, p usersPage) error {
	if err := v.needAdmin(); err != nil {
		return err
	}
	p.page = v.page()
	all, err := w.d.Accounts.List(v.c.Request.Context())
	if err != nil {
		return err
	}
	for _, a := range all {
		p.Users = append(p.Users, userLine{ID: a.ID, Name: a.Name, DisplayName: a.DisplayName, Role: a.Role,
			Disabled: a.Disabled, Self: a.ID == v.account.ID, CreatedAt: a.CreatedAt})
	}
	return v.render(status, "users", p)
}

// createUser makes an account; without a password one is made and shown once.
func (w *Web) createUser(v *visit) error {
	if err := v.needAdmin(); err != nil {
		return err
	}
	f := v.c.Request.PostForm
	n := auth.NewAccount{Name: f.Get("name"), DisplayName: f.Get("display"), Role: f.Get("role"),
		Password: f.Get("password"), Language: f.Get("language")}
	p := usersPage{}
	if n.Password == "" {
		n.Password = auth.GeneratePassword()
		p.Password = n.Password
	}
	a, err := w.d.Accounts.Create(v.c.Request.Context(), n)
	if key := accountError(err); key != "" {
		n.Password = ""
		return w.showUsers(v, http.StatusUnprocessableEntity, usersPage{New: n, Error: key})
	}
	if err != nil {
		return err
	}
	if p.Password == "" {
		return v.redirect("/admin/users?done=user")
	}
	p.For = a.Name
	return w.showUsers(v, http.StatusOK, p)
}

func (w *Web) resetUser(v *visit) error {
	if err := v.needAdmin(); err != nil {
		return err
	}
	a, pw, err := w.d.Accounts.ResetPassword(v.c.Request.Context(), v.c.Request.PostForm.Get("id"))
	if errors.Is(err, auth.ErrNotFound) {
		return err
	}
	if err != nil {
		return err
	}
	if a.ID == v.account.ID { // the own log-ins ended too: show the password, then it is needed
		v.dropCookie(auth.CookieLogin)
	}
	return w.showUsers(v, http.StatusOK, usersPage{Password: pw, For: a.Name})
}

func (w *Web) disableUser(v *visit) error {
	if err := v.needAdmin(); err != nil {
		return err
	}
	f := v.c.Request.PostForm
	disabled := f.Get("disabled") == "true"
	_, err := w.d.Accounts.SetDisabled(v.c.Request.Context(), *v.account, f.Get("id"), disabled)
	if key := accountError(err); key != "" {
		return w.showUsers(v, http.StatusUnprocessableEntity, usersPage{Error: key})
	}
	if err != nil {
		return err
	}
	if disabled {
		return v.redirect("/admin/users?done=disabled")
	}
	return v.redirect("/admin/users?done=enabled")
}

type importedPage struct {
	page
	Rows         []importedLine
	Made, Failed int
}

type importedLine struct {
	Line                 int
	Name, Role, Password string
	Error                string // key, "" when made
}

// importUsers makes many accounts. It goes on when the browser leaves:
// passwords that were made must not be lost half-way without a trace.
func (w *Web) importUsers(v *visit) error {
	if err := v.needAdmin(); err != nil {
		return err
	}
	file, _, err := v.c.Request.FormFile("file")
	if err != nil {
		return w.showUsers(v, http.StatusUnprocessableEntity, usersPage{FileErr: "admin.import.none"})
	}
	defer file.Close()
	rows, err := w.d.Accounts.Import(context.WithoutCancel(v.c.Request.Context()), file)
	for _, pair := range []struct {
		err error
		key string
	}{
		{auth.ErrImportHeader, "admin.import.header"}, {auth.ErrImportFormat, "admin.import.format"},
		{auth.ErrImportLong, "admin.import.long"}, {auth.ErrImportEmpty, "admin.import.empty"},
	} {
		if errors.Is(err, pair.err) {
			return w.showUsers(v, http.StatusUnprocessableEntity, usersPage{FileErr: pair.key})
		}
	}
	if err != nil {
		return err
	}
	p := importedPage{page: v.page()}
	for _, r := range rows {
		line := importedLine{Line: r.Line, Name: r.Name, Role: r.Role, Password: r.Password}
		if r.Err != nil {
			if line.Error = accountError(r.Err); line.Error == "" {
				line.Error = "site.problem.internal.title"
				if !fault.Known(FromAuth(r.Err)) {
					w.log.Error("an account of an import could not be made", "request", v.client.RequestID, "line", r.Line, "error", r.Err)
				}
			}
			p.Failed++
		} else {
			p.Made++
		}
		p.Rows = append(p.Rows, line)
	}
	return v.render(http.StatusOK, "imported", p)
}
