package udp

import (
	"fmt"
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
	out  *sender // nil: nothing is put together
	counters

	closed  atomic.Bool
	closing sync.Once
	stop    chan struct{}
	stopped sync.WaitGroup

	sending sync.Mutex
	spare   *batch

	mu      sync.Mutex
	filling *batch
	waiting atomic.Bool // filling is not empty; written under mu
	timer   *time.Timer // ends the wait; armed and disarmed under mu
}

// New takes the socket over. Where the system cannot cut messages up, every
// packet is sent by itself.
func New(sock *net.UDPConn, cfg Config) (*Conn, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Conn{sock: sock, cfg: cfg.withDefaults()}
	// The system limits them, and their size is not vital.
	_ = sock.SetReadBuffer(c.cfg.ReadBuffer)
	_ = sock.SetWriteBuffer(c.cfg.WriteBuffer)
	if c.cfg.Plain {
		return c, nil
	}
	var err error
	if c.out, err = newSender(sock, &c.counters, c.cfg); err != nil {
		return nil, fmt.Errorf("preparing the media socket: %w", err)
	}
	if c.out == nil {
		return c, nil
	}
	c.filling, c.spare = c.newBatch(), c.newBatch()
	c.timer = time.NewTimer(time.Hour)
	c.timer.Stop()
	c.stop = make(chan struct{})
	c.stopped.Go(c.keepTime)
	return c, nil
}

func (c *Conn) newBatch() *batch {
	const headers = 40 + 8 // IPv6 and UDP
	return newBatch(c.cfg.Segments, c.cfg.MTU-headers, c.cfg.Pending)
}

// keepTime ends a wait that nobody else has ended.
func (c *Conn) keepTime() {
	for {
		select {
		case <-c.stop:
			return
		case <-c.timer.C:
			c.timed.Add(1)
			c.Flush()
		}
	}
}

// Flush hands what waits to the kernel. When it returns, all that the caller
// wrote before has left, or is just being sent by somebody else.
func (c *Conn) Flush() {
	if !c.waiting.Load() {
		return
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	c.flushSending()
}

// flushSending needs c.sending.
func (c *Conn) flushSending() {
	c.mu.Lock()
	full := c.filling
	if full.empty() {
		c.mu.Unlock()
		return
	}
	c.filling = c.spare
	c.waiting.Store(false)
	c.timer.Stop()
	c.mu.Unlock()
	c.out.send(full.trains[:full.count])
	full.reset()
	c.spare = full
}

// WriteToAddrPort sends a packet, or copies it and sends it a little later. An
// error tells of this packet only if it did not wait; see Stats for the others.
func (c *Conn) WriteToAddrPort(p []byte, to netip.AddrPort) (int, error) {
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	c.packets.Add(1)
	if c.out == nil || !isMedia(p) || len(p) > chunkSize || !c.out.reaches(to) {
		return c.sendNow(p, to)
	}
	if !c.out.cutting() {
		// Not to overtake what was written while the kernel still cut.
		c.sending.Lock()
		c.flushSending()
		c.sending.Unlock()
		return c.sendNow(p, to)
	}
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port()) // one destination, one name
	c.mu.Lock()
	for !c.filling.add(p, to) {
		c.mu.Unlock()
		c.Flush()
		c.mu.Lock()
	}
	if !c.waiting.Load() {
		c.waiting.Store(true)
		c.timer.Reset(c.cfg.Wait)
	}
	c.mu.Unlock()
	if c.closed.Load() {
		c.Flush() // Close may have looked before
	}
	return len(p), nil
}

func (c *Conn) sendNow(p []byte, to netip.AddrPort) (int, error) {
	c.direct.Add(1)
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
	st.Coalescing = c.out != nil && c.out.cutting()
	return st
}

// Close sends what waits, ends the goroutine and closes the socket.
func (c *Conn) Close() (err error) {
	c.closing.Do(func() {
		c.closed.Store(true)
		if c.out != nil {
			close(c.stop)
			c.stopped.Wait()
			c.sending.Lock()
			defer c.sending.Unlock()
			c.flushSending()
		}
		err = c.sock.Close()
	})
	return err
}
