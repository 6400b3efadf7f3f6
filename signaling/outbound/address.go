package outbound

import (
	"fmt"
	"net/netip"
	"strings"
)

// special are the networks that are not the public internet's, by IANA's
// special-purpose registries (RFC 6890 and its updates), and what clouds
// answer metadata on outside of them.
var special = func() []netip.Prefix {
	var list []netip.Prefix
	for _, s := range strings.Fields(`
		0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
		192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24
		203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32
		::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16
		fc00::/7 fe80::/10 fec0::/10 ff00::/8`) {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}()

// nat64 holds IPv4 addresses in its last four bytes (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// Public reports whether a is an address of the public internet. An IPv4
// address in IPv6's clothes counts as what it is.
func Public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// ParseNetworks reads what the administrator allows: addresses and networks.
func ParseNetworks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		s = strings.TrimSpace(s)
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
			a = a.Unmap()
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("outbound: %q is neither an address nor a network", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
