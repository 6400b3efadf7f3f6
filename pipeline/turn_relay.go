package pipeline

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/pion/transport/v4"
	"github.com/pion/turn/v5"
)

var errRelayUDPOnly = errors.New("only UDP is relayed")

// relays opens the relayed addresses (RFC 8656, section 7) and decides where
// they may send: to this server's media port and to the configured networks.
type relays struct {
	net     transport.Net
	bind    string // where relay sockets are opened
	public  net.IP // what browsers are told
	media   map[netip.AddrPort]bool
	aliases map[netip.AddrPort]netip.AddrPort // external media address -> the socket's own
	further []netip.Prefix
}

func newRelays(cfg Config, n *network, turnAddr net.Addr) (*relays, error) {
	r := &relays{
		net:     n.net,
		media:   make(map[netip.AddrPort]bool),
		aliases: make(map[netip.AddrPort]netip.AddrPort),
	}
	local := n.mediaAddrs()
	if len(local) == 0 {
		return nil, errors.New("starting the TURN server: the media port has no address")
	}
	for _, a := range local {
		r.media[plain(a.AddrPort())] = true
	}
	r.addAliases(cfg.ExternalIPs, local)
	for _, p := range cfg.TURNPeers {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return nil, fmt.Errorf("%w: TURNPeers: %v", ErrConfig, err)
		}
		r.further = append(r.further, prefix)
	}
	// A relay socket sits beside the media socket: what can reach one can
	// reach the other.
	r.bind = local[0].IP.String()
	r.public = publicIP(cfg, turnAddr, local[0].IP)
	return r, nil
}

// addAliases: a browser behind the relay sends to the external address that it
// was told. A relay on this machine need not go out through the NAT and back.
func (r *relays) addAliases(external []string, local []*net.UDPAddr) {
	for _, text := range external {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			continue
		}
		for _, a := range local {
			own := plain(a.AddrPort())
			if own.Addr().Is4() == ip.Unmap().Is4() {
				r.aliases[netip.AddrPortFrom(ip.Unmap(), own.Port())] = own
				break
			}
		}
	}
}

func publicIP(cfg Config, turnAddr net.Addr, media net.IP) net.IP {
	if cfg.TURNExternalIP != "" {
		return net.ParseIP(cfg.TURNExternalIP)
	}
	if len(cfg.ExternalIPs) > 0 {
		return net.ParseIP(cfg.ExternalIPs[0])
	}
	if host, _, err := net.SplitHostPort(turnAddr.String()); err == nil {
		if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
			return ip
		}
	}
	return media
}

func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// permits is asked for a CreatePermission or ChannelBind, which name an IP
// address; the relay conn checks the port as well.
func (r *relays) permits(_ net.Addr, peer net.IP) bool {
	ip, ok := netip.AddrFromSlice(peer)
	if !ok {
		return false
	}
	ip = ip.Unmap()
	for a := range r.media {
		if a.Addr() == ip {
			return true
		}
	}
	for a := range r.aliases {
		if a.Addr() == ip {
			return true
		}
	}
	return r.isFurther(ip)
}

func (r *relays) isFurther(ip netip.Addr) bool {
	for _, p := range r.further {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// target is where a packet for peer goes, and whether it may go at all.
func (r *relays) target(peer netip.AddrPort) (netip.AddrPort, bool) {
	if own, ok := r.aliases[peer]; ok {
		return own, true
	}
	return peer, r.media[peer] || r.isFurther(peer.Addr())
}

var _ turn.RelayAddressGenerator = (*relays)(nil)

// Validate has nothing left to find.
func (r *relays) Validate() error { return nil }

// AllocatePacketConn opens a relay socket.
func (r *relays) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	network := "udp4"
	if ip := net.ParseIP(r.bind); ip != nil && ip.To4() == nil {
		network = "udp6"
	}
	if c.Network != network {
		return nil, nil, fmt.Errorf("%s is not relayed, %s is", c.Network, network)
	}
	conn, err := r.net.ListenPacket(network, net.JoinHostPort(r.bind, "0"))
	if err != nil {
		return nil, nil, err
	}
	udp, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		_ = conn.Close()
		return nil, nil, errRelayUDPOnly
	}
	return &relayConn{PacketConn: conn, relays: r}, &net.UDPAddr{IP: r.public, Port: udp.Port}, nil
}

// AllocateListener refuses TCP relays (RFC 6062).
func (r *relays) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errRelayUDPOnly
}

// AllocateConn refuses TCP relays.
func (r *relays) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) {
	return nil, errRelayUDPOnly
}

// relayConn is one browser's relay socket. It drops what may not pass, both
// ways, and puts the external address in place of our own where the browser
// knows us by that one.
type relayConn struct {
	net.PacketConn
	relays *relays

	mu    sync.RWMutex
	known map[netip.AddrPort]*net.UDPAddr // our own address -> as the browser wrote it
}

// WriteTo drops without an error, as the network would.
func (c *relayConn) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, errRelayUDPOnly
	}
	peer := plain(udp.AddrPort())
	target, ok := c.relays.target(peer)
	if !ok {
		return len(b), nil
	}
	if target == peer {
		return c.PacketConn.WriteTo(b, to)
	}
	c.remember(target, udp)
	return c.PacketConn.WriteTo(b, net.UDPAddrFromAddrPort(target))
}

func (c *relayConn) remember(own netip.AddrPort, external *net.UDPAddr) {
	c.mu.RLock()
	_, ok := c.known[own]
	c.mu.RUnlock()
	if ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = make(map[netip.AddrPort]*net.UDPAddr)
	}
	c.known[own] = &net.UDPAddr{IP: external.IP, Port: external.Port}
}

// ReadFrom skips packets of strangers.
func (c *relayConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		udp, ok := from.(*net.UDPAddr)
		if !ok {
			continue
		}
		peer := plain(udp.AddrPort())
		if _, ok := c.relays.target(peer); !ok {
			continue
		}
		c.mu.RLock()
		external := c.known[peer]
		c.mu.RUnlock()
		if external != nil {
			return n, external, nil
		}
		return n, from, nil
	}
}
