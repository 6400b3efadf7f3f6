package pipeline

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// maxTURNFrame is more than a message with a packet in it has.
	maxTURNFrame = 2048
	// maxStreamWaiting is what waits to be written; more is lost, since media that
	// a slow stream carries seconds later is of no use, and nobody else may wait
	// for it.
	maxStreamWaiting = 256
	// streamPatience is how long a write may take.
	streamPatience = 5 * time.Second
)

var errTURNFrame = errors.New("the TURN server sends what is no TURN message")

// turnStream makes messages of a TCP or TLS connection to a TURN server (RFC
// 8656, section 2.1; the padding of channel data is section 12.5). Writing never
// waits.
type turnStream struct {
	conn net.Conn
	bare net.Conn // the same, or what is below TLS
	out  chan []byte
	done chan struct{}
	once sync.Once
	wg   sync.WaitGroup
}

func newTURNStream(conn, bare net.Conn) *turnStream {
	s := &turnStream{conn: conn, bare: bare, out: make(chan []byte, maxStreamWaiting), done: make(chan struct{})}
	s.wg.Go(s.write)
	return s
}

func (s *turnStream) write() {
	for {
		select {
		case <-s.done:
			s.flush()
			return
		case b := <-s.out:
			if !s.put(b, time.Now().Add(streamPatience)) {
				return
			}
		}
	}
}

// flush lets a good-bye out.
func (s *turnStream) flush() {
	end := time.Now().Add(time.Second)
	for {
		select {
		case b := <-s.out:
			if !s.put(b, end) {
				return
			}
		default:
			return
		}
	}
}

// put writes one message; false: the connection is of no more use.
func (s *turnStream) put(b []byte, deadline time.Time) bool {
	_ = s.conn.SetWriteDeadline(deadline)
	if _, err := s.conn.Write(b); err != nil {
		_ = s.conn.Close() // the reader learns it
		return false
	}
	return true
}

// ReadFrom reads one message. It is called by one goroutine.
func (s *turnStream) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := readTURNFrame(s.conn, p)
	return n, s.conn.RemoteAddr(), err
}

// readTURNFrame reads a STUN message or channel data, with its padding.
func readTURNFrame(r io.Reader, p []byte) (int, error) {
	const head = 4
	if len(p) < head {
		return 0, io.ErrShortBuffer
	}
	if _, err := io.ReadFull(r, p[:head]); err != nil {
		return 0, err
	}
	size := int(binary.BigEndian.Uint16(p[2:head])) + head
	switch {
	case p[0] < 64 && size%4 == 0: // RFC 8489, section 5: a header of 20 bytes
		size += 16
	case p[0] >= 64 && p[0] < 80:
		size = (size + 3) &^ 3
	default:
		return 0, errTURNFrame
	}
	if size > len(p) {
		return 0, errTURNFrame
	}
	_, err := io.ReadFull(r, p[head:size])
	return size, err
}

// WriteTo queues a message.
func (s *turnStream) WriteTo(p []byte, _ net.Addr) (int, error) {
	select {
	case <-s.done:
		return 0, net.ErrClosed
	default:
	}
	select {
	case s.out <- append([]byte(nil), p...):
	default:
	}
	return len(p), nil
}

// Close writes what waits, ends the connection and waits.
func (s *turnStream) Close() error {
	s.once.Do(func() { close(s.done) })
	s.wg.Wait()
	return s.conn.Close()
}

func (s *turnStream) LocalAddr() net.Addr { return s.conn.LocalAddr() }

func (s *turnStream) SetDeadline(t time.Time) error     { return s.conn.SetReadDeadline(t) }
func (s *turnStream) SetReadDeadline(t time.Time) error { return s.conn.SetReadDeadline(t) }

// SetWriteDeadline does nothing: writing does not wait.
func (s *turnStream) SetWriteDeadline(time.Time) error { return nil }
