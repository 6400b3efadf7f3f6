package sfu

import "time"

// Layer is one encoding of an up track and the only place where its packets are kept.
type Layer struct {
	rid  string
	ssrc uint32
}

// RID is the layer's restriction identifier, "" without simulcast.
func (l *Layer) RID() string { return l.rid }

// SSRC is the layer's SSRC.
func (l *Layer) SSRC() uint32 { return l.ssrc }

// Write takes one RTP packet as read from the transport; the buffer is the caller's again on return.
// Only one goroutine may write a layer.
func (l *Layer) Write(packet []byte, arrival time.Time) {}

// WriteSenderReport takes what the layer's sender said about its clock.
func (l *Layer) WriteSenderReport(ntp uint64, rtp uint32, arrival time.Time) {}
