package bbb_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/classroom/files"
	"kelas/signaling/auth"
	"kelas/signaling/bbb"
	"kelas/signaling/outbound"
	"kelas/signaling/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"

// clock is the time of a test.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// lms is a door over real classes and a store in memory, and the caller.
type lms struct {
	t       *testing.T
	clock   *clock
	store   *classroomtest.FaultyStore
	classes *classroom.Registry
	signer  *auth.Signer
	shelf   *files.Shelf
	door    *bbb.Door
	addr    string
	ended   chan struct{}
	cfg     bbb.Config
	deps    bbb.Deps
}

func newLMS(t *testing.T, cfg bbb.Config) *lms { return newLMSIn(t, cfg, "127.0.0.1") }

// newLMSIn is newLMS with another network that may be called than this machine.
func newLMSIn(t *testing.T, cfg bbb.Config, allow ...string) *lms {
	t.Helper()
	l := &lms{t: t, clock: newClock(), store: classroomtest.NewFaultyStore(classroomtest.NewMemStore()), addr: "192.0.2.1",
		ended: make(chan struct{}, 1)}
	log := slog.New(slog.DiscardHandler)
	var err error
	l.shelf, err = files.New(files.Config{Dir: t.TempDir(), MaxSize: 1 << 20}, l.store, log)
	l.ok(err)
	l.classes, err = classroom.NewRegistry(classroom.Config{}, classroom.Deps{Store: l.store, Files: l.shelf, Now: l.clock.now, Ended: l.hasEnded})
	l.ok(err)
	caller, err := outbound.New(outbound.Config{Allow: allow})
	l.ok(err)
	t.Cleanup(caller.Close)
	outbox, err := webhook.New(t.Context(), webhook.Config{RetryFirst: time.Millisecond, RetryMax: time.Millisecond},
		webhook.Deps{Store: l.store, Caller: caller, Log: log})
	l.ok(err)
	t.Cleanup(outbox.Close)
	t.Cleanup(func() { l.ok(l.classes.Close(context.Background())) })
	l.signer, err = auth.NewSigner(make([]byte, 32))
	l.ok(err)
	if len(cfg.Secrets) == 0 {
		cfg.Secrets = []string{secret}
	}
	cfg.Now, cfg.FileMaxSize = l.clock.now, 1<<20
	l.cfg, l.deps = cfg, bbb.Deps{Classes: l.classes, Signer: l.signer, Shelf: l.shelf, Fetcher: caller, Outbox: outbox, Hooks: l.store,
		Ended: l.ended, Log: log, Client: func(*http.Request) bbb.Client { return bbb.Client{Addr: l.addr} }}
	l.restart()
	l.classes.Observe(l)
	return l
}

// Wants and Happened are the door's, which a test may close and open again.
func (l *lms) Wants(classID string) bool { return l.door.Wants(classID) }

func (l *lms) Happened(ctx context.Context, list []classroom.Happening) error {
	return l.door.Happened(ctx, list)
}

// restart opens the door, anew where it was open.
func (l *lms) restart() {
	l.t.Helper()
	if l.door != nil {
		l.door.Close()
	}
	var err error
	l.door, err = bbb.New(l.t.Context(), l.cfg, l.deps)
	l.ok(err)
	l.t.Cleanup(l.door.Close)
}

func (l *lms) hasEnded() {
	select {
	case l.ended <- struct{}{}:
	default:
	}
}

