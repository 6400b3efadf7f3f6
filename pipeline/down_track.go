package pipeline

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"kelas/pipeline/sfu"
)

// downTrack is one m-line on which the browser receives: to pion a local track,
// to the graph a sink. The slot behind it is made when pion has negotiated the
// codecs, and stays.
type downTrack struct {
	endpoint *WebRtcEndpoint
	mid      string
	at       pad
	offered  []uint8 // payload types of this m-line
	offering bool    // the offer is ours: a browser that accepts no codec is no error
	sender   *webrtc.RTPSender
	agreed   []agreedCodec // of a viewer's connection, where there is no sender
	stopped  bool          // by the browser; the work queue's

	slot atomic.Pointer[sfu.Slot]

	ssrc, rtxSSRC uint32

	mu       sync.Mutex
	accepted []string // MIME types, for Unplayable
	flow     flowMeter
	rate     rateMeter
	layer    Layer // as last told
}

func newDownTrack(e *WebRtcEndpoint, l offerLine) *downTrack {
	return &downTrack{endpoint: e, mid: l.mid, at: l.at, offered: l.codecs}
}

// get is the slot, nil when there is no codec in common.
func (d *downTrack) get() *sfu.Slot { return d.slot.Load() }

var _ webrtc.TrackLocal = (*downTrack)(nil)

// Bind makes the slot, once pion knows codecs and SSRCs.
func (d *downTrack) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	codecs, first := d.slotCodecs(ctx.CodecParameters())
	if list := ctx.CodecParameters(); len(codecs) == 0 && d.offering && len(list) > 0 {
		return list[0], nil // nothing will be sent
	}
	if len(codecs) == 0 {
		return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
	}
	w, stamped := ctx.WriteStream(), d.stamped(ctx, codecs)
	if !stamped {
		d.endpoint.tap.leavePlain(uint32(ctx.SSRC()))
	}
	d.makeSlot(sfu.SlotConfig{
		OnlyRTX: stamped,
		SSRC:    uint32(ctx.SSRC()),
		RTXSSRC: uint32(ctx.SSRCRetransmission()),
		Codecs:  codecs,
		Write: func(h *rtp.Header, payload []byte) error {
			_, err := w.WriteRTP(h, payload)
			return err
		},
	})
	return first, nil
}

// stamped tells whether packets get a transport-wide number: not where they are
// sent again under their own, since the browser knows no retransmission format.
func (d *downTrack) stamped(ctx webrtc.TrackLocalContext, codecs []sfu.SlotCodec) bool {
	agreed := slices.ContainsFunc(ctx.HeaderExtensions(), func(x webrtc.RTPHeaderExtensionParameter) bool {
		return x.URI == sdp.TransportCCURI
	})
	if d.at.media == Audio {
		return agreed // sound is not sent again
	}
	plain := func(c sfu.SlotCodec) bool { return c.RTXPayloadType == 0 }
	return agreed && ctx.SSRCRetransmission() != 0 && !slices.ContainsFunc(codecs, plain)
}

// makeSlot makes the slot of what was negotiated.
func (d *downTrack) makeSlot(c sfu.SlotConfig) {
	d.mu.Lock()
	for _, a := range c.Codecs {
		if !slices.Contains(d.accepted, a.Codec.MimeType) {
			d.accepted = append(d.accepted, a.Codec.MimeType)
		}
	}
	d.mu.Unlock()
	c.Kind, c.MID = kindOf(d.at.media), d.mid
	c.PadTo = d.endpoint.server.net.padTo()
	c.Worker, c.Pace = d.endpoint.worker, true
	c.Line, c.Precedence = d.endpoint.line, precedence(d.at)
	c.Unplayable, c.Timed = d.unplayable, &d.endpoint.pipeline.timed
	d.slot.Store(sfu.NewSlot(c))
}

