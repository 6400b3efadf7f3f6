package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kelas/classroom"
	"kelas/classroom/files"
	"kelas/classroom/store"
	"kelas/pipeline"
	"kelas/signaling"
	"kelas/signaling/auth"
	"kelas/signaling/bbb"
	"kelas/signaling/outbound"
	"kelas/signaling/rest"
	"kelas/signaling/socket"
	"kelas/signaling/web"
	"kelas/signaling/webhook"
	"kelas/signaling/whip"
)

// sweepInterval is how often expired log-ins and uploads are removed.
const sweepInterval = 10 * time.Minute

// app is a running server: one list of what was started, closed backwards.
type app struct {
	log     *slog.Logger
	started []part
	url     string // what to open on this machine
	addr    net.Addr
	kurento net.Addr // of --kurento-addr
	setup   string   // the set-up link, on the very first start
	failed  chan error
}

// part is something that was started and how it is closed.
type part struct {
	name  string
	close func(context.Context) error
}

func (a *app) opened(name string, close func(context.Context) error) {
	a.started = append(a.started, part{name, close})
}

// close closes all parts, the latest first, as far as ctx lasts.
func (a *app) close(ctx context.Context) error {
	var errs []error
	for i := len(a.started) - 1; i >= 0; i-- {
		p := a.started[i]
		if err := p.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("closing %s: %w", p.name, err))
		}
	}
	a.started = nil
	return errors.Join(errs...)
}

func newLogger(f *serveFlags, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// serve runs until ctx ends or the listener fails, then stops gracefully.
func serve(ctx context.Context, sf *storeFlags, f *serveFlags, io streams) error {
	log := newLogger(f, io.err)
	a, err := start(ctx, sf, f, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "\nKelas is ready: %s\n", a.url)
	if a.setup != "" {
		fmt.Fprintf(io.out, "\nNobody has an account yet. The first administrator opens this link, once:\n\n    %s\n", a.setup)
	}
	fmt.Fprintln(io.out)

	select {
	case <-ctx.Done():
		log.Info("stopping")
		err = nil
	case err = <-a.failed:
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.ShutdownDuration)
	defer cancel()
	return errors.Join(err, a.close(stop))
}

// start opens everything in the order in which one needs the other. When a
// part fails, what was opened before it is closed.
func start(ctx context.Context, sf *storeFlags, f *serveFlags, log *slog.Logger) (_ *app, err error) {
	a := &app{log: log, failed: make(chan error, 4)} // one for each that serves
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close(context.WithoutCancel(ctx)))
		}
	}()
	if err := os.MkdirAll(sf.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("making --data-dir: %w", err)
	}
	unlock, err := lockDataDir(sf.DataDir)
	if err != nil {
		return nil, err
	}
	a.opened("the lock", func(context.Context) error { return unlock() })
	metrics := signaling.NewMetrics()
	db, err := store.Open(ctx, store.Config{DataDir: sf.DataDir, MongoURI: sf.MongoDBURI, Observe: metrics.ObserveStore}, log)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	a.opened("the database", func(context.Context) error { return db.Close() })

	media, err := pipeline.NewServer(mediaConfig(f), log)
	if err != nil {
		return nil, fmt.Errorf("starting the media server: %w", err)
	}
	a.opened("the media server", func(context.Context) error { return media.Close() })

	shelf, err := files.New(files.Config{Dir: filepath.Join(sf.DataDir, "files"), MaxSize: int64(f.MaxFileSize), ClassQuota: int64(f.ClassQuota)}, db, log)
	if err != nil {
		return nil, fmt.Errorf("opening the files: %w", err)
	}
	a.opened("the files", func(context.Context) error { return shelf.Close() })
	a.sweep(db, shelf)

	hooks, caller, err := a.webhooks(ctx, f, db)
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{}, 1)
	classes, err := classroom.NewRegistry(classroom.Config{MaxParticipants: f.MaxParticipants, ResumeWindow: f.ResumeWindow, PresenterWindow: f.ResumeWindow},
		classroom.Deps{Store: db, Media: media, Files: shelf, Log: log, Connected: metrics.ObserveJoin, Ended: func() {
			select {
			case ended <- struct{}{}:
			default: // one look finds all that have ended
			}
		}})
	if err != nil {
		return nil, fmt.Errorf("opening the classes: %w", err)
	}
	classes.Observe(hooks)
	signer, err := f.signer()
	if err != nil {
		return nil, errors.Join(err, classes.Close(ctx))
	}
	who, err := signaling.NewAuth(ctx, auth.Config{LoginTTL: f.LoginTTL, Signer: signer}, db)
	if err != nil {
		return nil, errors.Join(err, classes.Close(ctx))
	}
	sock, err := socket.New(socket.Config{Registry: classes, Admit: signaling.Admit(who.Gate), Seat: signaling.Seats(who.Gate), AllowedOrigins: f.AllowedOrigin,
		ClientAddr: signaling.ClientAddr, ConnectionsPerAddress: f.ConnsPerAddress, JoinsPerMinute: f.JoinsPerMinute,
		FileMaxSize: int64(f.MaxFileSize)}, log)
	if err != nil {
		return nil, errors.Join(err, classes.Close(ctx))
	}
	lms, err := openBBB(ctx, f, bbb.Deps{Classes: classes, Signer: who.Signer, Shelf: shelf, Fetcher: caller, Outbox: hooks, Hooks: db,
		Client: signaling.BBBClient, Ended: ended, Log: log})
	if err != nil {
		return nil, errors.Join(err, classes.Close(ctx))
	}
	if lms != nil {
		classes.Observe(lms)
		// The classes tell it what happens until they are closed.
		a.opened("the LMS's door", func(context.Context) error { lms.Close(); return nil })
	}
	// The classes say good-bye through the socket, so they close before it.
	a.opened("the socket", sock.Close)
	a.opened("the classes", classes.Close)
	if err := classes.Recover(ctx); err != nil {
		return nil, fmt.Errorf("going on after the last stop: %w", err)
	}
	if err := classes.Resume(ctx); err != nil {
		return nil, fmt.Errorf("opening the classes: %w", err)
	}

	secure, err := newTLS(f, sf.DataDir, time.Now)
	if err != nil {
		return nil, err
	}
	kur, kurStats, err := a.openKurento(f, media, secure)
	if err != nil {
		return nil, err
	}
	encoders, err := whip.New(whip.Config{}, whip.Deps{Classes: classes, Identify: signaling.IdentifyToken(who.Gate), Addr: signaling.ClientAddr, Log: log})
	if err != nil {
		return nil, err
	}
	a.opened("the encoders and players", func(context.Context) error { encoders.Close(); return nil })
	door, err := signaling.New(signaling.Config{
		Web:            web.Config{PublicURL: f.PublicURL, FileMaxSize: int64(f.MaxFileSize), FrameAncestors: f.FrameAncestors},
		Rest:           rest.Config{Rate: f.APIRate, Origins: f.APIOrigin},
		TrustedProxies: f.TrustedProxy, MetricsToken: f.MetricsToken,
	}, signaling.Deps{Registry: classes, Store: db, Shelf: shelf, Media: media, Auth: who,
		Socket: sock, SocketStats: sock.Stats, BBB: handlerOf(lms), Kurento: kur, KurentoStats: kurStats, Metrics: metrics, WHIP: encoders, Webhooks: hooks, Outbound: caller, Log: log})
	if err != nil {
		return nil, err
	}
	a.opened("the doors", door.Close)
	if err := a.listen(f, secure, door); err != nil {
		return nil, err
	}
	log.Info("media", "udp", where(media.MediaAddr()), "tcp", where(media.TCPAddr()), "turn", where(media.TURNAddr()))
	return a, a.offerSetup(ctx, who)
}

