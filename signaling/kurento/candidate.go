package kurento

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"kelas/pipeline"
)

// addressing is what an application set about one endpoint's addresses. The
// first of it act on the candidates that are told, the others on what is
// gathered.
type addressing struct {
	mu     sync.Mutex
	noTCP  bool
	v4, v6 string // in the place of host candidates' addresses
	told   map[string]bool

	stun, turn, interfaces string // as they were set
	stunPort               int64
}

const defaultSTUNPort = 3478

// Addresses are settings of endpoints' addresses.
type Addresses struct {
	STUN       string // "ip:port"; "": none
	TURN       string // as turnUrl, with its password
	Interfaces string // as networkInterfaces
}

// Check names what cannot be written so.
func (a Addresses) Check() error {
	_, _, err := a.read()
	return err
}

func (a Addresses) read() (*addressing, pipeline.Gathering, error) {
	x, err := a.addressing()
	if err != nil {
		return nil, pipeline.Gathering{}, err
	}
	g, err := x.gathering()
	return x, g, err
}

func (a Addresses) addressing() (*addressing, error) {
	x := &addressing{turn: a.TURN, interfaces: a.Interfaces}
	if a.STUN != "" {
		at, err := netip.ParseAddrPort(a.STUN)
		if err != nil || at.Port() == 0 {
			return nil, fmt.Errorf("the STUN server %q is no IP address with a port", a.STUN)
		}
		x.stun, x.stunPort = at.Addr().String(), int64(at.Port())
	}
	return x, nil
}

// begin gives an endpoint the server's settings.
func (w *webrtcPart) begin(a Addresses) error {
	x, g, err := a.read()
	if err != nil {
		return err
	}
	w.addressing = x
	return w.SetGathering(g)
}

// gathering is what they come to.
func (a *addressing) gathering() (g pipeline.Gathering, err error) {
	if ip, err := netip.ParseAddr(a.stun); err == nil {
		g.STUNServer = netip.AddrPortFrom(ip, uint16(a.port()))
	}
	if a.turn != "" {
		if g.TURN, err = readTURN(a.turn); err != nil {
			return g, fmt.Errorf("turnUrl: %w", err)
		}
	}
	g.Interfaces = strings.FieldsFunc(a.interfaces, func(r rune) bool { return r == ',' || r == ' ' })
	return g, nil
}

func (a *addressing) port() int64 {
	if a.stunPort == 0 {
		return defaultSTUNPort
	}
	return a.stunPort
}

// tell gives the candidate as the browser is to have it; false leaves it out.
func (a *addressing) tell(c pipeline.IceCandidate) (pipeline.IceCandidate, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// RFC 8839, section 5.1: foundation component transport priority address port typ ...
	f := strings.Fields(c.Candidate)
	if len(f) < 8 {
		return c, true
	}
	if a.noTCP && strings.EqualFold(f[2], "tcp") {
		return c, false
	}
	ip, err := netip.ParseAddr(f[4])
	if err != nil || f[7] != "host" {
		// The NAT's address may be the external one that was told already.
		return c, !a.told[strings.Join([]string{f[2], f[4], f[5]}, " ")]
	}
	other := a.v4
	if ip.Unmap().Is6() {
		other = a.v6
	}
	if other == "" {
		return c, true
	}
	f[4] = other
	// Several addresses of the machine become one.
	key := strings.Join([]string{f[2], f[4], f[5]}, " ")
	if a.told[key] {
		return c, false
	}
	if a.told == nil {
		a.told = map[string]bool{}
	}
	a.told[key] = true
	c.Candidate = strings.Join(f, " ")
	return c, true
}

// setting is a property of an endpoint's addressing.
func setting(name, typ string, get func(a *addressing) any, set func(a *addressing, c *call) error) property {
	return property{name: name, typ: typ,
		get: func(c *call) (any, error) {
			a := c.webrtc().addressing
			a.mu.Lock()
			defer a.mu.Unlock()
			return get(a), nil
		},
		set: func(c *call) error {
			a := c.webrtc().addressing
			a.mu.Lock()
			defer a.mu.Unlock()
			return set(a, c)
		},
	}
}

