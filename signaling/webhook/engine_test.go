package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/signaling/outbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver stands where the internet is: it notes what comes and answers by
// the book.
type receiver struct {
	mu     sync.Mutex
	got    []call
	answer func(c call) (status int, header http.Header, err error) // nil: 204
	gate   chan struct{}                                            // when not nil, a request waits for it
	at     int                                                      // requests being made
	most   map[string]int                                           // at once, by host
	now    map[string]int
}

type call struct {
	url    string
	header http.Header
	body   string
	at     time.Time
}

func (r *receiver) CheckURL(raw string) error {
	if u, err := url.Parse(raw); err != nil || u.Host == "" {
		return outbound.ErrBadURL
	}
	return nil
}

func (r *receiver) Do(ctx context.Context, req *http.Request) (outbound.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return outbound.Response{}, err
	}
	host := req.URL.Host
	c := call{req.URL.String(), req.Header.Clone(), string(body), time.Now()}
	r.mu.Lock()
	if r.now == nil {
		r.now, r.most = map[string]int{}, map[string]int{}
	}
	r.now[host]++
	r.at++
	r.most[host] = max(r.most[host], r.now[host])
	r.most["all"] = max(r.most["all"], r.at)
	gate := r.gate
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.now[host]--
		r.at--
		r.mu.Unlock()
	}()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return outbound.Response{}, ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, c)
	if r.answer != nil {
		status, header, err := r.answer(c)
		return outbound.Response{Status: status, Header: header}, err
	}
	return outbound.Response{Status: http.StatusNoContent}, nil
}

func (r *receiver) calls() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *receiver) says(answer func(c call) (int, http.Header, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func always(status int) func(call) (int, http.Header, error) {
	return func(call) (int, http.Header, error) { return status, nil, nil }
}

// rig is an engine in a bubble of fake time.
type rig struct {
	t     *testing.T
	store *classroomtest.MemStore
	out   *receiver
	e     *Engine
	cfg   Config
}

func bubble(t *testing.T, cfg Config, run func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, store: classroomtest.NewMemStore(), out: &receiver{}, cfg: cfg}
		r.start()
		defer func() { r.e.Close() }()
		run(t, r)
	})
}

func (r *rig) start() {
	r.t.Helper()
	var err error
	r.e, err = New(r.t.Context(), r.cfg, Deps{Store: r.store, Caller: r.out, Jitter: func() float64 { return 0.5 }})
	r.must(err)
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("unexpected error: %v", err)
	}
}

func (r *rig) subscribe(w classroom.Webhook) classroom.Webhook {
	r.t.Helper()
	if w.URL == "" {
		w.URL = "https://lms.example/in"
	}
	w, err := r.e.Create(r.t.Context(), w)
	r.must(err)
	return w
}

func said(class string, n int) classroom.Happening {
	return classroom.Happening{ID: fmt.Sprintf("chat:%s:%d", class, n), Type: classroom.ChatSent, ClassID: class, Title: "Fisika",
		At: time.Now(), Chat: &classroom.ChatEntry{ClassID: class, Seq: int64(n), Kind: classroom.ChatMessage, FromID: "p1", FromName: "Budi",
			FromRole: classroom.RoleViewer, Text: fmt.Sprint("pesan ", n)}}
}

func (r *rig) happen(list ...classroom.Happening) {
	r.t.Helper()
	r.must(r.e.Happened(r.t.Context(), list))
}

func (r *rig) texts() []string {
	var all []string
	for _, c := range r.out.calls() {
		var e event
		r.must(json.Unmarshal([]byte(c.body), &e))
		if e.Data.Chat != nil {
			all = append(all, e.Data.Chat.Text)
		} else {
			all = append(all, e.Type)
		}
	}
	return all
}

func (r *rig) list(id string, state classroom.DeliveryState) []classroom.Delivery {
	r.t.Helper()
	list, err := r.e.Deliveries(r.t.Context(), id, state, 0, 0)
	r.must(err)
	return list
}

