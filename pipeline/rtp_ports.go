package pipeline

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
)

// rtpReadBuffer holds a key frame that comes while its reader does not run.
const rtpReadBuffer = 1 << 20

// openRTP opens a pair of sockets for one m-line of plain RTP: an even port for
// RTP and the next for RTCP (RFC 3550, section 11).
func (s *Server) openRTP(v6 bool) (rtp, control *net.UDPConn, err error) {
	ip, err := s.rtpBindAddr(v6)
	if err != nil {
		return nil, nil, err
	}
	lo, hi := s.cfg.RTPPortMin, s.cfg.RTPPortMax
	if hi == 0 {
		for range 64 {
			if rtp, control := tryRTP(ip, 0); control != nil {
				return rtp, control, nil
			}
		}
		return nil, nil, fmt.Errorf("%w: the system gave none", ErrNoPort)
	}
	lo += lo % 2
	pairs := (hi-lo)/2 + 1
	for i, from := 0, rand.IntN(max(pairs, 1)); i < pairs; i++ {
		port := lo + (from+i)%pairs*2
		if port+1 > hi {
			continue
		}
		if rtp, control := tryRTP(ip, port); control != nil {
			return rtp, control, nil
		}
	}
	return nil, nil, fmt.Errorf("%w: from %d to %d", ErrNoPort, s.cfg.RTPPortMin, hi)
}

func tryRTP(ip netip.Addr, port int) (rtp, control *net.UDPConn) {
	network := "udp4"
	if ip.Is6() {
		network = "udp6"
	}
	rtp, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
	if err != nil {
		return nil, nil
	}
	got := portOf(rtp)
	if got%2 == 0 && got < 65535 {
		control, err = net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, got+1)))
		if err == nil {
			_ = rtp.SetReadBuffer(rtpReadBuffer) // the system may give less
			return rtp, control
		}
	}
	_ = rtp.Close()
	return nil, nil
}

func portOf(c *net.UDPConn) uint16 {
	a, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		return 0
	}
	return uint16(a.Port)
}

// rtpBindAddr is the address that sockets for RTP are bound to.
func (s *Server) rtpBindAddr(v6 bool) (netip.Addr, error) {
	text := s.cfg.RTPAddr
	if text == "" {
		host, _, err := net.SplitHostPort(s.cfg.MediaAddr)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("%w: MediaAddr: %v", ErrConfig, err)
		}
		text = host
	}
	ip, err := netip.ParseAddr(text)
	switch ip = ip.Unmap(); {
	case err != nil || ip.IsUnspecified(): // MediaAddr may have a name, or nothing
		if v6 {
			return netip.IPv6Unspecified(), nil
		}
		return netip.IPv4Unspecified(), nil
	case ip.Is6() == v6:
		return ip, nil
	case ip.IsLoopback() && v6:
		return netip.IPv6Loopback(), nil
	case ip.IsLoopback():
		return loopback4, nil
	}
	return netip.Addr{}, fmt.Errorf("%w: RTP is bound to %s, which has another family", ErrUnsupported, ip)
}

// rtpPublicAddr is the address that descriptions show for a socket bound to ip.
func (s *Server) rtpPublicAddr(ip netip.Addr) netip.Addr {
	for _, text := range s.cfg.ExternalIPs {
		if x, err := netip.ParseAddr(text); err == nil && x.Unmap().Is6() == ip.Is6() {
			return x.Unmap()
		}
	}
	if !ip.IsUnspecified() {
		return ip
	}
	for _, a := range s.net.mediaAddrs() {
		if x, ok := netip.AddrFromSlice(a.IP); ok && x.Unmap().Is6() == ip.Is6() {
			return x.Unmap()
		}
	}
	if ip.Is6() {
		return netip.IPv6Loopback()
	}
	return loopback4
}

var loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// rtpNear are the networks to which RTP may be sent before anything came from
// there, unless RTPPeers says otherwise: this machine and private networks
// (RFC 1918, RFC 3927, RFC 4193, RFC 4291).
var rtpNear = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
}

// localControl is never routed and used by routers themselves (RFC 5771,
// section 4).
var localControl = netip.MustParsePrefix("224.0.0.0/24")

// checkRTPTarget tells whether a description may name an address as the target
// of media at all. A description must not make the server shoot at others.
func (s *Server) checkRTPTarget(a netip.AddrPort) error {
	ip := a.Addr()
	switch {
	case ip.IsUnspecified() || a.Port() == 9:
		return nil // nothing is sent before something comes
	case a.Port() < 1024:
		return fmt.Errorf("%w: port %d; ports below 1024 belong to other services", ErrForbiddenAddress, a.Port())
	case ip.IsMulticast() && !s.cfg.RTPMulticast:
		return fmt.Errorf("%w: %s is a multicast address, which RTPMulticast allows", ErrForbiddenAddress, ip)
	case ip.IsMulticast() && (localControl.Contains(ip) || ip.IsInterfaceLocalMulticast()):
		return fmt.Errorf("%w: %s is for routers", ErrForbiddenAddress, ip)
	case ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("%w: it is for all", ErrForbiddenAddress)
	}
	return nil
}

// rtpTrusts tells whether media may be sent to an address before anything came
// from it.
func (s *Server) rtpTrusts(ip netip.Addr) bool {
	if ip.IsMulticast() {
		return s.cfg.RTPMulticast
	}
	return slices.ContainsFunc(s.rtpPeers, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// rtpPeersOf reads Config.RTPPeers, which Validate has checked.
func rtpPeersOf(cfg Config) []netip.Prefix {
	if len(cfg.RTPPeers) == 0 {
		return rtpNear
	}
	var list []netip.Prefix
	for _, text := range cfg.RTPPeers {
		if p, err := netip.ParsePrefix(text); err == nil {
			list = append(list, p.Masked())
		}
	}
	return list
}
