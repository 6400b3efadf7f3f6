package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"kelas/signaling/auth"
)

// pageNames are all pages in the layout; each has a struct in its own file.
var pageNames = []string{"setup", "login", "classes", "class-form", "enter", "link", "after",
	"attendance", "account", "users", "keys", "imported", "problem"}

// classPageName frames itself and comes with every template class*.html.
const classPageName = "class"

// parsePages parses every page with the layout. A page that is missing or
// broken is an error before the first request.
func parsePages(fsys fs.FS) (map[string]*template.Template, error) {
	funcs := template.FuncMap{"stamp": stamp, "wallTime": wallTime}
	pages := map[string]*template.Template{}
	for _, name := range pageNames {
		t, err := template.New(name).Funcs(funcs).ParseFS(fsys, "layout.html", name+".html")
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		for _, part := range []string{"layout", "title", "main"} {
			if t.Lookup(part) == nil {
				return nil, fmt.Errorf("page %s: %q is not defined", name, part)
			}
		}
		pages[name] = t
	}
	all, err := fs.Glob(fsys, "class*.html")
	if err != nil {
		return nil, err
	}
	var mine []string
	for _, f := range all {
		if !isOwnPage(strings.TrimSuffix(path.Base(f), ".html")) {
			mine = append(mine, f)
		}
	}
	t, err := template.New(classPageName+".html").Funcs(funcs).ParseFS(fsys, mine...)
	if err != nil {
		return nil, fmt.Errorf("page %s: %w", classPageName, err)
	}
	if t.Lookup(classPageName+".html") == nil {
		return nil, fmt.Errorf("page %s: class.html is missing", classPageName)
	}
	pages[classPageName] = t
	return pages, nil
}

func isOwnPage(name string) bool {
	for _, n := range pageNames {
		if n == name {
			return true
		}
	}
	return false
}

// page is what every page's struct embeds.
type page struct {
	w         *Web
	Lang      string
	Languages []language
	CSRF      string
	Account   *auth.Account // nil when not logged in
	Path      string        // of this page
	Here      string        // Path with the query, to come back to
	Done      string        // key of a sentence on what was just done, or ""
}

// T is a key's words, {name} filled in from pairs.
func (p page) T(key string, pairs ...any) string { return p.w.words.text(p.Lang, key, pairs...) }

// N is a key's words by number.
func (p page) N(key string, n int) string { return p.w.words.number(p.Lang, key, n) }

// Size writes bytes.
func (p page) Size(n int64) string { return size(p.Lang, n) }

// Asset is the address of a file of static.
func (p page) Asset(name string) string { return p.w.assets.url(name) }

// IsAdmin and MayTeach choose what the menus show; the handlers check again.
func (p page) IsAdmin() bool { return p.Account != nil && p.Account.Role == auth.AccountAdmin }

// MayTeach: administrators and teachers make classes.
func (p page) MayTeach() bool { return p.Account != nil && mayTeach(p.Account) }

func mayTeach(a *auth.Account) bool {
	return a.Role == auth.AccountAdmin || a.Role == auth.AccountTeacher
}

// wallTime writes a time for <input type="datetime-local">, in UTC; the page's
// script turns it into the reader's zone.
func wallTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04") }

// stamp writes a time for <time datetime>; the page's script turns it into
// the reader's own zone and manner.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// render writes a page. It goes through a buffer: a page that fails half-way
// is an error and not half a page.
func (v *visit) render(status int, name string, data any) error {
	t := v.w.pages[name]
	if t == nil {
		return fmt.Errorf("page %s is not in the table", name)
	}
	entry := "layout"
	if name == classPageName {
		entry = classPageName + ".html"
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, entry, data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	h := v.c.Writer.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept-Language, Cookie")
	v.c.Status(status)
	if v.c.Request.Method == http.MethodHead {
		return nil
	}
	_, err := v.c.Writer.Write(b.Bytes())
	if err != nil {
		v.w.log.Debug("the browser left before the page was sent", "page", name, "error", err)
	}
	return nil
}
