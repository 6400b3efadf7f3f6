//go:build !linux

package udp

import "net"

const canMark = false

func markControls(uint8) (control4, control6 []byte) { return nil, nil }

func markTCP(*net.TCPConn, uint8) error { return ErrNoMarks }
