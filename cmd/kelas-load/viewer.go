package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4/packetio"
)

// viewer receives as a browser does, up to where a browser would begin to
// decode: ICE, DTLS, SRTP, receiver reports, transport-wide feedback. One
// goroutine reads its socket; what is due by time is done by the crowd.
type viewer struct {
	crowd *crowd
	line  line // its signaling
	path  *path
	pipe  *dtlsPipe

	secured *secured // once the transport stands
	ready   chan struct{}

	mu       sync.Mutex // not held while sending
	ssrc     uint32     // of its own reports
	streams  map[uint32]*received
	feedback *twcc.Recorder
	key      keyFrame
	resent   uint64    // packets on the SSRC of retransmissions
	undone   uint64    // packets that could not be decrypted
	begged   time.Time // for a key frame, last

	sending sync.Mutex // one writer of the outgoing SRTCP context

	asked              time.Time // the offer was sent
	up                 time.Duration
	firstPacket        time.Duration // of pictures, since asked
	firstKey           time.Duration
	reader             sync.WaitGroup
	nextSoon, nextSlow time.Time // feedback, consent and reports
}

// line is a viewer's signaling: an offer is answered; close leaves.
type line interface {
	offer(ctx context.Context, sdp string) (string, error)
	close()
}

// newViewer negotiates and waits for the transport. Packets may come before
// it returns.
func newViewer(ctx context.Context, c *crowd, l line) (*viewer, error) {
	p, err := newPath()
	if err != nil {
		return nil, err
	}
	v := &viewer{crowd: c, line: l, path: p, pipe: &dtlsPipe{path: p, in: packetio.NewBuffer()}, ready: make(chan struct{}),
		ssrc: rand.Uint32(), streams: make(map[uint32]*received)}
	v.feedback = twcc.NewRecorder(v.ssrc)
	v.pipe.in.SetLimitCount(64)
	if err := v.open(ctx); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

func (v *viewer) open(ctx context.Context) error {
	offer := viewerOffer(v.path.ufrag, v.path.pwd, v.crowd.identity.fingerprint, rand.Uint64())
	v.asked = time.Now()
	sdp, err := v.line.offer(ctx, offer)
	if err != nil {
		return err
	}
	if v.path.remote, err = readAnswer(sdp); err != nil {
		return err
	}
	v.reader.Go(v.read)
	if err := v.path.connect(ctx); err != nil {
		return err
	}
	s, err := v.crowd.identity.secure(ctx, v.pipe, v.path.remote)
	if err != nil {
		return err
	}
	v.secured = s
	v.up = time.Since(v.asked)
	close(v.ready)
	return nil
}

// close says good-bye by DTLS and by the signaling, as a page does.
func (v *viewer) close() {
	if v.secured != nil {
		_ = v.secured.dtls.Close()
	}
	_ = v.pipe.Close()
	_ = v.path.sock.Close()
	v.reader.Wait()
	v.line.close()
}

func (v *viewer) read() {
	buf := make([]byte, 1600)
	plain := make([]byte, 0, 1600)
	var h rtp.Header
	for {
		n, from, err := v.path.sock.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		now := time.Now()
		v.path.received.Add(uint64(n))
		v.path.packetsIn.Add(1)
		if n == 0 {
			continue
		}
		packet := buf[:n]
		// RFC 7983, section 7; RFC 5761, section 4.
		switch first := packet[0]; {
		case first < 4:
			v.path.take(packet, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		case first >= 20 && first < 64:
			_, _ = v.pipe.in.Write(packet) // full or closed: DTLS sends again
		case first >= 128 && first < 192:
			select {
			case <-v.ready:
			default:
				continue // the keys are a moment behind the first packet
			}
			if n > 1 && packet[1] >= 192 && packet[1] < 224 {
				v.takeRTCP(packet, now)
				continue
			}
			if v.takeRTP(&h, packet, plain, now) {
				_ = v.askForKeyFrame() // it is asked for again
			}
		}
	}
}

// takeRTP counts a packet. It tells whether a decoder would now ask for a key
// frame: pictures come, and none began with one.
func (v *viewer) takeRTP(h *rtp.Header, packet, plain []byte, now time.Time) bool {
	size, err := h.Unmarshal(packet)
	if err != nil {
		return false
	}
	out, err := v.secured.in.DecryptRTP(plain, packet, h)
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil || len(out) < size {
		v.undone++
		return false
	}
	payload := out[size:]
	if h.Padding && len(payload) > 0 {
		payload = payload[:max(0, len(payload)-int(payload[len(payload)-1]))]
	}
	if ext := h.GetExtension(twccID); len(ext) == 2 {
		v.feedback.Record(h.SSRC, uint16(ext[0])<<8|uint16(ext[1]), now.Sub(v.crowd.stamps.epoch).Microseconds())
	}
	if h.PayloadType == rtxType {
		v.resent++
		return false
	}
	r := v.stream(h)
	if r == nil || !r.take(h, len(payload), now.Sub(v.crowd.stamps.epoch)) || len(payload) == 0 {
		return false
	}
	if d, video, ok := v.crowd.stamps.delay(payload, now); ok {
		v.crowd.delays(video).add(d)
	} else {
		v.crowd.unknown.Add(1)
	}
	return h.PayloadType == vp8Type && v.picture(h, payload, now)
}

// stream finds or makes the figures of a packet's SSRC.
func (v *viewer) stream(h *rtp.Header) *received {
	r := v.streams[h.SSRC]
	if r == nil && len(v.streams) < 16 {
		r = &received{ssrc: h.SSRC, rate: 90000}
		if h.PayloadType == opusType {
			r.rate = 48000
		}
		v.streams[h.SSRC] = r
	}
	return r
}

// begEvery is how often a key frame is asked for again.
const begEvery = 300 * time.Millisecond

func (v *viewer) picture(h *rtp.Header, payload []byte, now time.Time) (beg bool) {
	if v.firstPacket == 0 {
		v.firstPacket = now.Sub(v.asked)
	}
	if v.key.take(h, payload) {
		v.firstKey = now.Sub(v.asked)
	}
	if v.key.done || v.key.running || now.Sub(v.begged) < begEvery {
		return false
	}
	v.begged = now
	return true
}

// takeRTCP looks for sender reports, which a receiver's report answers.
func (v *viewer) takeRTCP(packet []byte, now time.Time) {
	out, err := v.secured.in.DecryptRTCP(nil, packet, nil)
	if err != nil {
		return
	}
	packets, err := rtcp.Unmarshal(out)
	if err != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, x := range packets {
		if sr, ok := x.(*rtcp.SenderReport); ok {
			if r := v.streams[sr.SSRC]; r != nil {
				r.lastSR, r.lastSRAt = uint32(sr.NTPTime>>16), now
			}
		}
	}
}

// What a browser sends by itself, and how often.
const (
	feedbackEvery = 100 * time.Millisecond
	reportEvery   = time.Second
)

// due sends what is due: transport-wide feedback; receiver reports and the
// renewal of consent. The crowd calls it for one viewer after the other.
func (v *viewer) due(now time.Time) {
	var compound []rtcp.Packet
	v.mu.Lock()
	if !now.Before(v.nextSlow) {
		v.nextSlow = now.Add(reportEvery)
		rr := &rtcp.ReceiverReport{SSRC: v.ssrc}
		for _, r := range v.streams {
			rr.Reports = append(rr.Reports, r.report(now))
		}
		if len(rr.Reports) > 0 {
			compound = append(compound, rr)
		}
		defer v.path.consent()
	}
	if !now.Before(v.nextSoon) {
		v.nextSoon = now.Add(feedbackEvery)
		compound = append(compound, v.feedback.BuildFeedbackPacket()...)
	}
	v.mu.Unlock()
	if len(compound) > 0 {
		_ = v.sendRTCP(compound) // a closed socket
	}
}

func (v *viewer) sendRTCP(packets []rtcp.Packet) error {
	raw, err := rtcp.Marshal(packets)
	if err != nil {
		return fmt.Errorf("writing RTCP: %w", err)
	}
	v.sending.Lock()
	defer v.sending.Unlock()
	out, err := v.secured.out.EncryptRTCP(nil, raw, nil)
	if err != nil {
		return fmt.Errorf("encrypting RTCP: %w", err)
	}
	return v.path.send(out)
}

// askForKeyFrame is a viewer's picture loss indication for all it sees.
func (v *viewer) askForKeyFrame() error {
	v.mu.Lock()
	var packets []rtcp.Packet
	for _, r := range v.streams {
		if r.rate == 90000 {
			packets = append(packets, &rtcp.PictureLossIndication{SenderSSRC: v.ssrc, MediaSSRC: r.ssrc})
		}
	}
	v.mu.Unlock()
	if len(packets) == 0 {
		return errors.New("no picture has come yet")
	}
	return v.sendRTCP(packets)
}

// counts are a viewer's figures at one moment.
type counts struct {
	expected, packets, twice, bytes, resent, undone uint64
	sent, received                                  traffic
}

func (v *viewer) counts() counts {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := counts{resent: v.resent, undone: v.undone}
	for _, r := range v.streams {
		c.expected += r.expected()
		c.packets += r.packets
		c.twice += r.twice
		c.bytes += r.bytes
	}
	c.sent, c.received = v.path.traffic()
	return c
}

// joining is how long it took from the offer; 0 is not yet.
type joining struct{ up, packet, key time.Duration }

func (v *viewer) joining() joining {
	v.mu.Lock()
	defer v.mu.Unlock()
	return joining{up: v.up, packet: v.firstPacket, key: v.firstKey}
}
