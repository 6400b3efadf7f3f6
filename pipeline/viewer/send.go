package viewer

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// tagSize is what encryption adds to a packet at most (RFC 7714, section 14.2;
// SRTCP has an index too).
const tagSize = 16 + 4

// sender is what sending needs, all of it under one lock: there is one writer
// of the keys, whoever sends.
type sender struct {
	sending sync.Mutex
	keysOut *srtp.Context
	number  uint16 // transport-wide, of the next packet
	stamp   [2]byte
	parsed  rtp.Header // of EncryptRTP, for its memory
	buf     []byte     // for packets that no lane takes
}

func (s *sender) ready(out *srtp.Context) {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.keysOut = out
}

// WriteRTP sends a packet and gives it a transport-wide number. Where stampID is
// not 0 the header gets it in that extension (draft-holmer-rmcat-transport-wide-
// cc-extensions-01); the header must have room for one more.
func (c *Conn) WriteRTP(h *rtp.Header, payload []byte, stampID uint8) (number uint16, err error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	to := c.route.Load()
	if c.keysOut == nil || to == nil {
		return 0, errNotReady
	}
	number = c.number
	c.number++
	if stampID != 0 {
		binary.BigEndian.PutUint16(c.stamp[:], number)
		if err := h.SetExtension(stampID, c.stamp[:]); err != nil {
			return 0, fmt.Errorf("stamping a packet: %w", err)
		}
	}
	padding := 0
	if h.Padding {
		padding = int(h.PaddingSize)
	}
	size := h.MarshalSize() + len(payload) + padding
	if !to.direct {
		return number, c.writePlain(h, payload, size)
	}
	room := c.lane.Reserve(size+tagSize, to.to)
	if room == nil {
		return number, net.ErrClosed
	}
	out, err := c.seal(room, h, payload, size)
	c.lane.Commit(len(out))
	return number, err
}

// seal writes the packet into room and encrypts it there.
func (c *Conn) seal(room []byte, h *rtp.Header, payload []byte, size int) ([]byte, error) {
	n, err := h.MarshalTo(room)
	if err != nil {
		return nil, err
	}
	n += copy(room[n:], payload)
	if n < size { // RFC 3550, section 5.1
		clear(room[n:size])
		room[size-1] = byte(size - n)
	}
	out, err := c.keysOut.EncryptRTP(room[:0], room[:size], &c.parsed)
	if err != nil {
		return nil, fmt.Errorf("encrypting a packet: %w", err)
	}
	return out, nil
}

// writePlain sends by ICE: TCP, or a network without a socket of ours.
func (c *Conn) writePlain(h *rtp.Header, payload []byte, size int) error {
	if cap(c.buf) < size+tagSize {
		c.buf = make([]byte, size+tagSize+64)
	}
	out, err := c.seal(c.buf[:size+tagSize], h, payload, size)
	if err != nil {
		return err
	}
	_, err = c.link.Write(out)
	return err
}

// WriteRTCP sends reports, at once.
func (c *Conn) WriteRTCP(packets []rtcp.Packet) error {
	raw, err := rtcp.Marshal(packets)
	if err != nil {
		return fmt.Errorf("writing RTCP: %w", err)
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	if c.keysOut == nil {
		return errNotReady
	}
	out, err := c.keysOut.EncryptRTCP(nil, raw, nil)
	if err != nil {
		return fmt.Errorf("encrypting RTCP: %w", err)
	}
	_, err = c.link.Write(out)
	return err
}
