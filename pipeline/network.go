package pipeline

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/webrtc/v4"

	"kelas/pipeline/udp"
)

// tcpWriteBuffer is for one ICE-TCP connection; a full one drops.
const tcpWriteBuffer = 1 << 20

// network is the server's sockets for media.
type network struct {
	net      transport.Net
	udp      net.PacketConn
	media    *udp.Conn // the same; nil on a virtual network
	tap      *mediaTap
	udpMux   *hostMux
	tcp      *markedListener // nil: off
	tcpMux   *ice.TCPMuxDefault
	loopback bool // offer loopback candidates
}

func openNetwork(cfg Config, logs logging.LoggerFactory) (_ *network, err error) {
	n := &network{net: cfg.Net}
	if n.net == nil {
		if n.net, err = stdnet.NewNet(); err != nil {
			return nil, fmt.Errorf("reading the network interfaces: %w", err)
		}
	}
	addr, err := net.ResolveUDPAddr("udp", cfg.MediaAddr)
	if err != nil {
		return nil, fmt.Errorf("%w: MediaAddr: %v", ErrConfig, err)
	}
	sock, err := n.net.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening for media on %s: %w", cfg.MediaAddr, err)
	}
	if err = n.take(sock, cfg); err != nil {
		_ = sock.Close()
		return nil, err
	}
	n.tap = newMediaTap(n.udp, time.Now)
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{Logger: logs.NewLogger("ice-udp"), UDPConn: n.tap, Net: n.net})
	n.udpMux = &hostMux{mux}
	if cfg.TCPAddr != "" {
		listener, err := net.Listen("tcp", cfg.TCPAddr)
		if err != nil {
			_ = n.close()
			return nil, fmt.Errorf("listening for ICE-TCP on %s: %w", cfg.TCPAddr, err)
		}
		n.tcp = &markedListener{Listener: listener}
		n.tcpMux = ice.NewTCPMuxDefault(ice.TCPMuxParams{
			Listener: n.tcp, Logger: logs.NewLogger("ice-tcp"),
			ReadBufferSize: 64, WriteBufferSize: tcpWriteBuffer,
		})
	}
	n.loopback = n.wantsLoopback()
	return n, nil
}

// wantsLoopback: a server that is bound to a loopback address, or has no other,
// must offer that one.
func (n *network) wantsLoopback() bool {
	for _, a := range n.mediaAddrs() {
		if a.IP.IsLoopback() {
			return true
		}
	}
	if n.tcp != nil {
		if a, ok := n.tcp.Addr().(*net.TCPAddr); ok {
			return a.IP.IsLoopback()
		}
	}
	return false
}

// take puts the system's socket behind one that sends several packets as one
// message. A virtual network's has no kernel to cut them up.
func (n *network) take(sock transport.UDPConn, cfg Config) (err error) {
	n.udp = sock
	if bare, ok := sock.(*net.UDPConn); ok {
		if n.media, err = udp.New(bare, udp.Config{Plain: cfg.PlainUDP}); err == nil {
			n.udp = n.media
		}
	}
	return err
}

// flush sends what waits for more packets to the same browsers.
func (n *network) flush() {
	if n.media != nil {
		n.media.Flush()
	}
}

// padTo is the multiple to which sizes are evened out, where that has the
// kernel cut longer messages up: libwebrtc makes the later packets of a frame a
// byte longer than the first, and one message has one size.
func (n *network) padTo() int {
	if n.media != nil && n.media.Stats().Coalescing {
		return 16
	}
	return 0
}

func (n *network) networkTypes() []webrtc.NetworkType {
	types := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6}
	if n.tcpMux != nil {
		types = append(types, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
	}
	return types
}

func (n *network) close() error {
	var errs []error
	if n.tcpMux != nil {
		errs = append(errs, n.tcpMux.Close())
	}
	errs = append(errs, n.udpMux.Close())
	return errors.Join(errs...)
}

// hostMux chooses which of the machine's addresses are offered. One socket on
// the unspecified address serves all of them: a packet that comes by another
// interface than the one offered, as behind a 1:1 NAT, still finds its
// connection.
type hostMux struct{ *ice.UDPMuxDefault }

// GetListenAddresses leaves out link-local addresses, which a page on another
// link cannot use, and loopback unless there is nothing else.
func (m *hostMux) GetListenAddresses() []net.Addr {
	all := m.UDPMuxDefault.GetListenAddresses()
	if len(all) < 2 {
		return all
	}
	var far, near []net.Addr
	for _, a := range all {
		udp, ok := a.(*net.UDPAddr)
		switch {
		case !ok || udp.IP.IsLinkLocalUnicast():
		case udp.IP.IsLoopback():
			near = append(near, a)
		default:
			far = append(far, a)
		}
	}
	if len(far) > 0 {
		return far
	}
	return near
}

// mediaAddrs are the addresses at which the media socket can be reached from
// this machine.
func (n *network) mediaAddrs() []*net.UDPAddr {
	var list []*net.UDPAddr
	for _, a := range n.udpMux.GetListenAddresses() {
		if udp, ok := a.(*net.UDPAddr); ok {
			list = append(list, udp)
		}
	}
	return list
}
