package signaling

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"kelas/signaling/rest"
	"kelas/signaling/web"
)

// Config of the HTTP side. The zero value works.
type Config struct {
	// Web is what the pages need.
	Web web.Config
	// Rest is what the API needs; its PublicURL is the pages' when empty.
	Rest rest.Config
	// TrustedProxies are addresses or networks whose X-Forwarded-For and
	// X-Forwarded-Proto are believed; nobody's are otherwise.
	TrustedProxies []string
	// MetricsToken opens /metrics to others than this machine, as a bearer
	// token; "" leaves it to this machine alone.
	MetricsToken string
	// RequestRate and RequestBurst bound the requests of one address to pages
	// and files: so many a second after so many at once. Static files and
	// health are left out, and sockets have limits of their own.
	RequestRate  float64 // 100
	RequestBurst int     // 1000
	// ReadTimeout bounds the time for a request's body where it is not an
	// upload; an upload may take for ever while bytes keep coming.
	ReadTimeout time.Duration // 30 s
}

func (c Config) withDefaults() Config {
	if c.RequestRate == 0 {
		c.RequestRate = 100
	}
	if c.RequestBurst == 0 {
		c.RequestBurst = 1000
	}
	if c.ReadTimeout == 0 {
		c.ReadTimeout = 30 * time.Second
	}
	return c
}

// Validate names the field that cannot be used.
func (c Config) Validate() error {
	switch {
	case c.RequestRate < 0:
		return fmt.Errorf("signaling: RequestRate is negative")
	case c.RequestBurst < 0:
		return fmt.Errorf("signaling: RequestBurst is negative")
	case c.ReadTimeout < 0:
		return fmt.Errorf("signaling: ReadTimeout is negative")
	case c.MetricsToken != "" && len(c.MetricsToken) < 16:
		return fmt.Errorf("signaling: MetricsToken has fewer than 16 characters")
	}
	if _, err := parseProxies(c.TrustedProxies); err != nil {
		return err
	}
	if p := c.Web.PublicURL; p != "" {
		if u, err := url.Parse(p); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("signaling: Web.PublicURL: %q is not an address such as https://class.example.org", p)
		}
	}
	if err := c.Rest.Validate(); err != nil {
		return err
	}
	return c.Web.Validate()
}

func parseProxies(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		s = strings.TrimSpace(s)
		if a, err := netip.ParseAddr(s); err == nil {
			a = a.Unmap()
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("signaling: TrustedProxies: %q is neither an address nor a network", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
