package kurento

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Path is where the protocol is spoken.
const Path = "/kurento"

// Server speaks the protocol. It does not listen.
type Server struct {
	cfg      Config
	log      *slog.Logger
	id       string // told by connect, for the life of the process
	started  time.Time
	upgrader websocket.Upgrader
	manager  *object

	ctx    context.Context // of everything that may take long
	cancel context.CancelFunc
	wg     sync.WaitGroup // connections and the sweeping

	arrivals atomic.Uint64 // requests so far

	bounds sync.Mutex // held while one bandwidth of an endpoint is changed

	refusals struct { // connections that were turned away since they were last logged
		sync.Mutex
		count  int
		logged time.Time
	}

	mu        sync.Mutex
	closed    bool
	conns     map[*conn]struct{}
	sessions  map[string]*session
	objects   map[string]*object
	addresses map[netip.Prefix]*address
}

// New makes a server and starts its sweeping; Close ends it.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Server{cfg: cfg, log: cfg.Log, id: newID(), started: cfg.Now(),
		conns: map[*conn]struct{}{}, sessions: map[string]*session{}, objects: map[string]*object{},
		addresses: map[netip.Prefix]*address{}}
	// Who may come is decided before the upgrade, by token and Origin.
	s.upgrader = websocket.Upgrader{HandshakeTimeout: writeTimeout, CheckOrigin: func(*http.Request) bool { return true }}
	s.manager = &object{id: managerID, class: table.classes["ServerManager"], created: cfg.Now(), part: managerPart{}, name: managerID,
		refs: map[*session]struct{}{}}
	s.objects[managerID] = s.manager
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wg.Go(s.sweeping)
	return s, nil
}

func (s *Server) sweeping() {
	ticker := time.NewTicker(s.cfg.CollectPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
			s.sweep()
		}
	}
}

// Close ends all connections and releases all objects, and waits as far as
// ctx lasts.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	var gone []*object
	for _, sess := range s.sessions {
		gone = append(gone, s.closeSessionLocked(sess)...)
	}
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	s.cancel()
	for _, c := range conns {
		c.shut(websocket.CloseGoingAway, "the server is being stopped")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.end(gone)
		s.wg.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		for _, c := range conns {
			c.abort()
		}
		return ctx.Err()
	}
}

// Handler answers at Path of a server that has other pages too; everybody
// needs the token there, and without one there is no such page.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.cfg.Token == "" {
			http.NotFound(w, r)
			return
		}
		s.serve(w, r)
	})
}

// Listener answers on a port of its own, as Kurento does: another path is
// told so after the upgrade.
func (s *Server) Listener() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "the Kurento protocol is spoken over a websocket", http.StatusUpgradeRequired)
		return
	}
	if !s.admits(r) {
		s.refused(r, "it has no right access token")
		http.Error(w, "an access token is needed", http.StatusUnauthorized)
		return
	}
	addr := networkOf(s.addressOf(r))
	if !s.enter(addr) {
		s.refused(r, "there are too many from its address")
		http.Error(w, "there are too many connections from this address", http.StatusTooManyRequests)
		return
	}
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil { // it has answered
		s.mu.Lock()
		s.leaveLocked(addr, func(a *address) { a.conns-- })
		s.mu.Unlock()
		return
	}
	c := newConn(s, ws, addr)
	if strings.TrimSuffix(r.URL.Path, "/") != Path {
		c.shut(websocket.CloseProtocolError, "Invalid path")
	}
	c.run()
}

// refused logs that a connection was turned away, once in a while: clients
// try again for ever and tell their users nothing.
func (s *Server) refused(r *http.Request, why string) {
	s.refusals.Lock()
	defer s.refusals.Unlock()
	s.refusals.count++
	now := s.cfg.Now()
	if !s.refusals.logged.IsZero() && now.Sub(s.refusals.logged) < refusalPause {
		return
	}
	s.log.Warn("a Kurento connection was refused", "why", why, "addr", s.addressOf(r), "origin", clip(r.Header.Get("Origin")), "refused", s.refusals.count)
	s.refusals.count, s.refusals.logged = 0, now
}

func (s *Server) addressOf(r *http.Request) string {
	if s.cfg.ClientAddr != nil {
		if addr := s.cfg.ClientAddr(r); addr != "" {
			return addr
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// admits: with a token it is needed. Without one, anybody who reaches the
// listener may come but a page of another machine: any page of the web could
// use the browser of somebody on this one.
func (s *Server) admits(r *http.Request) bool {
	if s.cfg.Token == "" {
		return !fromElsewhere(r.Header.Get("Origin"))
	}
	given := r.URL.Query().Get("access_token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		given = bearer
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.cfg.Token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// fromElsewhere reports whether a page that is not this machine's own opened
// the connection. A browser's Origin has a scheme or is null (RFC 6454,
// section 6.2); clients of Kurento give none, the server's host and port, or
// an address of this machine. The origin must be of this machine in numbers
// or "localhost", since any other name can be turned to it (DNS rebinding).
func fromElsewhere(origin string) bool {
	_, host, ok := strings.Cut(origin, "://")
	if !ok {
		return origin == "null"
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return name != "localhost" && (err != nil || !ip.IsLoopback())
}

// Stats are what there is at this moment.
type Stats struct{ Connections, Sessions, Objects int }

// Stats counts; the manager is no object of anybody.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{len(s.conns), len(s.sessions), len(s.objects) - 1}
}
