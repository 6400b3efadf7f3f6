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

// control is the memory of a message's control messages: one with the
// UDP_SEGMENT option, see udp(7), and behind it one with the mark. Either may
// be left out. Aligned as the kernel wants them they fill it at most.
type control [6]uint64

// segmentSpace is the room of the first.
var segmentSpace = unix.CmsgSpace(2)

func (c *control) segment() unsafe.Pointer { return unsafe.Pointer(c) }
func (c *control) size() *uint16           { return (*uint16)(unsafe.Add(c.segment(), unix.CmsgLen(0))) }
func (c *control) mark() unsafe.Pointer    { return unsafe.Add(c.segment(), segmentSpace) }

// maxMessages of one call.
const maxMessages = 64

// messages are the arguments of one call, made again and again in the same
// memory.
type messages struct {
	list     [maxMessages]message
	from     [maxMessages]place // each one's first packet
	names    [maxMessages]unix.RawSockaddrInet6
	controls [maxMessages]control
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
		h := (*unix.Cmsghdr)(m.controls[i].segment())
		h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
		h.SetLen(unix.CmsgLen(2))
	}
}

func (m *messages) reset()     { m.count = 0 }
func (m *messages) full() bool { return m.count == maxMessages }

// add makes a message of the packets, which the kernel cuts where the first
// one's size ends. mark may be nil.
func (m *messages) add(to netip.AddrPort, inet6 bool, packets [][]byte, from place, mark *Mark) {
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
	m.control(h, &m.controls[i], to, packets, mark)
}

// control sets what goes with the message beside its packets.
func (m *messages) control(h *unix.Msghdr, c *control, to netip.AddrPort, packets [][]byte, mark *Mark) {
	begin, space := c.segment(), segmentSpace
	if cut := len(packets) > 1; cut {
		*c.size() = uint16(len(packets[0]))
	} else {
		begin, space = c.mark(), 0
	}
	if mark != nil {
		space += copy(unsafe.Slice((*byte)(c.mark()), markSpace), mark.control(to))
	}
	if h.Control = nil; space > 0 {
		h.Control = (*byte)(begin)
	}
	h.SetControllen(space)
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
