//go:build !linux

package udp

import "syscall"

const canMark = false

func markControls(uint8) (control4, control6 []byte) { return nil, nil }

func markSocket(syscall.Conn, bool, uint8) error { return ErrNoMarks }
