package whip

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"kelas/signaling/fault"
)

// The prefixes of the door's addresses; a class's id follows, and behind it
// the secret of a session.
const (
	PrefixWHIP = "/whip/"
	PrefixWHEP = "/whep/"
)

const (
	typeSDP      = "application/sdp"
	typeFragment = "application/trickle-ice-sdpfrag"
	offerMax     = 64 << 10
	fragmentMax  = 16 << 10
)

// kind tells the two protocols apart.
type kind string

const (
	whip kind = "whip"
	whep kind = "whep"
)

// Door answers what lies under the two prefixes.
type Door struct {
	cfg Config
	d   Deps
	log *slog.Logger

	mu       sync.Mutex
	sessions map[string]*session // by secret
	making   int                 // sessions on their way
	ending   []*session          // for the reaper
	closed   bool

	wake    chan struct{}
	quit    chan struct{}
	running sync.WaitGroup
}

// New makes a Door; Close ends its sessions.
func New(cfg Config, d Deps) (*Door, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Classes == nil || d.Identify == nil {
		return nil, fmt.Errorf("whip: Deps.Classes and Deps.Identify are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Addr == nil {
		d.Addr = func(r *http.Request) string { return hostOf(r.RemoteAddr) }
	}
	b := &Door{cfg: cfg.withDefaults(), d: d, log: d.Log, sessions: make(map[string]*session),
		wake: make(chan struct{}, 1), quit: make(chan struct{})}
	b.running.Go(b.reap)
	return b, nil
}

// ServeHTTP answers an encoder or a player. A mux would redirect an address
// that is not clean, which an encoder does not follow.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	k, answer := kind(parts[0]), d.nowhere
	switch {
	case k != whip && k != whep || len(parts) < 2 || parts[1] == "":
	case len(parts) == 2:
		answer = d.endpoint
	case len(parts) == 3:
		r.SetPathValue("session", parts[2])
		answer = d.session
	}
	if len(parts) > 1 {
		r.SetPathValue("class", parts[1])
	}
	d.handle(k, answer)(w, r)
}

func (d *Door) nowhere(kind, http.ResponseWriter, *http.Request) error { return errNoClass }

// handle puts on every answer what lets pages of other origins speak to the
// door: the token says who somebody is, and cookies are never looked at.
func (d *Door) handle(k kind, f func(kind, http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Methods", "OPTIONS, GET, HEAD, POST, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, ETag")
		h.Set("Access-Control-Expose-Headers", "Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch, Access-Control-Allow-Methods")
		h.Set("Access-Control-Max-Age", "600")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Cache-Control", "no-store")
		r.Header.Del("Cookie")
		if err := f(k, w, r); err != nil {
			d.refuse(w, r, err)
		}
	}
}

// endpoint is /whip/CLASS and /whep/CLASS.
func (d *Door) endpoint(k kind, w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Accept-Post", typeSDP)
	switch r.Method {
	case http.MethodPost:
		return d.post(k, w, r)
	case http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
		return nil
	case http.MethodGet, http.MethodHead:
		// No content; a player looks here for what it may speak to.
		if k == whep {
			w.Header().Set("Content-Type", typeSDP)
		}
		w.WriteHeader(http.StatusOK)
		return nil
	}
	w.Header().Set("Allow", "OPTIONS, GET, HEAD, POST")
	return errMethod
}

// session is the secret address of one session.
func (d *Door) session(k kind, w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Accept-Patch", typeFragment)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	s := d.find(k, r.PathValue("class"), r.PathValue("session"))
	if s == nil {
		return errNoSession
	}
	switch r.Method {
	case http.MethodDelete:
		// Whoever knows the address may end it: some clients send no token.
		d.end(s, "stopped")
		w.WriteHeader(http.StatusOK)
		return nil
	case http.MethodPatch:
		if err := s.mine(r); err != nil {
			return err
		}
		return d.patch(s, w, r)
	case http.MethodGet, http.MethodHead:
		if err := s.mine(r); err != nil {
			return err
		}
		w.WriteHeader(http.StatusOK)
		return nil
	}
	w.Header().Set("Allow", "OPTIONS, GET, HEAD, PATCH, DELETE")
	return errMethod
}

// Close ends all sessions.
func (d *Door) Close() {
	d.mu.Lock()
	d.closed = true
	all := make([]*session, 0, len(d.sessions))
	for _, s := range d.sessions {
		all = append(all, s)
	}
	d.mu.Unlock()
	for _, s := range all {
		d.end(s, "closing")
	}
	close(d.quit)
	d.running.Wait()
}

// Stats are the sessions of now.
type Stats struct{ WHIP, WHEP int }

// Stats returns the figures of now.
func (d *Door) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	var st Stats
	for _, s := range d.sessions {
		if s.kind == whip {
			st.WHIP++
		} else {
			st.WHEP++
		}
	}
	return st
}

// reap ends what must be ended from elsewhere than a request.
func (d *Door) reap() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-d.quit:
			return
		case <-d.wake:
		case now := <-ticker.C:
			d.findLate(now)
		}
		d.mu.Lock()
		list := d.ending
		d.ending = nil
		d.mu.Unlock()
		for _, s := range list {
			d.end(s, "lost")
		}
	}
}

// findLate marks the sessions that did not connect in time.
func (d *Door) findLate(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.sessions {
		if !s.met && now.Sub(s.made) > d.cfg.ConnectTimeout {
			d.ending = append(d.ending, s)
		}
	}
}

// bearer is the token of a request (RFC 6750, section 2.1).
func bearer(r *http.Request) (string, error) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errNoToken
	}
	return token, nil
}

// body reads one of a type and size.
func body(r *http.Request, want string, wrong error, limit int64) (string, error) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || !strings.EqualFold(t, want) {
		return "", wrong
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large), int64(len(b)) > limit:
		return "", errTooLarge
	case err != nil:
		return "", fmt.Errorf("%w: %w", fault.ErrTimedOut, err)
	case len(b) == 0:
		return "", errUnreadable
	}
	return string(b), nil
}

func hostOf(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}
