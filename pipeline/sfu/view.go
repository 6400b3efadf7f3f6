package sfu

import (
	"encoding/binary"
	"sync"

	"kelas/pipeline/codec"
)

// view is a packet on its way out: a copy of the payload with room in front, and what was read of it.
// The descriptor in it is written over for each viewer; the ring is never touched.
type view struct {
	ext     int64
	highest int64 // of the layer, when this packet came
	ts      uint32
	marker  bool
	key     bool
	arrival int64

	format codec.Format
	parsed bool
	tid    uint8 // temporal layer
	sync   bool  // VP8: Y, VP9: U
	vp8    codec.VP8
	vp9    codec.VP9

	size int
	work [headroom + maxPayload]byte
}

var views = sync.Pool{New: func() any { return new(view) }}

func (v *view) load(e *entry, highest int64, format codec.Format) {
	v.ext, v.ts, v.marker, v.key, v.arrival, v.highest = e.ext, e.ts, e.marker, e.key, e.arrival, highest
	v.size = copy(v.work[headroom:], e.body)
	v.format, v.parsed, v.tid, v.sync = format, false, 0, false
	switch format {
	case codec.FormatVP8:
		v.vp8, v.parsed = codec.ParseVP8(v.body())
		v.tid, v.sync = v.vp8.TemporalID(), v.vp8.LayerSync()
	case codec.FormatVP9:
		v.vp9, v.parsed = codec.ParseVP9(v.body())
		v.tid, v.sync = v.vp9.TemporalID, v.vp9.SwitchUp
	case codec.FormatAV1:
		v.tid = codec.ParseAV1(v.body()).TemporalID
	}
}

func (v *view) body() []byte { return v.work[headroom : headroom+v.size] }

// empty: nothing but padding.
func (v *view) empty() bool { return v.size == 0 }

// numbers returns the source's picture id and TL0PICIDX, and the mask of the id's width.
func (v *view) numbers() (id, mask uint16, hasID bool, tl0 uint8, hasTL0 bool) {
	switch {
	case !v.parsed:
		return 0, 0, false, 0, false
	case v.format == codec.FormatVP8:
		id, hasID, tl0, hasTL0, mask = v.vp8.PictureID, v.vp8.HasPictureID, v.vp8.TL0, v.vp8.HasTL0, 0x7f
		if v.vp8.Wide {
			mask = 0x7fff
		}
	case v.format == codec.FormatVP9:
		id, hasID, tl0, hasTL0, mask = v.vp9.PictureID, v.vp9.HasPictureID, v.vp9.TL0, v.vp9.HasTL0, 0x7f
		if v.vp9.Wide {
			mask = 0x7fff
		}
	}
	return id, mask, hasID, tl0, hasTL0
}

// render writes a viewer's picture numbers into the copy and returns where the payload begins.
func (v *view) render(pictureID uint16, tl0 uint8) (start int) {
	if !v.parsed {
		return headroom
	}
	if v.format == codec.FormatVP9 {
		v.vp9.Renumber(v.body(), pictureID, tl0)
		return headroom
	}
	var descriptor [codec.VP8MaxDescriptor]byte
	n := v.vp8.Put(descriptor[:], pictureID, tl0)
	start = headroom + v.vp8.Size - n
	copy(v.work[start:], descriptor[:n])
	return start
}

func (v *view) payloadFrom(start int) []byte { return v.work[start : headroom+v.size] }

// retransmission puts the original sequence number before the payload (RFC 4588, section 4).
func (v *view) retransmission(start int, seq uint16) []byte {
	binary.BigEndian.PutUint16(v.work[start-2:], seq)
	return v.payloadFrom(start - 2)
}
