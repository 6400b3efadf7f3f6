package bbb

import (
	"strings"
	"testing"
	"unicode/utf8"
)

const fuzzSecret = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"

// FuzzQuery: whatever comes is read or refused; what was signed as it stands
// is taken, and one letter more is not.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{"", "&", "meetingID=a[7]&name=a+b", "a=%zz", "checksum=&checksum=x", "a=1;b=2&a=2", "%63hecksum=1", "a=%ff", "=&=", "a==b"} {
		f.Add("create", q)
	}
	cfg := Config{Secrets: []string{fuzzSecret}}.withDefaults()
	f.Fuzz(func(t *testing.T, call, query string) {
		s := splitChecksum(query)
		if strings.Contains("&"+s.query, "&checksum=") {
			t.Fatalf("a checksum is left in %q", s.query)
		}
		for _, a := range algorithms {
			sum := a.sum(call, s.query, fuzzSecret)
			again := splitChecksum(s.query + "&checksum=" + sum)
			if again.query != s.query || !cfg.verify(call, again.checksum, again.query) {
				t.Fatalf("%s: %q is not what was signed", a.name, again.query)
			}
			if cfg.verify(call, sum, s.query+"x") || cfg.verify(call+"x", sum, s.query) {
				t.Fatal("another call has the same checksum")
			}
		}
		if cfg.verify(call, s.checksum, s.query) {
			t.Fatal("a checksum was guessed")
		}
		p, err := parse(s.query)
		if err != nil {
			return
		}
		sortedForm(p)
		for name := range p {
			_, _ = p.number(name, 0)
			_, _ = p.minutes(name, 0)
			_, _ = p.address(name)
			if s := line(p[name], 64); strings.ContainsAny(s, "\r\n\x00\u202e") || utf8.RuneCountInString(s) > 64 {
				t.Fatalf("%q is no line", s)
			}
		}
	})
}

// FuzzChecksum: no form of a wrong checksum is right.
func FuzzChecksum(f *testing.F) {
	right := algorithms[0].sum("end", "meetingID=1", fuzzSecret)
	for _, sum := range []string{"", right[:39], strings.ToUpper(right), right + " ", strings.Repeat("0", 128)} {
		f.Add(sum)
	}
	cfg := Config{Secrets: []string{fuzzSecret, "another secret of length"}}.withDefaults()
	f.Fuzz(func(t *testing.T, sum string) {
		good := false
		for _, secret := range cfg.Secrets {
			for _, a := range algorithms {
				good = good || sum == a.sum("end", "meetingID=1", secret)
			}
		}
		if cfg.verify("end", sum, "meetingID=1") != good {
			t.Fatalf("%q", sum)
		}
	})
}

type anyURL struct{}

func (anyURL) CheckURL(string) error { return nil }

// FuzzModules: a body is read whole or refused whole.
func FuzzModules(f *testing.F) {
	for _, body := range []string{"", "<modules/>", `<modules><module name="presentation"><document url="http://a/b.pdf"/></module></modules>`,
		`<modules><module name="presentation"><document name="a">aGFsbw==</document></module></modules>`,
		`<!DOCTYPE x [<!ENTITY a "aaaa">]><modules>&a;</modules>`, "<modules>" + strings.Repeat("<a>", 1000), "\xff\xfe<\x00"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := readModules(body, anyURL{})
		if err != nil && list != nil {
			t.Fatal("documents beside an error")
		}
		for _, d := range list {
			if d.name == "" || d.url == "" && len(d.data) == 0 || d.url != "" && len(d.data) > 0 {
				t.Fatalf("%+v", d)
			}
		}
	})
}

// FuzzCallback: an address keeps what it had, and what is added is found.
func FuzzCallback(f *testing.F) {
	f.Add("https://lms.example.org/a?b=c", "event=x")
	f.Fuzz(func(t *testing.T, address, body string) {
		signed := signedCallback(address, body, fuzzSecret)
		sum := algorithms[0].sum(address, body, fuzzSecret)
		if !strings.HasPrefix(signed, address) || !strings.HasSuffix(signed, "checksum="+sum) {
			t.Fatal(signed)
		}
	})
}
