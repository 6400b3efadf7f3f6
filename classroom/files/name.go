package files

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"kelas/classroom"
)

const (
	maxName = 200 // bytes; file systems allow 255, and a download may add to it
	maxExt  = 20  // bytes with the dot; what is longer is part of the name
)

// CleanName makes of what a browser sent a name that is safe to show and to
// save under on any system, or says ErrFileNameInvalid when nothing is left.
// Cleaning a clean name changes nothing.
func CleanName(name string) (string, error) {
	// The base name only, by either system's separator.
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(cleanRune, strings.ToValidUTF8(name, ""))
	name = trimName(strings.Join(strings.Fields(name), " "))
	if isReserved(name) {
		name = "_" + name
	}
	name = shorten(name)
	if name == "" {
		return "", classroom.ErrFileNameInvalid
	}
	return name, nil
}

// cleanRune drops what cannot be seen, controls and bidirectional marks
// (which make "exe.pdf" of "fdp.exe") among them, and replaces what Windows
// forbids in names.
func cleanRune(r rune) rune {
	switch {
	case r == '\u200c' || r == '\u200d':
		return r // joiners shape Persian and Indic words, and emoji
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.C, r), unicode.Is(unicode.Variation_Selector, r) && r > 0xffff, r == '\u034f', r == '\u3164', r == '\uffa0', r == '\u115f', r == '\u1160':
		return -1
	case strings.ContainsRune(`<>:"|?*`, r):
		return '_'
	}
	return r
}

// trimName removes leading dots, which hide a file, and the trailing dots and
// spaces that Windows drops, so that "a.exe." is seen for what it is.
func trimName(name string) string {
	name = strings.TrimLeftFunc(name, func(r rune) bool { return r == '.' || isBlank(r) })
	return strings.TrimRightFunc(name, func(r rune) bool { return r == '.' || isBlank(r) })
}

// isBlank reports a rune that is not seen at an edge.
func isBlank(r rune) bool { return r == ' ' || r == '\u200c' || r == '\u200d' }

// isReserved reports the names of devices on Windows, which no extension
// makes harmless.
func isReserved(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRightFunc(stem, isBlank))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	for _, device := range []string{"COM", "LPT"} {
		if digit, ok := strings.CutPrefix(stem, device); ok && utf8.RuneCountInString(digit) == 1 &&
			strings.Contains("0123456789¹²³", digit) {
			return true
		}
	}
	return false
}

// shorten keeps a long name's start and its extension.
func shorten(name string) string {
	if len(name) <= maxName {
		return name
	}
	ext := extension(name)
	stem := name[:len(name)-len(ext)]
	end := maxName - len(ext)
	for end > 0 && !utf8.RuneStart(stem[end]) {
		end--
	}
	stem = stem[:end]
	// Not the letter without its accents, nor half of a joined emoji.
	for {
		r, size := utf8.DecodeLastRuneInString(name[:len(stem)])
		next, _ := utf8.DecodeRuneInString(name[len(stem):])
		if size == 0 || !(unicode.Is(unicode.M, next) || isBlank(r) || isBlank(next) || r == '.') {
			break
		}
		stem = stem[:len(stem)-size]
	}
	return trimName(stem + ext)
}

// extension returns the last dot and what follows, or "".
func extension(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || len(name)-i > maxExt || i == len(name)-1 {
		return ""
	}
	return name[i:]
}
