package pipeline

import (
	"context"
	"fmt"
	"hash/crc32"
	"net"
	"net/netip"
	"sync"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

// outside is what an endpoint finds beyond the server's own sockets, and the
// goroutines that keep it; WebRtcEndpoint.mu guards it.
type outside struct {
	ctx    context.Context // ends with the endpoint
	cancel context.CancelFunc
	own    bool // the connection has sockets of its own, and asks the servers itself
	begun  bool
	found  []IceCandidate
	done   bool
	filter addressFilter
	relay  string // the candidate that is the relay's, "" when there is none
}

// udpMux is the media socket for an endpoint's ICE. Only where candidates are
// trickled can a relay come: elsewhere they are in the answer already.
func (e *WebRtcEndpoint) udpMux() ice.UDPMux {
	if e.opts.Trickle {
		return endpointMux{e.server.net.udpMux, e.relayPort}
	}
	return e.server.net.udpMux
}

// ownGathering is for a connection with sockets of its own: it must know the
// servers before its negotiation, and what is set behind it does nothing.
func (e *WebRtcEndpoint) ownGathering() (servers []webrtc.ICEServer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.outside.own = true
	if a := e.gathering.STUNServer; a.IsValid() {
		servers = append(servers, webrtc.ICEServer{URLs: []string{"stun:" + plain(a).String()}})
	}
	if t := e.gathering.TURN; t != nil {
		url := "turn:" + plain(t.Addr).String() + "?transport=" + t.Transport
		if t.Transport == "tls" {
			url = "turns:" + plain(t.Addr).String() + "?transport=tcp"
		}
		servers = append(servers, webrtc.ICEServer{URLs: []string{url}, Username: t.User, Credential: t.Password})
	}
	return servers
}

// GatherCandidates has the server's candidates announced as events, and those
// that SetGathering asks for looked for, which takes some seconds when a server
// does not answer. Before the offer the wish is remembered.
func (e *WebRtcEndpoint) GatherCandidates() error {
	if e.dead.Load() {
		return fmt.Errorf("gathering candidates: %w", ErrReleased)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gatherWish {
		return nil
	}
	e.gatherWish = true
	if e.link != nil {
		e.beginGatheringLocked()
	}
	for _, c := range e.gathered {
		e.tellCandidateLocked(c)
	}
	if e.link != nil {
		e.tellIceLocked(IceGathering)
	}
	if e.complete {
		e.ownGatheredLocked()
	}
	e.tellHeldIceLocked()
	return nil
}

// beginGatheringLocked reads the settings, once.
func (e *WebRtcEndpoint) beginGatheringLocked() {
	if e.outside.begun {
		return
	}
	e.outside.begun = true
	g := e.gathering
	e.outside.filter = g.filter(e.server.net, e.server.cfg.ExternalIPs)
	if e.outside.own || !g.STUNServer.IsValid() && g.TURN == nil {
		e.outside.done = true
		return
	}
	// In the work queue, after which nothing begins any more once it is closed.
	if e.work.pushOwn(func() { m := e.mark; e.wg.Go(func() { e.lookOutside(g, m) }) }) != nil {
		e.outside.done = true
	}
}

// candidateFound runs in the work queue; nil is the end.
func (e *WebRtcEndpoint) candidateFound(from browserLink, c *IceCandidate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.link != from {
		return
	}
	if e.gatherWish {
		e.beginGatheringLocked()
	}
	if c == nil {
		e.complete = true
		if e.gatherWish {
			e.tellIceLocked(IceGathering)
			e.ownGatheredLocked()
			e.tellHeldIceLocked()
		}
		return
	}
	if e.complete { // a further round, after an ICE restart
		e.complete = false
		e.gathered = nil
	}
	e.gathered = append(e.gathered, *c)
	if e.gatherWish {
		e.tellCandidateLocked(*c)
	}
}

func (e *WebRtcEndpoint) tellCandidateLocked(c IceCandidate) {
	if e.outside.filter.allows(c) {
		e.events.emit(IceCandidateFound{c})
	}
}

// ownGatheredLocked: all of the server's own candidates have been told.
func (e *WebRtcEndpoint) ownGatheredLocked() {
	for _, c := range e.outside.found {
		e.events.emit(IceCandidateFound{e.placedLocked(c.Candidate)})
	}
	if e.outside.done {
		e.events.emit(IceGatheringDone{})
	}
}

// placedLocked gives a candidate the place that the server's own have.
func (e *WebRtcEndpoint) placedLocked(text string) IceCandidate {
	c := IceCandidate{Candidate: text}
	if len(e.gathered) > 0 {
		c.SDPMid, c.SDPMLineIndex = e.gathered[0].SDPMid, e.gathered[0].SDPMLineIndex
	}
	return c
}

// lookOutside asks the servers, side by side, and then serves what they gave
// until the endpoint's end.
func (e *WebRtcEndpoint) lookOutside(g Gathering, m *mark) {
	ctx := e.outside.ctx
	server, asked := g.STUNServer, true
	if !server.IsValid() && g.TURN.Transport == "udp" {
		server, asked = g.TURN.Addr, false // a TURN server is a STUN server
	}
	var wg, gathering sync.WaitGroup
	if server.IsValid() {
		gathering.Add(1)
		wg.Go(func() {
			reflexive := e.findReflexive(ctx, plain(server), asked)
			gathering.Done()
			if reflexive.IsValid() {
				e.openNAT(ctx, reflexive.Addr().Is4())
			}
		})
	}
	if g.TURN != nil {
		gathering.Add(1)
		wg.Go(func() {
			r, err := e.server.openAllocation(ctx, *g.TURN, e.relayPort, m)
			if err != nil {
				e.relayFailed(err)
				gathering.Done()
				return
			}
			e.foundOutside(r.candidate, true)
			gathering.Done()
			e.relayFailed(r.serve(ctx, e.peers))
			e.server.closeAllocation(r)
		})
	}
	gathering.Wait()
	e.mu.Lock()
	e.outside.done = true
	if e.complete && !e.dead.Load() {
		e.events.emit(IceGatheringDone{})
	}
	e.mu.Unlock()
	wg.Wait()
}

// relayFailed tells that a TURN server is of no use; the other ways go on.
func (e *WebRtcEndpoint) relayFailed(err error) {
	if err != nil && e.outside.ctx.Err() == nil {
		e.events.emit(Error{err})
	}
}

func (e *WebRtcEndpoint) foundOutside(candidate string, relay bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.placedLocked(candidate)
	e.outside.found = append(e.outside.found, c)
	if relay {
		e.outside.relay = candidate
	}
	if e.complete {
		e.events.emit(IceCandidateFound{c})
	}
}

// findReflexive tells the server reflexive candidate, when it is another than
// those of the machine, and returns the address behind which browsers must be sent
// something to come in. asked: the application named this server itself.
func (e *WebRtcEndpoint) findReflexive(ctx context.Context, server netip.AddrPort, asked bool) netip.AddrPort {
	none := netip.AddrPort{}
	base, ok := e.server.net.baseTo(server)
	if !ok {
		if asked {
			e.server.log.Warn("the media socket does not reach the STUN server", "endpoint", e.id, "server", server.String())
		}
		return none
	}
	e.mu.Lock()
	filter := e.outside.filter
	e.mu.Unlock()
	if filter != nil && !filter(base.Addr()) {
		return none // it is reached by another interface than those to use
	}
	mapped, err := e.server.net.tap.answer.mapped(ctx, server)
	if err != nil {
		if asked && ctx.Err() == nil {
			e.server.log.Warn("no address from the STUN server", "endpoint", e.id, "server", server.String(), "error", err)
		}
		return none
	}
	if mapped == base || e.tells(mapped) {
		if asked {
			return mapped // there may be a filter on the way all the same
		}
		return none
	}
	// RFC 8445, section 5.1.1.3: the same type, base, protocol and server.
	foundation := crc32.ChecksumIEEE([]byte("srflx " + base.Addr().String() + " udp " + server.String()))
	c, err := ice.NewCandidateServerReflexive(&ice.CandidateServerReflexiveConfig{
		Network: "udp", Address: mapped.Addr().String(), Port: int(mapped.Port()), Component: ice.ComponentRTP,
		RelAddr: base.Addr().String(), RelPort: int(base.Port()), Foundation: fmt.Sprint(foundation),
	})
	if err != nil {
		return none
	}
	e.foundOutside("candidate:"+c.Marshal(), false)
	return mapped
}

// tells tells whether one of the server's own UDP candidates has that address.
func (e *WebRtcEndpoint) tells(a netip.AddrPort) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.gathered {
		if own, ok := candidateAddr(c.Candidate); ok && own == a && isUDP(c.Candidate) {
			return true
		}
	}
	return false
}

// baseTo is the address of this machine by which a server is reached from the
// media socket (RFC 8445, section 5.1.1.2).
func (n *network) baseTo(server netip.AddrPort) (netip.AddrPort, bool) {
	local, ok := n.udp.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	at := plain(local.AddrPort())
	if !at.Addr().IsUnspecified() {
		return at, at.Addr().Is4() == server.Addr().Is4()
	}
	conn, err := n.net.Dial("udp", server.String()) // sends nothing: the system chooses the route
	if err != nil {
		return netip.AddrPort{}, false
	}
	defer conn.Close()
	if a, ok := conn.LocalAddr().(*net.UDPAddr); ok {
		return netip.AddrPortFrom(plain(a.AddrPort()).Addr(), at.Port()), true
	}
	return netip.AddrPort{}, false
}

// withoutPlace is pion's candidate, but for that of the relay's place.
func withoutPlace(c *webrtc.ICECandidate) (*IceCandidate, bool) {
	if c != nil && isRelayPlace(int(c.Port), c.Protocol == webrtc.ICEProtocolTCP) {
		return nil, false
	}
	return candidateOf(c), true
}

// candidateOf is pion's candidate in our words; nil stays nil.
func candidateOf(c *webrtc.ICECandidate) *IceCandidate {
	if c == nil {
		return nil
	}
	init := c.ToJSON()
	found := &IceCandidate{Candidate: init.Candidate, SDPMLineIndex: init.SDPMLineIndex}
	if init.SDPMid != nil {
		found.SDPMid = *init.SDPMid
	}
	return found
}
