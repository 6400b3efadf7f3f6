package record

import (
	"errors"
	"io"
)

const (
	blockSize = 256 << 10
	maxBlocks = 32
)

// blocks remembers what was read of a source far away: an MP4 has its sound and its pictures in different places, and
// each step between them would be a request.
type blocks struct {
	src  Source
	at   int64
	from int64 // where the source stands
	kept map[int64][]byte
	used []int64 // oldest first
}

func newBlocks(src Source) *blocks {
	return &blocks{src: src, from: -1, kept: make(map[int64][]byte)}
}

func (b *blocks) Seek(to int64, whence int) (int64, error) {
	if whence != io.SeekStart || to < 0 {
		return 0, ErrNotSeekable
	}
	b.at = to
	return to, nil
}

func (b *blocks) Read(p []byte) (int, error) {
	number := b.at / blockSize
	block, ok := b.kept[number]
	if !ok {
		var err error
		if block, err = b.load(number); err != nil {
			return 0, err
		}
	}
	skip := b.at - number*blockSize
	if skip >= int64(len(block)) {
		return 0, io.EOF
	}
	n := copy(p, block[skip:])
	b.at += int64(n)
	return n, nil
}

func (b *blocks) load(number int64) ([]byte, error) {
	if pos := number * blockSize; b.from != pos {
		if _, err := b.src.Seek(pos, io.SeekStart); err != nil {
			return nil, err
		}
		b.from = pos
	}
	block := make([]byte, blockSize)
	n, err := io.ReadFull(b.src, block)
	b.from += int64(n)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(b.used) == maxBlocks {
		delete(b.kept, b.used[0])
		b.used = b.used[1:]
	}
	b.kept[number], b.used = block[:n], append(b.used, number)
	return block[:n], nil
}