func wait(d time.Duration) {
	time.Sleep(d) // fake time
	synctest.Wait()
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func TestDeliversInOrderAndSigned(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		w := r.subscribe(classroom.Webhook{})
		var want []string
		for n := range 120 { // more than a turn
			r.happen(said("c1", n))
			want = append(want, fmt.Sprint("pesan ", n))
		}
		wait(time.Second)
		equal(t, "what came", r.texts(), want)
		for _, c := range r.out.calls() {
			if !Verify(c.header, w.Secret, []byte(c.body), time.Now(), time.Minute) {
				t.Fatal("a signature does not hold")
			}
			if Verify(c.header, w.Secret, []byte(c.body+" "), time.Now(), time.Minute) || Verify(c.header, NewSecret(), []byte(c.body), time.Now(), time.Minute) ||
				Verify(c.header, w.Secret, []byte(c.body), time.Now().Add(time.Hour), time.Minute) {
				t.Fatal("a wrong signature holds")
			}
			if c.header.Get("Content-Type") != "application/json" {
				t.Fatalf("headers: %v", c.header)
			}
		}
		equal(t, "done", len(r.list(w.ID, classroom.DeliveryDone)), 120)
		equal(t, "waiting", r.e.Stats().Waiting, 0)
		equal(t, "at once to one receiver", r.out.most["lms.example"], 1)
		r.happen(said("c1", 5)) // told again
		wait(time.Second)
		equal(t, "after the same again", len(r.texts()), 120)
	})
}

// The vector of the specification's libraries.
func TestSignatureVector(t *testing.T) {
	h := http.Header{}
	Sign(h, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	equal(t, "the signature", h.Get(HeaderSignature), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	equal(t, "the rest", h.Get(HeaderID)+" "+h.Get(HeaderTimestamp), "msg_p5jXN8AQM9LWM0D4loKWxJek 1614265330")
}

// A failing one holds back what is behind it; the pauses double; each attempt
// has the same id and a new timestamp.
func TestRetriesInOrder(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		w := r.subscribe(classroom.Webhook{})
		r.out.says(always(500))
		begin := time.Now()
		r.happen(said("c1", 1), said("c1", 2))
		wait(5*time.Second + 10*time.Second + 20*time.Second + time.Second)
		var at []time.Duration
		ids := map[string]bool{}
		for _, c := range r.out.calls() {
			at = append(at, c.at.Sub(begin).Round(time.Second))
			ids[c.header.Get(HeaderID)] = true
		}
		equal(t, "attempts", at, []time.Duration{0, 5 * time.Second, 15 * time.Second, 35 * time.Second})
		equal(t, "ids", len(ids), 1)
		head := r.list(w.ID, classroom.DeliveryPending)[1]
		equal(t, "the list", []any{head.Attempts, head.Status, head.Error}, []any{4, 500, "the receiver answered 500"})
		r.out.says(nil)
		wait(time.Minute)
		equal(t, "the last two", r.texts()[4:], []string{"pesan 1", "pesan 2"})
	})
}

func TestGivesUpAfterADay(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		w := r.subscribe(classroom.Webhook{})
		r.out.says(func(call) (int, http.Header, error) { return 0, nil, errors.New("no route to 10.0.0.1") })
		r.happen(said("c1", 1))
		wait(23 * time.Hour)
		equal(t, "given up before the day is over", len(r.list(w.ID, classroom.DeliveryFailed)), 0)
		r.happen(said("c1", 2))
		wait(90 * time.Minute)
		dead := r.list(w.ID, classroom.DeliveryFailed)
		equal(t, "dead letters", len(dead), 1)
		equal(t, "in its words", dead[0].Error, "the receiver could not be reached")
		if n := dead[0].Attempts; n < 25 || n > 40 {
			t.Fatalf("%d attempts in a day", n)
		}
		r.out.says(nil)
		wait(2 * time.Hour)
		equal(t, "the next one went", r.list(w.ID, classroom.DeliveryDone)[0].Event, classroom.ChatSent)
		r.must(r.e.Resend(t.Context(), w.ID, dead[0].ID))
		wait(time.Second)
		equal(t, "sent once more", len(r.list(w.ID, classroom.DeliveryFailed)), 0)
		equal(t, "the last text", r.texts()[len(r.texts())-1], "pesan 1")
		wait(9 * 24 * time.Hour)
		equal(t, "kept for a week", len(r.list(w.ID, "")), 0)
	})
}

