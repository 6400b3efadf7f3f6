package web

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"kelas/signaling/auth"
	"kelas/static"
	"kelas/templates"
)

// siteKeys are the words that these pages own.
func siteKeys(t *testing.T) (*words, map[string]bool) {
	t.Helper()
	w, err := loadWords(static.FS)
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{}
	area := regexp.MustCompile(`^(site|login|setup|classes|after|attendance|account|admin)\.`)
	for key := range w.by["en"] {
		if area.MatchString(key) {
			own[key] = true
		}
	}
	return w, own
}

func TestEveryWordIsInBothLanguages(t *testing.T) {
	w, _ := siteKeys(t)
	place := regexp.MustCompile(`\{\w+\}`)
	for _, pair := range [][2]string{{"en", "id"}, {"id", "en"}} {
		for key, text := range w.by[pair[0]] {
			other, ok := w.by[pair[1]][key]
			if !ok {
				t.Errorf("%s: %q is missing", pair[1], key)
				continue
			}
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: %q is empty", pair[0], key)
			}
			a, b := place.FindAllString(text, -1), place.FindAllString(other, -1)
			sort.Strings(a)
			sort.Strings(b)
			if strings.Join(a, "") != strings.Join(b, "") {
				t.Errorf("%q: places %v in %s and %v in %s", key, a, pair[0], b, pair[1])
			}
		}
	}
}

// usedKeys finds the keys in the templates and in this package.
func usedKeys(t *testing.T) (exact, counted map[string]bool) {
	t.Helper()
	exact, counted = map[string]bool{}, map[string]bool{}
	text, number := regexp.MustCompile(`\.T "([^"]+)"`), regexp.MustCompile(`\.N "([^"]+)"`)
	err := fs.WalkDir(templates.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(templates.FS, name)
		for _, m := range text.FindAllStringSubmatch(string(raw), -1) {
			exact[m[1]] = true
		}
		for _, m := range number.FindAllStringSubmatch(string(raw), -1) {
			counted[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("the sources are not here", err)
	}
	literal := regexp.MustCompile(`"((?:site|login|setup|classes|after|attendance|account|admin)\.[\w.]*\w)"`)
	done := regexp.MustCompile(`\?done=(\w+)"|leaveAccount\("(\w+)"\)`)
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllStringSubmatch(string(raw), -1) {
			exact[m[1]] = true
		}
		for _, m := range done.FindAllStringSubmatch(string(raw), -1) {
			exact["site.done."+m[1]+m[2]] = true
		}
	}
	for code := range problemCodes {
		exact["site.problem."+code+".title"], exact["site.problem."+code+".do"] = true, true
	}
	for _, scope := range auth.Scopes {
		exact[scopeWords(scope.Name)] = true
	}
	for _, role := range []string{"presenter", "moderator", "viewer"} {
		exact["site.role."+role] = true
	}
	for _, role := range []string{"admin", "teacher", "student"} {
		exact["site.account.role."+role] = true
	}
	counted["login.wait"] = true
	delete(exact, "login.wait")
	return exact, counted
}

func TestEveryWordIsUsedAndEveryUsedWordIsThere(t *testing.T) {
	w, own := siteKeys(t)
	exact, counted := usedKeys(t)
	for key := range exact {
		if !w.has("en", key) {
			t.Errorf("%q is used and is not there", key)
		}
	}
	for key := range counted {
		if !w.has("en", key+".one") || !w.has("en", key+".other") {
			t.Errorf("%q is counted and has no .one and .other", key)
		}
	}
	for key := range own {
		stem := strings.TrimSuffix(strings.TrimSuffix(key, ".one"), ".other")
		if !exact[key] && !(stem != key && counted[stem]) {
			t.Errorf("%q is there and nobody uses it", key)
		}
	}
}

func TestChooseLanguage(t *testing.T) {
	for header, want := range map[string]string{
		"": "en", "id": "id", "id-ID,id;q=0.9,en;q=0.8": "id", "en-GB,id;q=0.5": "en", "fr,de": "en", "fr,id;q=0.1": "id",
		"in-ID": "id", "en;q=0.2,id;q=0.8": "id", "id;q=0,en": "en", "id;q=x": "en", ";;;,,,": "en", strings.Repeat("a,", 10000): "en",
	} {
		if got := choose(header); got != want {
			t.Errorf("%.40q: %s, want %s", header, got, want)
		}
	}
}

func TestNumbersAreWrittenAsTheLanguageDoes(t *testing.T) {
	for _, c := range []struct {
		lang string
		n    int64
		want string
	}{{"en", 0, "0"}, {"en", 999, "999"}, {"en", 1234567, "1,234,567"}, {"id", 1234, "1.234"}, {"en", -1234, "-1,234"}} {
		if got := group(c.lang, c.n); got != c.want {
			t.Errorf("%d: %s", c.n, got)
		}
	}
	for _, c := range []struct {
		lang string
		n    int64
		want string
	}{{"en", 0, "0 B"}, {"en", 999, "999 B"}, {"en", 1500, "1.5 kB"}, {"id", 1500, "1,5 kB"}, {"en", 20 << 20, "21 MB"}, {"en", 999_900, "1.0 MB"}} {
		if got := size(c.lang, c.n); got != c.want {
			t.Errorf("%d: %s, want %s", c.n, got, c.want)
		}
	}
}
