package viewer

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"

	"kelas/pipeline/udp"
)

// State is how the transport is doing, in WebRTC's words.
type State string

// The states of a connection.
const (
	StateNew          State = "new"
	StateConnecting   State = "connecting"
	StateConnected    State = "connected"
	StateDisconnected State = "disconnected"
	StateFailed       State = "failed"
	StateClosed       State = "closed"
)

// Remote is what the browser's offer says of its transport.
type Remote struct {
	Ufrag, Password string
	Fingerprint     string // "sha-256 AB:CD:..." (RFC 8122, section 5)
	Candidates      []string
}

// Handler is told what comes. Its functions are called one at a time each, and
// must not call Close; State is called with a lock held and only takes note. None
// may be nil.
type Handler struct {
	// State is called when it has changed; connected comes again after an ICE
	// restart.
	State func(State)
	// ICE and DTLS are told the parts that make up the state; of DTLS connecting,
	// connected, failed and closed. Pair is told the chosen pair, as candidate lines: before
	// ICE is told connected, and perhaps the same one again.
	ICE  func(ice.ConnectionState)
	DTLS func(State)
	Pair func(local, remote string)
	// RTCP is called with each compound packet of the browser that is genuine. The
	// memory is ours again when it returns.
	RTCP func(compound []byte)
}

// Options are one viewer's own.
type Options struct {
	// Lane is a number that spreads viewers over the lanes.
	Lane int
	// Certificate is the server's own; a key pair for each viewer would cost
	// each join, and hide nothing.
	Certificate *tls.Certificate
}

// Conn is one viewer's connection.
type Conn struct {
	net     *Network
	options Options
	handler Handler
	lane    *udp.Lane // nil: through ICE
	agent   *ice.Agent
	link    *ice.Conn // set by Start
	pipe    *pipe
	route   atomic.Pointer[route]
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	shaking sync.WaitGroup
	closing sync.Once
	telling sync.Mutex
	pairing sync.Mutex

	mu       sync.Mutex
	remote   Remote
	gathered chan struct{} // closed at the end of a round of gathering
	found    []ice.Candidate
	ice      ice.ConnectionState
	dtls     *dtls.Conn
	secured  bool
	broken   bool // DTLS failed
	ended    bool // the browser has said good-bye
	state    State
	profile  string

	sender
	receiver
}

// route is where packets go.
type route struct {
	to     netip.AddrPort
	direct bool // by the lane
}

