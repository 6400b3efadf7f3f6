package pipeline

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/rtcp"

	"kelas/pipeline/sfu"
)

// readRTP ends when the socket is closed.
func (x *rtpMedia) readRTP() {
	buf := make([]byte, rtpPacketSize+64)
	plain := make([]byte, 0, rtpPacketSize+64)
	var gaps missing
	var due []uint16
	for {
		n, from, err := x.rtp.ReadFromUDPAddrPort(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // an ICMP message about something that was sent
		}
		if n < 12 || buf[0]>>6 != 2 {
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if pt := buf[1]; x.remote.mux && pt >= 192 && pt <= 223 { // RFC 5761, section 4
			x.takeControl(buf[:n], from)
			continue
		}
		packet := x.open(plain, buf[:n], from)
		if packet == nil {
			continue
		}
		x.proven(from, false)
		if asks := x.take(packet, time.Now()); asks {
			if due = gaps.see(binary.BigEndian.Uint16(packet[2:]), time.Now(), due); len(due) > 0 {
				x.asked.Add(uint64(len(due)))
				x.askedFor.Add(1)
				x.sendControl(&rtcp.TransportLayerNack{
					SenderSSRC: x.ssrc, MediaSSRC: binary.BigEndian.Uint32(packet[8:]),
					Nacks: rtcp.NackPairsFromSequenceNumbers(due),
				})
			}
		}
	}
}

// open returns the packet in the clear, nil when it is not to be taken.
func (x *rtpMedia) open(plain, packet []byte, from netip.AddrPort) []byte {
	if !x.remote.sends || !x.mayComeFrom(from) {
		x.refused.Add(1)
		x.tellStranger(from)
		return nil
	}
	if x.dec == nil {
		return packet
	}
	x.decMu.Lock()
	defer x.decMu.Unlock()
	out, err := x.dec.DecryptRTP(plain, packet, nil)
	if err != nil || len(out) < 12 {
		x.refused.Add(1)
		return nil
	}
	x.used(&x.decUse, false)
	return out
}

// take hands a packet to its layer; asks: the other side answers NACK for it.
func (x *rtpMedia) take(packet []byte, now time.Time) (asks bool) {
	pt, ssrc := packet[1]&0x7f, binary.BigEndian.Uint32(packet[8:])
	i := slices.IndexFunc(x.remote.codecs, func(c rtpCodec) bool { return c.pt == pt })
	if i < 0 {
		return false
	}
	c := x.remote.codecs[i]
	x.mu.Lock()
	if x.layer == nil || x.pt != pt || x.layer.SSRC() != ssrc {
		x.mu.Unlock()
		x.bind(c, ssrc)
		x.mu.Lock()
	}
	layer := x.layer
	x.in.see(binary.BigEndian.Uint16(packet[2:]), binary.BigEndian.Uint32(packet[4:]), now)
	x.mu.Unlock()
	layer.Write(packet, now)
	return c.has("nack")
}

// bind gives a new SSRC or payload type its layer, and makes a new up track
// first when the codec is another one. Only readRTP calls it.
func (x *rtpMedia) bind(c rtpCodec, ssrc uint32) {
	x.mu.Lock()
	old := x.up
	x.mu.Unlock()
	up := old
	if old == nil || !old.Codec().Matches(c.codec) {
		up = sfu.NewUpTrack(sfu.UpTrackConfig{
			Kind: kindOf(x.at.media), Codec: c.codec, RequestKeyFrame: x.requestKeyFrame,
			SourceClock: x.e.clock, Flush: x.e.server.net.flush, Timed: &x.e.pipeline.timed,
		})
	}
	layer := up.AddLayer("", ssrc)
	x.mu.Lock()
	x.up, x.layer, x.pt = up, layer, c.pt
	x.in = reception{ssrc: ssrc, clock: float64(c.codec.ClockRate)}
	x.mu.Unlock()
	if up == old {
		return
	}
	if err := x.e.pipeline.publish(&x.e.element, x.at, up); err != nil {
		up.Close() // released meanwhile
	}
	if old != nil {
		x.e.server.addPast(receivedStats(x.at, old))
		old.Close()
	}
}

// readControl ends when the socket is closed.
func (x *rtpMedia) readControl() {
	buf := make([]byte, rtpPacketSize+64)
	for {
		n, from, err := x.control.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			x.takeControl(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		case errors.Is(err, net.ErrClosed):
			return
		}
	}
}

func (x *rtpMedia) takeControl(raw []byte, from netip.AddrPort) {
	if len(raw) < 8 || !x.mayComeFrom(from) {
		x.refused.Add(1)
		return
	}
	if x.dec != nil {
		x.decMu.Lock()
		out, err := x.dec.DecryptRTCP(nil, raw, nil)
		if err == nil {
			x.used(&x.decUse, true)
		}
		x.decMu.Unlock()
		if err != nil {
			x.refused.Add(1)
			return
		}
		raw = out
	}
	packets, err := rtcp.Unmarshal(raw)
	if err != nil {
		x.refused.Add(1)
		return
	}
	x.proven(from, true)
	now := time.Now()
	x.mu.Lock()
	layer := x.layer
	for _, p := range packets {
		if sr, ok := p.(*rtcp.SenderReport); ok && layer != nil && sr.SSRC == layer.SSRC() {
			x.in.senderReport(sr.NTPTime, now)
			layer.WriteSenderReport(sr.NTPTime, sr.RTPTime, now)
		}
	}
	x.mu.Unlock()
	if x.slot != nil {
		x.slot.HandleRTCP(packets)
	}
}

// mayComeFrom tells whether packets are taken from an address: that of the
// description, or the first with comedia. Encryption proves more than an address.
func (x *rtpMedia) mayComeFrom(from netip.AddrPort) bool {
	if x.dec != nil {
		return true
	}
	if !x.remote.comedia {
		return x.isPeer(from.Addr())
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return !x.latched.IsValid() || x.latched.Addr() == from.Addr()
}

// isPeer tells whether an address is that of the description. Where that is one
// of this machine, all of them are: a program that says 127.0.0.1 sends from
// whichever leads to where it sends.
func (x *rtpMedia) isPeer(a netip.Addr) bool {
	return a == x.remote.addr.Addr() || slices.Contains(x.ours, a) || x.ours != nil && a.IsLoopback()
}

// tellStranger tells once that packets come and none is taken, which nobody
// would find out from silence.
func (x *rtpMedia) tellStranger(from netip.AddrPort) {
	x.mu.Lock()
	tell := x.remote.sends && !x.in.started && !x.strange
	x.strange = x.strange || tell
	x.mu.Unlock()
	if tell {
		x.e.events.emit(Error{fmt.Errorf("%w: from %s, and the description says %s", ErrStranger, from.Addr(), x.remote.addr.Addr())})
	}
}

// machineAddrs are this machine's own addresses.
func machineAddrs() []netip.Addr {
	own := []netip.Addr{loopback4, netip.IPv6Loopback()}
	list, _ := net.InterfaceAddrs() // then it is those two
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, p.Addr().Unmap())
		}
	}
	return own
}

// proven is told that a good packet came from an address, so that what was
// withheld may go there. Media itself decides where media goes.
func (x *rtpMedia) proven(from netip.AddrPort, control bool) {
	if !x.remote.comedia {
		if x.dest.Load() == nil && x.isPeer(from.Addr()) {
			x.sendTo(x.remote.addr, x.remote.control)
		}
		return
	}
	x.mu.Lock()
	was := x.latched
	if !control && (!was.IsValid() || x.dec != nil) {
		x.latched = from
	}
	now := x.latched
	x.mu.Unlock()
	switch {
	case now != was && x.remote.mux:
		x.sendTo(now, now)
	case now != was:
		x.sendTo(now, netip.AddrPortFrom(now.Addr(), now.Port()+1))
	case control && now.IsValid() && now.Addr() == from.Addr() && !x.remote.mux:
		x.controlDest.Store(&from)
	}
}
