package record

import (
	"kelas/pipeline/codec"
)

// vp8Builder strips the descriptors (RFC 7741, section 4.2).
type vp8Builder struct {
	data []byte
	key  bool
}

func (b *vp8Builder) size() int { return len(b.data) }

func (b *vp8Builder) add(payload []byte) bool {
	d, ok := codec.ParseVP8(payload)
	if !ok || len(b.data) == 0 && !d.Start {
		return false
	}
	if len(b.data) == 0 {
		b.key = d.KeyFrame
	}
	b.data = append(b.data, payload[d.Size:]...)
	return true
}

func (b *vp8Builder) take() (frame, bool) {
	f := frame{key: b.key, data: b.data}
	b.data, b.key = nil, false
	if len(f.data) == 0 {
		return f, false
	}
	if f.key {
		// RFC 6386, section 9.1: tag, start code, then 14 bits of width and of height.
		if len(f.data) < 10 || f.data[3] != 0x9d || f.data[4] != 0x01 || f.data[5] != 0x2a {
			return f, false
		}
		f.form = form{
			format: codec.FormatVP8,
			width:  int(f.data[6]) | int(f.data[7]&0x3f)<<8,
			height: int(f.data[8]) | int(f.data[9]&0x3f)<<8,
		}
	}
	return f, true
}

// vp9Builder strips the descriptors (RFC 9628, section 4.2). A picture of several spatial layers becomes a superframe,
// since files keep one block for each time.
type vp9Builder struct {
	data []byte
	ends []int // of the layer frames
	key  bool
}

func (b *vp9Builder) size() int { return len(b.data) }

func (b *vp9Builder) add(payload []byte) bool {
	d, ok := codec.ParseVP9(payload)
	if !ok {
		return false
	}
	switch {
	case len(b.data) == 0:
		if !d.Start {
			return false
		}
		b.key = d.KeyFrame
	case d.Start:
		b.ends = append(b.ends, len(b.data))
	}
	b.data = append(b.data, payload[d.Size:]...)
	return true
}

func (b *vp9Builder) take() (frame, bool) {
	f := frame{key: b.key, data: b.data}
	ends := append(b.ends, len(b.data))
	b.data, b.ends, b.key = nil, nil, false
	if len(f.data) == 0 || len(ends) > 8 {
		return f, false
	}
	if f.key {
		if f.form, f.key = vp9Form(f.data); !f.key {
			return f, false
		}
	}
	if len(ends) > 1 {
		f.data = vp9Superframe(f.data, ends)
	}
	return f, true
}

// vp9Superframe appends the index (VP9 bitstream specification, annex B).
func vp9Superframe(data []byte, ends []int) []byte {
	mark := byte(0xc0 | 3<<3 | (len(ends) - 1)) // sizes of four bytes
	data = append(data, mark)
	begin := 0
	for _, end := range ends {
		n := end - begin
		data = append(data, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
		begin = end
	}
	return append(data, mark)
}

// vp9Form reads the uncompressed header of a key frame (VP9 bitstream specification, section 6.2).
func vp9Form(data []byte) (form, bool) {
	b := bitReader{buf: data}
	marker := b.read(2)
	profile := b.read(1) | b.read(1)<<1
	if profile == 3 {
		b.skip(1)
	}
	existing, notKey := b.flag(), b.flag()
	b.skip(2) // show_frame, error_resilient_mode
	if marker != 2 || existing || notKey || b.read(24) != 0x498342 {
		return form{}, false
	}
	if profile >= 2 {
		b.skip(1) // ten or twelve bits
	}
	const rgb = 7
	if b.read(3) != rgb {
		b.skip(1)
		if profile&1 == 1 {
			b.skip(3)
		}
	} else if profile&1 == 1 {
		b.skip(1)
	}
	f := form{format: codec.FormatVP9, width: int(b.read(16)) + 1, height: int(b.read(16)) + 1}
	return f, !b.failed
}
