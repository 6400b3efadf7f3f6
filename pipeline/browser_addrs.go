package pipeline

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// maxPeers is how many addresses of a browser are let through a relay, and
	// how many are sent to so that a NAT opens.
	maxPeers = 32
	// Each is sent to for as long as a browser checks.
	natPause = 500 * time.Millisecond
	natTries = 20
)

// openNAT sends to the browser's addresses from the media socket, as an agent
// that checks would do by its checks: many NATs let nobody in to whom nothing
// was sent (RFC 4787, section 5). Binding indications ask for no answer.
func (e *WebRtcEndpoint) openNAT(ctx context.Context, v4 bool) {
	tick := time.NewTicker(natPause)
	defer tick.Stop()
	seen := 0
	left := map[netip.AddrPort]int{}
	for {
		fresh, more := e.peers.after(seen)
		seen += len(fresh)
		for _, a := range fresh {
			if a.Addr().Is4() == v4 {
				left[a] = natTries
			}
		}
		if !e.iceIsUp() {
			for a := range left {
				e.server.net.tap.indicate(a)
				if left[a]--; left[a] == 0 {
					delete(left, a)
				}
			}
		}
		due := tick.C
		if len(left) == 0 {
			due = nil // until more come
		}
		select {
		case <-ctx.Done():
			return
		case <-more:
		case <-due:
		}
	}
}

func (e *WebRtcEndpoint) iceIsUp() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ice.told == IceConnected || e.ice.told == IceReady
}

// peerBoard are the addresses that the browser's candidates name.
type peerBoard struct {
	mu   sync.Mutex
	list []netip.AddrPort
	more chan struct{} // closed when one is added
}

func newPeerBoard() *peerBoard { return &peerBoard{more: make(chan struct{})} }

// add takes the address of a candidate for UDP; names, and more than maxPeers,
// are left out.
func (p *peerBoard) add(candidate string) {
	a, ok := candidateAddr(candidate)
	if p == nil || !ok || !isUDP(candidate) || !reachable(a) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.list) >= maxPeers || slices.Contains(p.list, a) {
		return
	}
	p.list = append(p.list, a)
	close(p.more)
	p.more = make(chan struct{})
}

// after is what came behind the first n, and what tells of more.
func (p *peerBoard) after(n int) ([]netip.AddrPort, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.list[n:len(p.list):len(p.list)], p.more
}
