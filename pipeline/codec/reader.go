package codec

// reader walks over bytes; past the end it gives zeros and remembers that it failed.
type reader struct {
	buf    []byte
	at     int
	failed bool
}

func (r *reader) byte() byte {
	if r.at >= len(r.buf) {
		r.failed = true
		return 0
	}
	b := r.buf[r.at]
	r.at++
	return b
}

func (r *reader) skip(n int) {
	if n > len(r.buf)-r.at {
		r.failed = true
		r.at = len(r.buf)
		return
	}
	r.at += n
}

// leb128 reads a length (AV1 bitstream specification, section 4.10.5).
func (r *reader) leb128() int {
	v := 0
	for i := range 8 {
		b := r.byte()
		if i < 5 {
			v |= int(b&0x7f) << (7 * i)
		}
		if b&0x80 == 0 {
			return v
		}
	}
	r.failed = true
	return 0
}
