package bbb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"kelas/classroom"
	"kelas/signaling/auth"
)

// Classes is what the door needs of classroom.Registry.
type Classes interface {
	OpenLesson(ctx context.Context, external, title string, s classroom.Settings) (l classroom.Lesson, made bool, err error)
	LessonByExternal(ctx context.Context, external string) (classroom.Lesson, error)
	Lesson(ctx context.Context, id string) (classroom.Lesson, error)
	OpenLessons(ctx context.Context) ([]classroom.Lesson, error)
	MayEnter(ctx context.Context, classID string, id classroom.Identity) error
	EndClass(ctx context.Context, classID string) error
	People(classID string) []classroom.Attendee
	Slots(classID string) []classroom.SlotView
	Participants(ctx context.Context, classID string) ([]classroom.Participant, error)
	Attendance(ctx context.Context, classID string) ([]classroom.Attendance, error)
	Chat(ctx context.Context, q classroom.ChatQuery) ([]classroom.ChatEntry, error)
	Post(ctx context.Context, classID string, id classroom.Identity, req classroom.ChatRequest) (classroom.ChatEntry, error)
	FileAdded(classID string, f classroom.FileInfo)
	Unsettled(ctx context.Context) ([]classroom.Lesson, error)
	Settle(ctx context.Context, lessonID string) error
}

// Client is where a request comes from, as the server found out.
type Client struct {
	Addr   string
	Secure bool
}

// Deps are what the door works with. Ended and Log may be left out.
type Deps struct {
	Classes Classes
	Signer  *auth.Signer
	Shelf   Shelf
	Fetcher Fetcher
	Outbox  Outbox
	Hooks   HookStore
	Client  func(*http.Request) Client
	Ended   <-chan struct{} // something has ended; classroom.Deps.Ended sends into it
	Log     *slog.Logger
}

// Prefix is where the door's addresses begin.
const Prefix = "/bigbluebutton/api"

// Limits on what is read before, and after, a call's checksum is known good.
const (
	queryMax = 32 << 10
	formMax  = 64 << 10
)

