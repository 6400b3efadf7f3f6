package record

import (
	"bytes"
	"encoding/binary"

	"github.com/Eyevinn/mp4ff/avc"

	"kelas/pipeline/codec"
)

// NAL unit types (H.264, table 7-1; RFC 6184, section 5.2).
const (
	nalSlice     = 1
	nalIDR       = 5
	nalSPS       = 7
	nalPPS       = 8
	nalDelimiter = 9
	nalSeqEnd    = 10
	nalStreamEnd = 11
	nalFiller    = 12
	nalSTAPA     = 24
	nalFUA       = 28
)

// h264Builder makes access units with a length of four bytes before each unit, as files keep them. Parameter sets stay
// in the stream as well, so that a change of resolution needs nothing else.
type h264Builder struct {
	data     []byte
	fragment []byte // a unit under way
	key      bool
	slices   bool
	sets     bool     // parameter sets came with this picture
	sps, pps [][]byte // the newest ones
}

func (b *h264Builder) size() int { return len(b.data) + len(b.fragment) }

func (b *h264Builder) add(p []byte) bool {
	switch t := p[0] & 0x1f; {
	case t == nalFUA:
		return b.addFragment(p)
	case b.fragment != nil:
		return false // its end is missing
	case t == nalSTAPA:
		return b.addAggregate(p[1:])
	case t == 0 || t > nalSTAPA:
		return false // interleaved packetization is never negotiated
	}
	b.unit(p)
	return true
}

func (b *h264Builder) addFragment(p []byte) bool {
	if len(p) < 3 {
		return false
	}
	first, last := p[1]&0x80 != 0, p[1]&0x40 != 0
	if first == (b.fragment != nil) {
		return false
	}
	if first {
		b.fragment = append(make([]byte, 0, 4*len(p)), p[0]&0xe0|p[1]&0x1f)
	}
	b.fragment = append(b.fragment, p[2:]...)
	if last {
		b.unit(b.fragment)
		b.fragment = nil
	}
	return true
}

func (b *h264Builder) addAggregate(p []byte) bool {
	for len(p) > 2 {
		n := int(binary.BigEndian.Uint16(p))
		if n == 0 || n > len(p)-2 {
			return false
		}
		b.unit(p[2 : 2+n])
		p = p[2+n:]
	}
	return len(p) == 0
}

func (b *h264Builder) unit(u []byte) {
	switch u[0] & 0x1f {
	case nalDelimiter, nalSeqEnd, nalStreamEnd, nalFiller:
		return // MP4 and Matroska want them left out
	case nalIDR:
		b.key, b.slices = true, true
	case nalSlice, 2:
		b.slices = true
	case nalSPS, nalPPS:
		b.set(u)
	}
	b.data = binary.BigEndian.AppendUint32(b.data, uint32(len(u)))
	b.data = append(b.data, u...)
}

func (b *h264Builder) set(u []byte) {
	if !b.sets {
		b.sps, b.pps, b.sets = nil, nil, true
	}
	list := &b.pps
	if u[0]&0x1f == nalSPS {
		list = &b.sps
	}
	for _, old := range *list {
		if bytes.Equal(old, u) {
			return
		}
	}
	if len(*list) < 31 {
		*list = append(*list, bytes.Clone(u))
	}
}

func (b *h264Builder) take() (frame, bool) {
	// Sets and no IDR: a picture from which the source means decoders to recover.
	key := b.key || b.sets && b.slices && len(b.sps) > 0
	f := frame{data: b.data, key: key}
	whole := b.fragment == nil && b.slices && len(b.data) > 0
	b.data, b.fragment, b.key, b.slices, b.sets = nil, nil, false, false, false
	if !whole || key && (len(b.sps) == 0 || len(b.pps) == 0) {
		return f, false
	}
	if key {
		var ok bool
		if f.form, ok = h264Form(b.sps, b.pps); !ok {
			return f, false
		}
	}
	return f, true
}

// h264Form makes the decoder configuration record (ISO/IEC 14496-15, section 5.3.3.1).
func h264Form(sps, pps [][]byte) (form, bool) {
	s, err := avc.ParseSPSNALUnit(sps[0], false)
	if err != nil {
		return form{}, false
	}
	record, err := avc.CreateAVCDecConfRec(sps, pps, true)
	if err != nil {
		return form{}, false
	}
	var out bytes.Buffer
	if err := record.Encode(&out); err != nil {
		return form{}, false
	}
	return form{format: codec.FormatH264, width: int(s.Width), height: int(s.Height), private: out.Bytes()}, true
}
