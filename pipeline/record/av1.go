package record

import (
	"bytes"

	"kelas/pipeline/codec"
)

// OBU types (AV1 bitstream specification, section 6.2.2).
const (
	obuSequence  = 1
	obuDelimiter = 2
	obuTileList  = 8
	obuPadding   = 15
)

// av1Builder makes temporal units out of aggregated OBUs (RTP payload format for AV1, section 4): every OBU with its
// size, no temporal delimiters, as files keep them.
type av1Builder struct {
	data     []byte
	pending  []byte // an OBU that goes on in the next packet
	key      bool
	any      bool
	sequence []byte // the newest sequence header, with its header and size
}

func (b *av1Builder) size() int { return len(b.data) + len(b.pending) }

func (b *av1Builder) add(p []byte) bool {
	goesOn, continues := p[0]&0x80 != 0, p[0]&0x40 != 0
	count := int(p[0] >> 4 & 3)
	if goesOn != (b.pending != nil) {
		return false
	}
	if !b.any {
		b.any, b.key = true, codec.ParseAV1(p).KeyFrame
	}
	p = p[1:]
	for i := 1; len(p) > 0; i++ {
		element := p
		if i != count {
			n, used := leb128(p)
			if used == 0 || n > len(p)-used {
				return false
			}
			element, p = p[used:used+n], p[used+n:]
		} else {
			p = nil
		}
		last := len(p) == 0
		switch {
		case last && continues:
			b.pending = append(b.pending, element...)
			if b.pending == nil {
				b.pending = []byte{}
			}
		case b.pending != nil:
			whole := append(b.pending, element...)
			b.pending = nil
			if !b.unit(whole) {
				return false
			}
		case !b.unit(element):
			return false
		}
	}
	return true
}

// unit takes one OBU, with or without its own size field.
func (b *av1Builder) unit(u []byte) bool {
	if len(u) == 0 {
		return true
	}
	kind := u[0] >> 3 & 15
	head := 1
	if u[0]&4 != 0 {
		head = 2
	}
	if len(u) < head {
		return false
	}
	body := u[head:]
	if u[0]&2 != 0 {
		n, used := leb128(body)
		if used == 0 || n > len(body)-used {
			return false
		}
		body = body[used : used+n]
	}
	if kind == obuDelimiter || kind == obuTileList || kind == obuPadding {
		return true
	}
	at := len(b.data)
	b.data = append(b.data, u[0]|2)
	b.data = append(b.data, u[1:head]...)
	b.data = appendLEB128(b.data, len(body))
	b.data = append(b.data, body...)
	if kind == obuSequence {
		b.sequence = bytes.Clone(b.data[at:])
	}
	return true
}

func (b *av1Builder) take() (frame, bool) {
	f := frame{data: b.data, key: b.key}
	whole := b.pending == nil && len(b.data) > 0
	b.data, b.pending, b.key, b.any = nil, nil, false, false
	if !whole {
		return f, false
	}
	if f.key {
		var ok bool
		if f.form, ok = av1Form(b.sequence); !ok {
			return f, false
		}
	}
	return f, true
}

func leb128(p []byte) (v, used int) {
	for i := 0; i < len(p) && i < 5; i++ {
		v |= int(p[i]&0x7f) << (7 * i)
		if p[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

func appendLEB128(dst []byte, v int) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// av1Form reads a sequence header (AV1 bitstream specification, section 5.5) and makes the codec configuration record
// (AV1 in ISO base media files, section 2.3.3). obu has a size field.
func av1Form(obu []byte) (form, bool) {
	if len(obu) < 2 {
		return form{}, false
	}
	head := 1
	if obu[0]&4 != 0 {
		head = 2
	}
	n, used := leb128(obu[min(head, len(obu)):])
	if used == 0 || head+used+n > len(obu) {
		return form{}, false
	}
	b := bitReader{buf: obu[head+used : head+used+n]}
	s := readSequence(&b)
	if b.failed {
		return form{}, false
	}
	private := []byte{0x81, byte(s.profile<<5 | s.level&31), s.flags, 0}
	return form{
		format: codec.FormatAV1, width: s.width, height: s.height, private: append(private, obu...),
	}, true
}

type av1Sequence struct {
	profile, level uint32
	flags          byte // third byte of the configuration record
	width, height  int
}

func readSequence(b *bitReader) av1Sequence {
	s := av1Sequence{profile: b.read(3)}
	b.skip(1) // still_picture
	reduced := b.flag()
	tier := false
	if reduced {
		s.level = b.read(5)
	} else {
		s.level, tier = readOperatingPoints(b)
	}
	wide, high := int(b.read(4))+1, int(b.read(4))+1
	s.width, s.height = int(b.read(wide))+1, int(b.read(high))+1
	if !reduced && b.flag() {
		b.skip(7) // lengths of frame ids
	}
	b.skip(3)
	if !reduced {
		readTools(b)
	}
	b.skip(3) // superres, cdef, restoration
	s.flags = readColor(b, s.profile)
	if tier {
		s.flags |= 0x80
	}
	return s
}

// readOperatingPoints walks to the frame size; level and tier are those of the first operating point.
func readOperatingPoints(b *bitReader) (level uint32, tier bool) {
	decoderModel, delay := false, 0
	if b.flag() { // timing_info
		b.skip(64)
		if b.flag() {
			b.uvlc()
		}
		if decoderModel = b.flag(); decoderModel {
			delay = int(b.read(5)) + 1
			b.skip(32 + 5 + 5)
		}
	}
	initialDelay := b.flag()
	for i := range int(b.read(5)) + 1 {
		b.skip(12)
		l, t := b.read(5), false
		if l > 7 {
			t = b.flag()
		}
		if i == 0 {
			level, tier = l, t
		}
		if decoderModel && b.flag() {
			b.skip(2*delay + 1)
		}
		if initialDelay && b.flag() {
			b.skip(4)
		}
	}
	return level, tier
}

func readTools(b *bitReader) {
	b.skip(4)
	order := b.flag()
	if order {
		b.skip(2)
	}
	screen := uint32(2)
	if !b.flag() {
		screen = b.read(1)
	}
	if screen > 0 && !b.flag() {
		b.skip(1)
	}
	if order {
		b.skip(3)
	}
}

// readColor gives the third byte of the configuration record.
func readColor(b *bitReader, profile uint32) (flags byte) {
	deep := b.flag()
	twelve := profile == 2 && deep && b.flag()
	mono := profile != 1 && b.flag()
	srgb := false
	if b.flag() {
		srgb = b.read(24) == 1<<16|13<<8
	}
	x, y, position := true, true, uint32(0)
	switch {
	case mono:
		b.skip(1)
	case srgb:
		x, y = false, false
	default:
		b.skip(1)
		switch {
		case profile == 1:
			x, y = false, false
		case profile == 2 && twelve:
			x = b.flag()
			y = x && b.flag()
		case profile == 2:
			y = false
		}
		if x && y {
			position = b.read(2)
		}
	}
	for i, bit := range []bool{deep, twelve, mono, x, y} {
		if bit {
			flags |= 0x40 >> i
		}
	}
	return flags | byte(position)
}
