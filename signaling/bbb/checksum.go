package bbb

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"net/url"
	"slices"
	"strings"
)

// algorithm is one way to make a checksum; its length tells it from others.
type algorithm struct {
	name string
	make func() hash.Hash
}

var algorithms = []algorithm{
	{"sha1", sha1.New}, {"sha256", sha256.New}, {"sha384", sha512.New384}, {"sha512", sha512.New},
}

// algorithmOf finds by the length of its hex what a checksum was made with.
func algorithmOf(checksum string, allowed []string) (algorithm, bool) {
	for _, a := range algorithms {
		if len(checksum) == 2*a.make().Size() {
			return a, slices.Contains(allowed, a.name)
		}
	}
	return algorithm{}, false
}

func (a algorithm) sum(parts ...string) string {
	h := a.make()
	for _, p := range parts {
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// signed is a call's query without its checksum.
type signed struct {
	query    string // every other byte as it was sent: it is what was hashed
	checksum string
}

// splitChecksum takes the checksum out of a query. More than one is none:
// which one counts must not be a question.
func splitChecksum(raw string) signed {
	var s signed
	var rest []string
	found := 0
	for part := range strings.SplitSeq(raw, "&") {
		if value, ok := strings.CutPrefix(part, "checksum="); ok {
			s.checksum = value
			found++
			continue
		}
		rest = append(rest, part)
	}
	s.query = strings.Join(rest, "&")
	if found != 1 {
		s.checksum = ""
	}
	return s
}

// verify reports whether checksum is that of call over one of the queries,
// by any of the secrets. It looks at all of them whatever it finds.
func (c *Config) verify(call, checksum string, queries ...string) bool {
	a, ok := algorithmOf(checksum, c.Algorithms)
	if !ok {
		return false
	}
	found := 0
	for _, query := range queries {
		for _, secret := range c.Secrets {
			found |= subtle.ConstantTimeCompare([]byte(a.sum(call, query, secret)), []byte(checksum))
		}
	}
	return found == 1
}

// sortedForm is what BigBlueButton hashes for a call that is all in a form:
// its parameters by name, each value encoded anew.
func sortedForm(p params) string {
	var b strings.Builder
	for i, name := range slices.Sorted(keysOf(p)) {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + url.QueryEscape(p[name]))
	}
	return b.String()
}
