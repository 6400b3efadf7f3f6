package classroom_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	. "kelas/classroom"
)

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"Ani":                   "Ani",
		"  Bu Rina\t":           "Bu Rina",
		"Éloïse 界":              "Éloïse 界",
		"👩🏽‍🏫":                  "👩🏽‍🏫", // joined by U+200D, which is no control
		strings.Repeat("界", 64): strings.Repeat("界", 64),
		"":                      "",
		" \u00a0 ":              "",
		"\u200b\u200d":          "",
		strings.Repeat("a", 65): "",
		"a\nb":                  "",
		"a\x7fb":                "",
		"a\u009fb":              "",
		"a\u202eb":              "",
		"a\u2066b":              "",
		"a\u200fb":              "",
		"a\u061cb":              "",
		"a\u2028b":              "",
		"a\xffb":                "",
	} {
		got, err := CleanName(in)
		if got != want || (err != nil) != (want == "") || (err != nil && !errors.Is(err, ErrNameInvalid)) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	if _, err := CleanTitle(strings.Repeat("界", 200)); err != nil {
		t.Errorf("a title of 200: %v", err)
	}
	if _, err := CleanTitle(strings.Repeat("a", 201)); !errors.Is(err, ErrTitleInvalid) {
		t.Errorf("a title of 201: %v", err)
	}
}

func FuzzCleanText(f *testing.F) {
	for _, s := range []string{"halo", "a\r\nb", "\x00", "\u202e", "\xff", " ", strings.Repeat("界", 30)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, err := CleanText(s, 20)
		if err != nil {
			if out != "" {
				t.Fatalf("%q beside %v", out, err)
			}
			return
		}
		if !utf8.ValidString(out) || utf8.RuneCountInString(out) > 20 || strings.TrimSpace(out) == "" || strings.ContainsAny(out, "\r\x00\x1b") {
			t.Fatalf("%q became %q", s, out)
		}
		if again, err := CleanText(out, 20); err != nil || again != out {
			t.Fatalf("%q does not stay itself: %q, %v", out, again, err)
		}
		if name, err := CleanName(s); err == nil {
			if again, err := CleanName(name); err != nil || again != name {
				t.Fatalf("the name %q does not stay itself: %q, %v", name, again, err)
			}
		}
	})
}