// handlerOf is no handler where there is no door: a nil pointer would be one.
func handlerOf(d *bbb.Door) http.Handler {
	if d == nil {
		return nil
	}
	return d
}

// openBBB opens the door for an LMS that speaks BigBlueButton's API; nil when
// no secret is given.
func openBBB(ctx context.Context, f *serveFlags, d bbb.Deps) (*bbb.Door, error) {
	if len(f.BBBSecret) == 0 {
		return nil, nil
	}
	return bbb.New(ctx, bbb.Config{Secrets: f.BBBSecret, Algorithms: f.BBBAlgorithms, PublicURL: f.PublicURL,
		FileMaxSize: int64(f.MaxFileSize)}, d)
}

// webhooks opens what calls others. The classes close before it, so that all
// they have to tell is stored.
func (a *app) webhooks(ctx context.Context, f *serveFlags, db classroom.Store) (*webhook.Engine, *outbound.Client, error) {
	caller, err := outbound.New(outbound.Config{Allow: f.WebhookAllow})
	if err != nil {
		return nil, nil, err
	}
	a.opened("the calls outside", func(context.Context) error { caller.Close(); return nil })
	hooks, err := webhook.New(ctx, webhook.Config{}, webhook.Deps{Store: db, Caller: caller, Log: a.log})
	if err != nil {
		return nil, nil, fmt.Errorf("opening the webhooks: %w", err)
	}
	a.opened("the webhooks", func(context.Context) error { hooks.Close(); return nil })
	return hooks, caller, nil
}

