package viewer

import (
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/transport/v4"

	"kelas/pipeline/udp"
)

// Network is what the viewers of a server share.
type Network struct {
	Net      transport.Net
	UDPMux   ice.UDPMux
	TCPMux   ice.TCPMux // nil: no ICE-TCP
	Types    []ice.NetworkType
	Loopback bool // offer loopback candidates
	Rewrite  []ice.AddressRewriteRule
	// Lanes of the media socket, behind UDPMux; each viewer has one. None: all
	// packets go one by one through ICE.
	Lanes []*udp.Lane

	Profiles []dtls.SRTPProtectionProfile // in our order

	DisconnectedTimeout, FailedTimeout, KeepAlive time.Duration
	Logs                                          logging.LoggerFactory
}

func (n *Network) agentOptions() []ice.AgentOption {
	o := []ice.AgentOption{
		ice.WithICELite(true),
		ice.WithNet(n.Net),
		ice.WithUDPMux(n.UDPMux),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		ice.WithNetworkTypes(n.Types),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithDisableActiveTCP(),
		ice.WithDisconnectedTimeout(n.DisconnectedTimeout),
		ice.WithFailedTimeout(n.FailedTimeout),
		ice.WithKeepaliveInterval(n.KeepAlive),
		ice.WithLoggerFactory(n.Logs),
	}
	if n.TCPMux != nil {
		o = append(o, ice.WithTCPMux(n.TCPMux))
	}
	if n.Loopback {
		o = append(o, ice.WithIncludeLoopback())
	}
	if len(n.Rewrite) > 0 {
		o = append(o, ice.WithAddressRewriteRules(n.Rewrite...))
	}
	return o
}
