package codec

import "encoding/binary"

// H264 says which units that matter begin in a payload (RFC 6184).
type H264 struct {
	// SPS: a sequence parameter set. This is where a decoder can start: an IDR picture without one
	// can be shown only by those who have seen the set before.
	SPS bool
	PPS bool
	IDR bool // a slice of an IDR picture begins
}

// NAL unit types (RFC 6184, section 5.2, table 1; H.264, table 7-1).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalPPS   = 8
	nalSTAPA = 24
	nalSTAPB = 25
	nalMTAP1 = 26
	nalMTAP2 = 27
	nalFUA   = 28
	nalFUB   = 29
)

// ParseH264 reads a payload of any packetization mode.
func ParseH264(payload []byte) H264 {
	var h H264
	if len(payload) == 0 {
		return h
	}
	switch t := payload[0] & 0x1f; t {
	case nalSTAPA:
		h.aggregate(payload[1:], 0)
	case nalSTAPB:
		h.aggregate(cut(payload, 3), 0) // after the decoding order number
	case nalMTAP1:
		h.aggregate(cut(payload, 3), 3) // each unit: DOND and a time offset of 16 bits
	case nalMTAP2:
		h.aggregate(cut(payload, 3), 4)
	case nalFUA, nalFUB:
		if len(payload) >= 2 && payload[1]&0x80 != 0 { // S: the first fragment
			h.note(payload[1] & 0x1f)
		}
	default:
		h.note(t)
	}
	return h
}

func (h *H264) note(nal byte) {
	switch nal {
	case nalSPS:
		h.SPS = true
	case nalPPS:
		h.PPS = true
	case nalIDR:
		h.IDR = true
	}
}

// aggregate reads sized units, each with skip bytes before its NAL header (RFC 6184, section 5.7).
func (h *H264) aggregate(p []byte, skip int) {
	for len(p) >= 2 {
		size := int(binary.BigEndian.Uint16(p))
		p = p[2:]
		if size <= skip || skip >= len(p) {
			return
		}
		h.note(p[skip] & 0x1f)
		if size > len(p) {
			return
		}
		p = p[size:]
	}
}

func cut(p []byte, n int) []byte {
	if len(p) < n {
		return nil
	}
	return p[n:]
}
