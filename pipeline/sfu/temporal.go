package sfu

import "kelas/pipeline/codec"

// allTemporal: nothing is left out.
const allTemporal = 0xff

// temporal decides which frames of a layer a viewer is sent. Leaving out the frames of a temporal layer needs no
// key frame, since nothing below refers to them; taking a layer in again waits for a frame from which on that layer
// needs nothing that was left out.
type temporal struct {
	top uint8 // highest temporal layer that is sent
}

// leaves decides about a frame that has just begun.
func (t *temporal) leaves(v *view, allowed uint8) bool {
	switch {
	case allowed < t.top:
		t.top = allowed
	case allowed > t.top:
		t.raise(v, allowed)
	}
	return v.tid > t.top
}

func (t *temporal) raise(v *view, allowed uint8) {
	switch {
	case v.key:
		t.top = allowed
	case v.format == codec.FormatVP8:
		// Y says that the frame refers to the base layer alone (RFC 7741, section 4.2). A layer at a time: the
		// one above may refer to this one.
		if v.sync && v.tid == t.top+1 {
			t.top++
		}
	case v.format == codec.FormatVP9:
		// U says that nothing above this layer refers to anything before this picture (RFC 9628, section 4.2).
		if v.sync && v.tid <= t.top {
			t.top = allowed
		}
	case v.tid == 0:
		// AV1 says nothing of it without a dependency descriptor. In the structures that browsers send (L1T2,
		// L1T3) nothing refers past the last picture of the base layer.
		t.top = allowed
	}
}

// leaves tells whether a packet is left out. A frame is sent or left as a whole.
func (d *downTrack) leaves(v *view) bool {
	if d.cfg.Kind != Video || d.runCount == 0 || v.empty() {
		return false
	}
	allowed := d.limit.temporal(d.runs[(d.runCount-1)%len(d.runs)].layer.rank)
	if allowed == allTemporal && d.temporal.top == allTemporal && !d.rewriter.anyLeft {
		return false
	}
	if f := d.rewriter.findFrame(v.ts); f != nil {
		return f.left
	}
	if v.ext <= d.rewriter.newest {
		return v.tid > d.temporal.top // late: what goes on is decided by newer ones
	}
	return d.temporal.leaves(v, allowed)
}

// leave takes no notice of a packet of a frame that is left out: sequence numbers close up, and VP8's picture ids,
// since libwebrtc holds upper layers back while an id before them is missing. false:
// the packet is late, and its neighbours went out with a hole for it.
func (w *rewriter) leave(v *view) bool {
	first := w.findFrame(v.ts) == nil
	if !w.skip(v.ext) {
		return false
	}
	w.marked = v.marker
	if !first {
		return true
	}
	w.anyLeft = true
	// VP9's ids stay as they are: receivers find the place in its pattern, or its references, by their distance.
	if id, mask, has, _, _ := v.numbers(); has && mask == w.srcPicMask && v.format == codec.FormatVP8 {
		if step := signedStep(id-w.srcPic, mask); step < 1<<15 && step > 0 {
			// Frames between that have not come keep their numbers.
			w.lastPic = (w.lastPic + step - 1) & 0x7fff
			w.srcPic = id
		}
	}
	w.frames[w.frameCount%frameNotes] = frame{
		first: v.ext, srcTS: v.ts, ts: int64(w.outTS(v.ts)), picture: w.lastPic, srcPic: w.srcPic, left: true,
	}
	w.frameCount++
	return true
}