func (l *lms) ok(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func sha1Of(parts ...string) string {
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// sign makes the address of a call with a query as it is.
func sign(call, query string) string {
	sum := sha1Of(call, query, secret)
	if query != "" {
		query += "&"
	}
	return "/bigbluebutton/api/" + call + "?" + query + "checksum=" + sum
}

// pairs encodes name, value, name, value.
func pairs(list ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(list); i += 2 {
		v.Set(list[i], list[i+1])
	}
	return v.Encode()
}

func (l *lms) send(r *http.Request) *http.Response {
	l.t.Helper()
	rec := httptest.NewRecorder()
	l.door.ServeHTTP(rec, r)
	return rec.Result()
}

// answer is an answer's elements by their path, "attendees/attendee/userID";
// of several with one path the last stands there, and count counts them.
type answer struct {
	t     *testing.T
	body  string
	at    map[string]string
	count map[string]int
}

func (l *lms) read(res *http.Response) answer {
	l.t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	l.ok(err)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/xml; charset=utf-8" {
		l.t.Fatalf("%d %s %s", res.StatusCode, res.Header, body)
	}
	return readXML(l.t, string(body))
}

func readXML(t *testing.T, body string) answer {
	t.Helper()
	a := answer{t: t, body: body, at: map[string]string{}, count: map[string]int{}}
	dec := xml.NewDecoder(strings.NewReader(body))
	var path []string
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return a
		}
		if err != nil {
			t.Fatalf("no XML: %v in %s", err, body)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			path = append(path, tok.Name.Local)
			p := strings.TrimPrefix(strings.Join(path, "/"), "response/")
			a.at[p] = ""
			a.count[p]++
			for _, attr := range tok.Attr {
				a.at[p+"@"+attr.Name.Local] = attr.Value
			}
		case xml.CharData:
			if p := strings.TrimPrefix(strings.Join(path, "/"), "response/"); len(path) > 1 {
				a.at[p] += string(tok)
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
}

// get makes a call by GET.
func (l *lms) get(call string, list ...string) answer {
	l.t.Helper()
	return l.read(l.send(httptest.NewRequest(http.MethodGet, sign(call, pairs(list...)), nil)))
}

// wants asks of the answer that it succeeded.
func (a answer) wants(pairs ...string) answer {
	a.t.Helper()
	if a.at["returncode"] != "SUCCESS" {
		a.t.Fatalf("not a success: %s", a.body)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if got, ok := a.at[pairs[i]]; !ok || got != pairs[i+1] {
			a.t.Fatalf("%s is %q, want %q: %s", pairs[i], got, pairs[i+1], a.body)
		}
	}
	return a
}

// fails asks of the answer that it failed for a reason.
func (a answer) fails(key string) answer {
	a.t.Helper()
	if a.at["returncode"] != "FAILED" || a.at["messageKey"] != key || a.at["message"] == "" {
		a.t.Fatalf("want %s: %s", key, a.body)
	}
	return a
}

// seatOf reads the identity out of the address that join gave.
func (l *lms) seatOf(address string) (id classroom.Identity, classID string) {
	l.t.Helper()
	u, err := url.Parse(address)
	l.ok(err)
	classID = strings.TrimPrefix(u.Path, "/c/")
	seat, err := l.signer.VerifySeat(u.Query().Get("token"), classID, l.clock.now())
	l.ok(err)
	return classroom.Identity{Key: seat.Identity.Key, Name: seat.Identity.Name, Role: classroom.Role(seat.Identity.Role),
		Guest: seat.Identity.Guest}, classID
}

// enter brings somebody into a class by the address that join gave.
func (l *lms) enter(address string) (*classroom.Session, *classroomtest.Outlet) {
	l.t.Helper()
	id, classID := l.seatOf(address)
	out := classroomtest.NewOutlet()
	s, _, err := l.classes.Join(l.t.Context(), classroom.JoinRequest{ClassID: classID, Outlet: out, Identity: id})
	l.ok(err)
	return s, out
}

// waits is the id of the one who waits in a class's lobby.
func (l *lms) waits(classID string) string {
	l.t.Helper()
	_, joined, err := l.classes.Join(l.t.Context(), classroom.JoinRequest{ClassID: classID, Outlet: classroomtest.NewOutlet(),
		Identity: classroom.Identity{Key: "looks", Name: "Looks", Role: classroom.RoleModerator}})
	l.ok(err)
	if len(joined.Lobby) != 1 {
		l.t.Fatalf("%d wait", len(joined.Lobby))
	}
	return joined.Lobby[0].ID
}
