package sfu

import (
	"math"
	"math/rand/v2"

	"kelas/pipeline/codec"
)

const (
	sentVideo = 1024
	sentAudio = 128
	// resyncGap is a hole that no retransmission fills any more: a run ends there.
	resyncGap = 512
	// frameNotes is how many frames a late packet may be behind.
	frameNotes = 32
)

// placed is where a packet goes in the outgoing stream.
type placed struct {
	seq     int64
	ts      uint32
	picture uint16
	tl0     uint8
}

type placing uint8

const (
	send   placing = iota
	drop           // belongs to nothing that is being sent, or was sent already
	broken         // the source jumped: the run cannot go on
)

// segment: from this source number on, outgoing = source + offset. Every packet of padding that is left out
// begins a new one, since a hole in its place would be asked for in vain.
type segment struct{ from, offset int64 }

// frame remembers how a frame was numbered, for those of its packets that come later.
type frame struct {
	first   int64 // source number of the packet that came first
	srcTS   uint32
	ts      int64
	picture uint16 // of a frame that was left out: the one before it
	srcPic  uint16
	left    bool
}

// rewriter gives packets their place in one endless outgoing stream. The stream is made of runs: a stretch of
// packets from one source that begins with a key frame. Within a run all holes of the source are kept,
// so that a packet that was lost and found goes out in its place; between runs there is no hole.
// It knows no time and no locks.
type rewriter struct {
	kind Kind
	rate int64
	sent seqMap

	lastSeq   int64
	lastTS    int64
	anyTS     bool
	lastPic   uint16
	lastTL0   uint8
	audioStep int64 // length of the last audio packet in ticks

	running       bool
	first, newest int64 // source numbers
	segments      [32]segment
	segmentCount  int
	srcTS         uint32
	wantTS        int64
	catching      bool // timestamps are pressed together until they reach the wanted ones
	srcPic        uint16
	srcPicMask    uint16 // width of the source's picture ids, 0: it has none, or is not known yet
	tl0Offset     uint8
	tl0Known      bool
	marked        bool // the newest packet ended a frame
	frames        [frameNotes]frame
	frameCount    int
	anyLeft       bool // frames were left out in this run
}

func newRewriter(kind Kind) rewriter {
	w := rewriter{kind: kind, rate: 90000}
	w.sent.size = sentVideo
	if kind == Audio {
		w.rate, w.sent.size = 48000, sentAudio
	}
	// Below 2^15, so that a receiver which misses the start does not guess the wrong rollover count
	// (RFC 3711, section 3.3.1). The picture id begins above zero, for some packetizers leave a zero out.
	w.lastSeq = 1<<20 + int64(rand.Uint32N(1<<15))
	w.lastTS = int64(rand.Uint32())
	w.lastPic = uint16(1 + rand.Uint32N(1<<14))
	w.lastTL0 = uint8(rand.Uint32())
	w.audioStep = w.rate / 50
	return w
}

// begin starts a run: the packet with number ext and timestamp srcTS goes out next, at want if that is not
// in the past of the stream.
func (w *rewriter) begin(ext int64, srcTS uint32, want int64) {
	w.running = true
	w.first, w.newest = ext, ext-1
	w.segments[0] = segment{from: ext, offset: w.lastSeq + 1 - ext}
	w.segmentCount = 1
	w.catching = false
	if w.anyTS && want <= w.lastTS {
		if w.kind == Audio {
			want = w.lastTS + w.audioStep
		} else {
			w.catching = true
		}
	}
	w.srcTS, w.wantTS = srcTS, want
	w.srcPicMask, w.tl0Known, w.marked = 0, false, true
	w.frameCount, w.anyLeft = 0, false
}

// end: no packet goes out until the next begin.
func (w *rewriter) end() { w.running = false }

// outTS maps a timestamp of the source, leaving aside what was pressed together.
func (w *rewriter) outTS(srcTS uint32) uint32 {
	return uint32(w.wantTS + int64(int32(srcTS-w.srcTS)))
}

