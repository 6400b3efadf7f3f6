package udp

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Lane is a way into the socket with a batch of its own, so that goroutines
// that send much do not wait for one another. Any number of goroutines may use
// it; what is written to one destination by one lane leaves in order.
type Lane struct {
	conn *Conn
	out  *sender

	sending sync.Mutex
	spare   *batch

	mu      sync.Mutex
	filling *batch
	waiting atomic.Bool    // filling is not empty; written under mu
	timer   *time.Timer    // ends the wait; armed and disarmed under mu
	to      netip.AddrPort // of what is reserved
}

// NewLane adds a lane, which ends with the Conn; nil where nothing is put
// together.
func (c *Conn) NewLane() (*Lane, error) {
	if c.cfg.Plain {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return nil, net.ErrClosed
	}
	out, err := newSender(c.sock, &c.counters, &c.marks, c.cfg)
	if err != nil {
		return nil, fmt.Errorf("preparing the media socket: %w", err)
	}
	if out == nil {
		return nil, nil
	}
	l := &Lane{conn: c, out: out, filling: c.newBatch(), spare: c.newBatch(), timer: time.NewTimer(time.Hour)}
	l.timer.Stop()
	c.lanes = append(c.lanes, l)
	c.stopped.Go(l.keepTime)
	return l, nil
}

func (c *Conn) newBatch() *batch {
	const headers = 40 + 8 // IPv6 and UDP
	return newBatch(c.cfg.Segments, c.cfg.MTU-headers, c.cfg.Pending)
}

// keepTime ends a wait that nobody else has ended.
func (l *Lane) keepTime() {
	for {
		select {
		case <-l.conn.stop:
			return
		case <-l.timer.C:
			l.conn.timed.Add(1)
			l.Flush()
		}
	}
}

// Reaches tells whether the lane can send there. An address with a zone is left
// to package net.
func (l *Lane) Reaches(to netip.AddrPort) bool { return l.out.reaches(to) }

// Port is the socket's.
func (l *Lane) Port() int { return l.conn.LocalAddr().(*net.UDPAddr).Port }

// Reserve locks the lane and returns memory for a packet of at most n bytes to
// that destination, whose address must be one of IPv4 where it can be. Commit
// must follow, unless it is nil, since the socket is closed or n is more than
// any packet has.
func (l *Lane) Reserve(n int, to netip.AddrPort) []byte {
	if n > chunkSize || l.conn.closed.Load() {
		return nil
	}
	l.conn.packets.Add(1)
	l.mu.Lock()
	for {
		if room := l.filling.room(n); room != nil {
			l.to = to
			return room
		}
		l.mu.Unlock()
		l.Flush()
		l.mu.Lock()
	}
}

// Commit sends the first n bytes of what was reserved, a little later or with
// Flush; 0: nothing.
func (l *Lane) Commit(n int) {
	if n > 0 {
		l.filling.take(n, l.to)
		l.startLocked()
	}
	l.mu.Unlock()
	if !l.conn.cutting() || l.conn.closed.Load() {
		l.Flush()
	}
}

// write copies the packet.
func (l *Lane) write(p []byte, to netip.AddrPort) {
	l.mu.Lock()
	for !l.filling.add(p, to) {
		l.mu.Unlock()
		l.Flush()
		l.mu.Lock()
	}
	l.startLocked()
	l.mu.Unlock()
	if l.conn.closed.Load() {
		l.Flush() // Close may have looked before
	}
}

// startLocked begins the wait.
func (l *Lane) startLocked() {
	if !l.waiting.Load() {
		l.waiting.Store(true)
		l.timer.Reset(l.conn.cfg.Wait)
	}
}

// Flush hands what waits in the lane to the kernel. When it returns, all that
// the caller wrote before has left, or is just being sent by somebody else.
func (l *Lane) Flush() {
	if l.waiting.Load() {
		l.flushAll()
	}
}

func (l *Lane) flushAll() {
	l.sending.Lock()
	defer l.sending.Unlock()
	l.flushSending()
}

// flushSending needs l.sending.
func (l *Lane) flushSending() {
	l.mu.Lock()
	full := l.filling
	if full.empty() {
		l.mu.Unlock()
		return
	}
	l.filling = l.spare
	l.waiting.Store(false)
	l.timer.Stop()
	l.mu.Unlock()
	l.out.send(full.trains[:full.count])
	full.reset()
	l.spare = full
}
