package pipeline

import (
	"fmt"
	"net"
	"runtime"
	"time"

	"github.com/pion/transport/v4"
)

// Config says how the media server meets the network. The zero value works on
// this machine alone: one UDP port on 127.0.0.1, no ICE-TCP, no TURN.
type Config struct {
	// MediaAddr is the one UDP address for all media; "" means 127.0.0.1:0.
	// With no host, or an unspecified one, every address of the machine is
	// offered.
	MediaAddr string
	// PlainUDP sends each packet by itself. Without it, those of one frame to
	// one browser leave as one message where the kernel can cut it up.
	PlainUDP bool
	// TCPAddr listens for ICE-TCP (RFC 6544); "" means off.
	TCPAddr string
	// ExternalIPs replace the machine's own addresses in what is offered to
	// browsers, for a server behind a 1:1 NAT.
	ExternalIPs []string

	// TURNAddr listens for TURN over UDP and over TCP; "" means off.
	TURNAddr string
	// TURNRealm is the realm of the TURN credentials; "" means "kelas".
	TURNRealm string
	// TURNSecret signs the short-lived TURN credentials; empty means random
	// for each start.
	TURNSecret []byte
	// TURNTTL is how long TURN credentials are good for; 0 means 12 h.
	TURNTTL time.Duration
	// TURNExternalIP is the address in the turn: URLs and of relayed
	// candidates; "" means the first of ExternalIPs, or the listener's own.
	TURNExternalIP string
	// TURNPeers are further networks (CIDR) that relayed packets may be sent
	// to. Without them a relay reaches this server's media port and nothing
	// else.
	TURNPeers []string
	// TURNQuota bounds the allocations of one user; 0 means 8.
	TURNQuota int
	// TURNMaxAllocations bounds the allocations of all; 0 means 2000.
	TURNMaxAllocations int

	// ICEServers are further servers handed to pages.
	ICEServers []ICEServer

	// DisconnectedTimeout is the silence after which a connection counts as
	// disconnected; 0 means 5 s.
	DisconnectedTimeout time.Duration
	// FailedTimeout is the further silence after which it counts as failed; 0
	// means 15 s. A failed connection can still be mended by an ICE restart.
	FailedTimeout time.Duration
	// KeepAlive is the pause after which an idle path is kept open; 0 means 2 s.
	KeepAlive time.Duration

	// RTPAddr is the IP address of RtpEndpoints' sockets; "" means the host of
	// MediaAddr. They are opened on the system's network, whatever Net is.
	RTPAddr string
	// RTPPortMin and RTPPortMax are the range of their ports, a pair for each
	// m-line; 0 means any that the system gives.
	RTPPortMin, RTPPortMax int
	// RTPPeers are the networks (CIDR) to which an RtpEndpoint sends as soon as a
	// description names an address there; empty means this machine and private
	// networks. To other addresses it sends once a packet has come from there, so
	// that a description alone cannot turn the server against others.
	RTPPeers []string
	// RTPMulticast lets descriptions name multicast groups, to which media is
	// then sent at once.
	RTPMulticast bool

	// FileRoot is the folder in which recorders write and players read; it must
	// exist. Without it both refuse file:// uris.
	FileRoot string
	// PlayFrom lists what players may reach by http, https, rtsp and rtsps:
	// hosts ("media.example.org"), all below one ("*.example.org"), addresses,
	// networks ("10.1.0.0/16"), each but a network with ":port" or for every
	// port, and "*" for every public address. A host that is named may have any
	// address. Empty means none.
	PlayFrom []string

	// MaxPipelines bounds the pipelines; 0 means 500.
	MaxPipelines int
	// MaxElements bounds the elements of all pipelines; 0 means 5000.
	MaxElements int

	// Workers send to viewers side by side; 0 means one for each core.
	Workers int
	// OnlyPeerConnections gives viewers a PeerConnection too, which costs more.
	// It is there for comparison.
	OnlyPeerConnections bool

	// Net replaces the operating system's network; nil means that one.
	Net transport.Net
}

