package bbb

import (
	"iter"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// params are a call's parameters. Of a name that comes twice the first counts.
type params map[string]string

func keysOf(p params) iter.Seq[string] { return maps.Keys(p) }

// parse reads a query or a form. Unlike url.ParseQuery it takes a semicolon
// for a letter, as the clients' own libraries do.
func parse(query string) (params, error) {
	p := make(params)
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return nil, failed(keyValidation, "A parameter's name is not encoded as an address is.")
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil || !utf8.ValidString(value) || !utf8.ValidString(name) {
			return nil, failed(keyValidation, "The parameter "+quoted(name)+" is not text, or not encoded as an address is.")
		}
		if _, ok := p[name]; !ok {
			p[name] = value
		}
	}
	return p, nil
}

func quoted(s string) string { return strconv.QuoteToASCII(cut(s, 40)) }

// cut shortens s to so many characters.
func cut(s string, runes int) string {
	for i := range s {
		if runes == 0 {
			return s[:i]
		}
		runes--
	}
	return s
}

// flag reads a boolean that is false when absent.
func (p params) flag(name string) bool { return strings.EqualFold(strings.TrimSpace(p[name]), "true") }

// flagOr reads a boolean with another default.
func (p params) flagOr(name string, absent bool) bool {
	if p[name] == "" {
		return absent
	}
	return p.flag(name)
}

// number reads a number that is not negative; absent when it is not there.
func (p params) number(name string, absent int) (int, error) {
	text := strings.TrimSpace(p[name])
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1<<30 {
		return 0, failed(keyValidation, name+" is not a number that can be used.")
	}
	return n, nil
}

// minutesMax is a year. A few hundred million would wrap to some seconds.
const minutesMax = 365 * 24 * 60

// minutes reads a time; absent when it is not there.
func (p params) minutes(name string, absent time.Duration) (time.Duration, error) {
	if strings.TrimSpace(p[name]) == "" {
		return absent, nil
	}
	n, err := p.number(name, 0)
	if err == nil && n > minutesMax {
		err = failed(keyValidation, name+" is longer than a year.")
	}
	return time.Duration(n) * time.Minute, err
}

// address reads a web address, "" when it is not there.
func (p params) address(name string) (string, error) {
	text := strings.TrimSpace(p[name])
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(text) > maxAddress {
		return "", failed(keyValidation, name+" is not an http or https address.")
	}
	return text, nil
}

const maxAddress = 2048

// line makes one line of at most so many characters of a name that another
// system lets be longer or stranger than ours.
func line(s string, runes int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(cut(strings.TrimSpace(s), runes))
}
