package pipeline

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

const (
	// maxRelayClients bounds the allocations that this server holds at others; an
	// endpoint has one.
	maxRelayClients = 1000
	// relayWait is how long an allocation may take.
	relayWait = 6 * time.Second
	// relayCheck is how often a relay is asked whether it still stands. It keeps a
	// NAT on the way open too.
	relayCheck = 20 * time.Second
	// minLifetime: an allocation that must be renewed all the time is of no use.
	minLifetime = 30
)

var (
	errTooManyRelays = errors.New("too many TURN servers are in use")
	// What exactly failed stands in the log alone: whoever may name a TURN server
	// must not learn by the words which ports of this network are open.
	errUnreached = errors.New("it cannot be reached")
	errUntrusted = errors.New("it speaks no TLS with a certificate that is trusted")
)

// allocation is a relayed address at a TURN server (RFC 8656, section 7).
type allocation struct {
	server    TURNServer
	port      *relayPort
	conn      net.PacketConn // to the TURN server
	addr      netip.AddrPort // of it, nothing from elsewhere is read; zero: a stream
	client    *turn.Client
	alloc     net.PacketConn
	candidate string
	check     time.Duration
	ended     chan struct{} // nothing more comes from the TURN server
	closed    chan struct{} // the allocation
	wg        sync.WaitGroup
	closing   sync.Once

	mu      sync.Mutex
	mapped  netip.AddrPort // of conn, as the TURN server sees it
	refused string         // what it said
}

// openAllocation asks a TURN server for a relayed address. The error has no
// credentials in it.
func (s *Server) openAllocation(ctx context.Context, t TURNServer, port *relayPort, m *mark) (*allocation, error) {
	if s.relayClients.Add(1) > maxRelayClients {
		s.relayClients.Add(-1)
		return nil, errTooManyRelays
	}
	r, err := s.allocate(ctx, t, port, m)
	if err != nil {
		s.relayClients.Add(-1)
	}
	return r, err
}

// closeAllocation gives it back.
func (s *Server) closeAllocation(r *allocation) {
	r.close()
	s.relayClients.Add(-1)
}

func (s *Server) allocate(ctx context.Context, t TURNServer, port *relayPort, m *mark) (*allocation, error) {
	ctx, cancel := context.WithTimeout(ctx, relayWait)
	defer cancel()
	r := &allocation{server: t, port: port, check: s.relayCheck, ended: make(chan struct{}), closed: make(chan struct{})}
	var err error
	if r.conn, err = s.dialTURN(ctx, t); err != nil {
		return nil, fmt.Errorf("%w: %s: %v", ErrRelay, t, err)
	}
	if t.Transport == "udp" {
		r.addr = plain(t.Addr)
	}
	if err := m.socket(r.conn, t.Addr.Addr()); err != nil {
		s.log.Warn("packets to a TURN server are not marked", "server", t.String(), "error", err)
	}
	r.client, err = turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: t.Addr.String(), Username: t.User, Password: t.Password, Conn: r.conn, Net: s.net.net,
		RequestedAddressFamily: turn.RequestedAddressFamilyIPv4, LoggerFactory: s.logs,
	})
	if err != nil {
		_ = r.conn.Close()
		return nil, fmt.Errorf("%w: %s: %v", ErrRelay, t, err)
	}
	r.wg.Go(r.read)
	stop := context.AfterFunc(ctx, r.cut)
	r.alloc, err = r.client.Allocate()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		r.candidate, err = r.describe()
	}
	if err != nil {
		why := r.why()
		if r.alloc != nil {
			_ = r.alloc.Close() // its timers
		}
		r.cut()
		r.wg.Wait()
		return nil, fmt.Errorf("%w: %s: %s", ErrRelay, t, why)
	}
	r.wg.Go(r.pump)
	port.attach(r.alloc)
	return r, nil
}

// dialTURN opens the socket. Streams are of the system's network, whatever
// Config.Net is, as those of the built-in TURN server.
func (s *Server) dialTURN(ctx context.Context, t TURNServer) (net.PacketConn, error) {
	if t.Transport == "udp" {
		if t.Addr.Addr().Unmap().Is4() {
			return s.net.net.ListenPacket("udp4", "0.0.0.0:0")
		}
		return s.net.net.ListenPacket("udp6", "[::]:0")
	}
	bare, err := new(net.Dialer).DialContext(ctx, "tcp", t.Addr.String())
	if err != nil {
		s.log.Info("a TURN server cannot be reached", "server", t.String(), "error", err)
		return nil, errUnreached
	}
	if t.Transport == "tcp" {
		return newTURNStream(bare, bare), nil
	}
	c := tls.Client(bare, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.Addr.Addr().Unmap().String(), RootCAs: s.turnRoots})
	if err := c.HandshakeContext(ctx); err != nil {
		_ = bare.Close()
		s.log.Info("a TURN server is not trusted", "server", t.String(), "error", err)
		return nil, errUntrusted
	}
	return newTURNStream(c, bare), nil
}

// read hands pion's client what comes from the TURN server, until the socket is
// closed.
func (r *allocation) read() {
	defer close(r.ended)
	buf := make([]byte, maxTURNFrame)
	for {
		n, from, err := r.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if a, ok := from.(*net.UDPAddr); ok && r.addr.IsValid() && plain(a.AddrPort()) != r.addr {
			continue
		}
		if !r.note(buf[:n]) {
			continue
		}
		_, _ = r.client.HandleInbound(buf[:n], from) // a bad packet harms nobody
	}
}