func TestRetryAfter(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.subscribe(classroom.Webhook{})
		r.out.says(func(call) (int, http.Header, error) { return 503, http.Header{"Retry-After": {"120"}}, nil })
		r.happen(said("c1", 1))
		wait(119 * time.Second)
		equal(t, "attempts", len(r.out.calls()), 1)
		wait(2 * time.Second)
		equal(t, "attempts", len(r.out.calls()), 2)
	})
}

// A process that ends between accepting and sending, in the middle of a
// request, or while it waits for the next try, loses nothing.
func TestRestart(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		w := r.subscribe(classroom.Webhook{})
		r.out.gate = make(chan struct{}) // the receiver hangs
		r.happen(said("c1", 1), said("c1", 2))
		wait(time.Second)
		r.e.Close()
		equal(t, "taken so far", len(r.out.calls()), 0)
		if err := r.e.Happened(t.Context(), []classroom.Happening{said("c1", 9)}); !errors.Is(err, ErrClosed) {
			t.Fatalf("a closed engine: %v", err)
		}
		r.out.gate = nil
		r.out.says(always(500))
		r.start()
		wait(time.Second)
		equal(t, "tried", len(r.out.calls()), 1)
		r.e.Close()
		r.out.says(nil)
		r.start()
		r.happen(said("c1", 3))
		wait(3 * time.Second)
		equal(t, "the pause lasts over a restart", len(r.out.calls()), 1)
		wait(2 * time.Second)
		equal(t, "after it", r.texts()[1:], []string{"pesan 1", "pesan 2", "pesan 3"})
		equal(t, "done", len(r.list(w.ID, classroom.DeliveryDone)), 3)
	})
}

func TestGoneSwitchesOff(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		w := r.subscribe(classroom.Webhook{})
		r.out.says(always(410))
		r.happen(said("c1", 1), said("c1", 2), said("c1", 3))
		wait(time.Minute)
		equal(t, "attempts", len(r.out.calls()), 1)
		now, err := r.e.Get(w.ID)
		r.must(err)
		equal(t, "the webhook", []any{now.Active, now.Disabled}, []any{false, "the receiver answered 410 Gone"})
		equal(t, "dead letters", len(r.list(w.ID, classroom.DeliveryFailed)), 3)
		equal(t, "wanted", r.e.Wants("c1"), false)
		r.happen(said("c1", 4))
		wait(time.Minute)
		equal(t, "attempts", len(r.out.calls()), 1)

		r.out.says(nil)
		now.Active = true
		now, err = r.e.Update(t.Context(), now)
		r.must(err)
		equal(t, "on again", []any{now.Active, now.Disabled}, []any{true, ""})
		r.happen(said("c1", 5))
		wait(time.Second)
		equal(t, "the last", r.texts()[1:], []string{"pesan 5"})
	})
}

