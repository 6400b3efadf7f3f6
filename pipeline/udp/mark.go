package udp

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
)

// MaxDSCP is the largest code point, which has six bits (RFC 2474, section 3).
const MaxDSCP = 63

// Mark has all that goes to one destination leave with a code point for
// differentiated services. The socket is everybody's, so what is marked is the
// destination: there is one connection at each.
type Mark struct {
	conn *Conn
	dscp uint8
	// How the system is told, for either family.
	control4, control6 []byte

	to netip.AddrPort // guarded by marks.mu
}

// marks are the destinations that have one. While there is none, looking costs
// one atomic read.
type marks struct {
	some atomic.Int32
	mu   sync.RWMutex
	of   map[netip.AddrPort]*Mark
}

// NewMark makes a mark that does nothing before it is given a destination. An
// error means that dscp is none, or that this system cannot.
func (c *Conn) NewMark(dscp int) (*Mark, error) {
	switch {
	case dscp < 0 || dscp > MaxDSCP:
		return nil, fmt.Errorf("%w: the code point %d is not within 0 and %d", ErrConfig, dscp, MaxDSCP)
	case !canMark:
		return nil, ErrNoMarks
	}
	m := &Mark{conn: c, dscp: uint8(dscp)}
	m.control4, m.control6 = markControls(m.dscp)
	return m, nil
}

// To moves the mark to another destination; the zero value takes it away. Of two
// marks on one destination the later counts.
func (m *Mark) To(a netip.AddrPort) {
	a = plain(a)
	s := &m.conn.marks
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[m.to] == m {
		delete(s.of, m.to)
	}
	m.to = a
	if a.IsValid() {
		if s.of == nil {
			s.of = make(map[netip.AddrPort]*Mark)
		}
		s.of[a] = m
	}
	s.some.Store(int32(len(s.of)))
}

// Connection marks what this side sends on a TCP connection.
func (m *Mark) Connection(c *net.TCPConn) error {
	far, err := netip.ParseAddrPort(c.RemoteAddr().String())
	return m.Socket(c, err == nil && plain(far).Addr().Is4())
}

// Socket marks what leaves by a socket of one family.
func (m *Mark) Socket(c syscall.Conn, v4 bool) error { return markSocket(c, v4, m.dscp) }

// find is the mark of a destination, nil when it has none.
func (s *marks) find(a netip.AddrPort) *Mark {
	if s.some.Load() == 0 {
		return nil
	}
	a = plain(a)
	s.mu.RLock()
	m := s.of[a]
	s.mu.RUnlock()
	return m
}

// plain gives one destination one name.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// control is what goes with a packet for that destination.
func (m *Mark) control(a netip.AddrPort) []byte {
	if ip := a.Addr(); ip.Is4() || ip.Is4In6() {
		return m.control4
	}
	return m.control6
}
