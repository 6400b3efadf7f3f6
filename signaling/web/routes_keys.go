package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kelas/classroom"
	"kelas/signaling/auth"
)

// Webhooks lists what is told to other systems.
type Webhooks interface {
	List() []classroom.Webhook
}

type keysPage struct {
	page
	Keys   []keyLine
	Scopes []scopeLine
	Hooks  []classroom.Webhook
	Name   string
	Error  string // key, of the form
	Secret string // of a key that was just made; shown once
	For    string // its name
}

type keyLine struct {
	auth.APIKey
	State string // holds, revoked or expired
	Words string // key of the state
}

type scopeLine struct {
	Name, Words string
	Chosen      bool
}

// scopeWords is the key of what a scope means.
func scopeWords(scope string) string {
	return "admin.keys.scope." + strings.ReplaceAll(scope, ":", ".")
}

func (w *Web) keys(v *visit) error { return w.showKeys(v, http.StatusOK, keysPage{}, nil) }

func (w *Web) showKeys(v *visit, status int, p keysPage, chosen []string) error {
	if err := v.needAdmin(); err != nil {
		return err
	}
	p.page = v.page()
	all, err := w.d.Keys.List(v.c.Request.Context())
	if err != nil {
		return err
	}
	words := map[string]string{"holds": "admin.keys.holds", "revoked": "admin.keys.revoked", "expired": "admin.keys.expired"}
	for _, k := range all {
		state := k.State(w.cfg.Now())
		p.Keys = append(p.Keys, keyLine{k, state, words[state]})
	}
	for _, s := range auth.Scopes {
		line := scopeLine{Name: s.Name, Words: scopeWords(s.Name)}
		for _, c := range chosen {
			line.Chosen = line.Chosen || c == s.Name
		}
		p.Scopes = append(p.Scopes, line)
	}
	if w.d.Webhooks != nil {
		p.Hooks = w.d.Webhooks.List()
	}
	return v.render(status, "keys", p)
}

// keyDaysMax is the longest that a key with an end may last; the page says so.
const keyDaysMax = 3660

// createKey makes a key and shows its secret, this once.
func (w *Web) createKey(v *visit) error {
	if err := v.needAdmin(); err != nil {
		return err
	}
	f := v.c.Request.PostForm
	n := auth.NewAPIKey{Name: f.Get("name"), Scopes: f["scope"], OwnerID: v.account.ID}
	if text := strings.TrimSpace(f.Get("days")); text != "" {
		// What cannot be read must not become a key that never ends.
		days, err := strconv.Atoi(text)
		if err != nil || days < 1 || days > keyDaysMax {
			return w.showKeys(v, http.StatusUnprocessableEntity, keysPage{Name: n.Name, Error: "admin.keys.error.days"}, n.Scopes)
		}
		n.Expires = w.cfg.Now().Add(time.Duration(days) * 24 * time.Hour).UTC().Truncate(time.Millisecond)
	}
	k, secret, err := w.d.Keys.Create(v.c.Request.Context(), n)
	for _, pair := range []struct {
		err error
		key string
	}{{auth.ErrNameInvalid, "site.account.error.name"}, {auth.ErrScopeInvalid, "admin.keys.error.scope"}} {
		if errors.Is(err, pair.err) {
			return w.showKeys(v, http.StatusUnprocessableEntity, keysPage{Name: n.Name, Error: pair.key}, n.Scopes)
		}
	}
	if err != nil {
		return err
	}
	return w.showKeys(v, http.StatusOK, keysPage{Secret: secret, For: k.Name}, nil)
}

func (w *Web) revokeKey(v *visit) error {
	if err := v.needAdmin(); err != nil {
		return err
	}
	if _, err := w.d.Keys.Revoke(v.c.Request.Context(), v.c.Request.PostForm.Get("id")); err != nil {
		return err
	}
	return v.redirect("/admin/keys?done=revoked")
}