func TestFilters(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		early := said("c1", 0)
		wait(time.Second)
		r.subscribe(classroom.Webhook{URL: "https://all.example/"})
		r.subscribe(classroom.Webhook{URL: "https://c2.example/", ClassID: "c2"})
		r.subscribe(classroom.Webhook{URL: "https://files.example/", Events: []string{classroom.FileShared}})
		r.happen(early, said("c1", 1), said("c2", 2),
			classroom.Happening{ID: "file:f", Type: classroom.FileShared, ClassID: "c1", At: time.Now(), File: &classroom.FileInfo{ID: "f", Name: "a.pdf"}})
		wait(time.Second)
		count := map[string]int{}
		for _, c := range r.out.calls() {
			count[strings.TrimPrefix(c.url, "https://")]++
		}
		equal(t, "what came where", count, map[string]int{"all.example/": 3, "c2.example/": 1, "files.example/": 1})
	})
}

func TestPausedWaits(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		w := r.subscribe(classroom.Webhook{})
		r.out.says(always(500))
		r.happen(said("c1", 1))
		wait(time.Second)
		w.Active = false
		w, err := r.e.Update(t.Context(), w)
		r.must(err)
		r.out.says(nil)
		wait(time.Hour)
		equal(t, "attempts while off", len(r.out.calls()), 1)
		w.Active = true
		w.URL = "https://new.example/"
		_, err = r.e.Update(t.Context(), w)
		r.must(err)
		wait(time.Second)
		equal(t, "where it went in the end", r.out.calls()[1].url, "https://new.example/")
		_, err = r.e.Update(t.Context(), w) // an old rev
		if !errors.Is(err, classroom.ErrConflict) {
			t.Fatalf("an update of an old state: %v", err)
		}
	})
}

func TestBounds(t *testing.T) {
	bubble(t, Config{QueueMax: 3, MaxWebhooks: 2, Workers: 2}, func(t *testing.T, r *rig) {
		a := r.subscribe(classroom.Webhook{URL: "https://a.example/"})
		r.out.says(always(500))
		for n := range 5 {
			r.happen(said("c1", n))
		}
		wait(time.Second)
		equal(t, "waiting", len(r.list(a.ID, classroom.DeliveryPending)), 3)
		dead := r.list(a.ID, classroom.DeliveryFailed)
		equal(t, "the rest is seen", []any{len(dead), dead[0].Error, r.e.Stats().Overflowed}, []any{2, "too many deliveries wait", 2})
		r.subscribe(classroom.Webhook{})
		if _, err := r.e.Create(t.Context(), classroom.Webhook{URL: "https://x.example/"}); !errors.Is(err, classroom.ErrTooManyWebhooks) {
			t.Fatalf("a third: %v", err)
		}
		r.out.says(nil)
		r.must(r.e.Delete(t.Context(), a.ID))
		equal(t, "deliveries of a deleted one", r.store.DropDeliveries(t.Context(), "none") == nil && !r.e.Wants("c9") == false, true)
		_, err := r.e.Deliveries(t.Context(), a.ID, "", 0, 0)
		if !errors.Is(err, classroom.ErrNotFound) {
			t.Fatalf("a deleted one: %v", err)
		}
	})
}

// Slow receivers do not stop others, and no more than Workers run at once.
func TestQueuesAreIndependent(t *testing.T) {
	bubble(t, Config{Workers: 3}, func(t *testing.T, r *rig) {
		for i := range 5 {
			r.must(r.e.Enqueue(t.Context(), Request{Queue: fmt.Sprint("bbb:", i), URL: fmt.Sprintf("https://h%d.example/", i)},
				Request{Queue: fmt.Sprint("bbb:", i), URL: fmt.Sprintf("https://h%d.example/2", i)}))
		}
		wait(time.Second)
		equal(t, "all came", len(r.out.calls()), 10)
		if most := r.out.most["all"]; most > 3 {
			t.Fatalf("%d at once", most)
		}
		r.out.says(func(c call) (int, http.Header, error) {
			if strings.Contains(c.url, "h0.") {
				return 500, nil, nil
			}
			return 200, nil, nil
		})
		for i := range 2 {
			r.must(r.e.Enqueue(t.Context(), Request{Queue: fmt.Sprint("bbb:", i), URL: fmt.Sprintf("https://h%d.example/3", i)}))
		}
		wait(time.Second)
		equal(t, "both were tried", len(r.out.calls()), 12)
	})
}

