package web

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"sort"
	"strconv"
	"strings"
)

// languages are the ones on offer, each with its own name for itself.
var languages = []language{{"id", "Bahasa Indonesia"}, {"en", "English"}}

type language struct{ Code, Name string }

func offered(code string) bool {
	for _, l := range languages {
		if l.Code == code {
			return true
		}
	}
	return false
}

// words are the texts of all languages by key.
type words struct{ by map[string]map[string]string }

// loadWords reads site.*.json and class.*.json. The pages use both.
func loadWords(fsys fs.FS) (*words, error) {
	w := &words{by: map[string]map[string]string{}}
	for _, l := range languages {
		all := map[string]string{}
		for _, part := range []string{"site", "class"} {
			name := "i18n/" + part + "." + l.Code + ".json"
			raw, err := fs.ReadFile(fsys, name)
			if err != nil {
				return nil, fmt.Errorf("words: %w", err)
			}
			m := map[string]string{}
			if err := json.Unmarshal(raw, &m); err != nil {
				return nil, fmt.Errorf("words: %s: %w", name, err)
			}
			for k, v := range m {
				if _, twice := all[k]; twice {
					return nil, fmt.Errorf("words: %s: %q is in both files", name, k)
				}
				all[k] = v
			}
		}
		w.by[l.Code] = all
	}
	return w, nil
}

func (w *words) has(lang, key string) bool {
	_, ok := w.by[lang][key]
	return ok
}

// text returns a key's words with {name} filled in from pairs. A missing key
// shows itself; a test keeps that from happening.
func (w *words) text(lang, key string, pairs ...any) string {
	s, ok := w.by[lang][key]
	if !ok {
		return key
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, "{"+fmt.Sprint(pairs[i])+"}", fmt.Sprint(pairs[i+1]))
	}
	return s
}

// number chooses between key.one and key.other. Indonesian has one form, and
// both keys say the same.
func (w *words) number(lang, key string, n int) string {
	form := ".other"
	if n == 1 {
		form = ".one"
	}
	return w.text(lang, key+form, "count", group(lang, int64(n)))
}

// group writes a number with the language's mark between thousands.
func group(lang string, n int64) string {
	s := strconv.FormatInt(n, 10)
	mark := ","
	if lang == "id" {
		mark = "."
	}
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + mark + s[i:]
	}
	return s
}

// size writes bytes as people do, with the language's decimal mark.
func size(lang string, n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	f, u := float64(n), 0
	for f >= 999.5 && u < len(units)-1 {
		f, u = f/1000, u+1
	}
	digits := 0
	if u > 0 && f < 10 {
		digits = 1
	}
	s := strconv.FormatFloat(f, 'f', digits, 64)
	if lang == "id" {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s + " " + units[u]
}

// choose finds the best of our languages in an Accept-Language header
// (RFC 9110, 12.5.4); English when none is asked for.
func choose(header string) string {
	type wish struct {
		code string
		q    float64
	}
	var wishes []wish
	if len(header) > 256 {
		header = header[:256]
	}
	for _, part := range strings.Split(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(v, 64); err != nil {
				continue
			}
		}
		code, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if code == "in" { // Indonesian's code before 1989, which some systems still send
			code = "id"
		}
		if q > 0 && offered(code) {
			wishes = append(wishes, wish{code, q})
		}
	}
	if len(wishes) == 0 {
		return "en"
	}
	sort.SliceStable(wishes, func(i, j int) bool { return wishes[i].q > wishes[j].q })
	return wishes[0].code
}
