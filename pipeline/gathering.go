package pipeline

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Gathering says what an endpoint's candidates are besides the addresses of the
// server's sockets, or which of those are left out.
type Gathering struct {
	// STUNServer is asked how the media socket is seen from outside; the zero
	// value asks nobody, or a TURN server over UDP, which answers that too.
	STUNServer netip.AddrPort
	// TURN relays for this endpoint; nil: none.
	TURN *TURNServer
	// Interfaces are those whose addresses are told; empty: all.
	Interfaces []string
}

// TURNServer is one that the server itself is a client of (RFC 8656).
type TURNServer struct {
	Addr           netip.AddrPort
	Transport      string // udp, tcp or tls
	User, Password string
}

// String leaves the credentials out.
func (t TURNServer) String() string { return t.Addr.String() + " over " + t.Transport }

// GoString is String.
func (t TURNServer) GoString() string { return t.String() }

// SetGathering is for GatherCandidates: it acts when gathering begins, not
// later. It takes an endpoint with Trickle, as others have told their candidates
// by then.
func (e *WebRtcEndpoint) SetGathering(g Gathering) error {
	if !e.opts.Trickle {
		return fmt.Errorf("%w: the endpoint was made without Trickle", ErrBadGathering)
	}
	if err := e.server.CheckGathering(g); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.gathering = g
	return nil
}

// CheckGathering says what SetGathering would say.
func (s *Server) CheckGathering(g Gathering) error {
	if g.STUNServer.IsValid() && !reachable(g.STUNServer) {
		return fmt.Errorf("%w: %s is no address of a STUN server", ErrBadGathering, g.STUNServer)
	}
	if t := g.TURN; t != nil {
		switch {
		case !reachable(t.Addr):
			return fmt.Errorf("%w: %s is no address of a TURN server", ErrBadGathering, t.Addr)
		case t.Transport != "udp" && t.Transport != "tcp" && t.Transport != "tls":
			return fmt.Errorf("%w: a TURN server is reached over udp, tcp or tls", ErrBadGathering)
		// RFC 8489, section 14.3: less than 509 bytes.
		case t.User == "" || t.Password == "" || len(t.User) > 508 || len(t.Password) > 508:
			return fmt.Errorf("%w: a TURN server takes a user and a password", ErrBadGathering)
		}
	}
	for _, name := range g.Interfaces {
		if _, err := s.net.net.InterfaceByName(name); err != nil {
			return fmt.Errorf("%w: there is no network interface %q", ErrBadGathering, name)
		}
	}
	return nil
}

// reachable tells whether one machine can have that address.
func reachable(a netip.AddrPort) bool {
	ip := a.Addr()
	return a.IsValid() && a.Port() != 0 && !ip.IsUnspecified() && !ip.IsMulticast() && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// addressFilter tells which of the server's own addresses are told; nil: all.
type addressFilter func(netip.Addr) bool

// filter reads the interfaces' addresses. Where external addresses stand in the
// place of the machine's, one of those is told if an interface has an address of
// its family.
func (g Gathering) filter(n *network, external []string) addressFilter {
	if len(g.Interfaces) == 0 {
		return nil
	}
	var own []netip.Addr
	for _, name := range g.Interfaces {
		i, err := n.net.InterfaceByName(name)
		if err != nil {
			continue // it went away
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if x, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(x.IP); ok {
					own = append(own, ip.Unmap())
				}
			}
		}
	}
	return func(ip netip.Addr) bool {
		ip = ip.Unmap().WithZone("")
		if slices.Contains(own, ip) {
			return true
		}
		return slices.Contains(external, ip.String()) &&
			slices.ContainsFunc(own, func(o netip.Addr) bool { return o.Is4() == ip.Is4() })
	}
}

// allows tells whether a candidate of the server's own sockets is told.
func (f addressFilter) allows(c IceCandidate) bool {
	if f == nil {
		return true
	}
	ip, ok := candidateAddr(c.Candidate)
	return !ok || f(ip.Addr())
}

// isUDP tells the transport of a candidate line.
func isUDP(text string) bool {
	f := strings.Fields(text)
	return len(f) > 2 && strings.EqualFold(f[2], "udp")
}

// candidateAddr is the address in a candidate line (RFC 8839, section 5.1); false:
// it has none, or a name.
func candidateAddr(text string) (netip.AddrPort, bool) {
	f := strings.Fields(text)
	if len(f) < 8 {
		return netip.AddrPort{}, false
	}
	ip, err := netip.ParseAddr(f[4])
	if err != nil {
		return netip.AddrPort{}, false
	}
	port, err := strconv.ParseUint(f[5], 10, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	return plain(netip.AddrPortFrom(ip, uint16(port))), true
}
