package whip

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kelas/classroom"
	"kelas/signaling/fault"
)

func FuzzFragment(f *testing.F) {
	f.Add("a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\na=end-of-candidates\r\n")
	f.Add("m=audio 9 X 0\na=candidate:x\na=mid:1\n")
	f.Add("a=ice-ufrag:\x00")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readFragment(text)
		if err != nil {
			return
		}
		if len(got.candidates) > maxCandidates || !iceChars(got.ufrag, 4) || !iceChars(got.pwd, 22) {
			t.Fatalf("read as %+v", got)
		}
		for _, c := range got.candidates {
			if strings.ContainsAny(c.line+c.mid, "\r\n") && strings.Contains(c.line+c.mid, "\n") {
				t.Fatalf("a candidate has two lines: %q", c)
			}
		}
	})
}

func FuzzOffer(f *testing.F) {
	f.Add("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendonly\r\na=ice-ufrag:abcd\r\na=ice-pwd:x\r\na=candidate:1\r\n")
	f.Add("a=recvonly\nm=video 0 X 1\na=bundle-only\nm=application 9 X")
	f.Fuzz(func(t *testing.T, text string) {
		_ = checkOffer(whip, text)
		_ = checkOffer(whep, text)
		again := restarted(text, "UFRG", "PWPWPWPWPWPWPWPWPWPWPW")
		if ufrag, _ := credentials(again); ufrag != "" && ufrag != "UFRG" {
			t.Fatalf("an old credential is left: %q", ufrag)
		}
		if strings.Contains(again, "\na=candidate:") {
			t.Fatal("an old candidate is left")
		}
		_ = answerFragment(text)
	})
}

// FuzzHeaders: nothing in a request opens the door without a token that
// Identify knows, and nothing makes it panic.
func FuzzHeaders(f *testing.F) {
	f.Add("POST", "/whip/c1", "Bearer x", "application/sdp", `"e"`, "m=audio 9 X 0")
	f.Add("PATCH", "/whep/c1/s", "bearer  ", "application/trickle-ice-sdpfrag; a=b", "*", "a=ice-ufrag:abcd")
	f.Add("HEAD", "/whep//", "Basic", ";", "", "")
	d, err := New(Config{}, Deps{Classes: (*classroom.Registry)(nil), Identify: func(*http.Request, string, string, string) (classroom.Identity, error) {
		return classroom.Identity{}, fault.ErrTokenForged
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(d.Close)
	f.Fuzz(func(t *testing.T, method, path, auth, kind, match, body string) {
		r, err := http.NewRequest(method, "http://x/", strings.NewReader(body))
		if err != nil {
			return
		}
		r.URL.Path = path
		for name, value := range map[string]string{"Authorization": auth, "Content-Type": kind, "If-Match": match} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		if w.Code == http.StatusCreated || w.Code >= 500 || w.Code >= 300 && w.Code < 400 {
			t.Fatalf("%s %q: %d", method, path, w.Code)
		}
	})
}
