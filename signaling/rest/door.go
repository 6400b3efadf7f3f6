package rest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kelas/classroom"
	"kelas/classroom/files"
	"kelas/signaling/auth"
)

// Prefix is where the door is.
const Prefix = "/api/v1"

// Classes is what the door needs of classroom.Registry.
type Classes interface {
	AddLesson(ctx context.Context, id, title, ownerID string, startsAt time.Time) (classroom.Lesson, error)
	Lesson(ctx context.Context, id string) (classroom.Lesson, error)
	LessonsPage(ctx context.Context, q classroom.LessonQuery) ([]classroom.Lesson, error)
	ReviseLesson(ctx context.Context, id string, rev int64, edit classroom.LessonEdit) (classroom.Lesson, error)
	DeleteLesson(ctx context.Context, id, by string) error
	EndLesson(ctx context.Context, classID, by string) error
	LockLesson(ctx context.Context, classID string, locked bool) error

	Occupied() []string
	View(classID string) (v classroom.ClassView, roster []classroom.ParticipantView, ok bool)
	Roster(ctx context.Context, classID string) ([]classroom.Attendant, error)
	RemoveParticipant(ctx context.Context, classID, participantID, by string) error
	ChangeRole(ctx context.Context, classID, participantID string, from, to classroom.Role) error

	Chat(ctx context.Context, q classroom.ChatQuery) ([]classroom.ChatEntry, error)
	Participant(ctx context.Context, classID, key string) (classroom.Participant, error)
	Post(ctx context.Context, classID string, id classroom.Identity, req classroom.ChatRequest) (classroom.ChatEntry, error)
	Enrol(ctx context.Context, classID string, id classroom.Identity) (classroom.Participant, error)
	Join(ctx context.Context, req classroom.JoinRequest) (*classroom.Session, classroom.Joined, error)
	Attendance(ctx context.Context, classID string) ([]classroom.Attendance, error)
	FileAdded(classID string, f classroom.FileInfo)
	FileRemoved(classID, fileID string)
}

// Shelf is what the door needs of files.Shelf.
type Shelf interface {
	Begin(ctx context.Context, classID string, owner files.Owner, name string, size int64) (classroom.Upload, error)
	Append(ctx context.Context, uploadID string, offset int64, r io.Reader) (int64, *classroom.FileInfo, error)
	Abort(ctx context.Context, uploadID string) error
	File(ctx context.Context, classID, fileID string) (classroom.FileInfo, error)
	Open(ctx context.Context, classID, fileID string) (classroom.FileInfo, *os.File, error)
	Delete(ctx context.Context, classID, fileID string) error
	List(ctx context.Context, classID string) ([]classroom.FileInfo, error)
}

// Requests keeps the answers to requests with an idempotency key; a
// classroom.Store does.
type Requests interface {
	PutIdempotent(ctx context.Context, r classroom.Idempotent) error
	UpdateIdempotent(ctx context.Context, r classroom.Idempotent) (classroom.Idempotent, error)
	Idempotent(ctx context.Context, key string) (classroom.Idempotent, error)
	DeleteIdempotent(ctx context.Context, key string) error
}

// Client is who a request comes from, as the chain before the door found out.
type Client struct {
	Addr      string
	Secure    bool
	RequestID string
}

