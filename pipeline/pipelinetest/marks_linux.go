package pipelinetest

import (
	"fmt"
	"net"
	"sync"
	"syscall"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// Marks is this machine's network for one browser; it notes the code points
// for differentiated services of what comes, and its size.
type Marks struct {
	*stdnet.Net
	mu      sync.Mutex
	seen    map[string]map[int]int
	largest map[string]int
}

// NewMarks is for Options.Net.
func NewMarks() (*Marks, error) {
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("reading the network interfaces: %w", err)
	}
	return &Marks{Net: n, seen: make(map[string]map[int]int), largest: make(map[string]int)}, nil
}

// Seen is how many packets came with each code point: of "stun", "dtls",
// "rtp" or "rtcp".
func (m *Marks) Seen(kind string) map[int]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[int]int, len(m.seen[kind]))
	for dscp, n := range m.seen[kind] {
		out[dscp] = n
	}
	return out
}

// Largest is the size of the largest packet of a kind, as it came.
func (m *Marks) Largest(kind string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.largest[kind]
}

// ListenUDP opens a socket whose system tells the traffic class.
func (m *Marks) ListenUDP(network string, a *net.UDPAddr) (transport.UDPConn, error) {
	c, err := net.ListenUDP(network, a)
	if err != nil {
		return nil, err
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	err = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_RECVTOS, 1)
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_RECVTCLASS, 1) // where it is one of IPv6
	})
	if err != nil {
		return nil, err
	}
	return &marksConn{c, m}, nil
}

// ListenPacket is ListenUDP.
func (m *Marks) ListenPacket(network, address string) (net.PacketConn, error) {
	a, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	return m.ListenUDP(network, a)
}

type marksConn struct {
	*net.UDPConn
	marks *Marks
}

func (c *marksConn) ReadFrom(b []byte) (int, net.Addr, error) {
	return c.ReadFromUDP(b)
}

func (c *marksConn) Read(b []byte) (int, error) {
	n, _, err := c.ReadFromUDP(b)
	return n, err
}

func (c *marksConn) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	oob := make([]byte, 64)
	n, m, _, from, err := c.ReadMsgUDP(b, oob)
	if err == nil {
		c.marks.note(b[:n], oob[:m])
	}
	return n, from, err
}

func (m *Marks) note(p, oob []byte) {
	list, err := syscall.ParseSocketControlMessage(oob)
	if err != nil || len(p) < 2 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	kind := kindOfPacket(p)
	m.largest[kind] = max(m.largest[kind], len(p))
	for _, c := range list {
		level, typ := int(c.Header.Level), int(c.Header.Type)
		if level == syscall.IPPROTO_IP && typ == syscall.IP_TOS || level == syscall.IPPROTO_IPV6 && typ == syscall.IPV6_TCLASS {
			if m.seen[kind] == nil {
				m.seen[kind] = make(map[int]int)
			}
			m.seen[kind][int(c.Data[0]>>2)]++
		}
	}
}

// kindOfPacket is by RFC 7983, section 7, and RFC 5761, section 4.
func kindOfPacket(p []byte) string {
	switch {
	case p[0] < 4:
		return "stun"
	case p[0] >= 20 && p[0] < 64:
		return "dtls"
	case p[0] >= 128 && p[0] < 192 && p[1] >= 192 && p[1] <= 223:
		return "rtcp"
	case p[0] >= 128 && p[0] < 192:
		return "rtp"
	}
	return "other"
}
