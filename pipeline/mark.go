package pipeline

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"kelas/pipeline/udp"
)

// mark is the code point of one endpoint's packets. It lies on the path that
// ICE has chosen; a nil mark does nothing.
type mark struct {
	net    *network
	packet *udp.Mark
}

// newMark is nil for code point 0, which is what packets have anyhow.
func (n *network) newMark(dscp int) (*mark, error) {
	switch {
	case dscp == 0:
		return nil, nil
	case dscp < 0 || dscp > udp.MaxDSCP:
		return nil, fmt.Errorf("%w: the code point %d, which is not within 0 and %d", ErrUnsupported, dscp, udp.MaxDSCP)
	case n.media == nil:
		return nil, fmt.Errorf("%w: marking packets on a virtual network", ErrUnsupported)
	}
	m, err := n.media.NewMark(dscp)
	if errors.Is(err, udp.ErrNoMarks) {
		return nil, fmt.Errorf("%w: %v", ErrUnsupported, err)
	}
	if err != nil {
		return nil, err
	}
	return &mark{n, m}, nil
}

// follow moves the mark to the path in use.
func (m *mark) follow(link browserLink) {
	if m == nil {
		return
	}
	p, ok := link.path()
	if !ok {
		return
	}
	if p.local == relayed { // whose socket has been marked
		m.packet.To(netip.AddrPort{})
		return
	}
	to, err := netip.ParseAddrPort(p.address)
	if err != nil {
		return
	}
	if p.protocol == "tcp" {
		m.packet.To(netip.AddrPort{})
		m.net.tcp.mark(to, m.packet)
		return
	}
	m.packet.To(to)
}

// socket marks all that leaves by one of the endpoint's own, to a TURN server. One
// of a virtual network has no marks.
func (m *mark) socket(c net.PacketConn, to netip.Addr) error {
	var s syscall.Conn
	switch c := c.(type) {
	case *turnStream:
		s, _ = c.bare.(syscall.Conn)
	case syscall.Conn:
		s = c
	}
	if m == nil || s == nil {
		return nil
	}
	return m.packet.Socket(s, to.Unmap().Is4())
}

// lift takes the mark away. One on a TCP connection ends with it.
func (m *mark) lift() {
	if m != nil {
		m.packet.To(netip.AddrPort{})
	}
}

// markedListener knows the ICE-TCP connections that it has accepted, so that
// single ones can be marked: what reads and writes them gives none out.
type markedListener struct {
	net.Listener
	mu   sync.Mutex
	open map[netip.AddrPort]*net.TCPConn // by the far end
}

// knownConn leaves the list when it is closed.
type knownConn struct {
	*net.TCPConn
	from netip.AddrPort
	in   *markedListener
}

func (l *markedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t, ok := c.(*net.TCPConn)
	if !ok {
		return c, nil
	}
	k := &knownConn{t, farEnd(t), l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = make(map[netip.AddrPort]*net.TCPConn)
	}
	l.open[k.from] = t
	return k, nil
}

func farEnd(c *net.TCPConn) netip.AddrPort {
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	from := a.AddrPort()
	return netip.AddrPortFrom(from.Addr().Unmap().WithZone(""), from.Port())
}

func (c *knownConn) Close() error {
	c.in.mu.Lock()
	if c.in.open[c.from] == c.TCPConn {
		delete(c.in.open, c.from)
	}
	c.in.mu.Unlock()
	return c.TCPConn.Close()
}

// mark is about the connection from that address. One that has just ended needs
// none.
func (l *markedListener) mark(from netip.AddrPort, m *udp.Mark) {
	if l == nil {
		return
	}
	l.mu.Lock()
	c := l.open[netip.AddrPortFrom(from.Addr().Unmap().WithZone(""), from.Port())]
	l.mu.Unlock()
	if c != nil {
		_ = m.Connection(c)
	}
}