// setAddress checks a property that is an IP address of one family, or "".
func setAddress(c *call, name string, fits func(netip.Addr) bool, to *string) error {
	text := c.text(name)
	if ip, err := netip.ParseAddr(text); text != "" && (err != nil || !fits(ip)) {
		return fail(codeIllegalParam, "%s: not such an address", name)
	}
	*to = text
	return nil
}

// gathered is a property that acts when candidates are gathered. Where the new
// value cannot be, the old one stays.
func gathered(name, typ string, get func(a *addressing) any, set func(a *addressing, c *call) error) property {
	return setting(name, typ, get, func(a *addressing, c *call) error {
		next := addressing{stun: a.stun, turn: a.turn, interfaces: a.interfaces, stunPort: a.stunPort}
		if err := set(&next, c); err != nil {
			return err
		}
		g, err := next.gathering()
		if err != nil {
			return fail(codeIllegalParam, "%s", err)
		}
		if err := c.webrtc().SetGathering(g); err != nil {
			return err
		}
		a.stun, a.turn, a.interfaces, a.stunPort = next.stun, next.turn, next.interfaces, next.stunPort
		return nil
	})
}

// maxAddressText bounds what an application writes of addresses.
const maxAddressText = 1024

func setText(c *call, name string, to *string) error {
	if len(c.text(name)) > maxAddressText {
		return fail(codeIllegalParam, "%s is too long", name)
	}
	*to = c.text(name)
	return nil
}

func addressProperties() []property {
	external := func(name string, of func(a *addressing) *string, fits func(netip.Addr) bool) property {
		return setting(name, "String", func(a *addressing) any { return *of(a) },
			func(a *addressing, c *call) error { return setAddress(c, name, fits, of(a)) })
	}
	return []property{
		setting("iceTcp", "boolean", func(a *addressing) any { return !a.noTCP },
			func(a *addressing, c *call) error { a.noTCP = !c.flag("iceTcp"); return nil }),
		external("externalIPv4", func(a *addressing) *string { return &a.v4 }, netip.Addr.Is4),
		external("externalIPv6", func(a *addressing) *string { return &a.v6 }, netip.Addr.Is6),
		formerExternal(),
		gathered("stunServerAddress", "String", func(a *addressing) any { return a.stun },
			func(a *addressing, c *call) error {
				return setAddress(c, "stunServerAddress", netip.Addr.IsValid, &a.stun)
			}),
		gathered("stunServerPort", "int", func(a *addressing) any { return a.port() }, func(a *addressing, c *call) error {
			n := c.int("stunServerPort")
			if n < 1 || n > 65535 {
				return fail(codeIllegalParam, "stunServerPort: not a port")
			}
			a.stunPort = n
			return nil
		}),
		gathered("turnUrl", "String", func(a *addressing) any { return a.turn },
			func(a *addressing, c *call) error { return setText(c, "turnUrl", &a.turn) }),
		gathered("networkInterfaces", "String", func(a *addressing) any { return a.interfaces },
			func(a *addressing, c *call) error { return setText(c, "networkInterfaces", &a.interfaces) }),
	}
}

// formerExternal is the one property that Kurento had until 6.15 for both
// families: the address tells which it is, "" takes both back.
func formerExternal() property {
	p := setting("externalAddress", "String",
		func(a *addressing) any { return cmp.Or(a.v4, a.v6) },
		func(a *addressing, c *call) error {
			text := c.text("externalAddress")
			ip, err := netip.ParseAddr(text)
			switch {
			case text == "":
				a.v4, a.v6 = "", ""
			case err != nil:
				return fail(codeIllegalParam, "externalAddress: not an address")
			case ip.Is4():
				a.v4 = text
			default:
				a.v6 = text
			}
			return nil
		})
	p.former, p.now = true, "externalIPv4, externalIPv6"
	return p
}
