package whip

import (
	"strings"
)

// fragment is an SDP fragment of trickle ICE (RFC 8840, section 9).
type fragment struct {
	ufrag, pwd string
	candidates []candidate
}

type candidate struct {
	mid  string
	line string // candidate:...
}

const (
	maxCandidates = 64
	maxLines      = 400
)

// readFragment reads one. Attributes that it does not know are passed over,
// as are sections without a mid.
func readFragment(text string) (fragment, error) {
	var f fragment
	var mid string
	var here []string // candidates of the section, whose mid may come behind them
	flush := func() {
		for _, c := range here {
			f.candidates = append(f.candidates, candidate{mid, c})
		}
		here = nil
	}
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	if len(lines) > maxLines {
		return f, errFragment
	}
	total := 0
	for _, line := range lines {
		line = strings.TrimRight(line, "\r")
		if line == "" {
			continue
		}
		if len(line) < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z' {
			return f, errFragment
		}
		switch value := line[2:]; {
		case line[0] == 'm':
			flush()
			mid = ""
		case line[0] != 'a':
		case strings.HasPrefix(value, "mid:"):
			mid = strings.TrimSpace(value[len("mid:"):])
		case strings.HasPrefix(value, "ice-ufrag:"):
			f.ufrag = strings.TrimSpace(value[len("ice-ufrag:"):])
		case strings.HasPrefix(value, "ice-pwd:"):
			f.pwd = strings.TrimSpace(value[len("ice-pwd:"):])
		case strings.HasPrefix(value, "candidate:"):
			if total++; total > maxCandidates {
				return f, errFragment
			}
			here = append(here, value)
		}
	}
	flush()
	if !iceChars(f.ufrag, 4) || !iceChars(f.pwd, 22) {
		return f, errCredentials
	}
	return f, nil
}

// iceChars: empty, or a credential of RFC 8839, section 5.4.
func iceChars(s string, least int) bool {
	if s == "" {
		return true
	}
	if len(s) < least || len(s) > 256 {
		return false
	}
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/') {
			return false
		}
	}
	return true
}

// answerFragment is what a client needs of the answer to a restart: the
// server's new credentials and, for the one transport there is, candidates.
func answerFragment(answer string) string {
	ufrag, pwd := credentials(answer)
	var b strings.Builder
	b.WriteString("a=ice-lite\r\na=ice-ufrag:" + ufrag + "\r\na=ice-pwd:" + pwd + "\r\n")
	media := 0
	for line := range strings.SplitSeq(answer, "\n") {
		line = strings.TrimRight(line, "\r")
		if strings.HasPrefix(line, "m=") {
			media++
		}
		if media == 1 && (strings.HasPrefix(line, "m=") || strings.HasPrefix(line, "a=mid:") || strings.HasPrefix(line, "a=candidate:")) {
			b.WriteString(line + "\r\n")
		}
	}
	b.WriteString("a=end-of-candidates\r\n")
	return b.String()
}
