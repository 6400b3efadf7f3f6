package kurento

import "net/netip"

// address counts what came from one network address.
type address struct{ conns, sessions int }

// networkOf is the address itself, or for IPv6 its /64, which is one
// customer's (RFC 6177). Text that is no address shares one entry.
func networkOf(text string) netip.Prefix {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 32
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(ip, bits).Masked()
}

// enter counts a connection; false says that there are too many.
func (s *Server) enter(addr netip.Prefix) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	a := s.addresses[addr]
	if a == nil {
		a = &address{}
		s.addresses[addr] = a
	}
	if a.conns >= s.cfg.MaxSessions {
		return false
	}
	a.conns++
	return true
}

func (s *Server) leaveLocked(addr netip.Prefix, leave func(*address)) {
	a := s.addresses[addr]
	if leave(a); *a == (address{}) {
		delete(s.addresses, addr)
	}
}
