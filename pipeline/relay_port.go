package pipeline

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
)

// relayPlace is the address under which ICE knows what comes by an endpoint's
// TURN server: the dummy address of RFC 7600 and the port for discarding, which
// no socket of ours can have. It is never told to anybody.
var relayPlace = &net.UDPAddr{IP: net.IPv4(192, 0, 0, 8), Port: relayPlacePort}

const relayPlacePort = 9

// isRelayPlace: ICE may have put an external address in the place of the dummy,
// but never another port.
func isRelayPlace(port int, tcp bool) bool { return port == relayPlacePort && !tcp }

const (
	// maxRelayed is how many packets of an endpoint's relay wait for ICE; those
	// for which there is no room are lost, as on a network.
	maxRelayed = 256
)

// endpointMux is the media socket as one endpoint's ICE sees it, and the place of
// its relay beside it. ICE is told of that place from the beginning, since an
// ICE-lite agent takes no candidate later.
type endpointMux struct {
	*hostMux
	port *relayPort
}

func (m endpointMux) GetListenAddresses() []net.Addr {
	return append(m.hostMux.GetListenAddresses(), relayPlace)
}

func (m endpointMux) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	if a, ok := addr.(*net.UDPAddr); ok && isRelayPlace(a.Port, false) {
		return &relayView{port: m.port, done: make(chan struct{})}, nil
	}
	return m.hostMux.GetConn(ufrag, addr)
}

// relayPort joins ICE and a relay, which may come later or never. What comes by
// the relay goes to this endpoint's ICE alone, which asks for its password
// (RFC 8445, section 7.3); no socket of the server hears of it.
type relayPort struct {
	ready chan struct{} // closed when in is there
	in    chan relayedPacket

	mu      sync.RWMutex
	out     net.PacketConn // nil: no relay
	permits map[netip.Addr]bool
}

type relayedPacket struct {
	data []byte
	from netip.AddrPort
}

func newRelayPort() *relayPort {
	return &relayPort{ready: make(chan struct{}), permits: map[netip.Addr]bool{}}
}

// attach gives it a relay. It is called once.
func (p *relayPort) attach(out net.PacketConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out, p.in = out, make(chan relayedPacket, maxRelayed)
	close(p.ready)
}

// detach takes the relay away.
func (p *relayPort) detach() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = nil
}

// permit lets packets from and to that address pass.
func (p *relayPort) permit(ip netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.permits[ip] = true
}

func (p *relayPort) way(ip netip.Addr) net.PacketConn {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if !p.permits[ip] {
		return nil
	}
	return p.out
}

// deliver takes a packet that came by the relay.
func (p *relayPort) deliver(b []byte, from netip.AddrPort) {
	if !isConnectionPacket(b) || p.way(from.Addr()) == nil {
		return
	}
	select {
	case p.in <- relayedPacket{append([]byte(nil), b...), from}:
	default:
	}
}

// isConnectionPacket tells STUN, DTLS, RTP and RTCP from all else (RFC 7983,
// section 7).
func isConnectionPacket(b []byte) bool {
	if len(b) == 0 || len(b) > receiveMTU {
		return false
	}
	first := b[0]
	return first < 4 || first >= 20 && first < 64 || first >= 128 && first < 192
}

// relayView is the port as ICE holds it, for one round of ICE.
type relayView struct {
	port *relayPort
	done chan struct{}
	once sync.Once
}

var (
	_ net.PacketConn           = (*relayView)(nil)
	_ ice.AddrPortReaderWriter = (*relayView)(nil)
	_ ice.UDPMux               = endpointMux{}
)

func (v *relayView) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case <-v.done:
		return 0, netip.AddrPort{}, io.EOF
	case <-v.port.ready:
	}
	select {
	case <-v.done:
		return 0, netip.AddrPort{}, io.EOF
	case p := <-v.port.in:
		return copy(b, p.data), p.from, nil
	}
}

func (v *relayView) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := v.ReadFromAddrPort(b)
	return n, net.UDPAddrFromAddrPort(from), err
}

// WriteToAddrPort drops without an error, as the network would.
func (v *relayView) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	to = plain(to)
	if way := v.port.way(to.Addr()); way != nil {
		return way.WriteTo(b, net.UDPAddrFromAddrPort(to))
	}
	return len(b), nil
}

func (v *relayView) WriteTo(b []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, errRelayUDPOnly
	}
	return v.WriteToAddrPort(b, a.AddrPort())
}

func (v *relayView) Close() error {
	v.once.Do(func() { close(v.done) })
	return nil
}

func (v *relayView) LocalAddr() net.Addr { return relayPlace }

// The deadlines do nothing: Close ends what waits, and nothing is written that
// waits.

func (v *relayView) SetDeadline(time.Time) error      { return nil }
func (v *relayView) SetReadDeadline(time.Time) error  { return nil }
func (v *relayView) SetWriteDeadline(time.Time) error { return nil }
