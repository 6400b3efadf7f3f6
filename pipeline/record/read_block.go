package record

import (
	"encoding/binary"
	"fmt"
	"time"

	"kelas/pipeline/codec"
)

// parseBlock reads a block's head and its frames (RFC 9559, section 10).
func (r *matroskaReader) parseBlock(b []byte, simple, key bool) (*Track, []Sample, error) {
	number, n, ok := parseVint(b)
	if !ok || len(b) < n+3 {
		return nil, nil, fmt.Errorf("%w: a block without a head", ErrDamaged)
	}
	var track *Track
	for _, t := range r.chosen {
		if t != nil && t.number == uint64(number) {
			track = t
		}
	}
	if track == nil {
		return nil, nil, nil
	}
	rel, flags := int16(binary.BigEndian.Uint16(b[n:])), b[n+2]
	at := max(0, min(r.cluster+time.Duration(int64(rel)*r.scale), maxTime))
	if simple {
		key = flags&0x80 != 0
	}
	frames, ok := unlace(flags>>1&3, b[n+3:])
	if !ok {
		return nil, nil, fmt.Errorf("%w: a laced block", ErrDamaged)
	}
	samples := make([]Sample, 0, len(frames))
	for _, f := range frames {
		samples = append(samples, Sample{At: at, Key: key || track.Kind == Audio, Data: f})
		if track.format == codec.FormatOpus {
			at += codec.OpusDuration(f)
		}
	}
	return track, samples, nil
}

// unlace cuts a block into its frames (RFC 9559, section 10.3).
func unlace(lacing byte, b []byte) ([][]byte, bool) {
	if lacing == 0 {
		return [][]byte{b}, true
	}
	if len(b) == 0 {
		return nil, false
	}
	count := int(b[0]) + 1
	b = b[1:]
	sizes := make([]int, 0, maxLace)
	switch lacing {
	case 2: // all alike
		if len(b)%count != 0 {
			return nil, false
		}
		for range count - 1 {
			sizes = append(sizes, len(b)/count)
		}
	case 1: // Xiph
		for range count - 1 {
			size := 0
			for {
				if len(b) == 0 {
					return nil, false
				}
				x := b[0]
				b = b[1:]
				size += int(x)
				if x < 255 {
					break
				}
			}
			sizes = append(sizes, size)
		}
	default: // EBML: the first size, then differences
		size := int64(0)
		for i := range count - 1 {
			v, n, ok := parseVint(b)
			if !ok {
				return nil, false
			}
			if v < 0 {
				v = 1<<(7*n) - 1
			}
			b = b[n:]
			if i > 0 {
				v = size + v - (1<<(7*n-1) - 1)
			}
			if v < 0 || v > maxHead {
				return nil, false
			}
			size = v
			sizes = append(sizes, int(v))
		}
	}
	frames := make([][]byte, 0, count)
	for _, size := range sizes {
		if size > len(b) {
			return nil, false
		}
		frames = append(frames, b[:size])
		b = b[size:]
	}
	return append(frames, b), true
}
