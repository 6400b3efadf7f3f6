package signaling

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"kelas/signaling/bbb"
	"kelas/signaling/kurento"
	"kelas/signaling/rest"
	"kelas/signaling/web"
	"kelas/signaling/whip"
)

// bodyMax bounds every body but an upload's; forms have less (web).
const bodyMax = 2 << 20

// chain is what every request goes through, outermost first: who it is from,
// headers, the log, limits, and a net under a panic.
func (s *Server) chain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		addr, secure := s.proxies.client(r)
		c := web.Client{Addr: addr, Secure: secure, RequestID: newRequestID()}
		r = r.WithContext(web.WithClient(r.Context(), c))
		setHeaders(w.Header(), r.Host, secure, s.framers(r.URL.Path))
		w.Header().Set("X-Request-Id", c.RequestID)
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				s.panicked(rec, r, c, p)
			}
			s.access(rec, r, c, time.Since(start))
		}()
		s.limited(rec, r, c, start, next)
	})
}

func (s *Server) limited(w http.ResponseWriter, r *http.Request, c web.Client, now time.Time, next http.Handler) {
	kind := kindOf(r)
	if kind == kindPage || kind == kindUpload || kind == kindLMS {
		if wait := s.limiter.take(c.Addr, now); wait > 0 {
			if rest.Mine(r.URL.Path) {
				s.rest.TooFast(w, c.RequestID, wait)
				return
			}
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"code":"tooFast","message":"This is faster than allowed; wait a little."}` + "\n"))
			return
		}
	}
	if kind == kindPage || kind == kindFree || kind == kindLMS {
		if kind != kindLMS {
			r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
		}
		if r.ContentLength != 0 {
			// Not without a body: net/http reads on in the background, and its
			// deadline would end a long download's context. A recorder of a
			// test has no deadlines, and none is needed there.
			_ = http.NewResponseController(w).SetReadDeadline(now.Add(s.cfg.ReadTimeout))
		}
	}
	next.ServeHTTP(w, r)
}

type requestKind int

const (
	kindPage requestKind = iota
	kindFree             // static files, health
	kindUpload
	kindSocket
	kindLMS // it bounds its bodies itself: slides come in them
)

func kindOf(r *http.Request) requestKind {
	switch p := r.URL.Path; {
	case strings.HasPrefix(p, "/socket.io/"), p == kurento.Path:
		return kindSocket
	case strings.HasPrefix(p, "/static/"), p == "/healthz", p == "/readyz", p == "/metrics":
		return kindFree
	case strings.HasPrefix(p, bbb.Prefix):
		return kindLMS
	case r.Method == http.MethodPatch && strings.HasPrefix(p, "/c/"):
		return kindUpload
	case r.Method == http.MethodPost && strings.HasPrefix(p, rest.Prefix+"/classes/") && strings.HasSuffix(p, "/files"):
		return kindUpload
	}
	return kindPage
}

// access writes one line for each request. The address goes without its
// query: tokens and set-up codes are there.
func (s *Server) access(rec *recorder, r *http.Request, c web.Client, took time.Duration) {
	level := slog.LevelInfo
	if k := kindOf(r); k == kindFree {
		level = slog.LevelDebug
	}
	s.log.LogAttrs(context.WithoutCancel(r.Context()), level, "request",
		slog.String("request", c.RequestID), slog.String("addr", c.Addr), slog.String("method", r.Method),
		slog.String("path", logPath(r.URL.Path)), slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes),
		slog.Duration("took", took.Round(time.Microsecond)))
}

// logPath is a path without the secret that stands behind the class in the
// address of an encoder's or player's session.
func logPath(p string) string {
	for _, prefix := range []string{whip.PrefixWHIP, whip.PrefixWHEP} {
		if rest, ok := strings.CutPrefix(p, prefix); ok {
			if class, _, more := strings.Cut(rest, "/"); more {
				p = prefix + class + "/..."
			}
		}
	}
	return cutPath(p)
}

func cutPath(p string) string {
	if len(p) > 200 {
		return strings.ToValidUTF8(p[:200], "") + "..."
	}
	return p
}

// panicked is the last resort: the request fails, the server goes on.
func (s *Server) panicked(rec *recorder, r *http.Request, c web.Client, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	s.log.Error("panic", "request", c.RequestID, "method", r.Method, "path", logPath(r.URL.Path),
		"panic", p, "stack", string(debug.Stack()))
	if rec.status == 0 {
		http.Error(rec, "internal error", http.StatusInternalServerError)
	}
}

func newRequestID() string {
	b := make([]byte, 8)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// recorder remembers what was answered. Unwrap lets deadlines through to the
// connection.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 || status == http.StatusSwitchingProtocols {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Hijack is asked for by type and not through Unwrap by gin and the socket.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
