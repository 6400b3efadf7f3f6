package pipeline

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/logging"

	"kelas/pipeline/sfu"
)

// Server owns the sockets, the TURN server and the pipelines.
type Server struct {
	cfg     Config
	log     *slog.Logger
	logs    logging.LoggerFactory
	net     *network
	turn    *turnServer // nil: off
	media   mediaAPI
	views   *viewerNetwork
	workers *sfu.Workers
	files   *fileRoot // nil: no files

	playFrom *playFrom // hosts that players may reach
	rtpPeers []netip.Prefix
	cancel   context.CancelFunc

	sweeping      sync.WaitGroup
	deliveries    sync.WaitGroup // the elements' event goroutines
	eventsDropped atomic.Uint64
	relayClients  atomic.Int32
	turnRoots     *x509.CertPool // nil: the system's
	relayCheck    time.Duration
	metering      atomic.Int32 // endpoints whose limits follow loss

	mu        sync.Mutex
	closed    bool
	pipelines map[*MediaPipeline]struct{}
	elements  int
	past      ServerStats // of endpoints that are gone
}

// NewServer opens the sockets. log may be nil.
func NewServer(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg:      cfg.withDefaults(),
		log:      log,
		rtpPeers: rtpPeersOf(cfg),

		relayCheck: relayCheck,
		logs:       pionLogs{log},
		pipelines:  make(map[*MediaPipeline]struct{}),
	}
	var err error
	if s.playFrom, err = newPlayFrom(s.cfg.PlayFrom); err != nil {
		return nil, err
	}
	if s.files, err = openFileRoot(s.cfg.FileRoot); err != nil {
		return nil, err
	}
	if err := s.openSockets(); err != nil {
		_ = s.files.close()
		return nil, err
	}
	s.workers = sfu.NewWorkers(s.cfg.Workers, s.flush)
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.sweeping.Go(func() { s.sweep(ctx) })
	return s, nil
}

func (s *Server) openSockets() (err error) {
	if s.net, err = openNetwork(s.cfg, s.logs); err != nil {
		return err
	}
	if s.media, err = newMediaAPI(s.cfg, s.net, s.logs); err != nil {
		s.net.close()
		return err
	}
	if s.views, err = newViewerNetwork(s.cfg, s.net, s.logs); err != nil {
		s.net.close()
		return err
	}
	if s.cfg.TURNAddr != "" {
		if s.turn, err = startTURN(s.cfg, s.net, s.logs); err != nil {
			s.net.close()
			return err
		}
	}
	return nil
}

// NewMediaPipeline makes an empty pipeline.
func (s *Server) NewMediaPipeline() (*MediaPipeline, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, fmt.Errorf("creating a MediaPipeline: %w", ErrClosed)
	case len(s.pipelines) >= s.cfg.MaxPipelines:
		return nil, fmt.Errorf("creating a MediaPipeline: %w", ErrTooManyPipelines)
	}
	p := &MediaPipeline{id: newID("", "MediaPipeline"), server: s, elements: make(map[*element]struct{}), hubs: make(map[*hub]struct{})}
	s.pipelines[p] = struct{}{}
	return p, nil
}

func (s *Server) takeElement() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.elements >= s.cfg.MaxElements:
		return ErrTooManyElements
	}
	s.elements++
	return nil
}

func (s *Server) returnElement() {
	s.mu.Lock()
	s.elements--
	s.mu.Unlock()
}

func (s *Server) forget(p *MediaPipeline) {
	s.mu.Lock()
	delete(s.pipelines, p)
	s.mu.Unlock()
}

func (s *Server) allPipelines() []*MediaPipeline {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*MediaPipeline, 0, len(s.pipelines))
	for p := range s.pipelines {
		list = append(list, p)
	}
	return list
}

// MediaAddr is the UDP address for media.
func (s *Server) MediaAddr() net.Addr { return s.net.udp.LocalAddr() }

// TCPAddr is the ICE-TCP address, nil when off.
func (s *Server) TCPAddr() net.Addr {
	if s.net.tcp == nil {
		return nil
	}
	return s.net.tcp.Addr()
}

// TURNAddr is the address of the built-in TURN server, nil when off. It is the
// same for UDP and TCP.
func (s *Server) TURNAddr() net.Addr {
	if s.turn == nil {
		return nil
	}
	return s.turn.addr
}

// ICEServers is what the page of that user is given: the built-in TURN server
// with credentials of its own, then those of the configuration.
func (s *Server) ICEServers(user string) []ICEServer {
	var list []ICEServer
	if s.turn != nil {
		list = append(list, s.turn.credentials(user))
	}
	return append(list, s.cfg.ICEServers...)
}

// Close releases everything and waits. It must not be called by a subscriber.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.sweeping.Wait()
	var wg sync.WaitGroup
	for _, p := range s.allPipelines() {
		wg.Go(p.Release)
	}
	wg.Wait()
	s.deliveries.Wait()
	s.workers.Close()
	s.media.ids.close()
	var err error
	if s.turn != nil {
		err = s.turn.close()
	}
	if e := s.net.close(); err == nil {
		err = e
	}
	s.playFrom.close()
	if e := s.files.close(); err == nil {
		err = e
	}
	return err
}
