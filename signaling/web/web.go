package web

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kelas/classroom"
	"kelas/classroom/files"
	"kelas/signaling/auth"
	"kelas/static"
	"kelas/templates"
)

// Classes is what the pages need of classroom.Registry.
type Classes interface {
	PlanLesson(ctx context.Context, title, ownerID string, startsAt time.Time) (classroom.Lesson, error)
	EditLesson(ctx context.Context, id, title string, startsAt time.Time) error
	Lesson(ctx context.Context, id string) (classroom.Lesson, error)
	Lessons(ctx context.Context, ownerID string) ([]classroom.Lesson, error)
	LessonsJoinedBy(ctx context.Context, userID string) ([]classroom.Lesson, error)
	MayEnter(ctx context.Context, classID string, id classroom.Identity) error
	Live(classID string) (classroom.ClassSummary, bool)
	Participant(ctx context.Context, classID, key string) (classroom.Participant, error)
	Attendance(ctx context.Context, classID string) ([]classroom.Attendance, error)
	Chat(ctx context.Context, q classroom.ChatQuery) ([]classroom.ChatEntry, error)
	FileAdded(classID string, f classroom.FileInfo)
	FileRemoved(classID, fileID string)
}

// Shelf is what the pages need of files.Shelf.
type Shelf interface {
	Begin(ctx context.Context, classID string, owner files.Owner, name string, size int64) (classroom.Upload, error)
	Offset(ctx context.Context, uploadID string) (classroom.Upload, int64, error)
	Append(ctx context.Context, uploadID string, offset int64, r io.Reader) (int64, *classroom.FileInfo, error)
	Abort(ctx context.Context, uploadID string) error
	File(ctx context.Context, classID, fileID string) (classroom.FileInfo, error)
	Open(ctx context.Context, classID, fileID string) (classroom.FileInfo, *os.File, error)
	Delete(ctx context.Context, classID, fileID string) error
	List(ctx context.Context, classID string) ([]classroom.FileInfo, error)
}

// Config of the pages. The zero value works.
type Config struct {
	// PublicURL is what stands before the path in links that people copy;
	// "" takes what the browser asked for.
	PublicURL string
	// ChatMaxRunes and FileMaxSize are told to the class page; they must be
	// what classroom and files were given. 4000 and 500 MiB.
	ChatMaxRunes int
	FileMaxSize  int64
	// LinkTTL is how long an invitation is good for; 30 days.
	LinkTTL time.Duration
	// ICETransportPolicy "relay" makes pages use TURN alone.
	ICETransportPolicy string
	// FrameAncestors are the origins that may show a class in a frame; none.
	FrameAncestors []string
	// StallTimeout ends uploads and downloads that stand still; 60 s.
	StallTimeout time.Duration
	Now          func() time.Time
}

