package pipeline

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// playFrom says which hosts players may reach, and reaches them. Without it a uri would open whatever listens on this
// machine or beside it.
type playFrom struct {
	rules  []playRule
	client *http.Client
}

// playRule is one entry of Config.PlayFrom.
type playRule struct {
	public bool         // "*": any address that is public
	name   string       // a host's name
	below  bool         // "*.name": and not name itself
	port   string       // "": any
	net    netip.Prefix // a network, or one address
}

const (
	playDialTimeout   = 10 * time.Second
	playHeaderTimeout = 10 * time.Second
	playRedirects     = 5
)

func newPlayFrom(entries []string) (*playFrom, error) {
	p := &playFrom{}
	for _, e := range entries {
		r, err := parsePlayRule(e)
		if err != nil {
			return nil, err
		}
		p.rules = append(p.rules, r)
	}
	p.client = &http.Client{
		Transport: &http.Transport{
			DialContext: p.dial, TLSHandshakeTimeout: playDialTimeout, ResponseHeaderTimeout: playHeaderTimeout,
			MaxResponseHeaderBytes: 64 << 10, DisableCompression: true, MaxIdleConns: 16, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > playRedirects {
				return fmt.Errorf("%w: more than %d redirections", ErrBadURI, playRedirects)
			}
			return p.checkURL(r.URL)
		},
	}
	return p, nil
}

func (p *playFrom) close() { p.client.CloseIdleConnections() }

func parsePlayRule(e string) (r playRule, err error) {
	bad := fmt.Errorf("%w: PlayFrom: %q is no host, *.host, address, network or *", ErrConfig, e)
	if r.net, err = netip.ParsePrefix(e); err == nil {
		r.net = r.net.Masked()
		return r, nil
	}
	host := e
	if h, port, err := net.SplitHostPort(e); err == nil {
		host, r.port = h, port
	}
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		r.net = netip.PrefixFrom(a, a.BitLen())
		return r, nil
	}
	if host == "*" {
		r.public = true
		return r, nil
	}
	if rest, ok := strings.CutPrefix(host, "*."); ok {
		r.below, host = true, rest
	}
	if host == "" || strings.ContainsAny(host, "*/:@ ") {
		return r, bad
	}
	r.name = strings.ToLower(host)
	return r, nil
}

// namesHost tells whether the rule is about that name, whatever its address.
func (r playRule) namesHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if r.name == "" {
		return false
	}
	if r.below {
		return strings.HasSuffix(host, "."+r.name)
	}
	return host == r.name
}

func (r playRule) allows(host, port string, a netip.Addr) bool {
	if r.port != "" && r.port != port {
		return false
	}
	switch a = a.Unmap(); {
	case r.namesHost(host):
		return true
	case r.public:
		return isPublic(a)
	}
	return r.net.IsValid() && r.net.Contains(a)
}

// Networks that are not the world's though they look like it (RFC 6890, RFC 6598, RFC 6052).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("2002::/16"),
}

func isPublic(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, n := range notPublic {
		if n.Contains(a) {
			return false
		}
	}
	return true
}

// checkURL refuses early what no rule can allow. What a name leads to is checked when it is dialled.
func (p *playFrom) checkURL(u *url.URL) error {
	host, port := u.Hostname(), u.Port()
	if host == "" || u.Opaque != "" {
		return fmt.Errorf("%w: no host", ErrBadURI)
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "rtsp": "554", "rtspt": "554", "rtspu": "554", "rtsps": "322"}[u.Scheme]
	}
	if port == "" {
		return fmt.Errorf("%w: scheme %q", ErrBadURI, u.Scheme)
	}
	a, err := netip.ParseAddr(host)
	for _, r := range p.rules {
		if err == nil && r.allows(host, port, a) {
			return nil
		}
		if err != nil && (r.port == "" || r.port == port) && (r.public || r.net.IsValid() || r.namesHost(host)) {
			return nil
		}
	}
	return ErrHostNotAllowed
}

// dial connects to an address of the host that a rule allows; it is the address that was checked.
func (p *playFrom) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, playDialTimeout)
	defer cancel()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	err = ErrHostNotAllowed
	for _, a := range addrs {
		if !p.allows(host, port, a) {
			continue
		}
		var c net.Conn
		if c, err = (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(a.Unmap().String(), port)); err == nil {
			return c, nil
		}
	}
	return nil, err
}

func (p *playFrom) allows(host, port string, a netip.Addr) bool {
	for _, r := range p.rules {
		if r.allows(host, port, a) {
			return true
		}
	}
	return false
}
