package record

import (
	"kelas/pipeline/codec"
)

// maxFrame is more than any encoder makes of a picture for a call. A source that sends no end of a frame fills no
// memory.
const maxFrame = 16 << 20

// builder puts the payloads of one frame together as files keep it. It is given none after one that it refused.
type builder interface {
	// add takes a payload of the frame; false: it makes no sense.
	add(payload []byte) bool
	// take gives the frame away and begins another; false: nothing that a decoder could use.
	take() (frame, bool)
	size() int
}

// assembler makes frames of packets in order. After a loss it leaves out what a decoder could not follow, until a
// picture comes that needs none before it.
type assembler struct {
	format  codec.Format
	build   builder
	emit    func(frame)
	lost    bool // until a key frame begins
	open    bool // a frame is being put together
	ts      uint32
	started bool // a frame was emitted
}

func newAssembler(f codec.Format, channels int, emit func(frame)) *assembler {
	a := &assembler{format: f, emit: emit, lost: true}
	switch f {
	case codec.FormatVP8:
		a.build = &vp8Builder{}
	case codec.FormatVP9:
		a.build = &vp9Builder{}
	case codec.FormatH264:
		a.build = &h264Builder{}
	case codec.FormatAV1:
		a.build = &av1Builder{}
	default:
		a.build = &opusBuilder{channels: channels}
		a.lost = false // every packet of sound can be the first
	}
	return a
}

// lose forgets the frame under way: what depends on it cannot be decoded.
func (a *assembler) lose() {
	if a.format == codec.FormatOpus {
		return
	}
	if a.open {
		a.open = false
		a.build.take()
	}
	a.lost = true
}

func (a *assembler) add(p Packet, gap bool) {
	if gap {
		a.lose()
	}
	if len(p.Payload) == 0 {
		return
	}
	if a.open && p.Timestamp != a.ts {
		a.finish() // a source without markers, for no packet is missing
	}
	if a.lost {
		if a.open || !codec.Inspect(a.format, p.Payload).KeyFrame {
			return
		}
		a.lost = false
	}
	a.open, a.ts = true, p.Timestamp
	if !a.build.add(p.Payload) || a.build.size() > maxFrame {
		a.lose()
		return
	}
	if p.Marker || a.format == codec.FormatOpus {
		a.finish()
	}
}

func (a *assembler) finish() {
	a.open = false
	f, ok := a.build.take()
	if !ok {
		a.lose()
		return
	}
	f.ts = a.ts
	if !a.started && !f.key {
		a.lose()
		return
	}
	a.started = true
	a.emit(f)
}

type opusBuilder struct {
	channels int
	data     []byte
}

func (b *opusBuilder) add(p []byte) bool {
	b.data = append([]byte(nil), p...)
	return true
}

func (b *opusBuilder) size() int { return len(b.data) }

func (b *opusBuilder) take() (frame, bool) {
	f := frame{key: true, data: b.data, form: opusForm(b.channels)}
	b.data = nil
	return f, true
}

// opusForm carries the identification header (RFC 7845, section 5.1). Sound that is cut out of a call has no samples
// to skip at its start.
func opusForm(channels int) form {
	if channels < 1 || channels > 2 {
		channels = 2
	}
	head := []byte("OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00")
	head[9] = byte(channels)
	return form{format: codec.FormatOpus, channels: channels, private: head}
}
