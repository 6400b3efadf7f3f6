package record

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// avcConfig is a decoder configuration record (ISO/IEC 14496-15, section 5.3.3.1).
type avcConfig struct {
	length  int // bytes of a unit's size
	sets    [][]byte
	profile string
}

var startCode = []byte{0, 0, 0, 1}

func parseAVCConfig(b []byte) (*avcConfig, bool) {
	if len(b) < 7 || b[0] != 1 {
		return nil, false
	}
	c := &avcConfig{length: int(b[4]&3) + 1, profile: hex.EncodeToString(b[1:4])}
	rest := b[5:]
	for _, mask := range []byte{0x1f, 0xff} {
		if len(rest) == 0 {
			return nil, false
		}
		n := int(rest[0] & mask)
		rest = rest[1:]
		for range n {
			if len(rest) < 2 {
				return nil, false
			}
			size := int(binary.BigEndian.Uint16(rest))
			if size == 0 || size > len(rest)-2 {
				return nil, false
			}
			c.sets = append(c.sets, rest[2:2+size])
			rest = rest[2+size:]
		}
	}
	return c, true
}

// annexB gives units start codes, and a key frame its parameter sets if it comes without.
func (c *avcConfig) annexB(data []byte, s *Sample) ([]byte, error) {
	var out []byte
	sets, idr := false, false
	for len(data) > 0 {
		if len(data) < c.length {
			return nil, fmt.Errorf("%w: a unit's size is cut", ErrDamaged)
		}
		n := 0
		for _, b := range data[:c.length] {
			n = n<<8 | int(b)
		}
		data = data[c.length:]
		if n > len(data) {
			return nil, fmt.Errorf("%w: a unit is longer than its picture", ErrDamaged)
		}
		if n == 0 {
			continue
		}
		unit := data[:n]
		data = data[n:]
		switch unit[0] & 0x1f {
		case nalDelimiter:
			continue
		case nalSPS:
			sets = true
		case nalIDR:
			idr = true
		}
		out = append(append(out, startCode...), unit...)
	}
	s.Key = s.Key || idr
	if !idr || sets {
		return out, nil
	}
	// At the very front, for that is where whoever comes late begins.
	var front []byte
	for _, set := range c.sets {
		front = append(append(front, startCode...), set...)
	}
	return append(front, out...), nil
}
