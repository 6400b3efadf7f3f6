package sfu

import (
	"math/rand/v2"

	"github.com/pion/rtp"
)

// run is a stretch of the outgoing stream that came from one layer.
type run struct {
	firstSeq int64
	layer    *Layer
	codec    *SlotCodec
}

// downTrack is what one viewer is sent in one slot: it numbers packets, makes their headers and sends them.
// Its slot locks it.
type downTrack struct {
	cfg      *SlotConfig
	counts   *slotCounters
	rewriter rewriter
	limit    *limit
	temporal temporal

	runs     [8]run // the newest ones: a packet older than that is not sent again
	runCount int

	// The line on which the stream's timestamps lie: timestamp lineTS belongs to our time lineAt.
	lineAt, lineTS int64
	sentAt         int64 // when a packet was last sent

	rtxSeq     uint16
	repeated   uint32
	header     rtp.Header
	extensions [4]rtp.Extension // with room for what is stamped below Write
	mid        rtp.Extension
	hasMID     bool

	nackWindow int64
	nackCount  int
}

func (d *downTrack) init(cfg *SlotConfig, counts *slotCounters, lim *limit) {
	d.cfg, d.counts, d.limit = cfg, counts, lim
	d.rewriter = newRewriter(cfg.Kind)
	d.rtxSeq = uint16(rand.Uint32N(1 << 15))
	if cfg.MIDExtensionID != 0 && cfg.MID != "" {
		var h rtp.Header
		if h.SetExtension(cfg.MIDExtensionID, []byte(cfg.MID)) == nil {
			d.mid, d.hasMID = h.Extensions[0], true
		}
	}
}

func (d *downTrack) begin(l *Layer, c *SlotCodec, ext int64, ts uint32) {
	want := d.wanted(l, ts)
	d.rewriter.begin(ext, ts, want)
	d.temporal.top = allTemporal
	d.runs[d.runCount%len(d.runs)] = run{firstSeq: d.rewriter.lastSeq + 1, layer: l, codec: c}
	d.runCount++
	d.counts.switches.Add(1)
}

// wanted is the outgoing timestamp of a capture: on the stream's line, which runs with our clock. Sources that
// take turns, pauses and replays thus all agree with the sender reports. A source whose clock makes no sense
// goes on where the stream is now.
func (d *downTrack) wanted(l *Layer, ts uint32) int64 {
	w := &d.rewriter
	now := d.cfg.Clock().UnixNano()
	at, ok := l.timeOf(ts)
	if !ok {
		at = now
	}
	if rate := l.timing.rate; rate != w.rate {
		w.rate, w.audioStep = rate, rate/50
		d.lineAt, d.lineTS = d.sentAt, w.lastTS
	}
	if !w.anyTS {
		d.lineAt, d.lineTS = at, w.lastTS
		return w.lastTS
	}
	want := d.lineTS + l.timing.nanoToTicks(at-d.lineAt)
	expected := w.lastTS + l.timing.nanoToTicks(now-d.sentAt)
	if off := want - expected; off > 10*w.rate || off < -10*w.rate {
		want = max(expected, w.lastTS+w.rate/30)
		d.lineAt, d.lineTS = at, want
	}
	return want
}

// forward sends a packet of the run; false: the run cannot go on.
func (d *downTrack) forward(v *view) bool {
	hollow := v.empty()
	if hollow && d.rewriter.skip(v.ext) {
		return true
	}
	if d.leaves(v) {
		if hollow = true; d.rewriter.leave(v) {
			return true
		}
	}
	p, how := d.rewriter.place(v, hollow)
	switch how {
	case broken:
		return v.empty() // padding is no reason to stop
	case drop:
		return true
	}
	codec := d.runs[(d.runCount-1)%len(d.runs)].codec
	h := d.fresh(d.cfg.SSRC, codec.PayloadType, uint16(p.seq), p.ts, v.marker)
	payload := v.payloadFrom(v.render(p.picture, p.tl0))
	if hollow {
		// Its neighbours went out with a hole for it, which only itself can fill.
		h.Padding, h.PaddingSize, payload = true, 1, nil
	}
	d.counts.packets.Add(1)
	d.counts.bytes.Add(uint64(len(payload)))
	d.sentAt = d.cfg.Clock().UnixNano()
	d.pad(h, payload)
	d.write(h, payload)
	return true
}

