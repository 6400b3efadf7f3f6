package pipeline

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"kelas/pipeline/sfu"
	"kelas/pipeline/udp"
)

// rtpMedia is one m-line of an RtpEndpoint with its two sockets: to the graph a
// source and a sink.
type rtpMedia struct {
	e            *RtpEndpoint
	at           pad
	rtp, control *net.UDPConn
	ssrc         uint32 // of what is sent

	// Set by the negotiation, before start.
	remote   rtpLine
	local    rtpLocal
	theirKey *SDES
	slot     *sfu.Slot    // nil: the other side does not receive
	ours     []netip.Addr // this machine's addresses, where the description names one of them

	dest, controlDest atomic.Pointer[netip.AddrPort] // nil: nothing may be sent yet
	asked             atomic.Uint64                  // sequence numbers, by NACK
	askedFor          atomic.Uint64                  // NACKs
	firCount          atomic.Uint64                  // FIRs that were sent
	refused           atomic.Uint64                  // packets that came from elsewhere, or were not authentic

	encMu  sync.Mutex
	enc    *srtp.Context // nil: no encryption
	encUse keyUse
	out    []byte // the packet under way, and encrypted; reused
	sealed []byte
	head   rtp.Header
	firs   uint8

	decMu  sync.Mutex
	dec    *srtp.Context
	decUse keyUse

	keyTold sync.Once

	mu        sync.Mutex
	latched   netip.AddrPort
	connected bool
	strange   bool // it was told that packets come from elsewhere
	up        *sfu.UpTrack
	layer     *sfu.Layer
	pt        uint8
	in        reception
	keyed     time.Time // the sweep's: when a key frame was asked for by ourselves
	flowOut   bool
	flowIn    flowMeter
	rate      rateMeter
}

// rtpPacketSize is the largest packet that is sent or taken.
const rtpPacketSize = 1500

func (e *RtpEndpoint) openMedia(m MediaType) (*rtpMedia, error) {
	x := &rtpMedia{e: e, at: pad{m, DefaultDescription}, ssrc: rand.Uint32() | 1, out: make([]byte, rtpPacketSize), sealed: make([]byte, 0, rtpPacketSize+64)}
	var err error
	if x.rtp, x.control, err = e.server.openRTP(e.opts.UseIPv6); err != nil {
		return nil, err
	}
	return x, nil
}

func (x *rtpMedia) closeSockets() {
	_ = x.rtp.Close()
	_ = x.control.Close()
}

// prepare makes what the negotiated line needs; nothing runs yet.
func (x *rtpMedia) prepare() error {
	if x.remote.secure {
		var err error
		if x.enc, err = x.local.key.context(); err != nil {
			return err
		}
		if x.dec, err = x.theirKey.context(); err != nil {
			return err
		}
	}
	for _, a := range []netip.AddrPort{x.remote.addr, x.remote.control} {
		if err := x.e.server.checkRTPTarget(a); err != nil {
			return err
		}
	}
	if own := machineAddrs(); x.remote.addr.Addr().IsLoopback() || slices.Contains(own, x.remote.addr.Addr()) {
		x.ours = own
	}
	if ip := x.remote.addr.Addr(); ip.IsMulticast() {
		for _, c := range []*net.UDPConn{x.rtp, x.control} {
			if err := udp.SendMulticast(c, x.local.ttl); err != nil {
				return fmt.Errorf("preparing multicast: %w", err)
			}
		}
	}
	if !x.remote.receives {
		return nil
	}
	codecs := make([]sfu.SlotCodec, 0, len(x.remote.codecs))
	for _, c := range x.remote.codecs {
		codecs = append(codecs, sfu.SlotCodec{Codec: c.codec, PayloadType: c.pt})
	}
	x.slot = sfu.NewSlot(sfu.SlotConfig{
		Kind: kindOf(x.at.media), SSRC: x.ssrc, Codecs: codecs,
		Timed: &x.e.pipeline.timed, Write: x.write, Unplayable: func(c sfu.Codec) { x.unplayable(c) },
	})
	return nil
}

// start lets media flow.
func (x *rtpMedia) start() {
	if !x.remote.comedia && x.e.server.rtpTrusts(x.remote.addr.Addr()) {
		x.sendTo(x.remote.addr, x.remote.control)
	}
	if x.slot != nil {
		_ = x.e.pipeline.addSink(&x.e.element, x.at, x) // fails only when released
	}
	x.e.wg.Go(x.readRTP)
	x.e.wg.Go(x.readControl)
}

// sendTo sets where media goes; with the first, the slot begins.
func (x *rtpMedia) sendTo(media, control netip.AddrPort) {
	x.dest.Store(&media)
	x.controlDest.Store(&control)
	x.mu.Lock()
	first := !x.connected
	x.connected = true
	x.mu.Unlock()
	if first && x.slot != nil {
		x.slot.Connected()
	}
}

// feed is the graph's; pipeline.mu is held.
func (x *rtpMedia) feed(u *sfu.UpTrack) { x.slot.Feed(u) }

func (x *rtpMedia) unplayable(c sfu.Codec) {
	var accepted []string
	for _, r := range x.remote.codecs {
		if !slices.Contains(accepted, r.codec.MimeType) {
			accepted = append(accepted, r.codec.MimeType)
		}
	}
	x.e.events.emit(Unplayable{x.at.media, x.at.description, c.MimeType, accepted})
}

var errNoDestination = errors.New("nothing has come from the address of the description yet")