// A door's own request goes out as it was given.
func TestEnqueue(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		req := Request{ID: "end-1", Queue: "bbb:c1", Event: "meeting-ended", Method: http.MethodGet, URL: "https://moodle.example/end?x=1&y=%20",
			Header: map[string]string{"Authorization": "Bearer t"}, Retry: Retry{First: time.Second, Max: 10 * time.Second, For: time.Minute}}
		r.out.says(always(302))
		r.must(r.e.Enqueue(t.Context(), req))
		r.must(r.e.Enqueue(t.Context(), req)) // the same
		wait(2 * time.Minute)
		calls := r.out.calls()
		if n := len(calls); n < 7 || n > 10 {
			t.Fatalf("%d attempts in a minute", n)
		}
		equal(t, "the request", []any{calls[0].url, calls[0].header.Get("Authorization"), calls[0].header.Get(HeaderSignature)},
			[]any{"https://moodle.example/end?x=1&y=%20", "Bearer t", ""})
		d, err := r.store.Delivery(t.Context(), "end-1")
		r.must(err)
		equal(t, "what became of it", []any{d.State, d.Status}, []any{classroom.DeliveryFailed, 302})
		for _, bad := range []Request{{Queue: "hook:x", URL: "https://a.example/"}, {URL: "https://a.example/"}, {Queue: "q", URL: "nonsense"},
			{Queue: "q", URL: "https://a.example/", Body: make([]byte, bodyMax+1)}} {
			if err := r.e.Enqueue(t.Context(), bad); err == nil {
				t.Errorf("%.60v was taken", bad)
			}
		}
	})
}

func TestChecksSubscriptions(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		for _, w := range []classroom.Webhook{
			{URL: "nonsense"}, {URL: "https://a.example/", Events: []string{"chat.everything"}},
			{URL: "https://a.example/", Events: []string{classroom.ChatSent, classroom.ChatSent}},
			{URL: "https://a.example/", Secret: "short"}, {URL: "https://a.example/", Secret: "whsec_c2hvcnQ="},
			{URL: "https://a.example/", ClassID: strings.Repeat("c", 65)},
		} {
			if _, err := r.e.Create(t.Context(), w); !errors.Is(err, classroom.ErrWebhookInvalid) {
				t.Errorf("%+v: %v", w, err)
			}
		}
		equal(t, "stored", len(r.e.List()), 0)
		w := r.subscribe(classroom.Webhook{CreatedBy: "u1"})
		d, err := r.e.Test(t.Context(), w.ID)
		r.must(err)
		wait(time.Second)
		equal(t, "the test", r.texts(), []string{TestEvent})
		equal(t, "its delivery", r.list(w.ID, classroom.DeliveryDone)[0].ID, d.ID)
		if _, err := r.e.Test(t.Context(), "none"); !errors.Is(err, classroom.ErrNotFound) {
			t.Fatalf("a test of nothing: %v", err)
		}
	})
}

func TestPayload(t *testing.T) {
	at := time.Date(2026, 11, 25, 8, 0, 0, 123e6, time.UTC)
	body, err := payload(classroom.Happening{ID: "joined:s", Type: classroom.ParticipantCame, ClassID: "c1", Title: "Fisika", OwnerID: "u1",
		At: at, Since: at.Add(-time.Second), Participant: &classroom.Participant{ID: "p1", Key: "ext:moodle:siswa:7", Name: "Budi", Role: classroom.RoleViewer}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the body", string(body), `{"type":"participant.joined","timestamp":"2026-11-25T08:00:00.123Z","data":{"class":{"id":"c1","title":"Fisika","ownerId":"u1"},`+
		`"startedAt":"2026-11-25T07:59:59.123Z","participant":{"id":"p1","externalId":"siswa:7","name":"Budi","role":"viewer"}}}`)
}
