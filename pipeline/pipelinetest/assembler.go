package pipelinetest

import (
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

type frameState int

const (
	frameNone   frameState = iota // the packet did not end a frame
	frameWhole                    // decodable
	frameBroken                   // ended, but not decodable
)

// assembler puts frames together from packets in order, and follows what a
// decoder could follow: a delta frame needs all before it since a key frame.
type assembler struct {
	video     bool
	body      []byte
	open      bool // a frame has begun and is whole so far
	following bool // every frame since a key frame was whole
	holes     bool

	any       bool
	source    uint32
	number    uint32
	timestamp uint32
	picture   uint16
	backwards int
}

// gap says that a packet is missing.
func (a *assembler) gap() {
	a.open = false
	a.holes = true
}

func (a *assembler) takeBackwards() int {
	n := a.backwards
	a.backwards = 0
	return n
}

func (a *assembler) add(p *rtp.Packet) (Frame, frameState) {
	if !a.video {
		source, number, ok := decodeSound(p.Payload)
		if !ok {
			return Frame{}, frameBroken
		}
		a.checkTime(p.Timestamp)
		return Frame{Source: source, Number: number, Key: true, Timestamp: p.Timestamp}, frameWhole
	}
	var v codecs.VP8Packet
	body, err := v.Unmarshal(p.Payload)
	if err != nil {
		a.gap()
		return Frame{}, frameNone
	}
	if v.S == 1 && v.PID == 0 {
		a.open, a.body = true, a.body[:0]
		a.checkPicture(v)
		a.checkTime(p.Timestamp)
	}
	if a.open {
		a.body = append(a.body, body...)
	}
	if !p.Marker {
		return Frame{}, frameNone
	}
	return a.finish(p.Timestamp)
}

func (a *assembler) finish(timestamp uint32) (Frame, frameState) {
	whole := a.open
	a.open = false
	source, number, key, ok := decodeFrame(a.body)
	switch {
	case !whole || !ok:
		a.following = false
		return Frame{}, frameBroken
	case key:
		a.following = true
	case a.holes || !a.following || source != a.source || number != a.number+1:
		a.following = false
	}
	a.holes = false
	a.source, a.number = source, number
	if !a.following {
		return Frame{}, frameBroken
	}
	return Frame{Source: source, Number: number, Key: key, Timestamp: timestamp}, frameWhole
}

// checkPicture: a picture id goes up by one a frame, 15 bits wide or 7.
func (a *assembler) checkPicture(v codecs.VP8Packet) {
	if v.I == 0 {
		return
	}
	if step := (v.PictureID - a.picture) & 0x7fff; a.any && step > 0x4000 {
		a.backwards++
	}
	a.picture = v.PictureID
}

func (a *assembler) checkTime(t uint32) {
	if a.any && int32(t-a.timestamp) < 0 {
		a.backwards++
	}
	a.any = true
	a.timestamp = t
}