func (c Config) withDefaults() Config {
	if c.ChatMaxRunes == 0 {
		c.ChatMaxRunes = 4000
	}
	if c.FileMaxSize == 0 {
		c.FileMaxSize = 500 << 20
	}
	if c.LinkTTL == 0 {
		c.LinkTTL = 30 * 24 * time.Hour
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
	switch {
	case c.ChatMaxRunes < 0:
		return fmt.Errorf("web: ChatMaxRunes is negative")
	case c.FileMaxSize < 0:
		return fmt.Errorf("web: FileMaxSize is negative")
	case c.LinkTTL < 0:
		return fmt.Errorf("web: LinkTTL is negative")
	case c.StallTimeout < 0:
		return fmt.Errorf("web: StallTimeout is negative")
	case c.ICETransportPolicy != "" && c.ICETransportPolicy != "all" && c.ICETransportPolicy != "relay":
		return fmt.Errorf("web: ICETransportPolicy %q is neither all nor relay", c.ICETransportPolicy)
	}
	for _, o := range c.FrameAncestors {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || o != u.Scheme+"://"+u.Host || !plainHost.MatchString(u.Host) {
			return fmt.Errorf("web: FrameAncestors: %q is not an origin such as https://lms.example.org", o)
		}
	}
	return nil
}

// plainHost is a host that can stand in a policy: a wildcard for all hosts, or
// a separator, would let in whom nobody named.
var plainHost = regexp.MustCompile(`^(?:\*\.)?[A-Za-z0-9.\-\[\]:]+$`)

// Deps are what the pages work with; all must be given but Webhooks and
// Log.
type Deps struct {
	Classes  Classes
	Shelf    Shelf
	Accounts *auth.Accounts
	Signer   *auth.Signer
	Gate     *auth.Gate
	Keys     *auth.APIKeys
	Webhooks Webhooks // nil: none
	Log      *slog.Logger
}

// Web answers the pages.
type Web struct {
	cfg    Config
	d      Deps
	log    *slog.Logger
	words  *words
	assets *assets
	pages  map[string]*template.Template
}

// New parses every page and reads every word; what is missing is an error here.
func New(cfg Config, d Deps) (*Web, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Classes == nil || d.Shelf == nil || d.Accounts == nil || d.Signer == nil || d.Gate == nil || d.Keys == nil {
		return nil, fmt.Errorf("web: Classes, Shelf, Accounts, Signer, Gate and Keys are needed")
	}
	w := &Web{cfg: cfg.withDefaults(), d: d, log: d.Log}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if w.words, err = loadWords(static.FS); err != nil {
		return nil, err
	}
	if w.assets, err = loadAssets(static.FS); err != nil {
		return nil, err
	}
	if w.pages, err = parsePages(templates.FS); err != nil {
		return nil, err
	}
	return w, nil
}

// Register puts every address on r, one line each.
func (w *Web) Register(r gin.IRouter) {
	r.GET("/", w.page(w.home))
	r.GET("/setup", w.page(w.setupPage))
	r.POST("/setup", w.form(w.setup))
	r.GET("/login", w.page(w.loginPage))
	r.POST("/login", w.form(w.login))
	r.POST("/logout", w.form(w.logout))
	r.POST("/logout-everywhere", w.form(w.logoutEverywhere))
	r.POST("/language", w.form(w.language))

	r.GET("/classes", w.page(w.classes))
	r.GET("/classes/new", w.page(w.newClassPage))
	r.POST("/classes/new", w.form(w.newClass))
	r.GET("/account", w.page(w.account))
	r.POST("/account/password", w.form(w.changePassword))
	r.GET("/admin/users", w.page(w.users))
	r.POST("/admin/users/create", w.form(w.createUser))
	r.POST("/admin/users/reset", w.form(w.resetUser))
	r.POST("/admin/users/disable", w.form(w.disableUser))
	r.POST("/admin/users/import", w.upload(w.importUsers))

	r.GET("/admin/keys", w.page(w.keys))
	r.POST("/admin/keys/create", w.form(w.createKey))
	r.POST("/admin/keys/revoke", w.form(w.revokeKey))

	r.GET("/c/:class", w.page(w.classPage))
	r.POST("/c/:class/enter", w.form(w.enter))
	r.POST("/c/:class/links", w.form(w.makeLink))
	r.GET("/c/:class/edit", w.page(w.editClassPage))
	r.POST("/c/:class/edit", w.form(w.editClass))
	r.GET("/c/:class/after", w.page(w.after))
	r.GET("/c/:class/attendance", w.page(w.attendance))
	r.GET("/c/:class/attendance.csv", w.page(w.attendanceCSV))

	r.OPTIONS("/c/:class/uploads", w.api(w.tusOptions))
	r.POST("/c/:class/uploads", w.api(w.tusCreate))
	r.OPTIONS("/c/:class/uploads/:upload", w.api(w.tusOptions))
	r.HEAD("/c/:class/uploads/:upload", w.api(w.tusHead))
	r.PATCH("/c/:class/uploads/:upload", w.api(w.tusPatch))
	r.DELETE("/c/:class/uploads/:upload", w.api(w.tusDelete))
	for _, m := range []string{"GET", "HEAD"} {
		r.Handle(m, "/c/:class/files/:file", w.page(w.download))
		r.Handle(m, "/c/:class/files/:file/preview", w.page(w.preview))
		r.Handle(m, "/static/*path", w.static)
	}
	r.POST("/c/:class/files/:file/delete", w.form(w.deleteFile))
}
