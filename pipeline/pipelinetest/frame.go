package pipelinetest

import (
	"encoding/binary"

	"github.com/pion/rtp/codecs"
)

// A generated VP8 frame is a real frame header (RFC 6386, section 9.1), then a
// mark with the number of the source and of the frame, then filling.
const (
	keyHeader   = 10 // frame tag, start code, size
	deltaHeader = 3
	markSize    = 12
	keyFrame    = 9000 // bytes: eight packets
	deltaFrame  = 2600 // three packets
)

var mark = [4]byte{'k', 'l', 's', 1}

// encodeFrame makes frame number of a source.
func encodeFrame(source, number uint32, key bool) []byte {
	size, header := deltaFrame, deltaHeader
	if key {
		size, header = keyFrame, keyHeader
	}
	b := make([]byte, size)
	tag := uint32(1)<<4 | uint32(1000)<<5 // shown, first partition of 1000 bytes
	if !key {
		tag |= 1
	}
	b[0], b[1], b[2] = byte(tag), byte(tag>>8), byte(tag>>16)
	if key {
		copy(b[3:], []byte{0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}) // 640x360
	}
	copy(b[header:], mark[:])
	binary.BigEndian.PutUint32(b[header+4:], source)
	binary.BigEndian.PutUint32(b[header+8:], number)
	for i := header + markSize; i < size; i++ {
		b[i] = byte(i) ^ byte(number)
	}
	return b
}

// decodeFrame reads the mark; ok is false when the frame is not whole.
func decodeFrame(b []byte) (source, number uint32, key, ok bool) {
	if len(b) < deltaFrame {
		return 0, 0, false, false
	}
	key = b[0]&1 == 0
	size, header := deltaFrame, deltaHeader
	if key {
		size, header = keyFrame, keyHeader
	}
	if len(b) != size || [4]byte(b[header:]) != mark {
		return 0, 0, key, false
	}
	source, number = binary.BigEndian.Uint32(b[header+4:]), binary.BigEndian.Uint32(b[header+8:])
	for i := header + markSize; i < size; i++ {
		if b[i] != byte(i)^byte(number) {
			return source, number, key, false
		}
	}
	return source, number, key, true
}

// newVP8Payloader has picture ids on every frame: pion leaves the field out of
// the very first one, and a stream must not mix both.
func newVP8Payloader() *codecs.VP8Payloader {
	p := &codecs.VP8Payloader{EnablePictureID: true}
	p.Payload(1200, []byte{1, 0, 0})
	return p
}

// encodeSound makes one Opus packet of 20 ms: a TOC byte (RFC 6716, section
// 3.1: fullband CELT, 20 ms, one frame), then the mark.
func encodeSound(source, number uint32) []byte {
	b := make([]byte, 80)
	b[0] = 31 << 3
	copy(b[1:], mark[:])
	binary.BigEndian.PutUint32(b[5:], source)
	binary.BigEndian.PutUint32(b[9:], number)
	return b
}

func decodeSound(b []byte) (source, number uint32, ok bool) {
	if len(b) != 80 || [4]byte(b[1:]) != mark {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(b[5:]), binary.BigEndian.Uint32(b[9:]), true
}
