package bbb_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kelas/signaling/bbb"
)

// TestDocumentedChecksum holds the example of BigBlueButton's documents.
func TestDocumentedChecksum(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	const query = "name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444"
	const sum = "1fcbb0c4fc1f039f73aa6d697d2db9ba7f803f17"
	if got := sha1Of("create", query, secret); got != sum {
		t.Fatal(got)
	}
	l.read(l.send(httptest.NewRequest("GET", bbb.Prefix+"/create?"+query+"&checksum="+sum, nil))).
		wants("meetingID", "abc123", "attendeePW", "111222", "moderatorPW", "333444")
}

func TestChecksums(t *testing.T) {
	const call, query = "isMeetingRunning", "meetingID=a+b"
	sha2 := func(sum []byte) string { return hex.EncodeToString(sum) }
	text := []byte(call + query + secret)
	s256, s384, s512 := sha256.Sum256(text), sha512.Sum384(text), sha512.Sum512(text)
	right := sha1Of(call, query, secret)
	tests := []struct {
		name, query string
		right       bool
	}{
		{"sha1", query + "&checksum=" + right, true},
		{"sha256", query + "&checksum=" + sha2(s256[:]), true},
		{"sha384", query + "&checksum=" + sha2(s384[:]), true},
		{"sha512", query + "&checksum=" + sha2(s512[:]), true},
		{"in front", "checksum=" + right + "&" + query, true},
		{"a space as plus or as %20 is another query", "meetingID=a%20b&checksum=" + right, false},
		{"%20 with its own", "meetingID=a%20b&checksum=" + sha1Of(call, "meetingID=a%20b", secret), true},
		{"brackets as they are", "meetingID=a[7]&checksum=" + sha1Of(call, "meetingID=a[7]", secret), true},
		{"brackets encoded", "meetingID=a%5B7%5D&checksum=" + sha1Of(call, "meetingID=a%5B7%5D", secret), true},
		{"a semicolon", "meetingID=a;b&checksum=" + sha1Of(call, "meetingID=a;b", secret), true},
		{"none", query, false},
		{"empty", query + "&checksum=", false},
		{"upper case", query + "&checksum=" + strings.ToUpper(right), false},
		{"cut", query + "&checksum=" + right[:39], false},
		{"one letter", query + "&checksum=0" + right[1:], right[0] == '0'},
		{"another call's", query + "&checksum=" + sha1Of("create", query, secret), false},
		{"another secret's", query + "&checksum=" + sha1Of(call, query, "another-secret-of-some-length"), false},
		{"without the secret", query + "&checksum=" + sha1Of(call, query), false},
		{"re-ordered", "b=2&a=1&checksum=" + sha1Of(call, "a=1&b=2", secret), false},
		{"a parameter more", query + "&x=1&checksum=" + right, false},
		{"twice", query + "&checksum=" + right + "&checksum=" + right, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLMS(t, bbb.Config{})
			a := l.read(l.send(httptest.NewRequest("GET", bbb.Prefix+"/"+call+"?"+test.query, nil)))
			if test.right {
				a.wants("running", "false")
			} else {
				a.fails("checksumError")
			}
		})
	}
}

func TestOnlyTheAlgorithmsThatAreAllowed(t *testing.T) {
	l := newLMS(t, bbb.Config{Algorithms: []string{"sha256"}})
	l.get("getMeetings").fails("checksumError")
	sum := sha256.Sum256([]byte("getMeetings" + secret))
	l.read(l.send(httptest.NewRequest("GET", bbb.Prefix+"/getMeetings?checksum="+hex.EncodeToString(sum[:]), nil))).
		wants("messageKey", "noMeetings")
}

func TestTwoSecrets(t *testing.T) {
	l := newLMS(t, bbb.Config{Secrets: []string{"the-new-secret-of-the-school", secret}})
	l.get("getMeetings").wants()
	l.read(l.send(httptest.NewRequest("GET", bbb.Prefix+"/getMeetings?checksum="+
		sha1Of("getMeetings", "the-new-secret-of-the-school"), nil))).wants()
}

// TestForms: a call may be all in a form, signed as it was sent or as
// BigBlueButton would write it; beside a query a form says nothing.
func TestForms(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	post := func(address, body string) answer {
		r := httptest.NewRequest("POST", address, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
		return l.read(l.send(r))
	}
	const sent, sorted = "name=Kelas%209&meetingID=m1", "meetingID=m1&name=Kelas+9"
	post(bbb.Prefix+"/create", sent+"&checksum="+sha1Of("create", sent, secret)).wants("meetingID", "m1")
	post(bbb.Prefix+"/create", sent+"&checksum="+sha1Of("create", sorted, secret)).wants("messageKey", "duplicateWarning")
	post(bbb.Prefix+"/create", sent+"&checksum="+sha1Of("create", "", secret)).fails("checksumError")
	post(bbb.Prefix+"/create", sent).fails("checksumError")
	post(sign("create", "meetingID=m2&name=Kelas"), "name=Foreign&meetingID=m3").wants("meetingID", "m2")
	post(sign("create", ""), "meetingID=m3").fails("missingParamMeetingID")
	post(bbb.Prefix+"/create", "a="+strings.Repeat("b", 70000)).fails("requestTooLarge")
}

// TestWrongChecksumsAreLimited: whoever guesses is slowed down; who knows the
// secret is not, even behind the same address.
func TestWrongChecksumsAreLimited(t *testing.T) {
	l := newLMS(t, bbb.Config{WrongBurst: 3, WrongInterval: time.Minute})
	wrong := func() *http.Response {
		return l.send(httptest.NewRequest("GET", bbb.Prefix+"/getMeetings?checksum="+sha1Of("x"), nil))
	}
	for range 3 {
		l.read(wrong()).fails("checksumError")
	}
	res := wrong()
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Fatal(res.Status, res.Header)
	}
	l.get("getMeetings").wants()
	l.addr = "192.0.2.2"
	l.read(wrong()).fails("checksumError")
	l.addr = "192.0.2.1"
	l.clock.advance(time.Minute)
	l.read(wrong()).fails("checksumError")
}

func TestConfig(t *testing.T) {
	for _, cfg := range []bbb.Config{{}, {Secrets: []string{"short"}}, {Secrets: []string{secret, ""}},
		{Secrets: []string{secret}, Algorithms: []string{"md5"}}, {Secrets: []string{secret}, SeatTTL: -1}} {
		if err := cfg.Validate(); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}
