package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

const (
	// RFC 8489, section 6.2.1, with fewer repetitions: a request leaves at 0,
	// 0.5, 1.5 and 3.5 s, and is given up 2 s later. Nobody waits for 39 s until
	// a call begins.
	stunRTO      = 500 * time.Millisecond
	stunRequests = 4
	stunLastWait = 2 * time.Second

	// mappingTTL is less than NATs keep a mapping without traffic (RFC 4787,
	// section 4.3, asks for two minutes; many have 30 s).
	mappingTTL = 20 * time.Second
	// maxQuestions wait for STUN servers at a time, and as many mappings are
	// remembered.
	maxQuestions = 256
)

var (
	errTooManyQuestions = errors.New("too many STUN servers are being asked")
	errSTUNSilent       = errors.New("the STUN server does not answer")
)

type transactionID = [stun.TransactionIDSize]byte

// mapper asks STUN servers by which address the media socket is seen from
// outside (RFC 8445, section 5.1.1.2). The request leaves by that very socket,
// or the NAT would tell the mapping of another port; so the answer comes in
// among the browsers' packets.
type mapper struct {
	send func(p []byte, to netip.AddrPort) error
	now  func() time.Time

	open  atomic.Int32 // len(asked), to be read for each packet that may be an answer
	mu    sync.Mutex
	asked map[transactionID]*question
	known map[netip.AddrPort]mapping // by server
}

// question is one transaction.
type question struct {
	server netip.AddrPort
	answer chan stunAnswer // room for one
}

type stunAnswer struct {
	mapped netip.AddrPort
	err    error
}

type mapping struct {
	mapped netip.AddrPort
	at     time.Time
}

func newMapper(send func([]byte, netip.AddrPort) error, now func() time.Time) *mapper {
	return &mapper{send: send, now: now, asked: map[transactionID]*question{}, known: map[netip.AddrPort]mapping{}}
}

// mapped is the media socket's address as that server sees it.
func (m *mapper) mapped(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error) {
	m.mu.Lock()
	k, ok := m.known[server]
	fresh := ok && m.now().Sub(k.at) < mappingTTL
	m.mu.Unlock()
	if fresh {
		return k.mapped, nil
	}
	request, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("writing a STUN request: %w", err)
	}
	q := &question{server, make(chan stunAnswer, 1)}
	if err := m.begin(request.TransactionID, q); err != nil {
		return netip.AddrPort{}, err
	}
	defer m.end(request.TransactionID)
	a, err := m.ask(ctx, q, request.Raw)
	if err != nil {
		return netip.AddrPort{}, err
	}
	m.remember(server, a.mapped)
	return a.mapped, a.err
}

func (m *mapper) begin(id transactionID, q *question) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.asked) >= maxQuestions {
		return errTooManyQuestions
	}
	m.asked[id] = q
	m.open.Store(int32(len(m.asked)))
	return nil
}

func (m *mapper) end(id transactionID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.asked, id)
	m.open.Store(int32(len(m.asked)))
}

func (m *mapper) ask(ctx context.Context, q *question, request []byte) (stunAnswer, error) {
	wait := stunRTO
	for i := range stunRequests {
		if err := m.send(request, q.server); err != nil {
			return stunAnswer{}, fmt.Errorf("sending a STUN request: %w", err)
		}
		if i == stunRequests-1 {
			wait = stunLastWait
		}
		timer := time.NewTimer(wait)
		select {
		case a := <-q.answer:
			timer.Stop()
			return a, a.err
		case <-ctx.Done():
			timer.Stop()
			return stunAnswer{}, ctx.Err()
		case <-timer.C:
		}
		wait *= 2
	}
	return stunAnswer{}, errSTUNSilent
}

func (m *mapper) remember(server, mapped netip.AddrPort) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	for s, k := range m.known {
		if now.Sub(k.at) >= mappingTTL {
			delete(m.known, s)
		}
	}
	if len(m.known) < maxQuestions {
		m.known[server] = mapping{mapped, now}
	}
}

