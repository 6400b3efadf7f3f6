package record

import (
	"encoding/binary"
	"fmt"
	"math"
)

// element reads the head of the next one; size is -1 when it is unknown.
func (r *matroskaReader) element() (id uint32, size int64, err error) {
	first, err := r.in.byte()
	if err != nil {
		return 0, 0, err
	}
	n := 1
	for n <= 4 && first&(0x80>>(n-1)) == 0 {
		n++
	}
	if n > 4 {
		return 0, 0, fmt.Errorf("%w: no element where one should begin", ErrDamaged)
	}
	id = uint32(first)
	for range n - 1 {
		b, err := r.in.byte()
		if err != nil {
			return 0, 0, err
		}
		id = id<<8 | uint32(b)
	}
	size, err = r.vint()
	return id, size, err
}

// vint reads a size (RFC 8794, section 4).
func (r *matroskaReader) vint() (int64, error) {
	first, err := r.in.byte()
	if err != nil {
		return 0, err
	}
	rest := make([]byte, 0, 8)
	for n := 1; n < vintLength(first); n++ {
		b, err := r.in.byte()
		if err != nil {
			return 0, err
		}
		rest = append(rest, b)
	}
	v, _, ok := parseVint(append([]byte{first}, rest...))
	if !ok {
		return 0, fmt.Errorf("%w: a size that is none", ErrDamaged)
	}
	return v, nil
}

func vintLength(first byte) int {
	n := 1
	for n <= 8 && first&(0x80>>(n-1)) == 0 {
		n++
	}
	return n
}

// parseVint reads a number; -1 stands for all ones, the unknown size.
func parseVint(b []byte) (v int64, n int, ok bool) {
	if len(b) == 0 {
		return 0, 0, false
	}
	n = vintLength(b[0])
	if n > 8 || n > len(b) {
		return 0, 0, false
	}
	v = int64(b[0] & (0xff >> n))
	for _, x := range b[1:n] {
		v = v<<8 | int64(x)
	}
	if v == 1<<(7*n)-1 {
		return -1, n, true
	}
	return v, n, true
}

// children walks over the elements of a body that is in memory; false: it makes no sense.
func children(body []byte, each func(id uint32, data []byte)) bool {
	for len(body) > 0 {
		n := vintLength(body[0])
		if n > 4 || n > len(body) {
			return false
		}
		id := uint32(0)
		for _, b := range body[:n] {
			id = id<<8 | uint32(b)
		}
		size, m, ok := parseVint(body[n:])
		if !ok || size < 0 || size > int64(len(body)-n-m) {
			return false
		}
		body = body[n+m:]
		each(id, body[:size])
		body = body[size:]
	}
	return true
}

func uintOf(b []byte) uint64 {
	var v uint64
	for _, x := range b[:min(len(b), 8)] {
		v = v<<8 | uint64(x)
	}
	return v
}

func floatOf(b []byte) float64 {
	switch len(b) {
	case 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	return 0
}

// body reads an element's data into memory.
func (r *matroskaReader) body(size int64) ([]byte, error) {
	if size < 0 || size > maxHead {
		return nil, fmt.Errorf("%w: an element of %d bytes", ErrDamaged, size)
	}
	return r.in.read(int(size))
}
