//go:build !linux

package udp

import (
	"errors"
	"net"
)

// SendMulticast is for Linux alone.
func SendMulticast(*net.UDPConn, int) error {
	return errors.New("multicast is sent on Linux alone")
}
