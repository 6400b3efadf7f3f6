// Package whip lets encoders in and players out over plain HTTP: WHIP (RFC
// 9725) at /whip/CLASS makes OBS, GStreamer or a box under the desk the
// presenter's camera or screen; WHEP (draft-ietf-wish-whep-03) at /whep/CLASS
// makes a wall screen or a player a viewer.
//
// It owns the sessions behind the secret addresses that it hands out, and one
// goroutine that ends those whose media is lost, that never connected or that
// the class closed. It decides nothing about a class: a session is a
// participant's tab, whose rights, places and endpoints are classroom's.
//
// Lock order: session.turn (one PATCH at a time), then Door.mu. The outlet is
// called with the class locked and takes Door.mu alone.
package whip
