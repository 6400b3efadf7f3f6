// Package sfu copies RTP packets from the tracks that arrive (UpTrack, Layer) to the places where viewers
// want them (Slot). It knows packets and nothing else.
package sfu