// fresh makes a header of our own. The MID is on every packet: a viewer that lost the first ones, or was
// reconnected, still knows where they belong, and packets of a frame keep one size for the kernel to cut.
func (d *downTrack) fresh(ssrc uint32, pt uint8, seq uint16, ts uint32, marker bool) *rtp.Header {
	h := &d.header
	*h = rtp.Header{Version: 2, Marker: marker, PayloadType: pt, SequenceNumber: seq, Timestamp: ts, SSRC: ssrc}
	h.Extensions = d.extensions[:0]
	if d.hasMID {
		h.Extension = true
		h.ExtensionProfile = rtp.ExtensionProfileOneByte
		if d.cfg.MIDExtensionID > 14 || len(d.cfg.MID) > 16 {
			h.ExtensionProfile = rtp.ExtensionProfileTwoByte
		}
		h.Extensions = append(h.Extensions, d.mid)
	}
	return h
}

func (d *downTrack) write(h *rtp.Header, payload []byte) {
	if d.cfg.Write == nil {
		return
	}
	if err := d.cfg.Write(h, payload); err != nil {
		d.counts.writeErrors.Add(1)
	}
}

// runOf finds the run of a packet that was sent.
func (d *downTrack) runOf(seq int64) *run {
	for i := d.runCount - 1; i >= max(0, d.runCount-len(d.runs)); i-- {
		if r := &d.runs[i%len(d.runs)]; seq >= r.firstSeq {
			return r
		}
	}
	return nil
}

// forget lets go of the layers.
func (d *downTrack) forget() {
	d.runs, d.runCount = [8]run{}, 0
	d.rewriter.sent.entries = nil
}

const (
	// A packet is not sent again twice within resendPause, and not more than nackBudget packets are in
	// nackWindowLength: a viewer that asks without end costs a bounded amount.
	resendPauseMillis = 20
	nackWindowLength  = int64(100e6)
	nackBudget        = 256
)

// resend answers one sequence number of a NACK; false: we do not have it.
func (d *downTrack) resend(seq16 uint16, now int64, v *view) bool {
	w := &d.rewriter
	seq := w.lastSeq + int64(int16(seq16-uint16(w.lastSeq)))
	sent := w.sent.get(seq)
	r := d.runOf(seq)
	if sent == nil || r == nil || !r.layer.readShort(sent.src, v) {
		return false
	}
	rtx := d.cfg.RTXSSRC != 0 && r.codec.RTXPayloadType != 0
	if !rtx && d.cfg.OnlyRTX {
		return false
	}
	if d.limit.tooMuch(r.layer.rank) {
		return true // more of what was too much for the line would only hold up what comes instead
	}
	millis := max(1, uint32(now/1e6))
	if sent.resent != 0 && millis-sent.resent < resendPauseMillis {
		return true
	}
	if now-d.nackWindow > nackWindowLength || now < d.nackWindow {
		d.nackWindow, d.nackCount = now, 0
	}
	if d.nackCount++; d.nackCount > nackBudget {
		return true
	}
	sent.resent = millis
	d.counts.retransmitted.Add(1)
	if rtx {
		d.writeRTX(sent, r.codec, seq16, v)
		return true
	}
	h := d.fresh(d.cfg.SSRC, r.codec.PayloadType, seq16, sent.ts, v.marker)
	payload := v.payloadFrom(v.render(sent.picture, sent.tl0))
	if v.empty() || sent.hollow {
		h.Padding, h.PaddingSize, payload = true, 1, nil
	}
	d.pad(h, payload)
	d.write(h, payload)
	return true
}

// writeRTX sends a packet again as RFC 4588, section 4, has it: own SSRC, number and payload type, the time of
// the original. It returns the size of the payload.
func (d *downTrack) writeRTX(sent *sentPacket, c *SlotCodec, seq16 uint16, v *view) int {
	h := d.fresh(d.cfg.RTXSSRC, c.RTXPayloadType, d.rtxSeq, sent.ts, v.marker)
	d.rtxSeq++
	payload := v.retransmission(v.render(sent.picture, sent.tl0), seq16)
	if sent.hollow {
		payload = payload[:2]
	}
	d.write(h, payload)
	return len(payload)
}

const (
	// Small packets are not padded, they end a frame; nor are those that may hardly fit the path already.
	padFrom  = 400
	padUntil = 1300
)

// pad evens sizes out. How much depends on the payload alone: a packet that is sent again on the same SSRC must
// be the same, for it has the same SRTP nonce. A retransmission of RFC 4588 (section 4) has no padding.
func (d *downTrack) pad(h *rtp.Header, payload []byte) {
	n, to := len(payload), d.cfg.PadTo
	if to <= 1 || d.cfg.Kind != Video || n < padFrom || n > padUntil || n%to == 0 {
		return
	}
	h.Padding, h.PaddingSize = true, byte(to-n%to)
}
