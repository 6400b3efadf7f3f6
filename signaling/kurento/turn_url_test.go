package kurento

import (
	"strings"
	"testing"
)

func TestReadTURN(t *testing.T) {
	for url, want := range map[string]string{
		"user:secret@198.51.100.1:3478":                  "user secret 198.51.100.1:3478 udp",
		"user:secret@198.51.100.1:3478?transport=udp":    "user secret 198.51.100.1:3478 udp",
		"user:secret@198.51.100.1:443?transport=tcp":     "user secret 198.51.100.1:443 tcp",
		"user:secret@198.51.100.1:5349?transport=tls":    "user secret 198.51.100.1:5349 tls",
		"1700000000:student:q/+8=@198.51.100.1:3478":     "1700000000:student q/+8= 198.51.100.1:3478 udp",
		"somebody@example.org:se@cret@198.51.100.1:3478": "somebody@example.org se@cret 198.51.100.1:3478 udp",
		"user:secret@[2001:db8::1]:3478?transport=tcp":   "user secret [2001:db8::1]:3478 tcp",
		"":                                                      "",
		"198.51.100.1:3478":                                     "",
		"user@198.51.100.1:3478":                                "",
		":secret@198.51.100.1:3478":                             "",
		"user:@198.51.100.1:3478":                               "",
		"user:secret@turn.example.org:3478":                     "",
		"user:secret@198.51.100.1":                              "",
		"user:secret@198.51.100.1:70000":                        "",
		"user:secret@198.51.100:3478":                           "",
		"user:secret@198.51.100.1:3478?transport=sctp":          "",
		"user:secret@198.51.100.1:3478?transport=udp&x=1":       "",
		"turn:user:secret@198.51.100.1:3478\n":                  "",
		"user:secret@2001:db8::1:3478":                          "",
		"user:secret@[::1%eth0]:3478":                           "",
		"user:secret@198.51.100.1:3478?transport=TCP":           "",
		"user:secret@198.51.100.1:3478?transport=udp?transport": "",
	} {
		got, err := readTURN(url)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is read as %v", url, got)
		case want == "" && strings.Contains(err.Error(), "secret"):
			t.Errorf("%q: the error tells the password: %v", url, err)
		case want != "" && err != nil:
			t.Errorf("%q: %v", url, err)
		case want != "":
			if text := strings.Join([]string{got.User, got.Password, got.Addr.String(), got.Transport}, " "); text != want {
				t.Errorf("%q is read as %s", url, text)
			}
		}
	}
}

// FuzzReadTURN: what is read is what was written, and an error never repeats it.
func FuzzReadTURN(f *testing.F) {
	for _, s := range []string{"user:secret@198.51.100.1:3478?transport=tls", "a:b:c@[::1]:1", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, url string) {
		s, err := readTURN(url)
		if err != nil {
			return
		}
		if !strings.HasPrefix(url, s.User+":"+s.Password+"@") || !s.Addr.IsValid() || strings.Contains(s.String(), "@") {
			t.Errorf("%q is read as %q, %q, %v", url, s.User, s.Password, s)
		}
	})
}