// where is an address for people; a server that does not listen has none.
func where(a net.Addr) string {
	if a == nil {
		return "off"
	}
	return a.String()
}

// portRange reads "20000-20999"; empty is no range.
func portRange(text string) (from, to int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	a, b, ok := strings.Cut(text, "-")
	if ok {
		if from, err = strconv.Atoi(a); err == nil {
			to, err = strconv.Atoi(b)
		}
	}
	if !ok || err != nil || from < 1024 || to > 65535 || to <= from {
		return 0, 0, fmt.Errorf("%q is no range such as 20000-20999, from 1024 to 65535", text)
	}
	return from, to, nil
}

func mediaConfig(f *serveFlags) pipeline.Config {
	c := pipeline.Config{MediaAddr: f.MediaAddr, TCPAddr: f.MediaTCPAddr, ExternalIPs: f.ExternalIP,
		TURNAddr: f.TURNAddr, TURNRealm: f.TURNRealm, TURNTTL: f.TURNTTL, TURNExternalIP: f.TURNExternalIP,
		MaxPipelines: f.MaxClasses, MaxElements: f.MaxClasses * f.MaxParticipants,
		FileRoot: f.KurentoFileRoot, PlayFrom: f.KurentoPlayFrom,
		RTPAddr: f.RTPAddr, RTPPeers: f.RTPPeer, RTPMulticast: f.RTPMulticast}
	c.RTPPortMin, c.RTPPortMax, _ = portRange(f.RTPPorts) // Validate has told what is wrong
	if c.TCPAddr == "off" {
		c.TCPAddr = ""
	}
	return c
}

// sweep removes what expired, now and then, until the app closes.
func (a *app) sweep(db classroom.Store, shelf *files.Shelf) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(sweepInterval)
		defer ticker.Stop()
		for {
			if n, err := db.Sweep(ctx, time.Now()); err != nil && ctx.Err() == nil {
				a.log.Warn("removing expired log-ins", "error", err)
			} else if n > 0 {
				a.log.Debug("removed expired log-ins", "count", n)
			}
			if n, err := shelf.Sweep(ctx); err != nil && ctx.Err() == nil {
				a.log.Warn("removing abandoned uploads", "error", err)
			} else if n != (files.Swept{}) {
				a.log.Debug("removed abandoned files", "uploads", n.Uploads, "contents", n.Blobs)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
	a.opened("the sweeping", func(context.Context) error {
		cancel()
		<-done
		return nil
	})
}

// listen serves door, and in ACME mode the challenges on a port of their own.
func (a *app) listen(f *serveFlags, secure *tlsSetup, door *signaling.Server) error {
	listener, err := net.Listen("tcp", f.HTTP)
	if err != nil {
		return fmt.Errorf("listening on --http: %w", err)
	}
	a.addr = listener.Addr()
	scheme := "http"
	if secure != nil {
		scheme = "https"
		listener = tls.NewListener(listener, secure.config)
	}
	a.url = openURL(f, scheme, a.addr)
	if secure != nil && secure.challenges != nil && f.ACMEHTTPAddr != "" {
		plain, err := net.Listen("tcp", f.ACMEHTTPAddr)
		if err != nil {
			return errors.Join(fmt.Errorf("listening on --acme-http: %w", err), listener.Close())
		}
		a.serveHTTP("the challenges", &http.Server{Handler: secure.challenges, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}, plain)
	}
	a.serveHTTP("the pages", door.HTTPServer(), listener)
	a.opened("the readiness", func(context.Context) error { door.Closing(); return nil })
	return nil
}

func (a *app) serveHTTP(name string, s *http.Server, l net.Listener) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("serving %s: %w", name, err)
		}
	}()
	a.opened(name, func(ctx context.Context) error {
		// Requests get a third of what is left; after that uploads are cut.
		// They go on later from their last acknowledged byte.
		if deadline, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/3)
			defer cancel()
		}
		err := s.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = s.Close()
		}
		<-done
		return err
	})
}

// openURL is the address that a person on this machine opens.
func openURL(f *serveFlags, scheme string, addr net.Addr) string {
	if f.PublicURL != "" {
		return strings.TrimRight(f.PublicURL, "/")
	}
	if f.TLS == "acme" {
		return scheme + "://" + f.TLSDomain[0]
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return scheme + "://" + addr.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// offerSetup makes the one-time set-up link while nobody has an account.
func (a *app) offerSetup(ctx context.Context, who *signaling.Auth) error {
	code, err := who.Accounts.NewSetupCode(ctx)
	if err != nil {
		return fmt.Errorf("making the set-up link: %w", err)
	}
	if code != "" {
		a.setup = a.url + "/setup?code=" + code
	}
	return nil
}
