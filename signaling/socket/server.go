package socket

import (
	"context"
	"hash/maphash"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"kelas/classroom"
	"kelas/signaling/fault"
)

// Server is the door: an http.Handler for the path of Socket.IO.
type Server struct {
	cfg       Config
	log       *slog.Logger
	counters  *counters
	addresses *addresses
	shelves   shelves
	library   *library
	upgrader  websocket.Upgrader
	now       func() time.Time

	ctx    context.Context // done when Close begins to lose patience
	cancel context.CancelFunc

	handshakes sync.WaitGroup // requests in ServeHTTP
	writers    sync.WaitGroup // a conn each
	clients    sync.WaitGroup // outboxes and lanes
	closeOnce  sync.Once
	closed     chan struct{} // when Close has done all

	mu      sync.Mutex
	closing bool
	open    map[string]place // by the connection's id
}

// place is a connection, and its client once the library has taken it in.
type place struct {
	conn   *conn
	client *client
}

// New makes a Server. A nil log is silent.
func New(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	names := eventNames()
	s := &Server{
		cfg: cfg.withDefaults(), log: log, counters: newCounters(names), now: time.Now,
		shelves: shelves{seed: maphash.MakeSeed()},
		closed:  make(chan struct{}),
		open:    map[string]place{},
	}
	s.addresses = newAddresses(s.cfg.ConnectionsPerAddress, s.cfg.JoinsPerMinute)
	s.upgrader = websocket.Upgrader{
		ReadBufferSize: 2048, WriteBufferSize: 2048, WriteBufferPool: new(sync.Pool),
		CheckOrigin: acceptOrigin, // looked at before, with words
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.library = newLibrary(s, names)
	return s, nil
}

// Stats returns the figures of now.
func (s *Server) Stats() Stats { return s.counters.stats() }

// Close refuses new clients, writes out what waits for the connected ones
// while ctx lasts, closes them and waits for every goroutine. The classes
// should be closed before, so that clients hear of it in their words.
func (s *Server) Close(ctx context.Context) error {
	s.closeOnce.Do(func() { go s.close(ctx) })
	<-s.closed
	return nil
}

func (s *Server) close(ctx context.Context) {
	defer close(s.closed)
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	for _, p := range s.places() {
		if p.client != nil {
			p.client.out.end(classroom.ErrClosing)
		} else {
			p.conn.shut(closingBye)
		}
	}

	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.handshakes.Wait()
		s.writers.Wait()
	}()
	select {
	case <-drained:
	case <-ctx.Done():
		s.cancel()
		for _, p := range s.places() {
			p.conn.abort()
		}
		<-drained
	}
	s.library.close()
	s.cancel()
	s.clients.Wait()
}

var closingBye = goodbye{Code: closeGoingAway, Reason: fault.Of(classroom.ErrClosing).Code}

// enter counts a request; it is refused while the server closes.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.handshakes.Add(1)
	return true
}

// begin starts the connection's writing goroutine, which is its life.
func (s *Server) begin(c *conn, release func()) {
	s.mu.Lock()
	s.open[c.id] = place{conn: c}
	closing := s.closing
	s.mu.Unlock()
	if closing {
		c.shut(closingBye)
	}
	s.counters.connections.Add(1)
	s.writers.Add(1)
	go func() {
		defer s.writers.Done()
		c.writeLoop()
		s.mu.Lock()
		delete(s.open, c.id)
		s.mu.Unlock()
		s.counters.connections.Add(-1)
		release()
	}()
}

// seat notes the client of a connection.
func (s *Server) seat(c *client) {
	s.mu.Lock()
	if p, ok := s.open[c.link.ID()]; ok {
		p.client = c
		s.open[c.link.ID()] = p
	}
	closing := s.closing
	s.mu.Unlock()
	if closing {
		c.out.end(classroom.ErrClosing)
	}
}

func (s *Server) places() []place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.open))
}
