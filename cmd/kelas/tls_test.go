package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// open starts a server whose address is not the one that people type.
func open(t *testing.T, dir string, more ...string) *app {
	t.Helper()
	cli, _, err := parse(append([]string{"serve"}, flags(dir, more...)...), streams{out: io.Discard, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	a, err := start(t.Context(), &cli.storeFlags, &cli.Serve.serveFlags, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return a
}

// checkSecure speaks https and wss as a browser does.
func checkSecure(t *testing.T, server, class, token string, trust *tls.Config) {
	t.Helper()
	c := noRedirect(t, trust)
	answer, err := c.Get(server + "/c/" + class + "?token=" + token)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the join link: %d", answer.StatusCode)
	}
	cookies := answer.Cookies()
	if len(cookies) == 0 {
		t.Error("no cookie")
	}
	for _, k := range cookies {
		if !k.Secure || !k.HttpOnly || k.SameSite == http.SameSiteNoneMode {
			t.Errorf("the cookie %s: %v", k.Name, k)
		}
	}
	if hsts := answer.Header.Get("Strict-Transport-Security"); !strings.HasPrefix(hsts, "max-age=") {
		t.Errorf("HSTS: %q", hsts)
	}
	if csp := answer.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "wss://") || strings.Contains(csp, "ws://") {
		t.Errorf("policy: %q", csp)
	}
	v := enter(t, server, class, token, trust)
	if ack := v.ask("chat", `{"text":"aman"}`); !strings.Contains(string(ack), `"ok":true`) {
		t.Errorf("over wss: %s", ack)
	}
	v.emit("leave", "{}")
	v.end()
}

func prepare(t *testing.T, dir string) (class, token string) {
	t.Helper()
	class, err := runCommand(t, "", "class", "add", "--title", "Aman", "--data-dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	class = strings.TrimSpace(class)
	token, err = runCommand(t, "", "token", "--class", class, "--role", "viewer", "--name", "Ani", "--data-dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	return class, strings.TrimSpace(token)
}

func trustFile(t *testing.T, file string) *tls.Config {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		t.Fatal("no certificate in " + file)
	}
	return &tls.Config{RootCAs: pool}
}

func TestServeSelfSigned(t *testing.T) {
	dir := t.TempDir()
	class, token := prepare(t, dir)
	r := run(t, dir, "--tls", "self-signed", "--tls-domain", "kelas.local")
	if !strings.HasPrefix(r.url, "https://127.0.0.1:") {
		t.Fatal(r.url)
	}
	trust := trustFile(t, filepath.Join(dir, "tls", "self-signed.crt"))
	checkSecure(t, r.url, class, token, trust)
	byName := trust.Clone()
	byName.ServerName = "kelas.local"
	checkSecure(t, r.url, class, token, byName)
	old := trust.Clone()
	old.MaxVersion = tls.VersionTLS11
	if c, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), old); err == nil {
		_ = c.Close()
		t.Error("TLS 1.1 was spoken")
	}
}

// A renewed certificate is served without a restart; half a renewal is not.
func TestServeFiles(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	class, token := prepare(t, dir)
	issued := func(sub string) (cert, key string) {
		folder := filepath.Join(dir, sub)
		if _, err := selfSigned(folder, []string{"class.example.org"}, now); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(folder, "self-signed.crt"), filepath.Join(folder, "self-signed.key")
	}
	oldCert, oldKey := issued("old")
	newCert, newKey := issued("new")
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	place := func(from, to string, at time.Time) {
		raw, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, string(raw))
		if err := os.Chtimes(to, at, at); err != nil {
			t.Fatal(err)
		}
	}
	place(oldCert, cert, now)
	place(oldKey, key, now)
	r := run(t, dir, "--tls", "files", "--tls-cert", cert, "--tls-key", key)
	checkSecure(t, r.url, class, token, trustFile(t, oldCert))
	place(newCert, cert, now.Add(time.Second))
	checkSecure(t, r.url, class, token, trustFile(t, oldCert))
	place(newKey, key, now.Add(time.Second))
	checkSecure(t, r.url, class, token, trustFile(t, newCert))
}

// Without TLS nothing says that there is.
func TestServePlain(t *testing.T) {
	r := run(t, t.TempDir())
	answer, err := noRedirect(t, nil).Get(r.url + "/login")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.Header.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS over plain HTTP")
	}
	for _, k := range answer.Cookies() {
		if k.Secure {
			t.Errorf("a browser would not send %s back", k.Name)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A certificate is fetched at the first visit, by either kind of challenge,
// is kept over a restart, and only for the names that were given.
func TestServeACME(t *testing.T) {
	const name = "class.example.org"
	for _, challenge := range []string{"http-01", "tls-alpn-01"} {
		t.Run(challenge, func(t *testing.T) {
			dir := t.TempDir()
			class, token := prepare(t, dir)
			ca := newAuthority(t, challenge)
			plain := noRedirect(t, nil)
			args := []string{"--tls", "acme", "--tls-domain", name, "--acme-url", ca.url + "/directory"}
			var challenges string
			if challenge == "http-01" {
				challenges = freePort(t)
				args = append(args, "--acme-http", challenges)
				ca.look = lookHTTP(plain, challenges, name)
			}
			for range 2 {
				a := open(t, dir, args...)
				if a.url != "https://"+name {
					t.Errorf("the address to open: %s", a.url)
				}
				if challenge != "http-01" {
					ca.look = lookALPN(a.addr.String(), name)
				}
				checkSecure(t, "https://"+a.addr.String(), class, token, ca.trust(name))
				stranger, err := tls.Dial("tcp", a.addr.String(), &tls.Config{ServerName: "stranger.example.org", InsecureSkipVerify: true})
				if err == nil {
					_ = stranger.Close()
					t.Error("a certificate for a name that was not given")
				}
				if challenges != "" {
					checkPlainPort(t, plain, challenges, name)
				}
				if err := a.close(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if ca.orders != 1 || len(ca.names) != 1 || ca.names[0] != name {
				t.Errorf("%d orders, for %v", ca.orders, ca.names)
			}
		})
	}
}

// checkPlainPort: visitors are sent on to https, others learn nothing.
func checkPlainPort(t *testing.T, c *http.Client, addr, name string) {
	t.Helper()
	for _, tc := range []struct {
		method, path string
		status       int
		location     string
	}{
		{"GET", "/c/abc?x=1", http.StatusFound, "https://" + name + "/c/abc?x=1"},
		{"POST", "/login", http.StatusBadRequest, ""},
		{"GET", "/.well-known/acme-challenge/unknown", http.StatusNotFound, ""},
	} {
		req, err := http.NewRequest(tc.method, "http://"+addr+tc.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = name
		answer, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != tc.status || answer.Header.Get("Location") != tc.location {
			t.Errorf("%s %s: %d to %q", tc.method, tc.path, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
}