// note keeps what pion's client does not tell of an answer to Allocate; false:
// the answer is of no use.
func (r *allocation) note(p []byte) bool {
	if len(p) < 2 || p[0] != 1 || p[1] != 0x03 && p[1] != 0x13 {
		return true
	}
	m := &stun.Message{Raw: append([]byte(nil), p...)}
	if err := m.Decode(); err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.Type.Class == stun.ClassErrorResponse {
		var code stun.ErrorCodeAttribute
		if code.GetFrom(m) == nil {
			r.refused = fmt.Sprintf("it refuses with error %d", code.Code)
		}
		return true
	}
	lifetime, err := m.Get(stun.AttrLifetime)
	if err != nil || len(lifetime) != 4 || lifetime[0] == 0 && lifetime[1] == 0 && lifetime[2] == 0 && lifetime[3] < minLifetime {
		r.refused = "it grants no time"
		return false
	}
	var x stun.XORMappedAddress
	if x.GetFrom(m) == nil {
		if ip, ok := netip.AddrFromSlice(x.IP); ok {
			r.mapped = plain(netip.AddrPortFrom(ip, uint16(x.Port)))
		}
	}
	return true
}

func (r *allocation) why() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused != "" {
		return r.refused
	}
	return "it does not answer"
}

// describe is the candidate (RFC 8839, section 5.1; its related address is the
// mapped one).
func (r *allocation) describe() (string, error) {
	a, ok := r.alloc.LocalAddr().(*net.UDPAddr)
	if !ok || a.IP.To4() == nil || a.IP.IsUnspecified() {
		return "", errors.New("it relays no IPv4")
	}
	r.mu.Lock()
	related := r.mapped
	r.mu.Unlock()
	if !related.IsValid() {
		related = netip.AddrPortFrom(netip.IPv4Unspecified(), relayPlacePort)
	}
	c, err := ice.NewCandidateRelay(&ice.CandidateRelayConfig{
		Network: "udp", Address: a.IP.String(), Port: a.Port, Component: ice.ComponentRTP, RelayProtocol: r.server.Transport,
		RelAddr: related.Addr().String(), RelPort: int(related.Port()),
	})
	if err != nil {
		return "", err
	}
	return "candidate:" + c.Marshal(), nil
}

// pump brings what is relayed to ICE, until the allocation is closed.
func (r *allocation) pump() {
	defer close(r.closed)
	buf := make([]byte, maxTURNFrame)
	for {
		n, from, err := r.alloc.ReadFrom(buf)
		switch a, ok := from.(*net.UDPAddr); {
		case errors.Is(err, io.ErrShortBuffer): // no packet of a browser
		case err != nil:
			return
		case ok:
			r.port.deliver(buf[:n], plain(a.AddrPort()))
		}
	}
}

// serve lets the browser's addresses through, until ctx ends, which is no error,
// or the relay does.
func (r *allocation) serve(ctx context.Context, peers *peerBoard) error {
	stop := context.AfterFunc(ctx, r.finish) // also what waits for the TURN server
	defer stop()
	tick := time.NewTicker(r.check)
	defer tick.Stop()
	var permitted net.Addr
	for seen := 0; ; {
		fresh, more := peers.after(seen)
		seen += len(fresh)
		for _, a := range fresh {
			if r.permit(a) {
				permitted = net.UDPAddrFromAddrPort(a)
			}
		}
		lost := ""
		select {
		case <-ctx.Done():
			return nil
		case <-r.ended:
			lost = "the connection is lost"
		case <-r.closed:
			lost = "the relay is closed"
		case <-more:
		case <-tick.C:
			if permitted != nil && !r.stands(permitted) {
				lost = "it has ended the relay, or does not answer"
			}
		}
		if lost != "" && ctx.Err() == nil {
			return fmt.Errorf("%w: %s: %s", ErrRelay, r.server, lost)
		}
	}
}

// permit has the TURN server let packets from that address through (RFC 8656,
// section 9), which ICE-lite has nobody else to ask for: an agent that checks
// would do it by its checks. The binding indication is what it takes to have
// pion's client ask, and remember to renew it. It waits for the answer, so nobody
// else may send to that address before: a worker would wait too.
func (r *allocation) permit(a netip.AddrPort) bool {
	if !a.Addr().Is4() {
		return false
	}
	p, err := bindingIndication()
	if err != nil {
		return false
	}
	if _, err := r.alloc.WriteTo(p, net.UDPAddrFromAddrPort(a)); err != nil {
		return false
	}
	r.port.permit(a.Addr())
	return true
}

// stands asks for a permission again. The first try may fail by a nonce that has
// grown old (RFC 8656, section 5), which the answer replaces; who has not answered
// at all, for some eight seconds, is not asked again.
func (r *allocation) stands(permitted net.Addr) bool {
	began := time.Now()
	if r.client.CreatePermission(permitted) == nil {
		return true
	}
	return time.Since(began) < relayWait && r.client.CreatePermission(permitted) == nil
}

// finish gives the relayed address back and ends all that waits.
func (r *allocation) finish() {
	r.closing.Do(func() {
		r.port.detach()
		_ = r.alloc.Close() // it may be closed, or the TURN server away
		r.cut()
	})
}

// cut ends the socket before the transactions: one that begins in between fails.
func (r *allocation) cut() {
	_ = r.conn.Close()
	r.client.Close()
}

// close is finish, and waits.
func (r *allocation) close() {
	r.finish()
	r.wg.Wait()
}
