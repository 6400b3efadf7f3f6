package pipeline

import (
	"fmt"
	"sync"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"

	"kelas/pipeline/viewer"
)

// viewerNetwork is what all viewers share, and how many each worker has.
type viewerNetwork struct {
	*viewer.Network
	mu   sync.Mutex
	load []int
}

func newViewerNetwork(cfg Config, n *network, logs logging.LoggerFactory) (*viewerNetwork, error) {
	v := &viewer.Network{
		Net: n.net, UDPMux: n.udpMux, Loopback: n.loopback,
		Types:               []ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6},
		Profiles:            srtpProfiles,
		DisconnectedTimeout: cfg.DisconnectedTimeout, FailedTimeout: cfg.FailedTimeout, KeepAlive: cfg.KeepAlive,
		Logs: logs,
	}
	if n.tcpMux != nil {
		v.TCPMux = n.tcpMux
		v.Types = append(v.Types, ice.NetworkTypeTCP4, ice.NetworkTypeTCP6)
	}
	if len(cfg.ExternalIPs) > 0 {
		v.Rewrite = []ice.AddressRewriteRule{{
			External: cfg.ExternalIPs, AsCandidateType: ice.CandidateTypeHost, Mode: ice.AddressRewriteReplace,
		}}
	}
	s := &viewerNetwork{Network: v, load: make([]int, cfg.Workers)}
	if n.media == nil {
		return s, nil
	}
	for range cfg.Workers {
		lane, err := n.media.NewLane()
		if err != nil {
			return nil, fmt.Errorf("opening the media socket: %w", err)
		}
		if lane == nil {
			break // nothing is put together on this system
		}
		v.Lanes = append(v.Lanes, lane)
	}
	return s, nil
}

// take gives a viewer to the worker that has the fewest.
func (s *viewerNetwork) take() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	least := 0
	for i, n := range s.load {
		if n < s.load[least] {
			least = i
		}
	}
	s.load[least]++
	return least
}

func (s *viewerNetwork) giveBack(worker int) {
	s.mu.Lock()
	s.load[worker]--
	s.mu.Unlock()
}

func (s *Server) flushAll() {
	for i := range s.cfg.Workers {
		s.flush(i)
	}
}

// flush sends what waits of a worker's.
func (s *Server) flush(worker int) {
	s.net.flush()
	if worker < len(s.views.Lanes) {
		s.views.Lanes[worker].Flush()
	}
}