// skip leaves a number of the source out, if that is still possible.
func (w *rewriter) skip(ext int64) bool {
	if !w.running || ext <= w.newest || ext > w.newest+resyncGap {
		return false
	}
	last := &w.segments[(w.segmentCount-1)%len(w.segments)]
	if last.from == ext {
		last.from++
		last.offset--
	} else {
		w.segments[w.segmentCount%len(w.segments)] = segment{from: ext + 1, offset: last.offset - 1}
		w.segmentCount++
	}
	w.newest = ext
	return true
}

// outSeq is the number for a packet of the source. One that was left out has none: its own went to the packet behind
// it, and may not go out twice.
func (w *rewriter) outSeq(ext int64) (int64, bool) {
	next := int64(math.MaxInt64) // what the segment behind begins with
	oldest := max(0, w.segmentCount-len(w.segments))
	for i := w.segmentCount - 1; i >= oldest; i-- {
		s := w.segments[i%len(w.segments)]
		if ext >= s.from {
			return ext + s.offset, ext+s.offset < next
		}
		next = s.from + s.offset
	}
	return 0, false
}

// place decides where a packet goes and remembers it; hollow: it only fills its place.
func (w *rewriter) place(v *view, hollow bool) (placed, placing) {
	if !w.running || v.ext < w.first {
		return placed{}, drop
	}
	if v.ext > w.newest+resyncGap {
		return placed{}, broken
	}
	seq, ok := w.outSeq(v.ext)
	late := v.ext <= w.newest
	if !ok || late && (seq <= w.lastSeq-int64(w.sent.size) || w.sent.get(seq) != nil) {
		return placed{}, drop
	}
	p := placed{seq: seq}
	if w.kind == Audio {
		p.ts = w.placeAudio(v, late)
	} else if p, ok = w.placeFrame(v, p, late, hollow); !ok {
		return placed{}, drop
	}
	if !late {
		w.newest, w.marked = v.ext, v.marker
	}
	w.lastSeq = max(w.lastSeq, seq)
	w.sent.put(sentPacket{out: uint32(seq), src: uint32(v.ext), ts: p.ts, picture: p.picture, tl0: p.tl0, hollow: hollow})
	return p, send
}

func (w *rewriter) placeAudio(v *view, late bool) uint32 {
	ts := w.wantTS + int64(int32(v.ts-w.srcTS))
	if !late {
		w.srcTS, w.wantTS = v.ts, ts
		w.noteTS(ts)
		if v.format == codec.FormatOpus {
			if d := codec.OpusDuration(v.body()); d > 0 {
				w.audioStep = int64(d) * w.rate / 1e9
			}
		}
	}
	return uint32(ts)
}

// noteTS remembers where the stream is. Frames may step back a little, as B frames do; a source that jumps far
// back takes the stream along.
func (w *rewriter) noteTS(ts int64) {
	if !w.anyTS || ts > w.lastTS || ts < w.lastTS-10*w.rate {
		w.lastTS = ts
	}
	w.anyTS = true
}

// placeFrame gives timestamp and picture numbers: the same to all packets of a frame.
func (w *rewriter) placeFrame(v *view, p placed, late, hollow bool) (placed, bool) {
	f := w.findFrame(v.ts)
	switch {
	case f != nil:
		p.ts, p.picture = uint32(f.ts), f.picture
	case late:
		if w.catching {
			return p, false // it would fall between timestamps that were pressed together
		}
		p.ts = w.outTS(v.ts)
		if !hollow {
			var ok bool
			if p.picture, ok = w.latePicture(v); !ok {
				return p, false
			}
		}
	default:
		f = w.newFrame(v)
		p.ts, p.picture = uint32(f.ts), f.picture
	}
	if _, _, _, tl0, has := v.numbers(); has {
		if !w.tl0Known {
			w.tl0Known, w.tl0Offset = true, w.lastTL0+1-tl0
		}
		p.tl0 = tl0 + w.tl0Offset
		if !late {
			w.lastTL0 = p.tl0
		}
	}
	return p, true
}

