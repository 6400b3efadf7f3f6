package classroom

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Registry owns the classes of this process: it loads one when the first
// participant comes and drops it when it has been empty for a while.
type Registry struct {
	cfg    Config
	store  Store
	files  FileShelf
	media  mediaServer // nil: no live media
	log    *slog.Logger
	now    func() time.Time
	newID  func() string
	counts counters

	connected func(EndpointRole, time.Duration) // may be nil
	observers []Observer
	ended     func() // may be nil

	mu      sync.Mutex
	classes map[string]*place
	closing bool

	running sync.WaitGroup // the goroutines of all classes

	startMu sync.Mutex
	started bool // the stays that a crash left open have been ended
}

// place holds a class, or those who wait until it is loaded.
type place struct {
	ready chan struct{} // closed when class and err are set
	class *Class
	err   error
}

// FileShelf is what a class needs of the files; classroom/files has it.
type FileShelf interface {
	List(ctx context.Context, classID string) ([]FileInfo, error)
	Delete(ctx context.Context, classID, fileID string) error
}

// NewRegistry makes an empty registry. The stays that a crash left open are
// ended before the first class is loaded, not here: a tool that only makes a
// lesson must not end the stays of a server that runs beside it.
func NewRegistry(cfg Config, d Deps) (*Registry, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Store == nil {
		return nil, errors.New("classroom: Deps.Store is missing")
	}
	r := &Registry{
		cfg: cfg.withDefaults(), store: d.Store, files: d.Files,
		log: d.Log, now: d.Now, newID: d.NewID, media: d.media, connected: d.Connected,
		ended:   d.Ended,
		classes: make(map[string]*place),
	}
	if d.Media != nil {
		r.media = liveServer{d.Media}
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.newID == nil {
		r.newID = randomID
	}
	return r, nil
}

var zeroTime time.Time

// randomID is short enough for an address that is read aloud and has 80 bits.
func randomID() string { return strings.ToLower(rand.Text()[:16]) }

// newToken has 130 bits. It is a secret, so it never comes from Deps.NewID.
func newToken() string { return rand.Text() }

// Join brings a page into a class, or resumes its session. Events may reach
// the Outlet before Join returns; all of them are newer than Joined, so the
// door sends Joined first.
func (r *Registry) Join(ctx context.Context, req JoinRequest) (*Session, Joined, error) {
	if req.Identity.Key == "" || !req.Identity.Role.Valid() || req.Outlet == nil {
		return nil, Joined{}, ErrIdentityInvalid
	}
	name, err := CleanName(req.Identity.Name)
	if err != nil {
		return nil, Joined{}, err
	}
	req.Identity.Name = name
	for {
		c, err := r.class(ctx, req.ClassID)
		if err != nil {
			return nil, Joined{}, err
		}
		s, joined, err := c.join(ctx, req)
		if errors.Is(err, errUnloaded) {
			continue // the empty class was dropped in this very moment
		}
		return s, joined, err
	}
}

// class returns a loaded class and loads it where needed.
func (r *Registry) class(ctx context.Context, id string) (*Class, error) {
	r.mu.Lock()
	if r.closing {
		r.mu.Unlock()
		return nil, ErrClosing
	}
	p, ok := r.classes[id]
	if !ok {
		p = &place{ready: make(chan struct{})}
		r.classes[id] = p
		r.mu.Unlock()
		r.load(ctx, id, p)
		return p.class, p.err
	}
	r.mu.Unlock()
	select {
	case <-p.ready:
		return p.class, p.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *Registry) load(ctx context.Context, id string, p *place) {
	c, err := r.read(ctx, id)
	r.mu.Lock()
	if err == nil && r.closing {
		err = ErrClosing
	}
	if err != nil {
		delete(r.classes, id)
		p.err = err
	} else {
		p.class = c
		c.start()
	}
	r.mu.Unlock()
	close(p.ready)
}

// read gets from the store what a class must know before anybody is in it.
func (r *Registry) read(ctx context.Context, id string) (*Class, error) {
	// Others may wait for this class: one page that goes away must not fail them.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.StoreTimeout)
	defer cancel()
	lesson, err := r.Lesson(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := r.endOldStays(ctx); err != nil {
		return nil, err
	}
	last, err := r.store.LastChatSeq(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading the chat's last number: %w", storeError(err))
	}
	var files []FileInfo
	if r.files != nil {
		if files, err = r.files.List(ctx, id); err != nil {
			return nil, fmt.Errorf("listing the files: %w", storeError(err))
		}
	}
	c := newClass(r, lesson, last, files)
	if lesson.Settings != nil && lesson.Settings.timed() {
		came, err := r.store.Participants(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("reading the participants: %w", storeError(err))
		}
		c.visited = len(came) > 0
	}
	return c, nil
}

// endOldStays closes, once in the life of the process, what a crash left
// open. It must come before the first stay of this process.
func (r *Registry) endOldStays(ctx context.Context) error {
	r.startMu.Lock()
	defer r.startMu.Unlock()
	if r.started {
		return nil
	}
	if err := r.store.EndOpenAttendance(ctx); err != nil {
		return fmt.Errorf("ending the stays of before: %w", storeError(err))
	}
	r.started = true
	return nil
}

// forget drops a class that is still idle; false when somebody came.
func (r *Registry) forget(c *Class) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return false // Close ends it
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.idleLocked(r.now()) {
		return false
	}
	c.gone = true
	delete(r.classes, c.id)
	return true
}

// loaded returns a class that is in memory, waiting for one being loaded.
func (r *Registry) loaded(classID string) *Class {
	r.mu.Lock()
	p := r.classes[classID]
	r.mu.Unlock()
	if p == nil {
		return nil
	}
	<-p.ready // bounded by StoreTimeout
	return p.class
}

// all returns the classes in memory, not those being loaded.
func (r *Registry) all() []*Class {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*Class, 0, len(r.classes))
	for _, p := range r.classes {
		if p.class != nil {
			list = append(list, p.class)
		}
	}
	return list
}

// Close tells all sessions, flushes the journals until ctx is done, closes
// every session with ErrClosing and releases the media. The error says what
// could not be stored.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock()
	if r.closing {
		r.mu.Unlock()
		r.running.Wait() // for the other one who closes
		return nil
	}
	r.closing = true
	r.mu.Unlock()

	classes := r.all()
	errs := make([]error, len(classes))
	var wg sync.WaitGroup
	for i, c := range classes {
		wg.Go(func() { errs[i] = c.close(ctx) })
	}
	wg.Wait()
	r.running.Wait()
	return errors.Join(errs...)
}

// storeError makes a store that ran into a deadline one that does not answer.
func storeError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrStoreUnavailable, err)
	}
	return err
}
