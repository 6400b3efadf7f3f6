package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// outage takes the database away from a server with people in a class, and
// gives it back: the class goes on, messages are not called stored before
// they are, who is new is told to try again, and in the end all is there.
func outage(t *testing.T, r *running, args []string, refusal string, away, back func()) {
	t.Helper()
	command := func(more ...string) string {
		t.Helper()
		out, err := runCommand(t, "", append(append(more, "--data-dir", r.dir), args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out)
	}
	class := command("class", "add", "--title", "Fisika")
	token := func(name string) string {
		return command("token", "--class", class, "--role", "viewer", "--name", name)
	}
	ani, budi, cici, stranger := enter(t, r.url, class, token("Ani"), nil), enter(t, r.url, class, token("Budi"), nil), token("Cici"), token("Dodi")
	enter(t, r.url, class, cici, nil).ask("leave", "{}")
	say := func(text string) int64 {
		t.Helper()
		var answer struct {
			OK    bool
			Entry struct{ Seq int64 }
		}
		raw := ani.ask("chat", `{"text":"`+text+`"}`)
		if err := json.Unmarshal(raw, &answer); err != nil || !answer.OK {
			t.Fatalf("chat: %s", raw)
		}
		return answer.Entry.Seq
	}
	stored := func(v *visitor, seq int64) {
		t.Helper()
		for {
			var told struct{ Seq int64 }
			if err := json.Unmarshal(v.event("chatStored"), &told); err != nil {
				t.Fatal(err)
			}
			if told.Seq >= seq {
				return
			}
		}
	}
	first := say("sebelum")
	stored(ani, first)

	away()
	last := say("selama")
	if got := string(budi.event("chat")); !strings.Contains(got, "sebelum") {
		t.Errorf("heard %s", got)
	}
	if got := string(budi.event("chat")); !strings.Contains(got, "selama") {
		t.Errorf("heard %s", got)
	}
	// From here on nothing may be called stored until it is back: the next
	// event of Ani's that speaks of storing is the delay.
	var delayed struct{ Waiting int }
	for delayed.Waiting == 0 {
		raw := ani.frame()
		if strings.HasPrefix(raw, `42["chatStored"`) {
			t.Fatalf("called stored while the database is away: %s", raw)
		}
		if body, ok := strings.CutPrefix(raw, `42["chatDelayed",`); ok {
			if err := json.Unmarshal([]byte(strings.TrimSuffix(body, "]")), &delayed); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := r.status(noRedirect(t, nil), "/healthz"); got != http.StatusOK {
		t.Errorf("/healthz: %d", got)
	}
	// Who is new cannot be written down, and is told so; the class does not stop.
	if v, answer := visit(t, r.url, class, stranger, nil); strings.HasPrefix(answer, "40{") {
		v.emit("join", "{}")
		if got := string(v.event("error")); !strings.Contains(got, refusal) {
			t.Errorf("a new one: %s", got)
		}
	} else if !strings.Contains(answer, refusal) {
		t.Errorf("a new one: %s", answer)
	}
	last = max(last, say("masih selama"))

	back()
	stored(ani, last)
	enter(t, r.url, class, stranger, nil)
	history := string(enter(t, r.url, class, cici, nil).ask("chatHistory", `{"limit":200}`))
	for _, text := range []string{"sebelum", "selama", "masih selama"} {
		if strings.Count(history, `"`+text+`"`) != 1 {
			t.Errorf("%q in the history: %s", text, history)
		}
	}
	if got := r.status(noRedirect(t, nil), "/readyz"); got != http.StatusOK {
		t.Errorf("/readyz after it: %d", got)
	}
	if err := r.finish(); err != nil {
		t.Error(err)
	}
}

// Another process holds the embedded database, as a backup gone wrong does.
func TestSQLiteLocked(t *testing.T) {
	r := run(t, t.TempDir())
	db, err := sql.Open("sqlite", filepath.Join(r.dir, "kelas.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	do := func(what string) func() {
		return func() {
			t.Helper()
			if _, err := conn.ExecContext(t.Context(), "PRAGMA busy_timeout(20000)"); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.ExecContext(t.Context(), what); err != nil {
				t.Fatal(err)
			}
		}
	}
	outage(t, r, nil, "storeUnavailable", do("BEGIN EXCLUSIVE"), do("ROLLBACK"))
}

// MongoDB goes away and comes back, as seen over a line that can be cut.
func TestMongoDBAway(t *testing.T) {
	uri := os.Getenv("MONGODB_TEST_URI")
	if uri == "" {
		t.Skip("MONGODB_TEST_URI is not set: a MongoDB that goes away is NOT tested")
	}
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	line := newLine(t, u.Host)
	u.Host = line.addr
	u.Path = "/kelas_test_away"
	q := u.Query()
	q.Set("directConnection", "true") // or the driver would find the way around the line
	u.RawQuery = q.Encode()
	args := []string{"--mongodb-uri", u.String()}
	r := run(t, t.TempDir(), args...)
	outage(t, r, args, "storeUnavailable", line.cut, line.mend)
	if strings.Contains(r.log.String(), "mongodb://") {
		t.Error("the log has the database's address, which may hold a password")
	}
}

// line passes TCP on to a server, unless it is cut.
type line struct {
	t    *testing.T
	to   string
	addr string

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]struct{}
	wg    sync.WaitGroup
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &line{t: t, to: to, addr: l.Addr().String(), conns: map[net.Conn]struct{}{}}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.pass(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *line) pass(c net.Conn) {
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.to)
	if err != nil {
		return
	}
	defer s.Close()
	p.mu.Lock()
	if p.down {
		p.mu.Unlock()
		return
	}
	p.conns[c], p.conns[s] = struct{}{}, struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	copy := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // until either side, or cut, ends it
		_ = to.Close()
		_ = from.Close()
	}
	both.Go(func() { copy(s, c) })
	both.Go(func() { copy(c, s) })
	both.Wait()
	p.mu.Lock()
	delete(p.conns, c)
	delete(p.conns, s)
	p.mu.Unlock()
}

func (p *line) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *line) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}
