package pipeline

import (
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/transport/v4/packetio"

	"kelas/pipeline/sfu"
)

// lineTap numbers what goes out to one browser (transport-wide congestion control) and hands what it says of the
// line to its sfu.Line.
type lineTap struct {
	line *sfu.Line
	next atomic.Uint32

	mu    sync.Mutex
	plain map[uint32]struct{} // SSRCs whose packets are not stamped; as many as m-lines
}

// leavePlain is told, before the stream is bound, of one whose packets may be sent again under their own number. They
// must stay the same to the byte, or one SRTP nonce would serve for two (RFC 7714, section 8.4).
func (t *lineTap) leavePlain(ssrc uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.plain == nil {
		t.plain = make(map[uint32]struct{})
	}
	t.plain[ssrc] = struct{}{}
}

func (t *lineTap) isPlain(ssrc uint32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, plain := t.plain[ssrc]
	return plain
}

// NewInterceptor is pion's: one for each PeerConnection, which is what a tap is for.
func (t *lineTap) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &numbering{tap: t}, nil
}

type numbering struct {
	interceptor.NoOp
	tap *lineTap
}

// BindLocalStream stamps the number on each packet of a stream, without an allocation: a stream is written by one
// goroutine at a time, and the extension is copied before the write returns.
func (n *numbering) BindLocalStream(info *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	var id uint8
	for _, x := range info.RTPHeaderExtensions {
		if x.URI == sdp.TransportCCURI && !n.tap.isPlain(info.SSRC) {
			id = uint8(x.ID)
		}
	}
	stamp := make([]byte, 2)
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		number := uint16(n.tap.next.Add(1) - 1)
		if id != 0 {
			binary.BigEndian.PutUint16(stamp, number)
			if err := h.SetExtension(id, stamp); err != nil {
				return 0, err
			}
		}
		n.tap.line.Sent(number, h.MarshalSize()+len(payload)+int(h.PaddingSize), time.Now())
		return w.Write(h, payload, a)
	})
}

const (
	rtpBufferSize  = 1000 * 1000 // as pion's own
	rtcpBufferSize = 100 * 1000
)

// buffers makes pion's buffers between SRTP and whoever reads a stream. That of RTCP is the only place where all
// of it comes by: feedback about the line may name any SSRC, that of retransmissions too, which pion lets nobody read.
func (t *lineTap) buffers(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	b := packetio.NewBuffer()
	if kind != packetio.RTCPBufferPacket {
		b.SetLimitSize(rtpBufferSize)
		return b
	}
	b.SetLimitSize(rtcpBufferSize)
	return &rtcpBuffer{b, t.line}
}

type rtcpBuffer struct {
	*packetio.Buffer
	line *sfu.Line
}

// Write takes a compound packet. One with nothing but arrivals goes no further: nobody else has a use for it, and
// the SSRC may be one that nobody reads.
func (b *rtcpBuffer) Write(p []byte) (int, error) {
	b.line.HandleRTCP(p, time.Now())
	if sfu.OnlyArrivals(p) {
		return len(p), nil
	}
	return b.Buffer.Write(p)
}
