package viewer

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/pion/srtp/v3"
)

// receiveMTU is the largest packet that is read.
const receiveMTU = 1500

// receiver decrypts what the browser reports.
type receiver struct {
	keysIn atomic.Pointer[srtp.Context] // of the goroutine that reads
}

func (r *receiver) ready(in *srtp.Context) { r.keysIn.Store(in) }

// read takes packets off the wire until ICE is closed.
func (c *Conn) read() {
	buf := make([]byte, receiveMTU)
	plain := make([]byte, 0, receiveMTU)
	for {
		n, err := c.link.Read(buf)
		if errors.Is(err, io.ErrShortBuffer) {
			continue
		}
		if err != nil {
			return
		}
		if n < 2 {
			continue
		}
		// RFC 7983, section 7; RFC 5761, section 4. RTP has no business here.
		switch first := buf[0]; {
		case first >= 20 && first < 64:
			_, _ = c.pipe.in.Write(buf[:n]) // full or closed: DTLS sends again
		case first >= 128 && first < 192 && buf[1] >= 192 && buf[1] < 224:
			c.takeRTCP(plain, buf[:n])
		}
	}
}

func (c *Conn) takeRTCP(plain, packet []byte) {
	keys := c.keysIn.Load()
	if keys == nil {
		return
	}
	out, err := keys.DecryptRTCP(plain, packet, nil)
	if err != nil {
		return
	}
	c.handler.RTCP(out)
}
