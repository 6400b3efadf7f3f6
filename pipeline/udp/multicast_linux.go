package udp

import (
	"net"

	"golang.org/x/sys/unix"
)

// SendMulticast sets how many routers what is sent to a group may pass (ttl, 1
// to 255), and has it leave by the interface whose address the socket is bound
// to, where it is bound to one.
func SendMulticast(c *net.UDPConn, ttl int) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	local, _ := c.LocalAddr().(*net.UDPAddr)
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = setMulticast(int(fd), local, ttl)
	})
	if err == nil {
		err = failed
	}
	return err
}

func setMulticast(fd int, local *net.UDPAddr, ttl int) error {
	if local == nil || local.IP.To4() == nil {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, ttl)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, ttl); err != nil {
		return err
	}
	if local.IP.IsUnspecified() {
		return nil
	}
	return unix.SetsockoptInet4Addr(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, [4]byte(local.IP.To4()))
}
