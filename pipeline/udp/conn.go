package udp

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is the media socket. Any number of goroutines may use it.
type Conn struct {
	sock *net.UDPConn
	cfg  Config
	main *Lane // nil: nothing is put together
	counters
	marks marks

	closed  atomic.Bool
	closing sync.Once
	stop    chan struct{}
	stopped sync.WaitGroup

	mu    sync.Mutex
	lanes []*Lane // main among them
}

// New takes the socket over. Where the system cannot cut messages up, every
// packet is sent by itself.
func New(sock *net.UDPConn, cfg Config) (*Conn, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Conn{sock: sock, cfg: cfg.withDefaults(), stop: make(chan struct{})}
	// The system limits them, and their size is not vital.
	_ = sock.SetReadBuffer(c.cfg.ReadBuffer)
	_ = sock.SetWriteBuffer(c.cfg.WriteBuffer)
	var err error
	if c.main, err = c.NewLane(); err != nil {
		return nil, err
	}
	return c, nil
}

// Flush hands what was written to the kernel, but for what is in other lanes.
// When it returns, all that the caller wrote before has left, or is just being
// sent by somebody else.
func (c *Conn) Flush() {
	if c.main != nil {
		c.main.Flush()
	}
}

// WriteToAddrPort sends a packet, or copies it and sends it a little later. An
// error tells of this packet only if it did not wait; see Stats for the others.
func (c *Conn) WriteToAddrPort(p []byte, to netip.AddrPort) (int, error) {
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	c.packets.Add(1)
	if c.main == nil || !isMedia(p) || len(p) > chunkSize || !c.main.Reaches(to) {
		return c.sendNow(p, to)
	}
	if !c.cutting() {
		// Not to overtake what was written while the kernel still cut.
		c.main.flushAll()
		return c.sendNow(p, to)
	}
	c.main.write(p, netip.AddrPortFrom(to.Addr().Unmap(), to.Port())) // one destination, one name
	return len(p), nil
}

func (c *Conn) sendNow(p []byte, to netip.AddrPort) (int, error) {
	c.direct.Add(1)
	if m := c.marks.find(to); m != nil {
		n, _, err := c.sock.WriteMsgUDPAddrPort(p, m.control(to), to)
		return n, err
	}
	return c.sock.WriteToUDPAddrPort(p, to)
}

// WriteTo is WriteToAddrPort for callers that have a net.Addr.
func (c *Conn) WriteTo(p []byte, to net.Addr) (int, error) {
	if a, ok := to.(*net.UDPAddr); ok && a != nil {
		return c.WriteToAddrPort(p, a.AddrPort())
	}
	return c.sock.WriteTo(p, to) // which says what is wrong with the address
}

// isMedia tells RTP from STUN and DTLS by the first byte (RFC 7983, section 7)
// and from RTCP by the second (RFC 5761, section 4). The header is not
// encrypted.
func isMedia(p []byte) bool {
	return len(p) >= 12 && p[0] >= 128 && p[0] <= 191 && (p[1] < 192 || p[1] > 223)
}

// ReadFromAddrPort reads a packet without allocating its address.
func (c *Conn) ReadFromAddrPort(p []byte) (int, netip.AddrPort, error) {
	return c.sock.ReadFromUDPAddrPort(p)
}

// ReadFrom reads a packet.
func (c *Conn) ReadFrom(p []byte) (int, net.Addr, error) { return c.sock.ReadFrom(p) }

// LocalAddr is the socket's address.
func (c *Conn) LocalAddr() net.Addr { return c.sock.LocalAddr() }

// SetDeadline is SetReadDeadline: see SetWriteDeadline.
func (c *Conn) SetDeadline(t time.Time) error { return c.sock.SetReadDeadline(t) }

// SetReadDeadline is the socket's.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.sock.SetReadDeadline(t) }

// SetWriteDeadline does nothing. Writing does not wait for long by itself, and
// what is being sent belongs to many: ICE sets a deadline to get one leaving
// viewer's writes back, which would cost the others their packets.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

// Stats are the figures so far.
func (c *Conn) Stats() Stats {
	st := c.stats()
	st.Coalescing = c.main != nil && c.cutting()
	return st
}

// Close sends what waits, ends the goroutines and closes the socket.
func (c *Conn) Close() (err error) {
	c.closing.Do(func() {
		c.mu.Lock()
		c.closed.Store(true)
		lanes := c.lanes
		c.mu.Unlock()
		close(c.stop)
		c.stopped.Wait()
		for _, l := range lanes {
			l.sending.Lock() // for good: nothing is sent by a closed socket
			l.flushSending()
		}
		err = c.sock.Close()
		for _, l := range lanes {
			l.sending.Unlock()
		}
	})
	return err
}
