package codec

import "encoding/binary"

// H265 says which units that matter begin in a payload (RFC 7798).
type H265 struct {
	// VPS: a video parameter set. This is where a decoder can start: the sets stand before the
	// pictures that need them, this one first.
	VPS  bool
	SPS  bool
	PPS  bool
	IRAP bool // a slice of a picture begins that needs none before it: IDR, CRA or BLA
}

// NAL unit types (H.265, table 7-1; RFC 7798, section 4.4).
const (
	nal265FirstIRAP = 16
	nal265LastIRAP  = 23
	nal265VPS       = 32
	nal265SPS       = 33
	nal265PPS       = 34
	nal265AP        = 48
	nal265FU        = 49
	nal265PACI      = 50
)

// ParseH265 reads a payload without decoding order numbers (sprop-max-don-diff is 0, as in WebRTC
// and wherever it is not said otherwise).
func ParseH265(payload []byte) H265 {
	var h H265
	if len(payload) < 2 {
		return h
	}
	switch t := typeOf265(payload); t {
	case nal265AP:
		h.aggregate(payload[2:])
	case nal265FU:
		if len(payload) >= 3 && payload[2]&0x80 != 0 { // S: the first fragment
			h.note(payload[2] & 0x3f)
		}
	case nal265PACI:
		// What is inside has a type of its own (RFC 7798, section 4.4.4): cType.
		if len(payload) >= 4 {
			h.note(payload[2] >> 1 & 0x3f)
		}
	default:
		h.note(t)
	}
	return h
}

func typeOf265(nal []byte) byte { return nal[0] >> 1 & 0x3f }

func (h *H265) note(nal byte) {
	switch {
	case nal == nal265VPS:
		h.VPS = true
	case nal == nal265SPS:
		h.SPS = true
	case nal == nal265PPS:
		h.PPS = true
	case nal >= nal265FirstIRAP && nal <= nal265LastIRAP:
		h.IRAP = true
	}
}

// aggregate reads sized units (RFC 7798, section 4.4.2).
func (h *H265) aggregate(p []byte) {
	for len(p) >= 3 {
		size := int(binary.BigEndian.Uint16(p))
		p = p[2:]
		if size == 0 {
			return
		}
		h.note(typeOf265(p))
		if size > len(p) {
			return
		}
		p = p[size:]
	}
}
