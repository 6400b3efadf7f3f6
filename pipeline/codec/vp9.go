package codec

import "encoding/binary"

// VP9 is a VP9 payload descriptor (RFC 9628, section 4.2) and what the frame header says of key frames.
type VP9 struct {
	Size         int  // of the descriptor, scalability structure included
	Start        bool // B: first packet of a layer frame
	End          bool // E: last packet of a layer frame
	KeyFrame     bool // a key frame begins here, in the lowest spatial layer
	HasPictureID bool
	Wide         bool // the picture id has 15 bits
	PictureID    uint16
	HasLayer     bool
	TemporalID   uint8
	SwitchUp     bool // U
	SpatialID    uint8
	HasTL0       bool
	TL0          uint8

	tl0At int // offset of TL0PICIDX
}

// The bits of the first byte (RFC 9628, section 4.2).
const (
	vp9I = 0x80
	vp9P = 0x40
	vp9L = 0x20
	vp9F = 0x10
	vp9B = 0x08
	vp9E = 0x04
	vp9V = 0x02
)

// ParseVP9 reads the descriptor at the start of payload; ok is false when it is cut.
func ParseVP9(payload []byte) (d VP9, ok bool) {
	r := reader{buf: payload}
	first := r.byte()
	d.Start, d.End = first&vp9B != 0, first&vp9E != 0
	if first&vp9I != 0 {
		d.HasPictureID = true
		d.PictureID = uint16(r.byte())
		if d.PictureID&0x80 != 0 {
			d.Wide = true
			d.PictureID = d.PictureID&0x7f<<8 | uint16(r.byte())
		}
	}
	if first&vp9L != 0 {
		layer := r.byte()
		d.HasLayer = true
		d.TemporalID, d.SwitchUp, d.SpatialID = layer>>5, layer&0x10 != 0, layer>>1&7
		if first&vp9F == 0 {
			d.tl0At = r.at
			d.HasTL0, d.TL0 = true, r.byte()
		}
	}
	if first&vp9F != 0 && first&vp9P != 0 {
		// At most three references, each with a bit that says whether another one follows.
		for i := 0; r.byte()&1 != 0; i++ {
			if i == 2 {
				return VP9{}, false
			}
		}
	}
	if first&vp9V != 0 {
		skipVP9Structure(&r)
	}
	if r.failed {
		return VP9{}, false
	}
	d.Size = r.at
	// Not every packetizer keeps the P bit, so the frame header is asked too.
	d.KeyFrame = d.Start && d.SpatialID == 0 && first&vp9P == 0 && vp9HeaderIsKey(payload[r.at:])
	return d, true
}

// skipVP9Structure walks over the scalability structure (RFC 9628, section 4.2.1).
func skipVP9Structure(r *reader) {
	head := r.byte()
	if head&0x10 != 0 { // Y: sizes of each spatial layer
		r.skip(4 * (int(head>>5) + 1))
	}
	if head&0x08 != 0 { // G: a group of pictures
		for n := int(r.byte()); n > 0 && !r.failed; n-- {
			r.skip(int(r.byte() >> 2 & 3))
		}
	}
}

// vp9HeaderIsKey reads the start of the uncompressed header (VP9 bitstream specification, section 6.2).
func vp9HeaderIsKey(frame []byte) bool {
	if len(frame) == 0 || frame[0]>>6 != 2 {
		return false
	}
	b := frame[0] << 2 // the profile bits lead now
	if b>>6 == 3 {
		b <<= 3 // profile 3 has a reserved bit
	} else {
		b <<= 2
	}
	showExisting, notKey := b&0x80 != 0, b&0x40 != 0
	return !showExisting && !notKey
}

// Renumber writes picture id and TL0PICIDX over those in buf, which begins with the descriptor that d was
// read from. The width stays the source's: the layer structure behind it must not move.
func (d *VP9) Renumber(buf []byte, pictureID uint16, tl0 uint8) {
	if d.HasPictureID {
		if d.Wide {
			binary.BigEndian.PutUint16(buf[1:], pictureID|0x8000)
		} else {
			buf[1] = byte(pictureID & 0x7f)
		}
	}
	if d.HasTL0 {
		buf[d.tl0At] = tl0
	}
}
