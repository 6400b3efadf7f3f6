package codec

import "encoding/binary"

// VP8MaxDescriptor is the most that PutVP8 writes.
const VP8MaxDescriptor = 6

// VP8 is a VP8 payload descriptor (RFC 7741, section 4.2) and the little of the frame behind it that counts.
type VP8 struct {
	Size         int  // of the descriptor in bytes
	Start        bool // first packet of a frame: S set and partition 0
	KeyFrame     bool // first packet of a key frame
	HasPictureID bool
	Wide         bool // the picture id has 15 bits, not 7
	PictureID    uint16
	HasTL0       bool // TL0PICIDX is there
	TL0          uint8
	HasTID       bool
	HasKeyIdx    bool

	first byte // first byte of the descriptor
	layer byte // TID, Y and KEYIDX as they came
}

// The bits of a VP8 descriptor (RFC 7741, section 4.2).
const (
	vp8X       = 0x80
	vp8S       = 0x10
	vp8PartID  = 0x07
	vp8I       = 0x80
	vp8L       = 0x40
	vp8T       = 0x20
	vp8K       = 0x10
	vp8M       = 0x80
	vp8NotAKey = 0x01 // the P bit of the frame tag (RFC 6386, section 9.1)
)

// ParseVP8 reads the descriptor at the start of payload; ok is false when it is cut.
func ParseVP8(payload []byte) (d VP8, ok bool) {
	if len(payload) == 0 {
		return VP8{}, false
	}
	d.first = payload[0]
	n := 1
	if d.first&vp8X != 0 {
		if n, ok = d.parseExtension(payload); !ok {
			return VP8{}, false
		}
	}
	d.Size = n
	d.Start = d.first&vp8S != 0 && d.first&vp8PartID == 0
	// A frame tag of a key frame is followed by nine more bytes; one is enough to know.
	d.KeyFrame = d.Start && len(payload) > n && payload[n]&vp8NotAKey == 0
	return d, true
}

func (d *VP8) parseExtension(p []byte) (n int, ok bool) {
	if len(p) < 2 {
		return 0, false
	}
	x := p[1]
	n = 2
	if x&vp8I != 0 {
		if len(p) < n+1 {
			return 0, false
		}
		d.HasPictureID = true
		if p[n]&vp8M != 0 {
			if len(p) < n+2 {
				return 0, false
			}
			d.Wide = true
			d.PictureID = binary.BigEndian.Uint16(p[n:]) & 0x7fff
			n += 2
		} else {
			d.PictureID = uint16(p[n])
			n++
		}
	}
	if x&vp8L != 0 {
		if len(p) < n+1 {
			return 0, false
		}
		d.HasTL0, d.TL0 = true, p[n]
		n++
	}
	if x&(vp8T|vp8K) != 0 {
		if len(p) < n+1 {
			return 0, false
		}
		d.HasTID, d.HasKeyIdx, d.layer = x&vp8T != 0, x&vp8K != 0, p[n]
		n++
	}
	return n, true
}

// TemporalID is the temporal layer, 0 without one.
func (d *VP8) TemporalID() uint8 {
	if !d.HasTID {
		return 0
	}
	return d.layer >> 6
}

// LayerSync tells that the frame refers to the base layer alone (Y).
func (d *VP8) LayerSync() bool { return d.HasTID && d.layer&0x20 != 0 }

// Put writes the descriptor anew into dst, which must have room for VP8MaxDescriptor bytes, and returns its
// length. The picture id is always there and always has 15 bits, whatever the source wrote: receivers stand
// still when packets with and without one are mixed, and sources that take turns in one stream differ.
func (d *VP8) Put(dst []byte, pictureID uint16, tl0 uint8) int {
	_ = dst[VP8MaxDescriptor-1]
	dst[0] = d.first | vp8X
	x := byte(vp8I)
	binary.BigEndian.PutUint16(dst[2:], pictureID|0x8000)
	n := 4
	if d.HasTL0 {
		x |= vp8L
		dst[n] = tl0
		n++
	}
	if d.HasTID || d.HasKeyIdx {
		if d.HasTID {
			x |= vp8T
		}
		if d.HasKeyIdx {
			x |= vp8K
		}
		dst[n] = d.layer
		n++
	}
	dst[1] = x
	return n
}
