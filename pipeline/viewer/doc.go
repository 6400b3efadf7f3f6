// Package viewer is the server's end of a browser connection that only
// receives: ICE (lite), DTLS (server) and SRTP, without a PeerConnection, whose
// goroutines, queues and interceptors a viewer has no use for. SDP is the
// caller's; so is what is sent.
//
// A Conn owns its ICE agent, its DTLS connection, the keys, one goroutine that
// reads, and one for the handshake. Close ends them and waits. Packets leave by
// a lane of the media socket, where they are encrypted in the memory that the
// kernel is given; by TCP, and on networks that have no such socket, they leave
// one by one through ICE.
//
// # Nonces
//
// An SRTP nonce is made of SSRC, number and rollover count (RFC 7714, section
// 8.1), so no SSRC may send one number twice with other bytes. The slots give
// numbers; here one lock makes one writer of all who send. A packet that is
// stamped with a transport-wide number is never the same again, so it must not be
// sent again under its own SSRC and number: that goes by RTX. One without a stamp
// may be, as it is then equal to the byte.
//
// # Lock order
//
//	Conn.sending > udp.Lane's
//	Conn.telling > Conn.mu, what Handler.State takes
package viewer
