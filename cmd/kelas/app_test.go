package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const goodPassword = "hujan di bulan juni"

// flags are those of a server on free ports of the loopback.
func flags(dir string, more ...string) []string {
	return append([]string{"--data-dir", dir, "--http", "127.0.0.1:0", "--media-addr", "127.0.0.1:0",
		"--media-tcp-addr", "127.0.0.1:0", "--shutdown-timeout", "20s"}, more...)
}

// running is a server started by the command line itself.
type running struct {
	t    *testing.T
	dir  string
	url  string
	out  *logBuffer // standard output
	log  *logBuffer // standard error
	stop context.CancelFunc
	done chan error
}

// run starts `kelas serve` and waits until it says that it is ready.
func run(t *testing.T, dir string, more ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, dir: dir, out: &logBuffer{}, log: &logBuffer{}, stop: cancel, done: make(chan error, 1)}
	go func() {
		r.done <- execute(ctx, append([]string{"serve"}, flags(dir, more...)...), streams{in: strings.NewReader(""), out: r.out, err: r.log})
	}()
	t.Cleanup(func() { r.finish() })
	r.until("ready", func() bool {
		m := regexp.MustCompile(`Kelas is ready: (\S+)`).FindStringSubmatch(r.out.String())
		if m != nil {
			r.url = m[1]
		}
		return m != nil
	})
	return r
}

// until polls a condition; the server's end before it is a failure.
func (r *running) until(what string, ok func() bool) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case err := <-r.done:
			r.done <- err
			r.t.Fatalf("the server ended (%v) before it was %s:\n%s", err, what, r.log)
		case <-deadline:
			r.t.Fatalf("not %s:\n%s%s", what, r.out, r.log)
		case <-tick.C:
		}
	}
}

// finish stops the server and returns what it ended with.
func (r *running) finish() error {
	r.stop()
	select {
	case err := <-r.done:
		r.done <- err
		return err
	case <-time.After(patience):
		r.t.Fatal("the server does not stop")
		return nil
	}
}

// command runs another command on the server's data while it runs.
func (r *running) command(in string, args ...string) string {
	r.t.Helper()
	out, err := runCommand(r.t, in, append(args, "--data-dir", r.dir)...)
	if err != nil {
		r.t.Fatalf("%v: %v", args, err)
	}
	return strings.TrimSpace(out)
}

func (r *running) status(c *http.Client, path string) int {
	r.t.Helper()
	answer, err := c.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}

// A whole life: the first start offers a link to set up, once; commands work
// beside the server; people join; a stop tells them and the next start has
// everything.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	r := run(t, dir)
	c := noRedirect(t, nil)
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/login"} {
		if got := r.status(c, path); got != http.StatusOK {
			t.Errorf("%s: %d", path, got)
		}
	}

	link := regexp.MustCompile(`https?://\S+/setup\?code=\S+`).FindString(r.out.String())
	if link == "" || strings.Contains(r.log.String(), "code=") {
		t.Fatalf("the set-up link belongs on standard output alone:\n%s%s", r.out, r.log)
	}
	setUp(t, c, r.url, link)

	class := func() string {
		r.command(goodPassword+"\n", "user", "add", "--role", "teacher", "--password-stdin", "ibu.sari")
		return r.command("", "class", "add", "--title", "Biologi 8B", "--owner", "ibu.sari")
	}()
	ani := enter(t, r.url, class, r.command("", "token", "--class", class, "--role", "viewer", "--name", "Ani"), nil)
	if answer := ani.ask("chat", `{"text":"Halo","clientId":"a-1"}`); !strings.Contains(string(answer), `"ok":true`) {
		t.Fatalf("chat: %s", answer)
	}

	// A stop is told, and everything that was accepted is stored.
	stopped := make(chan error, 1)
	go func() { stopped <- r.finish() }()
	var closing struct{ RetryAfter int }
	if err := json.Unmarshal(ani.event("serverClosing"), &closing); err != nil || closing.RetryAfter <= 0 {
		t.Errorf("serverClosing: %+v %v", closing, err)
	}
	if end := ani.end(); end.Code != 1001 || end.Text != "serverClosing" {
		t.Errorf("closed with %v", end)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stopping: %v", err)
	}

	again := run(t, dir)
	if strings.Contains(again.out.String(), "/setup") {
		t.Error("the set-up link was offered again")
	}
	budi := enter(t, again.url, class, again.command("", "token", "--class", class, "--role", "viewer", "--name", "Budi"), nil)
	if answer := budi.ask("chatHistory", `{}`); !strings.Contains(string(answer), "Halo") {
		t.Errorf("after a restart: %s", answer)
	}
	if err := again.finish(); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// setUp uses the link as a browser does, and tries to use it again.