func (w *rewriter) findFrame(ts uint32) *frame {
	for i := w.frameCount - 1; i >= max(0, w.frameCount-frameNotes); i-- {
		if f := &w.frames[i%frameNotes]; f.srcTS == ts {
			return f
		}
	}
	return nil
}

func (w *rewriter) newFrame(v *view) *frame {
	w.wantTS += int64(int32(v.ts - w.srcTS))
	w.srcTS = v.ts
	ts := w.wantTS
	if w.catching {
		// A millisecond a frame: late pictures are shown at once anyway.
		if least := w.lastTS + w.rate/1000; ts < least {
			ts = least
		} else {
			w.catching = false
		}
	}
	w.noteTS(ts)
	f := &w.frames[w.frameCount%frameNotes]
	w.frameCount++
	*f = frame{first: v.ext, srcTS: v.ts, ts: ts, picture: w.newPicture(v), srcPic: w.srcPic}
	return f
}

// newPicture numbers the next frame. Where the source has numbers its steps are kept, for a missing picture
// must be seen to be missing; where it has none they are counted here.
func (w *rewriter) newPicture(v *view) uint16 {
	id, mask, has, _, _ := v.numbers()
	step := uint16(1) // also where the width changed: the encoder was made anew
	switch {
	case has && mask == w.srcPicMask:
		step = signedStep(id-w.srcPic, mask)
	case !has && v.ext > w.newest+1 && w.marked:
		// The last frame was complete, so at least one frame is missing altogether. Its number is kept free.
		step = 2
	}
	if w.srcPicMask = mask; !has {
		w.srcPicMask = 0
	}
	w.srcPic = id
	w.lastPic = (w.lastPic + step) & 0x7fff
	return w.lastPic
}

// signedStep reads a difference of 7 or 15 bits as the shorter way round.
func signedStep(d, mask uint16) uint16 {
	d &= mask
	if d > mask/2 {
		d |= ^mask
	}
	return d
}

// latePicture numbers a frame none of whose packets was here when its successors were sent.
func (w *rewriter) latePicture(v *view) (uint16, bool) {
	id, mask, has, _, _ := v.numbers()
	switch {
	case has && mask == w.srcPicMask:
		// Counted from the frame before it: behind it others may have been left out.
		for i := w.frameCount - 1; i >= max(0, w.frameCount-frameNotes); i-- {
			if f := &w.frames[i%frameNotes]; f.first < v.ext {
				return (f.picture + signedStep(id-f.srcPic, mask)) & 0x7fff, true
			}
		}
		return (w.lastPic + signedStep(id-w.srcPic, mask)) & 0x7fff, true
	case v.format != codec.FormatVP8:
		return 0, true // nothing is numbered
	}
	for i := w.frameCount - 1; i > max(0, w.frameCount-frameNotes); i-- {
		before, after := w.frames[(i-1)%frameNotes], w.frames[i%frameNotes]
		if before.first < v.ext && v.ext < after.first {
			if (after.picture-before.picture)&0x7fff != 2 {
				return 0, false
			}
			picture := (before.picture + 1) & 0x7fff
			w.insertFrame(i, frame{first: v.ext, srcTS: v.ts, ts: int64(w.outTS(v.ts)), picture: picture})
			return picture, true
		}
	}
	return 0, false
}

// insertFrame takes note of a late frame, so that its number is not given to another one.
func (w *rewriter) insertFrame(at int, f frame) {
	for i := w.frameCount; i > at; i-- {
		w.frames[i%frameNotes] = w.frames[(i-1)%frameNotes]
	}
	w.frames[at%frameNotes] = f
	w.frameCount++
}
