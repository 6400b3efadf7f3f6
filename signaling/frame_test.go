package signaling_test

import (
	"net/http"
	"strings"
	"testing"

	"kelas/signaling"
	"kelas/signaling/auth"
	"kelas/signaling/web"
)

const lms = "https://lms.example.org"

// over TLS by a proxy, in a frame of another site.
var inFrame = []string{"X-Forwarded-Proto", "https", "X-Forwarded-For", "192.0.2.7", "Sec-Fetch-Dest", "iframe", "Sec-Fetch-Site", "cross-site"}

func TestFramesOfAnLMS(t *testing.T) {
	s := newSite(t, signaling.Config{Web: web.Config{FrameAncestors: []string{lms, "https://*.school.example"}}, TrustedProxies: []string{"127.0.0.1"}})
	class := s.lesson("Biology", "")
	invite := s.token(auth.JoinClaims{ClassID: class, Role: auth.RoleViewer})
	person := s.token(auth.JoinClaims{ClassID: class, Role: auth.RoleViewer, Name: "Dewi"})

	framers := func(p page) (policy string, option string) {
		_, rest, _ := strings.Cut(p.header.Get("Content-Security-Policy"), "frame-ancestors ")
		return rest, p.header.Get("X-Frame-Options")
	}
	b := s.browser()
	for _, path := range []string{"/c/" + class, "/c/" + class + "?token=" + invite, "/c/" + class + "/after", "/c/" + class + "/attendance"} {
		if policy, option := framers(b.do("GET", path, nil, inFrame...)); policy != lms+" https://*.school.example" || option != "" {
			t.Errorf("%.30s: %q %q", path, policy, option)
		}
	}
	for _, path := range []string{"/login", "/classes", "/admin/users", "/account", "/setup", "/api/v1/", "/c/" + class + "/edit", "/c/" + class + "/links", "/", "/c", "/static/css/kelas.css"} {
		if policy, option := framers(b.do("GET", path, nil, inFrame...)); policy != "'none'" || option != "DENY" {
			t.Errorf("%s may be framed: %q %q", path, policy, option)
		}
	}

	cookies := func(p page) map[string]string {
		m := map[string]string{}
		for _, line := range p.header.Values("Set-Cookie") {
			name, _, _ := strings.Cut(line, "=")
			if _, attributes, ok := strings.Cut(line, "; "); ok {
				m[name] = attributes
			}
		}
		return m
	}
	seat := auth.SeatCookie(class)
	// In the frame the join link leaves a seat that the browser keeps there.
	in := s.browser().do("GET", "/c/"+class+"?token="+person, nil, inFrame...)
	for _, name := range []string{seat, auth.CookieBrowser} {
		got := cookies(in)[name]
		for _, want := range []string{"SameSite=None", "Secure", "Partitioned", "HttpOnly"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s in a frame: %q has no %s", name, got, want)
			}
		}
	}
	// Nowhere else: not at the top, not without TLS, not without the option.
	outside := newSite(t, signaling.Config{TrustedProxies: []string{"127.0.0.1"}})
	other := outside.lesson("Biology", "")
	for what, got := range map[string]string{
		"at the top":  cookies(s.browser().do("GET", "/c/"+class+"?token="+person, nil, "X-Forwarded-Proto", "https", "X-Forwarded-For", "192.0.2.7", "Sec-Fetch-Dest", "document"))[seat],
		"without TLS": cookies(s.browser().do("GET", "/c/"+class+"?token="+person, nil, "Sec-Fetch-Dest", "iframe"))[seat],
		"not allowed": cookies(outside.browser().do("GET", "/c/"+other+"?token="+outside.token(auth.JoinClaims{ClassID: other, Role: auth.RoleViewer, Name: "Dewi"}), nil, inFrame...))[auth.SeatCookie(other)],
	} {
		if !strings.Contains(got, "SameSite=Lax") || strings.Contains(got, "Partitioned") {
			t.Errorf("%s: %q", what, got)
		}
	}
	if policy, option := framers(outside.browser().do("GET", "/c/"+other, nil, inFrame...)); policy != "'none'" || option != "DENY" {
		t.Errorf("framed by anybody: %q %q", policy, option)
	}
	// A log-in is never left in a frame's jar.
	s.account("sari", auth.AccountTeacher)
	l := s.browser()
	l.do("GET", "/login", nil, inFrame...)
	form := strings.NewReader("csrf=" + l.csrf + "&name=sari&password=" + strings.ReplaceAll(goodPassword, " ", "+"))
	p := l.do("POST", "/login", form, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, inFrame...)...)
	if got := cookies(p)[auth.CookieLogin]; p.status == http.StatusSeeOther && !strings.Contains(got, "SameSite=Lax") {
		t.Errorf("log-in in a frame: %q", got)
	}
}

func TestFrameAncestorsAreOrigins(t *testing.T) {
	for _, bad := range []string{"*", "https://*", "lms.example.org", "https://lms.example.org/", "https://a b", "https://a;script-src *", "javascript://a", "'self'", "https://a,https://b", "https://u@a"} {
		if err := (web.Config{FrameAncestors: []string{bad}}).Validate(); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