// write is the slot's: one packet out.
func (x *rtpMedia) write(h *rtp.Header, payload []byte) error {
	dest := x.dest.Load()
	if dest == nil {
		return errNoDestination
	}
	x.encMu.Lock()
	defer x.encMu.Unlock()
	size := h.MarshalSize() + len(payload) + int(h.PaddingSize)
	if size > rtpPacketSize {
		return fmt.Errorf("a packet of %d bytes is too large", size)
	}
	plain := x.out[:size]
	n, err := h.MarshalTo(plain)
	if err != nil {
		return err
	}
	n += copy(plain[n:], payload)
	if h.PaddingSize > 0 {
		clear(plain[n:])
		plain[size-1] = h.PaddingSize
	}
	if x.enc == nil {
		_, err = x.rtp.WriteToUDPAddrPort(plain, *dest)
		return err
	}
	sealed, err := x.enc.EncryptRTP(x.sealed, plain, &x.head)
	if err != nil {
		return err
	}
	x.used(&x.encUse, false)
	_, err = x.rtp.WriteToUDPAddrPort(sealed, *dest)
	return err
}

// used counts a packet that a key has protected, of either side, and tells once
// when the end of one is near. Whoever calls it holds the use's lock.
func (x *rtpMedia) used(by *keyUse, control bool) {
	if by.count(control) {
		x.keyTold.Do(func() { x.e.events.emit(KeySoftLimit{x.at.media}) })
	}
}

// sendControl sends RTCP: what is given behind a report and our name (RFC 3550,
// section 6.1). An error means that the other side is not there; reports go on.
func (x *rtpMedia) sendControl(packets ...rtcp.Packet) {
	dest := x.controlDest.Load()
	if dest == nil {
		return
	}
	switch packets[0].(type) {
	case *rtcp.SenderReport, *rtcp.ReceiverReport:
	default:
		packets = append([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: x.ssrc}}, packets...)
	}
	name := rtcp.NewCNAMESourceDescription(x.ssrc, x.e.cname)
	packets = slices.Insert(packets, 1, rtcp.Packet(name))
	raw, err := rtcp.Marshal(packets)
	if err != nil {
		return
	}
	x.encMu.Lock()
	defer x.encMu.Unlock()
	if x.enc != nil {
		if raw, err = x.enc.EncryptRTCP(nil, raw, nil); err != nil {
			return
		}
		x.used(&x.encUse, true)
	}
	c := x.control
	if x.remote.mux {
		c = x.rtp
	}
	_, _ = c.WriteToUDPAddrPort(raw, *dest)
}

// agreed tells whether a kind of feedback stands in both descriptions.
func (x *rtpMedia) agreed(fb string) bool {
	return slices.ContainsFunc(x.remote.codecs, func(c rtpCodec) bool { return c.has(fb) })
}

// rtpKeyFrames is how far apart key frames are at most for receivers that cannot
// ask: whoever joins a group, or missed a packet, would wait without end.
const rtpKeyFrames = 5 * time.Second

// keepKeyFrames has a key frame made for receivers that cannot ask.
func (x *rtpMedia) keepKeyFrames(now time.Time) {
	if x.slot == nil || x.at.media != Video || x.dest.Load() == nil || now.Sub(x.keyed) < rtpKeyFrames {
		return
	}
	if !x.remote.addr.Addr().IsMulticast() && (x.agreed("nack pli") || x.agreed("ccm fir")) {
		return
	}
	x.keyed = now
	if u := x.slot.Feeding(); u != nil {
		u.RequestKeyFrame()
	}
}

// requestKeyFrame asks in the way that was agreed on; without one nothing can be
// asked, and the sender's next key frame must do.
func (x *rtpMedia) requestKeyFrame(ssrc uint32) {
	switch {
	case x.agreed("nack pli"):
		x.sendControl(&rtcp.PictureLossIndication{SenderSSRC: x.ssrc, MediaSSRC: ssrc})
	case x.agreed("ccm fir"):
		x.encMu.Lock()
		x.firs++
		x.firCount.Add(1)
		n := x.firs
		x.encMu.Unlock()
		x.sendControl(&rtcp.FullIntraRequest{SenderSSRC: x.ssrc, FIR: []rtcp.FIREntry{{SSRC: ssrc, SequenceNumber: n}}})
	}
}

// sweep sends the reports of the moment and tells about flow; true: packets
// come or go.
func (x *rtpMedia) sweep(now time.Time) (flowing bool) {
	x.mu.Lock()
	var got []rtcp.ReceptionReport
	if x.in.started {
		got = append(got, x.in.report(now))
	}
	up := x.up
	x.mu.Unlock()
	var sr *rtcp.SenderReport
	if x.slot != nil && x.dest.Load() != nil {
		sr = x.slot.SenderReport(now)
	}
	switch {
	case sr != nil:
		sr.Reports = got
		x.sendControl(sr)
	case len(got) > 0:
		x.sendControl(&rtcp.ReceiverReport{SSRC: x.ssrc, Reports: got})
	}
	x.keepKeyFrames(now)
	return x.watchFlow(up, now)
}

func (x *rtpMedia) watchFlow(up *sfu.UpTrack, now time.Time) (flowing bool) {
	if x.slot != nil {
		x.mu.Lock()
		st := x.slot.Stats()
		changed := x.flowIn.see(st.Packets)
		x.rate.see(st.Bytes, now)
		flowing = x.flowIn.flowing
		x.mu.Unlock()
		if changed {
			x.e.events.emit(MediaFlowInStateChanged{flowing, x.at.media, x.at.description})
		}
	}
	comes := up != nil && up.Flowing()
	if up != nil {
		up.Sweep()
	}
	if comes != x.flowOut {
		x.flowOut = comes
		x.e.events.emit(MediaFlowOutStateChanged{comes, x.at.media, x.at.description})
	}
	return flowing || comes
}

func (x *rtpMedia) close() {
	x.closeSockets()
	if x.slot != nil {
		x.slot.Close()
	}
}
