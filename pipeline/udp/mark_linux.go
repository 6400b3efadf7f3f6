package udp

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const canMark = true

// markSpace is the room of a control message with an int.
var markSpace = unix.CmsgSpace(4)

// markControls are the control messages for IPv4 and IPv6, see ip(7) and
// ipv6(7). The code point stands above the two bits of ECN. To an IPv4
// destination a socket of IPv6 takes the one of IPv4.
func markControls(dscp uint8) (control4, control6 []byte) {
	one := func(level, option int) []byte {
		b := make([]byte, markSpace)
		putMark(unsafe.Pointer(&b[0]), level, option, dscp)
		return b
	}
	return one(unix.IPPROTO_IP, unix.IP_TOS), one(unix.IPPROTO_IPV6, unix.IPV6_TCLASS)
}

func putMark(at unsafe.Pointer, level, option int, dscp uint8) {
	h := (*unix.Cmsghdr)(at)
	h.Level, h.Type = int32(level), int32(option)
	h.SetLen(unix.CmsgLen(4))
	*(*int32)(unsafe.Add(at, unix.CmsgLen(0))) = int32(dscp) << 2
}

func markSocket(c syscall.Conn, v4 bool, dscp uint8) error {
	level, option := unix.IPPROTO_IPV6, unix.IPV6_TCLASS
	if v4 {
		level, option = unix.IPPROTO_IP, unix.IP_TOS
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return fmt.Errorf("marking a connection: %w", err)
	}
	var refused error
	if err := raw.Control(func(fd uintptr) { refused = unix.SetsockoptInt(int(fd), level, option, int(dscp)<<2) }); err != nil {
		return fmt.Errorf("marking a connection: %w", err)
	}
	if refused != nil {
		return fmt.Errorf("marking a connection: %w", refused)
	}
	return nil
}