// Door answers what is under Prefix.
type Door struct {
	cfg   Config
	d     Deps
	log   *slog.Logger
	wrong *auth.Limiter
	hooks atomic.Pointer[[]hook] // never changed in place

	reading sync.Mutex // held over one reading of the hooks: an older one must not come last

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// New composes the door and begins to tell of meetings that have ended. It is
// an observer of the classes besides: their owner makes it one.
func New(ctx context.Context, cfg Config, d Deps) (*Door, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Classes == nil || d.Signer == nil || d.Client == nil || d.Shelf == nil || d.Fetcher == nil || d.Outbox == nil || d.Hooks == nil {
		return nil, fmt.Errorf("bbb: Classes, Signer, Shelf, Fetcher, Outbox, Hooks and Client are needed")
	}
	b := &Door{cfg: cfg.withDefaults(), d: d, log: d.Log}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.wrong = auth.NewLimiter(b.cfg.WrongBurst, b.cfg.WrongInterval)
	if err := b.readHooks(ctx); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	b.running.Go(func() { b.run(running) })
	return b, nil
}

// Close ends the telling of ends and waits; what is left is told by the next
// process.
func (b *Door) Close() {
	b.cancel()
	b.running.Wait()
}

// call is one request whose checksum is right.
type call struct {
	b      *Door
	r      *http.Request
	w      http.ResponseWriter
	name   string
	p      params
	inForm bool // the parameters came in the body, so there is no other body
}

// calls is the table of all calls. run returns what the answer holds; nil
// means that it has answered itself.
var calls map[string]func(ctx context.Context, c *call) ([]node, error)

func init() { // a literal would refer to itself through call
	calls = map[string]func(ctx context.Context, c *call) ([]node, error){
		"create":           create,
		"join":             join,
		"isMeetingRunning": isMeetingRunning,
		"getMeetingInfo":   getMeetingInfo,
		"getMeetings":      getMeetings,
		"end":              end,
		"insertDocument":   insertDocument,
		"sendChatMessage":  sendChatMessage,
		"hooks/create":     createHook,
		"hooks/list":       listHooks,
		"hooks/destroy":    destroyHook,

		"getRecordings":          getRecordings,
		"publishRecordings":      changeRecordings,
		"updateRecordings":       changeRecordings,
		"deleteRecordings":       changeRecordings,
		"getRecordingTextTracks": textTracks,
		"putRecordingTextTrack":  textTracks,
	}
}

// ServeHTTP answers one call. A call that fails is answered with 200 too:
// clients take every other status for a server that is down.
func (b *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	name := strings.Trim(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	if r.Method == http.MethodHead {
		// Somebody looks whether the address is there; nothing is done.
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(http.StatusOK)
		return
	}
	if name == "" {
		b.answer(w, document(version()))
		return
	}
	run, known := calls[name]
	if !known || r.Method != http.MethodGet && r.Method != http.MethodPost {
		b.refuse(w, r, name, failed(keyUnsupported, "This call is not supported."))
		return
	}
	c, err := b.read(w, r, name)
	if err != nil {
		b.refuse(w, r, name, err)
		return
	}
	in, err := run(r.Context(), c)
	switch {
	case err != nil:
		b.refuse(w, r, name, err)
	case in != nil:
		b.answer(w, document(in))
	}
}

const contentType = "text/xml; charset=utf-8"

// version is the answer at the root. A client asks it whether the server is
// there, without a checksum.
func version() []node {
	return succeeded(leaf("version", "2.0"), leaf("apiVersion", "2.0"), leaf("bbbVersion", ""))
}

func (b *Door) answer(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

func (b *Door) refuse(w http.ResponseWriter, r *http.Request, name string, err error) {
	f, known := failureOf(err)
	if !known && r.Context().Err() == nil {
		b.log.Error("call failed", "call", name, "err", err)
	}
	var many failures
	_ = errors.As(err, &many)
	b.answer(w, refusal(f, many))
}

// read checks a call's checksum and reads its parameters. What is not
// covered by the checksum is not taken: beside a query a form's parameters
// are ignored.
func (b *Door) read(w http.ResponseWriter, r *http.Request, name string) (*call, error) {
	if len(r.URL.RawQuery) > queryMax {
		return nil, failed(keyTooLarge, "The call is longer than allowed.")
	}
	s := splitChecksum(r.URL.RawQuery)
	queries := []string{s.query}
	inForm := false
	if r.URL.RawQuery == "" && isForm(r) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, formMax))
		if err != nil {
			return nil, failed(keyTooLarge, "The form is longer than allowed, or did not come.")
		}
		inForm = true
		s = splitChecksum(string(body))
		queries = []string{s.query}
		if p, err := parse(s.query); err == nil {
			queries = append(queries, sortedForm(p))
		}
	}
	if !b.cfg.verify(name, s.checksum, queries...) {
		return nil, b.wrongChecksum(w, r, name)
	}
	p, err := parse(s.query)
	if err != nil {
		return nil, err
	}
	return &call{b: b, r: r, w: w, name: name, p: p, inForm: inForm}, nil
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Method == http.MethodPost && err == nil && kind == "application/x-www-form-urlencoded"
}

// wrongChecksum counts and answers one. Right checksums are not held up by
// them: behind one address are the LMS and its pupils, and no pupil may shut it
// out.
func (b *Door) wrongChecksum(w http.ResponseWriter, r *http.Request, name string) error {
	addr := b.d.Client(r).Addr
	wait := b.wrong.Take(addr, b.cfg.Now())
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(http.StatusTooManyRequests)
		return failed(keyChecksum, "There were too many wrong checksums; wait a little.")
	}
	b.log.Warn("wrong checksum", "call", name, "addr", addr)
	return failed(keyChecksum, "The checksums do not match.")
}

// meeting finds the lesson of a call that has not ended.
func (c *call) meeting(ctx context.Context) (classroom.Lesson, error) {
	l, err := c.anyMeeting(ctx)
	if err == nil && !l.EndedAt.IsZero() {
		err = failed(keyNotFound, textNotFound)
	}
	return l, err
}

// anyMeeting finds the lesson of a call, the last one when all have ended.
func (c *call) anyMeeting(ctx context.Context) (classroom.Lesson, error) {
	id := c.p["meetingID"]
	if id == "" {
		return classroom.Lesson{}, failed(keyNoMeetingID, "You must give a meeting ID.")
	}
	return c.b.d.Classes.LessonByExternal(ctx, id)
}

// origin is what stands before the path in addresses for browsers.
func (c *call) origin() string {
	if c.b.cfg.PublicURL != "" {
		return strings.TrimRight(c.b.cfg.PublicURL, "/")
	}
	if c.b.d.Client(c.r).Secure {
		return "https://" + c.r.Host
	}
	return "http://" + c.r.Host
}