// ICEServer is what a page hands to its RTCPeerConnection.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Validate names the first field that cannot be used.
func (c Config) Validate() error {
	for _, a := range []struct{ name, value string }{
		{"MediaAddr", c.MediaAddr}, {"TCPAddr", c.TCPAddr}, {"TURNAddr", c.TURNAddr},
	} {
		if a.value == "" {
			continue
		}
		at, err := net.ResolveUDPAddr("udp", a.value)
		if err != nil {
			return fmt.Errorf("%w: %s: %v", ErrConfig, a.name, err)
		}
		if at.Port == relayPlacePort {
			return fmt.Errorf("%w: %s: port %d is kept for what is to be discarded", ErrConfig, a.name, at.Port)
		}
	}
	for _, ip := range c.ExternalIPs {
		if net.ParseIP(ip) == nil {
			return fmt.Errorf("%w: ExternalIPs: %q is not an IP address", ErrConfig, ip)
		}
	}
	if c.TURNExternalIP != "" && net.ParseIP(c.TURNExternalIP) == nil {
		return fmt.Errorf("%w: TURNExternalIP: %q is not an IP address", ErrConfig, c.TURNExternalIP)
	}
	for _, p := range c.TURNPeers {
		if _, _, err := net.ParseCIDR(p); err != nil {
			return fmt.Errorf("%w: TURNPeers: %v", ErrConfig, err)
		}
	}
	if err := c.validateRTP(); err != nil {
		return err
	}
	if n := len(c.TURNSecret); n > 0 && n < 16 {
		return fmt.Errorf("%w: TURNSecret: %d bytes are too few, 16 is the least", ErrConfig, n)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"TURNTTL", c.TURNTTL}, {"DisconnectedTimeout", c.DisconnectedTimeout},
		{"FailedTimeout", c.FailedTimeout}, {"KeepAlive", c.KeepAlive},
	} {
		if d.value < 0 {
			return fmt.Errorf("%w: %s is negative", ErrConfig, d.name)
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"TURNQuota", c.TURNQuota}, {"TURNMaxAllocations", c.TURNMaxAllocations},
		{"MaxPipelines", c.MaxPipelines}, {"MaxElements", c.MaxElements}, {"Workers", c.Workers},
	} {
		if n.value < 0 {
			return fmt.Errorf("%w: %s is negative", ErrConfig, n.name)
		}
	}
	for _, e := range c.PlayFrom {
		if _, err := parsePlayRule(e); err != nil {
			return err
		}
	}
	for i, s := range c.ICEServers {
		if len(s.URLs) == 0 {
			return fmt.Errorf("%w: ICEServers: number %d has no URL", ErrConfig, i+1)
		}
	}
	return nil
}

func (c Config) validateRTP() error {
	if c.RTPAddr != "" && net.ParseIP(c.RTPAddr) == nil {
		return fmt.Errorf("%w: RTPAddr: %q is not an IP address", ErrConfig, c.RTPAddr)
	}
	for _, p := range c.RTPPeers {
		if _, _, err := net.ParseCIDR(p); err != nil {
			return fmt.Errorf("%w: RTPPeers: %v", ErrConfig, err)
		}
	}
	switch lo, hi := c.RTPPortMin, c.RTPPortMax; {
	case lo == 0 && hi == 0:
	case lo < 1024 || hi > 65535 || hi-lo < 1:
		return fmt.Errorf("%w: RTPPortMin, RTPPortMax: %d to %d is no range of at least two ports from 1024 to 65535", ErrConfig, lo, hi)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.MediaAddr == "" {
		c.MediaAddr = "127.0.0.1:0"
	}
	if c.TURNRealm == "" {
		c.TURNRealm = "kelas"
	}
	defaultDuration(&c.TURNTTL, 12*time.Hour)
	defaultDuration(&c.DisconnectedTimeout, 5*time.Second)
	defaultDuration(&c.FailedTimeout, 15*time.Second)
	defaultDuration(&c.KeepAlive, 2*time.Second)
	defaultInt(&c.TURNQuota, 8)
	defaultInt(&c.TURNMaxAllocations, 2000)
	defaultInt(&c.Workers, runtime.GOMAXPROCS(0))
	defaultInt(&c.MaxPipelines, 500)
	defaultInt(&c.MaxElements, 5000)
	return c
}

func defaultDuration(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

func defaultInt(n *int, v int) {
	if *n == 0 {
		*n = v
	}
}
