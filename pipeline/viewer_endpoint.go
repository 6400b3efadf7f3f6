package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"

	"kelas/pipeline/sfu"
	"kelas/pipeline/viewer"
)

// mayBeViewer tells whether the offer is one that a viewer's connection
// understands whole: all of it in one bundle (RFC 9143), media that the browser
// only receives, and nothing else but what is rejected. All others get a
// PeerConnection.
func (e *WebRtcEndpoint) mayBeViewer(o *offer) bool {
	if e.server.cfg.OnlyPeerConnections || e.opts.MaySend || e.opts.UseDataChannels || e.checks(o) {
		return false
	}
	receives := false
	for _, l := range o.lines {
		if l.sends {
			return false
		}
		receives = receives || l.receives && len(l.codecs) > 0
	}
	return receives && o.bundled() && viewer.KnownFingerprint(o.fingerprint)
}

// openViewer makes a viewer's connection for the first offer.
func (e *WebRtcEndpoint) openViewer(o *offer) (string, error) {
	var link viewerLink // known before any callback's work runs
	conn, err := viewer.Open(e.viewerNetwork(), viewer.Options{Lane: e.worker, Certificate: &e.identity.tls}, e.viewerHandler(func() viewerLink { return link }))
	if err != nil {
		return "", fmt.Errorf("opening a connection: %w", err)
	}
	link = viewerLink{conn}
	slots := e.viewerSlots(conn, o, nil)
	answer, err := e.answerViewer(conn, o, slots)
	if err == nil {
		err = conn.Start(o.remote())
	}
	if err != nil {
		for _, d := range slots {
			d.close()
		}
		conn.Close()
		return "", err
	}
	e.first = o.slim()
	e.adopt(nil, link, o, slots)
	e.tellCandidates(link, o)
	return answer, nil
}

// viewerNetwork is the server's, with a place for this endpoint's relay.
func (e *WebRtcEndpoint) viewerNetwork() *viewer.Network {
	if !e.opts.Trickle {
		return e.server.views.Network
	}
	n := *e.server.views.Network
	n.UDPMux = e.udpMux()
	return &n
}

// viewerHandler enqueues what the connection tells, and nothing else, but for
// RTCP, which goes to the slots at once.
func (e *WebRtcEndpoint) viewerHandler(link func() viewerLink) viewer.Handler {
	return viewer.Handler{
		State: func(s viewer.State) {
			_ = e.work.pushOwn(func() { e.connectionChanged(link(), ConnectionState(s)) })
		},
		ICE: func(s ice.ConnectionState) {
			if now, ok := viewerIceStates[s]; ok {
				_ = e.work.pushOwn(func() { e.iceChanged(link(), now) })
			}
		},
		Pair: func(local, remote string) {
			_ = e.work.pushOwn(func() { e.pairSelected(link(), local, remote) })
		},
		DTLS: func(s viewer.State) {
			now := DtlsState(strings.ToUpper(string(s)))
			_ = e.work.pushOwn(func() { e.viewerDtlsChanged(link(), now) })
		},
		RTCP: e.viewerReports,
	}
}

var viewerIceStates = map[ice.ConnectionState]IceComponentState{
	ice.ConnectionStateChecking:     IceConnecting,
	ice.ConnectionStateConnected:    IceConnected,
	ice.ConnectionStateCompleted:    IceConnected,
	ice.ConnectionStateDisconnected: IceDisconnected,
	ice.ConnectionStateClosed:       IceDisconnected,
	ice.ConnectionStateFailed:       IceFailed,
}

func (e *WebRtcEndpoint) viewerDtlsChanged(link viewerLink, now DtlsState) {
	if name := link.conn.Profile(); now == DtlsConnected {
		e.srtpProfile.Store(&name)
	}
	e.dtlsChanged(link, now)
}

// viewerReports hands feedback to the line and to the slots, which know their
// SSRCs.
func (e *WebRtcEndpoint) viewerReports(compound []byte) {
	e.line.HandleRTCP(compound, time.Now())
	if sfu.OnlyArrivals(compound) {
		return
	}
	packets, err := rtcp.Unmarshal(compound)
	if err != nil {
		return // a browser's odd report harms nobody
	}
	e.mu.Lock()
	slots := e.slots
	e.mu.Unlock()
	for _, d := range slots {
		if s := d.get(); s != nil {
			s.HandleRTCP(packets)
		}
	}
}

