package pipelinetest

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pion/logging"
	"github.com/pion/transport/v4"
	"github.com/pion/turn/v5"
)

// TURN is a TURN server, and so a STUN server, of others than Kelas.
type TURN struct {
	Addr netip.AddrPort

	server    *turn.Server
	streams   *streams // nil: over UDP
	closing   sync.Once
	held      atomic.Int32
	permitted atomic.Int32
}

// The credentials of every TURN.
const (
	TURNUser     = "1900000000:kelas" // as the usual REST credentials are
	TURNPassword = "cGFzc3dvcmQ="
)

// TURNOptions say where it is.
type TURNOptions struct {
	// Net and IP are a machine of a Network; nil and "" are loopback.
	Net transport.Net
	IP  string
	// Transport is udp, tcp or tls; "" is udp.
	Transport string
	TLS       *tls.Config
}

// NewTURN starts one; the test's cleanup ends it.
func NewTURN(tb testing.TB, o TURNOptions) *TURN {
	tb.Helper()
	if o.IP == "" {
		o.IP = "127.0.0.1"
	}
	t := &TURN{}
	relays := &turn.RelayAddressGeneratorStatic{RelayAddress: net.ParseIP(o.IP), Address: o.IP, Net: o.Net}
	c := turn.ServerConfig{
		Realm:         "elsewhere",
		LoggerFactory: &logging.DefaultLoggerFactory{Writer: nowhere{}, DefaultLogLevel: logging.LogLevelDisabled},
		AuthHandler: func(ra *turn.RequestAttributes) (string, []byte, bool) {
			return ra.Username, turn.GenerateAuthKey(ra.Username, ra.Realm, TURNPassword), ra.Username == TURNUser
		},
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(_, _ net.Addr, _, _, _ string, _ net.Addr, _ int) { t.held.Add(1) },
			OnAllocationDeleted: func(_, _ net.Addr, _, _, _ string) { t.held.Add(-1) },
			OnPermissionCreated: func(_, _ net.Addr, _, _, _ string, _ net.Addr, _ net.IP) { t.permitted.Add(1) },
		},
	}
	at, err := t.listen(o, relays, &c)
	if err != nil {
		tb.Fatalf("starting a TURN server: %v", err)
	}
	if t.Addr, err = netip.ParseAddrPort(at.String()); err != nil {
		tb.Fatalf("starting a TURN server: %v", err)
	}
	if t.server, err = turn.NewServer(c); err != nil {
		tb.Fatalf("starting a TURN server: %v", err)
	}
	tb.Cleanup(t.Close)
	return t
}

func (t *TURN) listen(o TURNOptions, relays turn.RelayAddressGenerator, c *turn.ServerConfig) (net.Addr, error) {
	if o.Transport == "" || o.Transport == "udp" {
		listen := net.ListenPacket
		if o.Net != nil {
			listen = o.Net.ListenPacket
		}
		conn, err := listen("udp4", net.JoinHostPort(o.IP, "0"))
		if err != nil {
			return nil, err
		}
		c.PacketConnConfigs = []turn.PacketConnConfig{{PacketConn: conn, RelayAddressGenerator: relays}}
		return conn.LocalAddr(), nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort(o.IP, "0"))
	if err != nil {
		return nil, err
	}
	t.streams = &streams{Listener: l}
	l = t.streams
	if o.Transport == "tls" {
		l = tls.NewListener(l, o.TLS)
	}
	c.ListenerConfigs = []turn.ListenerConfig{{Listener: l, RelayAddressGenerator: relays}}
	return l.Addr(), nil
}

// Allocations is how many relayed addresses are held.
func (t *TURN) Allocations() int { return int(t.held.Load()) }

// Permissions is how many were asked for so far.
func (t *TURN) Permissions() int { return int(t.permitted.Load()) }

// Close ends it, as if its machine had died.
func (t *TURN) Close() {
	t.closing.Do(func() {
		_ = t.server.Close()
		if t.streams != nil {
			t.streams.cut()
		}
	})
}

// streams knows the connections that it has accepted, which outlive the server.
type streams struct {
	net.Listener
	mu  sync.Mutex
	all []net.Conn
}

func (s *streams) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err == nil {
		s.mu.Lock()
		s.all = append(s.all, c)
		s.mu.Unlock()
	}
	return c, err
}

func (s *streams) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		_ = c.Close()
	}
}