// Open makes a connection with its candidates, which waits for Start.
func Open(n *Network, o Options, h Handler) (*Conn, error) {
	agent, err := ice.NewAgentWithOptions(n.agentOptions()...)
	if err != nil {
		return nil, fmt.Errorf("making an ICE agent: %w", err)
	}
	c := &Conn{net: n, options: o, handler: h, agent: agent, state: StateNew, ice: ice.ConnectionStateNew}
	if len(n.Lanes) > 0 {
		c.lane = n.Lanes[o.Lane%len(n.Lanes)]
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.pipe = newPipe(c)
	// They fail only when the agent is closed.
	_ = agent.OnCandidate(c.candidateFound)
	_ = agent.OnConnectionStateChange(c.iceChanged)
	_ = agent.OnSelectedCandidatePairChange(c.pairChanged)
	if err := c.gather(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// maxGathering bounds the wait for candidates of our own sockets, which is a
// matter of milliseconds.
const maxGathering = 3 * time.Second

// gather waits for the candidates.
func (c *Conn) gather() error {
	done := make(chan struct{})
	c.mu.Lock()
	c.gathered, c.found = done, nil
	c.mu.Unlock()
	if err := c.agent.GatherCandidates(); err != nil {
		return fmt.Errorf("gathering candidates: %w", err)
	}
	late := time.NewTimer(maxGathering)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
	}
	if len(c.Candidates()) == 0 {
		return errGathering
	}
	return nil
}

func (c *Conn) candidateFound(x ice.Candidate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x != nil {
		c.found = append(c.found, x)
		return
	}
	if c.gathered != nil {
		close(c.gathered)
		c.gathered = nil
	}
}

// Candidates are the server's, as in a=candidate.
func (c *Conn) Candidates() []string {
	c.mu.Lock()
	found := slices.Clone(c.found)
	c.mu.Unlock()
	list := make([]string, len(found))
	for i, x := range found {
		list[i] = "candidate:" + x.Marshal()
	}
	return list
}

// Credentials are the server's of this round of ICE.
func (c *Conn) Credentials() (ufrag, password string, err error) {
	if ufrag, password, err = c.agent.GetLocalUserCredentials(); err != nil {
		return "", "", fmt.Errorf("reading the ICE credentials: %w", err)
	}
	return ufrag, password, nil
}

// Start waits for the browser's checks. It is called once.
func (c *Conn) Start(r Remote) error {
	c.mu.Lock()
	c.remote = r
	c.mu.Unlock()
	link, err := c.agent.StartAccept(r.Ufrag, r.Password)
	if err != nil {
		return fmt.Errorf("starting ICE: %w", err)
	}
	c.link = link
	c.wg.Go(c.read)
	c.addAll(r.Candidates)
	return nil
}

func (c *Conn) addAll(candidates []string) {
	for _, x := range candidates {
		_ = c.AddCandidate(x) // one that is of no use does no harm
	}
}

// AddCandidate takes a candidate of the browser. Checks come from the browser,
// so the connection would stand without.
func (c *Conn) AddCandidate(text string) error {
	x, err := ice.UnmarshalCandidate(text)
	if err != nil {
		return fmt.Errorf("reading a candidate: %w", err)
	}
	if err := c.agent.AddRemoteCandidate(x); err != nil {
		return fmt.Errorf("adding a candidate: %w", err)
	}
	return nil
}

// Restart begins ICE anew with the browser's new credentials (RFC 8445, section
// 9). Packets go on to the old address until a new pair is chosen.
func (c *Conn) Restart(r Remote) error {
	if err := c.agent.Restart("", ""); err != nil {
		return fmt.Errorf("restarting ICE: %w", err)
	}
	if err := c.gather(); err != nil {
		return err
	}
	c.mu.Lock()
	c.remote = r
	c.mu.Unlock()
	if err := c.agent.SetRemoteCredentials(r.Ufrag, r.Password); err != nil {
		return fmt.Errorf("restarting ICE: %w", err)
	}
	c.addAll(r.Candidates)
	return nil
}

// Remote is what the last offer said.
func (c *Conn) Remote() Remote {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remote
}

// Pair is the pair of candidates in use; nil: none.
func (c *Conn) Pair() *ice.CandidatePair {
	p, err := c.agent.GetSelectedCandidatePair()
	if err != nil {
		return nil
	}
	return p
}

// Profile is the SRTP profile by its IANA name, "" before the handshake.
func (c *Conn) Profile() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.profile
}

// pairChanged is ICE's.
func (c *Conn) pairChanged(local, remote ice.Candidate) {
	if local == nil || remote == nil {
		return
	}
	r := &route{}
	if ip, err := netip.ParseAddr(remote.Address()); err == nil {
		r.to = netip.AddrPortFrom(ip.Unmap(), uint16(remote.Port()))
		// A candidate of another port is none of the socket's.
		r.direct = c.lane != nil && local.NetworkType().IsUDP() && local.Port() == c.lane.Port() && c.lane.Reaches(r.to)
	}
	c.route.Store(r)
	c.tellPair(func() *ice.CandidatePair { return &ice.CandidatePair{Local: local, Remote: remote} })
}

// tellPair hands on what two goroutines of ICE learn. It is found out in turn, so
// that what is told last is what is.
func (c *Conn) tellPair(found func() *ice.CandidatePair) {
	c.pairing.Lock()
	defer c.pairing.Unlock()
	if p := found(); p != nil {
		c.handler.Pair("candidate:"+p.Local.Marshal(), "candidate:"+p.Remote.Marshal())
	}
}

// iceChanged is ICE's. Its pairs come by another goroutine, and the one by which
// it is connected is to be known first.
func (c *Conn) iceChanged(s ice.ConnectionState) {
	if s == ice.ConnectionStateConnected {
		c.tellPair(c.Pair)
	}
	c.handler.ICE(s)
	c.mu.Lock()
	c.ice = s
	begin := s == ice.ConnectionStateConnected && c.dtls == nil && !c.broken && c.ctx.Err() == nil
	if begin {
		begin = c.openDTLSLocked()
	}
	if begin {
		c.shaking.Go(c.shakeHands) // under the lock: Close waits for it
	}
	c.mu.Unlock()
	c.tell(s == ice.ConnectionStateConnected)
}

// tell reports the state if it has changed. again: a connection that was told
// to be up is told once more, since pictures were lost on the way.
func (c *Conn) tell(again bool) {
	c.telling.Lock() // ICE and DTLS have goroutines of their own, and what is told last must be what is
	defer c.telling.Unlock()
	c.mu.Lock()
	now := c.stateLocked()
	changed := now != c.state || again && now == StateConnected
	c.state = now
	c.mu.Unlock()
	if changed {
		c.handler.State(now)
	}
}

// stateLocked puts ICE and DTLS together (W3C WebRTC, section 4.3.3).
func (c *Conn) stateLocked() State {
	switch {
	case c.ended || c.ctx.Err() != nil:
		return StateClosed
	case c.broken || c.ice == ice.ConnectionStateFailed:
		return StateFailed
	case c.ice == ice.ConnectionStateDisconnected:
		return StateDisconnected
	case c.ice == ice.ConnectionStateNew:
		return StateNew
	case c.secured && (c.ice == ice.ConnectionStateConnected || c.ice == ice.ConnectionStateCompleted):
		return StateConnected
	}
	return StateConnecting
}

// Ended tells whether the browser has closed the connection.
func (c *Conn) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Close says good-bye, ends everything and waits.
func (c *Conn) Close() {
	c.closing.Do(func() {
		c.cancel()
		c.mu.Lock()
		d := c.dtls
		c.mu.Unlock()
		c.shaking.Wait()
		if d != nil {
			_ = d.Close() // the browser learns it by DTLS, or by silence
		}
		_ = c.pipe.Close()
		_ = c.agent.GracefulClose() // fails only when closed already
		c.wg.Wait()
	})
}
