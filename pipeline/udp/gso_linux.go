package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// A refusal may be the fault of one route (its MTU, IPsec), so at first it
	// is held against the destination alone. This many in a row, or one before
	// anything was ever cut, are held against the socket.
	refusalsInRow = 16
	// maxSingle destinations are remembered. Forgetting costs one more refusal.
	maxSingle = 256
	// A kernel without room is asked again after 0.1 ms, 0.2 ms and so on, in
	// all for a fifth of a second: longer than any queue of packets that would
	// still be of use.
	firstPause = 100 * time.Microsecond
	maxPauses  = 11
)

// sender hands trains to the kernel. One goroutine at a time may send.
type sender struct {
	counts *counters
	marks  *marks
	raw    syscall.RawConn
	inet6  bool

	inRow  int // refusals since something was cut
	single map[netip.AddrPort]struct{}

	messages messages
	first    int // of the messages: what attempt begins with
	sent     int
	errno    unix.Errno
	try      func(fd uintptr) bool // attempt, made once

	// Replaced in tests.
	call  func(fd uintptr, m []message) (int, unix.Errno)
	pause func(time.Duration)
}

// newSender is nil when the kernel knows no UDP_SEGMENT (before 4.18).
func newSender(sock *net.UDPConn, counts *counters, marks *marks, cfg Config) (*sender, error) {
	raw, err := sock.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &sender{
		counts: counts, marks: marks, raw: raw, single: make(map[netip.AddrPort]struct{}),
		call: sendMessages, pause: time.Sleep,
	}
	var domain int
	var refused, broken error
	err = raw.Control(func(fd uintptr) {
		_, refused = unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		domain, broken = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
	})
	if err = errors.Join(err, broken); err != nil {
		return nil, fmt.Errorf("asking for the address family: %w", err)
	}
	if refused != nil {
		return nil, nil
	}
	s.inet6 = domain == unix.AF_INET6
	s.messages.init(cfg.Segments)
	s.try = s.attempt
	return s, nil
}

// reaches tells whether an address can be written as the kernel wants it. One
// with a zone is left to package net, which knows the interfaces' numbers.
func (s *sender) reaches(a netip.AddrPort) bool {
	ip := a.Addr()
	if !ip.IsValid() || ip.Zone() != "" {
		return false
	}
	return s.inet6 || ip.Is4() || ip.Is4In6()
}

// place is a packet of a train.
type place struct{ train, packet int }

// send returns when the kernel has all of it.
func (s *sender) send(trains []train) {
	var at place
	pauses := 0
	for at.train < len(trains) {
		s.pack(trains, at)
		s.first, s.sent = 0, 0
		for s.first < s.messages.count {
			if !s.hand() {
				s.dropRest(trains, s.messages.from[s.first])
				return
			}
			if s.sent > 0 {
				s.accepted()
				pauses = 0
				continue
			}
			if s.errno == unix.EINTR {
				continue
			}
			if s.errno != unix.EAGAIN && s.errno != unix.ENOBUFS {
				break
			}
			s.counts.stalls.Add(1)
			if pauses == maxPauses {
				s.dropRest(trains, s.messages.from[s.first])
				return
			}
			s.pause(firstPause << pauses)
			pauses++
		}
		at = s.messages.end
		if s.first < s.messages.count {
			at = s.refused(trains)
		}
	}
}

// pack makes messages of what begins at at.
func (s *sender) pack(trains []train, at place) {
	s.messages.reset()
	for ; at.train < len(trains); at = (place{at.train + 1, 0}) {
		t := &trains[at.train]
		m := s.marks.find(t.to)
		if s.mayCut(t.to) {
			if s.messages.full() {
				break
			}
			s.messages.add(t.to, s.inet6, t.packets[at.packet:], at, m)
			continue
		}
		for ; at.packet < len(t.packets) && !s.messages.full(); at.packet++ {
			s.messages.add(t.to, s.inet6, t.packets[at.packet:at.packet+1], at, m)
		}
		if at.packet < len(t.packets) {
			break
		}
	}
	s.messages.end = at
}

func (s *sender) mayCut(to netip.AddrPort) bool {
	if s.counts.off.Load() {
		return false
	}
	if len(s.single) == 0 {
		return true
	}
	_, refused := s.single[to]
	return !refused
}

// hand makes one call; false: the socket is closed.
func (s *sender) hand() bool { return s.raw.Write(s.try) == nil }

// attempt never waits for the socket: the pauses are in send, and bounded.
func (s *sender) attempt(fd uintptr) bool {
	s.counts.calls.Add(1)
	s.sent, s.errno = s.call(fd, s.messages.list[s.first:s.messages.count])
	return true
}

// accepted counts what was just sent.
func (s *sender) accepted() {
	var segmented, segments uint64
	for i := s.first; i < s.first+s.sent; i++ {
		if n := s.messages.list[i].packets(); n > 1 {
			segmented++
			segments += uint64(n)
		}
	}
	s.counts.messages.Add(uint64(s.sent))
	if segmented > 0 {
		s.inRow = 0
		s.counts.segmented.Add(segmented)
		s.counts.segments.Add(segments)
	}
	s.first += s.sent
}

// refused deals with the message that the kernel would not take and says where
// to go on: with its packets one by one, or behind them when the destination
// itself is out of reach.
func (s *sender) refused(trains []train) place {
	at := s.messages.from[s.first]
	n := s.messages.list[s.first].packets()
	if n > 1 && refusesToCut(s.errno) {
		s.counts.refused.Add(1)
		s.inRow++
		if s.counts.segmented.Load() == 0 || s.inRow >= refusalsInRow {
			s.counts.off.Store(true)
			return at
		}
		if len(s.single) >= maxSingle {
			clear(s.single)
		}
		s.single[trains[at.train].to] = struct{}{}
		return at
	}
	s.counts.dropped.Add(uint64(n))
	at.packet += n
	if at.packet == len(trains[at.train].packets) {
		at = place{at.train + 1, 0}
	}
	return at
}

// refusesToCut: EIO without checksum offload, EINVAL and EMSGSIZE when a
// segment does not fit the route (by the age of the kernel).
func refusesToCut(e unix.Errno) bool {
	switch e {
	case unix.EIO, unix.EINVAL, unix.EMSGSIZE, unix.EOPNOTSUPP, unix.ENOPROTOOPT:
		return true
	}
	return false
}

func (s *sender) dropRest(trains []train, at place) {
	n := -at.packet
	for _, t := range trains[at.train:] {
		n += len(t.packets)
	}
	s.counts.dropped.Add(uint64(n))
}