// viewerSlots makes the slots of those m-lines that have none yet.
func (e *WebRtcEndpoint) viewerSlots(conn *viewer.Conn, o *offer, have []*downTrack) []*downTrack {
	var slots []*downTrack
	for i, l := range o.lines {
		known := slices.ContainsFunc(have, func(d *downTrack) bool { return d.mid == l.mid })
		if known || !l.receives || l.media == Data {
			continue
		}
		d := newDownTrack(e, l)
		d.agreed = agree(o.described.MediaDescriptions[i], l)
		if len(d.agreed) > 0 {
			d.fill(conn, o.described.MediaDescriptions[i])
		}
		slots = append(slots, d)
	}
	return slots
}

// fill makes the slot for what was agreed on.
func (d *downTrack) fill(conn *viewer.Conn, m *sdp.MediaDescription) {
	d.ssrc, d.rtxSSRC = newSSRC(), 0
	var codecs []sfu.SlotCodec
	for _, c := range d.agreed {
		if c.rtx != 0 && d.rtxSSRC == 0 {
			d.rtxSSRC = newSSRC()
		}
		codecs = append(codecs, sfu.SlotCodec{Codec: c.codec, PayloadType: c.pt, RTXPayloadType: c.rtx})
	}
	stamp, line := stampID(m, d.agreed), d.endpoint.line
	d.makeSlot(sfu.SlotConfig{
		SSRC: d.ssrc, RTXSSRC: d.rtxSSRC, Codecs: codecs, OnlyRTX: stamp != 0,
		Write: func(h *rtp.Header, payload []byte) error {
			number, err := conn.WriteRTP(h, payload, stamp)
			if err == nil {
				line.Sent(number, h.MarshalSize()+len(payload)+int(h.PaddingSize), time.Now())
			}
			return err
		},
	})
}

// newSSRC is never 0, which means none.
func newSSRC() uint32 { return 1 + rand.Uint32N(1<<32-1) }

// renegotiateViewer answers a further offer: an ICE restart, m-lines that came,
// stopped or came back, or all of these. What a viewer's connection cannot do,
// such as data channels, is rejected line by line.
func (e *WebRtcEndpoint) renegotiateViewer(link viewerLink, o *offer) (string, error) {
	if !o.bundled() {
		return "", badSDP("it is not bundled as before")
	}
	was, now := link.conn.Remote(), o.remote()
	if was.Ufrag != now.Ufrag || was.Password != now.Password {
		if err := link.conn.Restart(now); err != nil {
			return "", err
		}
	}
	e.mu.Lock()
	have := slices.Clone(e.slots)
	e.mu.Unlock()
	slots := e.viewerSlots(link.conn, o, have)
	answer, err := e.answerViewer(link.conn, o, append(have, slots...))
	if err != nil {
		for _, d := range slots {
			d.close()
		}
		return "", err
	}
	e.first = o.slim()
	e.adopt(nil, link, o, slots)
	e.tellCandidates(link, o)
	e.pauseStopped(o)
	return answer, nil
}

// pauseStopped stops sending to m-lines that the browser has switched off, and
// begins again with those that it has switched on.
func (e *WebRtcEndpoint) pauseStopped(o *offer) {
	e.mu.Lock()
	slots, up := e.slots, e.state == ConnectionConnected
	e.mu.Unlock()
	for _, d := range slots {
		for _, l := range o.lines {
			if l.mid != d.mid || d.stopped == !l.receives {
				continue
			}
			d.stopped = !l.receives
			d.transport(up)
		}
	}
}

// tellCandidates puts the server's candidates where GatherCandidates finds them.
func (e *WebRtcEndpoint) tellCandidates(link viewerLink, o *offer) {
	first := new(uint16)
	for _, c := range link.conn.Candidates() {
		if a, ok := candidateAddr(c); ok && isRelayPlace(int(a.Port()), !isUDP(c)) {
			continue
		}
		e.candidateFound(link, &IceCandidate{Candidate: c, SDPMid: o.lines[0].mid, SDPMLineIndex: first})
	}
	e.candidateFound(link, nil)
}

// remote is what the offer says of the browser's transport.
func (o *offer) remote() viewer.Remote {
	r := viewer.Remote{
		Ufrag: anyAttribute(o.described, "ice-ufrag"), Password: anyAttribute(o.described, "ice-pwd"), Fingerprint: o.fingerprint,
	}
	for _, m := range o.described.MediaDescriptions {
		for _, a := range m.Attributes {
			if a.Key == sdp.AttrKeyCandidate {
				r.Candidates = append(r.Candidates, a.Value)
			}
		}
	}
	return r
}

// slim is what a further offer is held against; the rest need not be kept for
// the life of a connection.
func (o *offer) slim() *offer { return &offer{fingerprint: o.fingerprint, lines: o.lines} }