func setUp(t *testing.T, c *http.Client, server, link string) {
	t.Helper()
	person := func() *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Client{Transport: c.Transport, CheckRedirect: c.CheckRedirect, Jar: jar}
	}
	csrfOf := func(page string) string {
		t.Helper()
		m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("no form: %.300s", page)
		}
		return m[1]
	}
	admin, thief := person(), person()
	read := func(answer *http.Response, err error) (int, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	_, page := read(thief.Get(link)) // sees the form in time, but is late
	late := csrfOf(page)
	_, page = read(admin.Get(link))
	form := url.Values{"csrf": {csrfOf(page)}, "code": {u.Query().Get("code")}, "name": {"kepala"}, "display": {"Kepala"},
		"password": {goodPassword}, "again": {goodPassword}, "language": {"id"}}
	status, page := read(admin.PostForm(server+"/setup", form))
	if status != http.StatusSeeOther {
		t.Fatalf("setting up: %d %.300s", status, page)
	}
	if status, _ = read(admin.Get(server + "/admin/users")); status != http.StatusOK {
		t.Errorf("the first one is no administrator: %d", status)
	}
	if status, _ = read(person().Get(link)); status != http.StatusGone {
		t.Errorf("the link opens again: %d", status)
	}
	form.Set("name", "penyusup")
	form.Set("csrf", late)
	if status, _ = read(thief.PostForm(server+"/setup", form)); status != http.StatusGone {
		t.Errorf("the code is taken again: %d", status)
	}
}

// One data directory has one server; what a killed one left does not count.
func TestOneServerADirectory(t *testing.T) {
	dir := t.TempDir()
	first := run(t, dir)
	_, err := runCommand(t, "", append([]string{"serve"}, flags(dir)...)...)
	if !errors.Is(err, errDataDirInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("the second server: %v", err)
	}
	if got := first.status(noRedirect(t, nil), "/readyz"); got != http.StatusOK {
		t.Errorf("the first server after it: %d", got)
	}
	first.command("", "class", "add", "--title", "Beside the server")
	if err := first.finish(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "server.lock")); err != nil {
		t.Fatal(err) // it lies there, held by nobody
	}
	if err := run(t, dir).finish(); err != nil {
		t.Error(err)
	}
}

// When a part does not open, the error names its option, and what was opened
// before is closed: the directory is free and no goroutine is left.
func TestPartsThatFail(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	media, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "no certificate")
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"http":        {[]string{"--http", taken.Addr().String()}, "--http"},
		"media":       {[]string{"--media-addr", media.LocalAddr().String()}, "media"},
		"media tcp":   {[]string{"--media-tcp-addr", taken.Addr().String()}, "media"},
		"turn":        {[]string{"--turn-addr", taken.Addr().String()}, "TURN"},
		"certificate": {[]string{"--tls", "files", "--tls-cert", file, "--tls-key", file}, "--tls-cert"},
		"acme port":   {[]string{"--tls", "acme", "--tls-domain", "class.example.org", "--acme-http", taken.Addr().String()}, "--acme-http"},
		"mongodb":     {[]string{"--mongodb-uri", "nonsense"}, "database"},
		"data dir":    {[]string{"--data-dir", file}, "--data-dir"},
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			cli, _, err := parse(append([]string{"serve"}, flags(dir, tc.args...)...), streams{out: io.Discard, err: io.Discard})
			if err != nil {
				t.Fatal(err)
			}
			a, err := start(t.Context(), &cli.storeFlags, &cli.Serve.serveFlags, slog.New(slog.DiscardHandler))
			if err == nil {
				_ = a.close(t.Context())
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%q does not name %q", err, tc.want)
			}
			if err := goleak.Find(before); err != nil {
				t.Error(err)
			}
		})
	}
	if err := run(t, dir).finish(); err != nil {
		t.Error(err)
	}
}
