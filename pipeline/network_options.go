package pipeline

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// NetworkOptions change the candidates that one endpoint tells: the sockets are
// the server's, and take packets whatever is told. They hold for what is told
// from then on, so they are set before the negotiation, or with Trickle before
// GatherCandidates.
type NetworkOptions struct {
	// ExternalIPv4 and ExternalIPv6 replace the addresses of their family, for an
	// application that knows better than Config.ExternalIPs; "" leaves them.
	ExternalIPv4, ExternalIPv6 string
	// Interfaces are the names of those whose addresses are told; empty is all.
	Interfaces []string
	// NoTCP tells no candidates of ICE-TCP.
	NoTCP bool
}

// networkRules are NetworkOptions that were found usable.
type networkRules struct {
	opts      NetworkOptions
	v4, v6    netip.Addr
	addresses []netip.Addr // of Interfaces
}

// SetNetwork changes what candidates are told. STUN and TURN are not there: the
// server is ICE-lite and its addresses are known (RFC 8445, section 2.5), and a
// relay in front of it is for the browser to use.
func (e *WebRtcEndpoint) SetNetwork(o NetworkOptions) error {
	r := &networkRules{opts: o}
	r.opts.Interfaces = slices.Clone(o.Interfaces)
	for text, at := range map[string]*netip.Addr{o.ExternalIPv4: &r.v4, o.ExternalIPv6: &r.v6} {
		if text == "" {
			continue
		}
		ip, err := netip.ParseAddr(text)
		if err != nil || ip.Is6() != (at == &r.v6) {
			return fmt.Errorf("%w: %q is not an address of that family", ErrBadNetwork, text)
		}
		*at = ip
	}
	if len(o.Interfaces) > 0 && len(e.server.cfg.ExternalIPs) > 0 {
		return fmt.Errorf("%w: interfaces, where the server tells external addresses", ErrUnsupported)
	}
	for _, name := range o.Interfaces {
		list, err := addressesOf(name)
		if err != nil {
			return err
		}
		r.addresses = append(r.addresses, list...)
	}
	if e.dead.Load() {
		return fmt.Errorf("setting the network: %w", ErrReleased)
	}
	e.network.Store(r)
	return nil
}

// Network is what was set.
func (e *WebRtcEndpoint) Network() NetworkOptions {
	if r := e.network.Load(); r != nil {
		return r.opts
	}
	return NetworkOptions{}
}

func addressesOf(name string) ([]netip.Addr, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("%w: there is no interface %q", ErrBadNetwork, name)
	}
	addrs, err := i.Addrs()
	if err != nil {
		return nil, fmt.Errorf("%w: the addresses of %q: %v", ErrBadNetwork, name, err)
	}
	var list []netip.Addr
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, p.Addr().Unmap())
		}
	}
	return list, nil
}

// told is a candidate as it is told (RFC 8839, section 5.1); false: it is not.
// A nil receiver tells it as it is.
func (r *networkRules) told(candidate string) (string, bool) {
	f := strings.Fields(candidate)
	if r == nil || len(f) < 6 {
		return candidate, true
	}
	ip, err := netip.ParseAddr(f[4])
	switch ip = ip.Unmap(); {
	case r.opts.NoTCP && strings.EqualFold(f[2], "tcp"):
		return "", false
	case err != nil:
		return candidate, true // a name
	case len(r.addresses) > 0 && !slices.Contains(r.addresses, ip):
		return "", false
	case ip.Is4() && r.v4.IsValid():
		f[4] = r.v4.String()
	case ip.Is6() && r.v6.IsValid():
		f[4] = r.v6.String()
	default:
		return candidate, true
	}
	return strings.Join(f, " "), true
}

// describe is a description with the candidates that are told, each once for an
// m-line.
func (r *networkRules) describe(text string) string {
	if r == nil {
		return text
	}
	var b strings.Builder
	seen := map[string]bool{}
	for line := range strings.SplitAfterSeq(text, "\n") {
		if strings.HasPrefix(line, "m=") {
			clear(seen)
		}
		candidate, ok := strings.CutPrefix(line, "a=candidate:")
		if !ok {
			b.WriteString(line)
			continue
		}
		candidate, ok = r.told(strings.TrimRight(candidate, "\r\n"))
		where := strings.Join(append(strings.Fields(candidate), "", "", "", "", "", "")[1:6], " ")
		if ok && !seen[where] {
			seen[where] = true
			b.WriteString("a=candidate:" + candidate + "\r\n")
		}
	}
	return b.String()
}
