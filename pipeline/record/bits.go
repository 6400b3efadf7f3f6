package record

// bitReader reads single bits from the top; past the end it gives zeros and remembers that it failed.
type bitReader struct {
	buf    []byte
	at     int
	failed bool
}

func (b *bitReader) read(n int) uint32 {
	var v uint32
	for range n {
		v <<= 1
		if b.at >= 8*len(b.buf) {
			b.failed = true
			continue
		}
		v |= uint32(b.buf[b.at/8]>>(7-b.at%8)) & 1
		b.at++
	}
	return v
}

func (b *bitReader) flag() bool { return b.read(1) == 1 }

func (b *bitReader) skip(n int) {
	if b.at+n > 8*len(b.buf) {
		b.failed = true
	}
	b.at += n
}

// uvlc reads a number of variable length (AV1 bitstream specification, section 4.10.3).
func (b *bitReader) uvlc() uint32 {
	zeros := 0
	for !b.flag() {
		if zeros++; b.failed || zeros >= 32 {
			return 0
		}
	}
	return b.read(zeros) + 1<<zeros - 1
}
