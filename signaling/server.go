package signaling

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"kelas/classroom"
	"kelas/pipeline"
	"kelas/signaling/kurento"
	"kelas/signaling/outbound"
	"kelas/signaling/rest"
	"kelas/signaling/socket"
	"kelas/signaling/web"
	"kelas/signaling/webhook"
	"kelas/signaling/whip"
)

// Registry is what the server needs of classroom.Registry.
type Registry interface {
	web.Classes
	rest.Classes
	Stats() classroom.RegistryStats
}

// Deps are what the server composes. Media, SocketStats, Metrics and Log may
// be left out.
type Deps struct {
	Registry    Registry
	Store       classroom.Store
	Shelf       web.Shelf
	Media       *pipeline.Server
	Auth        *Auth
	Socket      http.Handler        // answers /socket.io/
	SocketStats func() socket.Stats // for /metrics
	BBB         http.Handler        // answers bbb.Prefix; nil: not offered
	Kurento     http.Handler        // answers /kurento; may be nil
	WHIP        *whip.Door          // answers /whip/ and /whep/; nil: not offered
	Webhooks    *webhook.Engine     // nil: none
	Outbound    *outbound.Client    // for doors that call others; nil: none does
	Metrics     *Metrics            // made by NewMetrics where others observe into it too
	Log         *slog.Logger
	// KurentoStats is for /metrics; it may be nil.
	KurentoStats func() kurento.Stats
}

// Server answers HTTP. It does not listen.
type Server struct {
	cfg     Config
	d       Deps
	log     *slog.Logger
	proxies proxies
	limiter *rateLimiter
	web     *web.Web
	rest    *rest.Door
	engine  *gin.Engine
	closing atomic.Bool
}

// New composes the server; a page that is missing or broken is an error here.
func New(cfg Config, d Deps) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Registry == nil || d.Store == nil || d.Shelf == nil || d.Auth == nil || d.Socket == nil {
		return nil, fmt.Errorf("signaling: Registry, Store, Shelf, Auth and Socket are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Metrics == nil {
		d.Metrics = NewMetrics()
	}
	s := &Server{cfg: cfg.withDefaults(), d: d, log: d.Log}
	s.proxies, _ = parseProxies(cfg.TrustedProxies) // Validate has read them
	s.limiter = newRateLimiter(s.cfg.RequestRate, s.cfg.RequestBurst)
	var err error
	// A nil engine in an interface would not be nil.
	var hooks rest.Webhooks
	var listed web.Webhooks
	if d.Webhooks != nil {
		hooks, listed = d.Webhooks, d.Webhooks
	}
	s.web, err = web.New(cfg.Web, web.Deps{Keys: d.Auth.Keys, Webhooks: listed, Classes: d.Registry, Shelf: d.Shelf,
		Accounts: d.Auth.Accounts, Signer: d.Auth.Signer, Gate: d.Auth.Gate, Log: d.Log})
	if err != nil {
		return nil, err
	}
	if s.cfg.Rest.PublicURL == "" {
		s.cfg.Rest.PublicURL = s.cfg.Web.PublicURL
	}
	s.rest, err = rest.New(s.cfg.Rest, rest.Deps{Webhooks: hooks, Classes: d.Registry, Shelf: d.Shelf, Requests: d.Store, Accounts: d.Auth.Accounts,
		Keys: d.Auth.Keys, Signer: d.Auth.Signer, Client: restClient, Log: d.Log})
	if err != nil {
		return nil, err
	}
	if err := d.Metrics.watch(d); err != nil {
		return nil, err
	}
	s.engine = s.routes()
	return s, nil
}

// Handler answers all requests.
func (s *Server) Handler() http.Handler { return s.chain(s.engine) }

// HTTPServer is an http.Server with Handler and the timeouts that fit it.
// Bodies and answers have deadlines of their own, since an upload may take
// long; a socket outlives them all.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// Close ends what the doors hold in classes. It comes after the last request
// and before the classes close.
func (s *Server) Close(ctx context.Context) error { return s.rest.Close(ctx) }

// restClient is what the chain found out, in the words of rest.
func restClient(r *http.Request) rest.Client {
	c := web.ClientOf(r)
	return rest.Client{Addr: c.Addr, Secure: c.Secure, RequestID: c.RequestID}
}

// Closing makes /readyz say no, so that nobody new is sent here. Call it
// first when stopping.
func (s *Server) Closing() { s.closing.Store(true) }