// takes keeps answers to our requests from ICE. Other packets pass: ICE's own
// answers, which are those to keep-alives, have transactions of their own.
func (m *mapper) takes(p []byte, from netip.AddrPort) bool {
	const header = 20
	// The types of answers are 0x0101 and 0x0111; a request of a browser begins
	// with 0, DTLS with 20 to 63, media with 128 and more (RFC 7983, section 7).
	if len(p) < header || p[0] != 1 || m.open.Load() == 0 || !stun.IsMessage(p) {
		return false
	}
	id := transactionID(p[8:header])
	m.mu.Lock()
	q := m.asked[id]
	m.mu.Unlock()
	if q == nil || q.server != plain(from) {
		return false
	}
	a, ok := readSTUNAnswer(p)
	if !ok {
		return false
	}
	select {
	case q.answer <- a:
	default: // a repeated one
	}
	return true
}

// readSTUNAnswer reads the answer to a binding request; false: it is none.
func readSTUNAnswer(p []byte) (stunAnswer, bool) {
	m := &stun.Message{Raw: append([]byte(nil), p...)}
	if err := m.Decode(); err != nil {
		return stunAnswer{}, false
	}
	switch m.Type {
	case stun.BindingSuccess:
	case stun.BindingError:
		var code stun.ErrorCodeAttribute
		if err := code.GetFrom(m); err != nil {
			return stunAnswer{}, false
		}
		return stunAnswer{err: fmt.Errorf("the STUN server refuses: error %d", code.Code)}, true
	default:
		return stunAnswer{}, false
	}
	var x stun.XORMappedAddress
	if err := x.GetFrom(m); err != nil {
		return stunAnswer{}, false
	}
	ip, _ := netip.AddrFromSlice(x.IP)
	mapped := plain(netip.AddrPortFrom(ip, uint16(x.Port)))
	return stunAnswer{mapped: mapped}, reachable(mapped)
}

// mediaTap is the media socket as ICE reads it.
type mediaTap struct {
	net.PacketConn
	wide   ice.AddrPortReaderWriter // nil: a virtual network's
	answer *mapper
}

func newMediaTap(conn net.PacketConn, now func() time.Time) *mediaTap {
	t := &mediaTap{PacketConn: conn}
	t.wide, _ = conn.(ice.AddrPortReaderWriter)
	t.answer = newMapper(func(p []byte, to netip.AddrPort) error {
		_, err := t.WriteToAddrPort(p, to)
		return err
	}, now)
	return t
}

// ReadFromAddrPort reads a packet that is not for the mapper.
func (t *mediaTap) ReadFromAddrPort(p []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := t.read(p)
		if err == nil && t.answer.takes(p[:n], from) {
			continue
		}
		return n, from, err
	}
}

func (t *mediaTap) read(p []byte) (int, netip.AddrPort, error) {
	if t.wide != nil {
		return t.wide.ReadFromAddrPort(p)
	}
	n, from, err := t.PacketConn.ReadFrom(p)
	if a, ok := from.(*net.UDPAddr); ok {
		return n, a.AddrPort(), err
	}
	return n, netip.AddrPort{}, err
}

// ReadFrom is ReadFromAddrPort for callers that want a net.Addr.
func (t *mediaTap) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := t.ReadFromAddrPort(p)
	return n, net.UDPAddrFromAddrPort(from), err
}

// indicate sends a binding indication (RFC 8489, section 6), which nobody answers.
func (t *mediaTap) indicate(to netip.AddrPort) {
	if p, err := bindingIndication(); err == nil {
		_, _ = t.WriteToAddrPort(p, to) // one that cannot be reached is no harm
	}
}

func bindingIndication() ([]byte, error) {
	m, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodBinding, stun.ClassIndication), stun.Fingerprint)
	if err != nil {
		return nil, fmt.Errorf("writing a STUN indication: %w", err)
	}
	return m.Raw, nil
}

// WriteToAddrPort sends a packet.
func (t *mediaTap) WriteToAddrPort(p []byte, to netip.AddrPort) (int, error) {
	if t.wide != nil {
		return t.wide.WriteToAddrPort(p, to)
	}
	return t.PacketConn.WriteTo(p, net.UDPAddrFromAddrPort(to))
}
