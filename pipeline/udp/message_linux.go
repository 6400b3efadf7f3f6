package udp

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// message is the kernel's struct mmsghdr, see sendmmsg(2).
type message struct {
	header unix.Msghdr
	sent   uint32
}

func (m *message) packets() int { return int(m.header.Iovlen) }

// segmentSize is a control message with the UDP_SEGMENT option, see udp(7). The
// kernel aligns its end, so there are some bytes more than the two of the size.
type segmentSize struct {
	header unix.Cmsghdr
	size   uint16
	_      [6]byte
}

// maxMessages of one call.
const maxMessages = 64

// messages are the arguments of one call, made again and again in the same
// memory.
type messages struct {
	list     [maxMessages]message
	from     [maxMessages]place // each one's first packet
	names    [maxMessages]unix.RawSockaddrInet6
	controls [maxMessages]segmentSize
	pieces   []unix.Iovec // segments for each message
	segments int

	count int
	end   place // behind the last
}

func (m *messages) init(segments int) {
	m.segments = segments
	m.pieces = make([]unix.Iovec, maxMessages*segments)
	for i := range m.list {
		m.list[i].header.Name = (*byte)(unsafe.Pointer(&m.names[i]))
		c := &m.controls[i]
		c.header.Level, c.header.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
		c.header.SetLen(unix.CmsgLen(2))
	}
}

func (m *messages) reset()     { m.count = 0 }
func (m *messages) full() bool { return m.count == maxMessages }

// add makes a message of the packets, which the kernel cuts where the first
// one's size ends.
func (m *messages) add(to netip.AddrPort, inet6 bool, packets [][]byte, from place) {
	i := m.count
	m.count++
	m.from[i] = from
	h := &m.list[i].header
	h.Namelen = m.name(i, to, inet6)
	pieces := m.pieces[i*m.segments : i*m.segments+len(packets)]
	for j, p := range packets {
		pieces[j].Base = &p[0]
		pieces[j].SetLen(len(p))
	}
	h.Iov = &pieces[0]
	h.SetIovlen(len(pieces))
	if len(packets) == 1 {
		h.Control = nil
		h.SetControllen(0)
		return
	}
	c := &m.controls[i]
	c.size = uint16(len(packets[0]))
	h.Control = (*byte)(unsafe.Pointer(c))
	h.SetControllen(unix.CmsgSpace(2))
}

// name writes the address in the family of the socket.
func (m *messages) name(i int, to netip.AddrPort, inet6 bool) uint32 {
	n := &m.names[i]
	if inet6 {
		*n = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: to.Addr().As16()}
		putPort(unsafe.Pointer(&n.Port), to.Port())
		return unix.SizeofSockaddrInet6
	}
	n4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
	*n4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr().As4()}
	putPort(unsafe.Pointer(&n4.Port), to.Port())
	return unix.SizeofSockaddrInet4
}

// putPort writes in network order.
func putPort(at unsafe.Pointer, port uint16) {
	b := (*[2]byte)(at)
	b[0], b[1] = byte(port>>8), byte(port)
}

// sendMessages is sendmmsg(2): how many were taken, or why the first was not.
func sendMessages(fd uintptr, m []message) (int, unix.Errno) {
	n, _, e := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)), unix.MSG_DONTWAIT, 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(n), 0
}
