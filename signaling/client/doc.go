// Package client takes part in a class from a Go program: it speaks the
// Socket.IO 4.x of PROTOCOL.md over a websocket, and negotiates a
// PeerConnection of pion as the class page negotiates its own.
//
// It owns one websocket and the goroutine that reads it. It never comes back
// by itself after a cut line, never makes a PeerConnection, and keeps nothing
// of what it hears: news go to Config.OnEvent as they come.
//
// Locks: writing (one writer of the websocket) and mu (what waits for an
// answer) are never held together, and OnEvent is called with neither.
package client
