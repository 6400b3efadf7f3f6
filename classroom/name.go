package classroom

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxNameRunes     = 64
	maxTitleRunes    = 200
	maxClientIDBytes = 64
)

// CleanName returns a participant's name without the space around it, or
// ErrNameInvalid.
func CleanName(name string) (string, error) {
	name, ok := cleanLine(name, maxNameRunes)
	if !ok {
		return "", ErrNameInvalid
	}
	return name, nil
}

// CleanTitle returns a lesson's title without the space around it, or
// ErrTitleInvalid.
func CleanTitle(title string) (string, error) {
	title, ok := cleanLine(title, maxTitleRunes)
	if !ok {
		return "", ErrTitleInvalid
	}
	return title, nil
}

func cleanLine(s string, maxRunes int) (string, bool) {
	// The length in bytes first: what is far too long is not looked at.
	if len(s) > maxRunes*utf8.UTFMax+256 || !utf8.ValidString(s) {
		return "", false
	}
	s = strings.TrimSpace(s)
	if n := utf8.RuneCountInString(s); n == 0 || n > maxRunes {
		return "", false
	}
	visible := false
	for _, r := range s {
		if unicode.IsControl(r) || turnsText(r) || r == '\u2028' || r == '\u2029' {
			return "", false
		}
		visible = visible || (unicode.IsGraphic(r) && !unicode.IsSpace(r))
	}
	return s, visible
}

// turnsText tells the characters that change the direction of what follows
// them: in a roster they would let one name pose as another.
func turnsText(r rune) bool {
	return (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069') ||
		r == '\u200e' || r == '\u200f' || r == '\u061c'
}

// cleanText checks a chat message: valid UTF-8, no control characters but
// newline and tab, not empty, not longer than maxRunes.
func cleanText(s string, maxRunes int) (string, error) {
	if len(s) > maxRunes*utf8.UTFMax*2 {
		return "", ErrChatTooLong
	}
	if !utf8.ValidString(s) {
		return "", ErrChatNotText
	}
	// A text area may hand over CRLF; that is one line end, not a control character.
	s = strings.ReplaceAll(s, "\r\n", "\n")
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return "", ErrChatNotText
		}
	}
	if strings.TrimSpace(s) == "" {
		return "", ErrChatEmpty
	}
	if utf8.RuneCountInString(s) > maxRunes {
		return "", ErrChatTooLong
	}
	return s, nil
}

func checkClientID(id string) error {
	if len(id) > maxClientIDBytes {
		return ErrChatTooLong
	}
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return ErrChatNotText
		}
	}
	return nil
}
