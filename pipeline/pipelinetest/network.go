package pipelinetest

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/vnet"
)

// ServerIP is the address of a Network's server.
const ServerIP = "10.0.0.1"

// InnerIP is what the server calls itself behind a NAT, whose address is then
// ServerIP.
const InnerIP = "192.168.7.2"

// NetworkOptions say how bad the network is.
type NetworkOptions struct {
	Delay time.Duration // each way
	// Reorder is the part of the packets, 0..1, that is held back for
	// ReorderBy and so overtaken by others.
	Reorder   float64
	ReorderBy time.Duration
	Seed      uint64
	// NAT puts the server behind one of the usual sort: a port has one mapping,
	// and in comes only what comes from where something was sent to (RFC 4787,
	// sections 4.1 and 5).
	NAT bool
}

// Network is a virtual network between a server and its browsers.
type Network struct {
	tb      testing.TB
	opts    NetworkOptions
	router  *vnet.Router
	server  transport.Net
	loss    atomic.Uint64 // of 2^32
	dropped atomic.Uint64
	only    atomic.Pointer[string]

	mu      sync.Mutex
	random  *rand.Rand
	clients byte

	wg sync.WaitGroup // packets held back
}

// making guards the counter of MAC addresses that all of vnet's networks share.
var making sync.Mutex

// NewNetwork builds the network; the test's cleanup stops it. Make it before
// the server and the browsers, so that it is stopped after them.
func NewNetwork(tb testing.TB, o NetworkOptions) *Network {
	tb.Helper()
	making.Lock()
	router, err := vnet.NewRouter(&vnet.RouterConfig{
		CIDR: "10.0.0.0/16", QueueSize: 1 << 16, MinDelay: o.Delay,
		LoggerFactory: &logging.DefaultLoggerFactory{Writer: nowhere{}, DefaultLogLevel: logging.LogLevelDisabled},
	})
	making.Unlock()
	if err != nil {
		tb.Fatalf("making a virtual network: %v", err)
	}
	n := &Network{tb: tb, opts: o, router: router, random: rand.New(rand.NewPCG(o.Seed, 1))}
	router.AddChunkFilter(func(c vnet.Chunk) bool { return !n.drops() && n.mayPass(c) })
	at, ip := router, ServerIP
	if o.NAT {
		at, ip = n.addNAT(), InnerIP
	}
	n.server = n.add(at, ip)
	if err := router.Start(); err != nil {
		tb.Fatalf("starting a virtual network: %v", err)
	}
	tb.Cleanup(func() {
		n.wg.Wait()
		_ = router.Stop()
	})
	return n
}

// Server is the server's side; it listens on ServerIP.
func (n *Network) Server() transport.Net { return n.server }

// Client is a further machine.
func (n *Network) Client() transport.Net {
	n.tb.Helper()
	n.mu.Lock()
	n.clients++
	ip := net.IPv4(10, 0, 1, n.clients).String()
	n.mu.Unlock()
	return n.add(n.router, ip)
}

// addNAT is the server's own network behind its NAT.
func (n *Network) addNAT() *vnet.Router {
	n.tb.Helper()
	making.Lock()
	r, err := vnet.NewRouter(&vnet.RouterConfig{
		CIDR: "192.168.7.0/24", StaticIPs: []string{ServerIP}, QueueSize: 1 << 16,
		NATType:       &vnet.NATType{FilteringBehavior: vnet.EndpointAddrPortDependent},
		LoggerFactory: &logging.DefaultLoggerFactory{Writer: nowhere{}, DefaultLogLevel: logging.LogLevelDisabled},
	})
	making.Unlock()
	if err == nil {
		err = n.router.AddRouter(r)
	}
	if err != nil {
		n.tb.Fatalf("making a virtual NAT: %v", err)
	}
	return r
}

// OnlyBy cuts all ways but those from and to that machine.
func (n *Network) OnlyBy(ip string) { n.only.Store(&ip) }

func (n *Network) mayPass(c vnet.Chunk) bool {
	only := n.only.Load()
	if only == nil {
		return true
	}
	for _, a := range []net.Addr{c.SourceAddr(), c.DestinationAddr()} {
		if host, _, err := net.SplitHostPort(a.String()); err == nil && host == *only {
			return true
		}
	}
	return false
}

func (n *Network) add(at *vnet.Router, ip string) transport.Net {
	n.tb.Helper()
	making.Lock()
	v, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	making.Unlock()
	if err != nil {
		n.tb.Fatalf("adding %s to the virtual network: %v", ip, err)
	}
	if err := at.AddNet(v); err != nil {
		n.tb.Fatalf("adding %s to the virtual network: %v", ip, err)
	}
	if n.opts.Reorder > 0 {
		return &reorderNet{v, n}
	}
	return v
}

// SetLoss loses that part, 0..1, of all packets from now on, both ways.
func (n *Network) SetLoss(part float64) { n.loss.Store(uint64(part * (1 << 32))) }

// Dropped is how many packets were lost so far.
func (n *Network) Dropped() uint64 { return n.dropped.Load() }

func (n *Network) drops() bool {
	part := n.loss.Load()
	if part == 0 {
		return false
	}
	n.mu.Lock()
	hit := uint64(n.random.Uint32()) < part
	n.mu.Unlock()
	if hit {
		n.dropped.Add(1)
	}
	return hit
}

func (n *Network) holds() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.random.Float64() < n.opts.Reorder
}

// reorderNet opens sockets that hold some packets back.
type reorderNet struct {
	transport.Net
	network *Network
}

func (r *reorderNet) ListenUDP(network string, a *net.UDPAddr) (transport.UDPConn, error) {
	c, err := r.Net.ListenUDP(network, a)
	if err != nil {
		return nil, err
	}
	return &reorderConn{c, r.network}, nil
}

func (r *reorderNet) ListenPacket(network, address string) (net.PacketConn, error) {
	a, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	return r.ListenUDP(network, a)
}

type reorderConn struct {
	transport.UDPConn
	network *Network
}

func (c *reorderConn) WriteTo(b []byte, to net.Addr) (int, error) {
	if !c.network.holds() {
		return c.UDPConn.WriteTo(b, to)
	}
	held := append([]byte(nil), b...)
	c.network.wg.Add(1)
	time.AfterFunc(c.network.opts.ReorderBy, func() {
		defer c.network.wg.Done()
		// The socket may be closed by now: then the packet is lost.
		_, _ = c.UDPConn.WriteTo(held, to)
	})
	return len(b), nil
}
