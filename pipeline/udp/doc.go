// Package udp is the media socket: a net.PacketConn that lets media packets
// wait a moment, so that those for one destination leave as one message, which
// the kernel cuts up (UDP GSO, the UDP_SEGMENT of Linux), and the messages for
// many destinations in one call (sendmmsg). What a forwarded packet costs is
// the kernel's work for each message.
//
// It owns the socket it is given, what waits, and for each lane one goroutine
// that ends the wait. It never reads a packet beyond its first two bytes, never changes one,
// and never gives one up while the kernel may still take it.
//
// # Order
//
// Media packets of one destination leave in the order in which they were
// written. What is no media (STUN, DTLS, RTCP) leaves before the call returns,
// ahead of media that waits: nothing in these protocols depends on it.
//
// # Lock order
//
//	Lane.sending > Lane.mu
//	Lane.sending > marks.mu
//	Conn.mu, alone
//
// Lane.mu guards what is being filled, for as long as a copy takes, or from
// Reserve to Commit. Lane.sending is held while the kernel works; who holds it
// owns the spare batch and the sender.
package udp