// slotCodecs: what pion negotiated for the kind, less what this m-line did not
// offer, each with its RTX payload type (RFC 4588, section 8.6).
func (d *downTrack) slotCodecs(params []webrtc.RTPCodecParameters) (list []sfu.SlotCodec, first webrtc.RTPCodecParameters) {
	for _, p := range params {
		if strings.EqualFold(p.MimeType, webrtc.MimeTypeRTX) || !slices.Contains(d.offered, uint8(p.PayloadType)) {
			continue
		}
		if len(list) == 0 {
			first = p
		}
		list = append(list, sfu.SlotCodec{
			Codec:          codecOf(p.RTPCodecCapability),
			PayloadType:    uint8(p.PayloadType),
			RTXPayloadType: rtxFor(p.PayloadType, params),
		})
	}
	return list, first
}

func rtxFor(pt webrtc.PayloadType, params []webrtc.RTPCodecParameters) uint8 {
	want := "apt=" + strconv.Itoa(int(pt))
	for _, p := range params {
		if !strings.EqualFold(p.MimeType, webrtc.MimeTypeRTX) {
			continue
		}
		for part := range strings.SplitSeq(p.SDPFmtpLine, ";") {
			if strings.TrimSpace(part) == want {
				return uint8(p.PayloadType)
			}
		}
	}
	return 0
}

// Unbind is pion's end of the sender. The slot ends with the endpoint.
func (d *downTrack) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID is the track id in the answer's msid.
func (d *downTrack) ID() string {
	return strings.ToLower(string(d.at.media)) + "-" + d.at.description
}

// RID is empty: a slot has one encoding.
func (d *downTrack) RID() string { return "" }

// StreamID puts sound and pictures of one description into one stream, which
// is what browsers keep in step.
func (d *downTrack) StreamID() string { return d.at.description }

// Kind is pion's word for the media type.
func (d *downTrack) Kind() webrtc.RTPCodecType {
	if d.at.media == Audio {
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}

// precedence: of what a viewer sees the screen gives way last, then who teaches.
func precedence(at pad) int {
	switch at.description {
	case ScreenDescription:
		return 0
	case DefaultDescription:
		return 1
	}
	return 2
}

func kindOf(m MediaType) sfu.Kind {
	if m == Audio {
		return sfu.Audio
	}
	return sfu.Video
}

func codecOf(c webrtc.RTPCodecCapability) sfu.Codec {
	return sfu.Codec{MimeType: c.MimeType, ClockRate: c.ClockRate, Channels: c.Channels, FmtpLine: c.SDPFmtpLine}
}

// feed is the graph's; pipeline.mu is held.
func (d *downTrack) feed(u *sfu.UpTrack) {
	if s := d.slot.Load(); s != nil {
		s.Feed(u)
		return
	}
	if u != nil {
		d.unplayable(u.Codec())
	}
}

func (d *downTrack) unplayable(c sfu.Codec) {
	d.mu.Lock()
	accepted := slices.Clone(d.accepted)
	d.mu.Unlock()
	d.endpoint.events.emit(Unplayable{d.at.media, d.at.description, c.MimeType, accepted})
}

func (d *downTrack) transport(up bool) {
	s := d.slot.Load()
	switch {
	case s == nil:
	case up && !d.stopped:
		s.Connected()
	default:
		s.Disconnected()
	}
}

func (d *downTrack) close() {
	if s := d.slot.Load(); s != nil {
		s.Close()
	}
}

// startSlot puts a negotiated slot into the graph and reads what the browser
// reports about it. It runs in the work queue.
func (e *WebRtcEndpoint) startSlot(d *downTrack) {
	if s := d.get(); s != nil {
		if e.ConnectionState() == ConnectionConnected {
			s.Connected() // added by a renegotiation
		}
		if d.sender != nil {
			e.wg.Go(func() { d.readReports(s) })
		}
	}
	_ = e.pipeline.addSink(&e.element, d.at, d) // fails only when released
}

// readReports ends when the PeerConnection is closed.
func (d *downTrack) readReports(s *sfu.Slot) {
	buf := make([]byte, receiveMTU)
	for {
		n, _, err := d.sender.Read(buf)
		if err != nil {
			if errors.Is(err, io.ErrShortBuffer) {
				continue
			}
			return
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue // a browser's odd report harms nobody
		}
		s.HandleRTCP(packets)
	}
}