// Config of the door. The zero value works.
type Config struct {
	// PublicURL is what stands before the path in links; "" takes what the
	// program asked for.
	PublicURL string
	// Rate is how many requests a key may make in a minute; 600.
	Rate int
	// Origins are those whose pages' scripts may use the API; none.
	Origins []string
	// StallTimeout ends an upload or download that stands still; 60 s.
	StallTimeout time.Duration
	Now          func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Rate == 0 {
		c.Rate = 600
	}
	if c.StallTimeout == 0 {
		c.StallTimeout = time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	return c
}

// Validate names the field that cannot be used.
func (c Config) Validate() error {
	if c.Rate < 0 || c.Rate > 1e6 {
		return fmt.Errorf("rest: Rate is out of range")
	}
	if c.StallTimeout < 0 {
		return fmt.Errorf("rest: StallTimeout is negative")
	}
	for _, o := range c.Origins {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || o != u.Scheme+"://"+u.Host {
			return fmt.Errorf("rest: Origins: %q is not an origin such as https://lms.example.org", o)
		}
	}
	return nil
}

// Deps are what the door works with; all must be given but Webhooks and Log.
type Deps struct {
	Classes  Classes
	Shelf    Shelf
	Requests Requests
	Accounts *auth.Accounts
	Keys     *auth.APIKeys
	Signer   *auth.Signer
	Webhooks Webhooks // nil: none are offered
	Client   func(*http.Request) Client
	Log      *slog.Logger
}

// Door answers programs.
type Door struct {
	cfg      Config
	d        Deps
	log      *slog.Logger
	schemas  *schemas
	ops      []operation
	document []byte
	page     []byte
	limiter  *limiter
	bots     *standIns
}

// New makes the door and its document; an operation that cannot be described
// is an error here.
func New(cfg Config, d Deps) (_ *Door, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Classes == nil || d.Shelf == nil || d.Requests == nil || d.Accounts == nil || d.Keys == nil || d.Signer == nil || d.Client == nil {
		return nil, fmt.Errorf("rest: Classes, Shelf, Requests, Accounts, Keys, Signer and Client are needed")
	}
	r := &Door{cfg: cfg.withDefaults(), d: d, log: d.Log, schemas: newSchemas(), ops: operations(d.Webhooks != nil)}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.limiter = newLimiter(r.cfg.Rate)
	for i := range r.ops {
		r.ops[i].params = r.schemas.params(r.ops[i].in)
		if r.ops[i].hasJSONBody() {
			r.schemas.shut(r.ops[i].body)
		}
	}
	if r.document, err = r.describe(); err != nil {
		return nil, err
	}
	if r.page, err = r.describeForPeople(); err != nil {
		return nil, err
	}
	r.bots = newStandIns(r.d.Classes, r.cfg.Now)
	return r, nil
}

// Close takes the bots that are in classes by REST out of them. It must come
// before the classes close.
func (d *Door) Close(ctx context.Context) error {
	d.bots.close(ctx)
	return nil
}

// Register puts every address on g.
func (d *Door) Register(g gin.IRouter) {
	g.GET(Prefix+"/", d.serveWhole("text/html; charset=utf-8", d.page))
	g.GET(Prefix+"/openapi.json", d.serveWhole("application/json", d.document))
	g.GET("/.well-known/jwks.json", d.jwks)
	for i := range d.ops {
		o := &d.ops[i]
		g.Handle(o.method, Prefix+o.ginPath(), func(c *gin.Context) { d.serve(c, o) })
	}
	if len(d.cfg.Origins) > 0 {
		seen := map[string]bool{}
		for i := range d.ops {
			if path := d.ops[i].ginPath(); !seen[path] {
				seen[path] = true
				g.OPTIONS(Prefix+path, d.preflight)
			}
		}
		g.OPTIONS(Prefix+"/openapi.json", d.preflight)
	}
}

// Mine reports whether an address that nobody answers is the door's to refuse.
func Mine(path string) bool { return path == Prefix || strings.HasPrefix(path, Prefix+"/") }

func (d *Door) serveWhole(kind string, body []byte) gin.HandlerFunc {
	return func(c *gin.Context) {
		d.allowOrigin(c)
		c.Header("Cache-Control", "no-cache")
		c.Data(http.StatusOK, kind, body)
	}
}

// jwks are the public keys that join tokens are verified with (RFC 7517).
func (d *Door) jwks(c *gin.Context) {
	set, err := d.d.Signer.JWKS()
	if err != nil {
		d.refuse(c, err)
		return
	}
	c.Header("Cache-Control", "public, max-age=300")
	c.Data(http.StatusOK, "application/jwk-set+json", set)
}
