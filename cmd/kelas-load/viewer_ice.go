package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v4"
)

// path is a viewer's side of ICE: the controlling one, with one socket and
// no candidates of its own but what the server learns from the checks
// (RFC 8445, section 7.3.1.3). It works with a server that is lite and with
// one that checks too. There is no TURN and no TCP.
type path struct {
	sock       *net.UDPConn
	ufrag, pwd string
	tie        [8]byte
	remote     answer

	chosen    atomic.Pointer[netip.AddrPort]
	connected chan struct{} // closed at the first good answer

	received, sent       atomic.Uint64 // bytes
	packetsIn, packetOut atomic.Uint64
}

// receiveBuffer is what libwebrtc asks for.
const receiveBuffer = 256 << 10

func newPath() (*path, error) {
	sock, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return nil, fmt.Errorf("opening a socket: %w", err)
	}
	if err := sock.SetReadBuffer(receiveBuffer); err != nil {
		_ = sock.Close()
		return nil, fmt.Errorf("setting a socket's buffer: %w", err)
	}
	p := &path{sock: sock, ufrag: rand.Text()[:8], pwd: rand.Text()[:24], connected: make(chan struct{})}
	_, _ = rand.Read(p.tie[:]) // never fails
	return p, nil
}

// connect checks all the server's addresses until one answers.
func (p *path) connect(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, to := range p.remote.addresses {
			if err := p.check(to); err != nil {
				return fmt.Errorf("checking the path: %w", err)
			}
		}
		select {
		case <-p.connected:
			return nil
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("no address of the server answers: %w", ctx.Err())
		}
	}
}

// consent asks again on the chosen pair (RFC 7675, section 5.1).
func (p *path) consent() {
	if to := p.chosen.Load(); to != nil {
		_ = p.check(*to) // a closed socket
	}
}

func (p *path) check(to netip.AddrPort) error {
	priority := binary.BigEndian.AppendUint32(nil, 110<<24|65535<<8|255) // peer reflexive
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(p.remote.ufrag+":"+p.ufrag),
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: p.tie[:]}, stun.RawAttribute{Type: stun.AttrPriority, Value: priority},
		stun.RawAttribute{Type: stun.AttrUseCandidate}, stun.NewShortTermIntegrity(p.remote.pwd), stun.Fingerprint)
	if err != nil {
		return err
	}
	return p.write(m.Raw, to)
}

// take reads a STUN packet: the answer to a check, or a check of the server's.
func (p *path) take(packet []byte, from netip.AddrPort) {
	m := &stun.Message{Raw: append([]byte(nil), packet...)}
	if m.Decode() != nil {
		return
	}
	switch m.Type {
	case stun.BindingSuccess:
		if stun.NewShortTermIntegrity(p.remote.pwd).Check(m) == nil && p.chosen.CompareAndSwap(nil, &from) {
			close(p.connected)
		}
	case stun.BindingRequest:
		own := stun.NewShortTermIntegrity(p.pwd)
		if own.Check(m) != nil {
			return
		}
		ip := from.Addr().As4()
		reply, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
			&stun.XORMappedAddress{IP: ip[:], Port: int(from.Port())}, own, stun.Fingerprint)
		if err == nil {
			_ = p.write(reply.Raw, from)
		}
	}
}

func (p *path) write(b []byte, to netip.AddrPort) error {
	n, err := p.sock.WriteToUDPAddrPort(b, to)
	if err == nil {
		p.sent.Add(uint64(n))
		p.packetOut.Add(1)
	}
	return err
}

// send writes to the chosen pair; before there is one the packet is lost.
func (p *path) send(b []byte) error {
	if to := p.chosen.Load(); to != nil {
		return p.write(b, *to)
	}
	return nil
}

func (p *path) traffic() (sent, received traffic) {
	return traffic{p.sent.Load(), p.packetOut.Load()}, traffic{p.received.Load(), p.packetsIn.Load()}
}
