package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Source is what a file is read from.
type Source struct {
	io.ReadSeeker
	Size    int64 // -1: not known
	CanSeek bool  // false: it is read from its start to its end, once
	Local   bool  // to seek costs next to nothing
}

// cursor walks over a source and knows where it is.
type cursor struct {
	src Source
	buf *bufio.Reader
	at  int64
}

func newCursor(src Source) *cursor {
	return &cursor{src: src, buf: bufio.NewReaderSize(src, 64<<10)}
}

// read takes n bytes, which the caller has bounded. What is promised and does not come costs no memory.
func (c *cursor) read(n int) ([]byte, error) {
	const step = 1 << 20
	out := make([]byte, 0, min(n, step))
	for len(out) < n {
		part := min(n-len(out), step)
		from := len(out)
		out = append(out, make([]byte, part)...)
		got, err := io.ReadFull(c.buf, out[from:])
		c.at += int64(got)
		if err != nil {
			return nil, endOf(err)
		}
	}
	return out, nil
}

func (c *cursor) byte() (byte, error) {
	b, err := c.buf.ReadByte()
	if err != nil {
		return 0, endOf(err)
	}
	c.at++
	return b, nil
}

// peek looks at up to n bytes without taking them.
func (c *cursor) peek(n int) ([]byte, error) {
	b, err := c.buf.Peek(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}

func (c *cursor) skip(n int64) error {
	if n < 0 {
		return fmt.Errorf("%w: a size is negative", ErrDamaged)
	}
	if n > int64(c.buf.Buffered()) && c.src.CanSeek && (c.src.Local || n > 256<<10) {
		if c.src.Size >= 0 && c.at+n > c.src.Size {
			return io.EOF
		}
		return c.jump(c.at + n)
	}
	for n > 0 {
		got, err := c.buf.Discard(int(min(n, 1<<20)))
		c.at += int64(got)
		n -= int64(got)
		if err != nil {
			return endOf(err)
		}
	}
	return nil
}

func (c *cursor) jump(to int64) error {
	if !c.src.CanSeek {
		return ErrNotSeekable
	}
	if to < 0 || c.src.Size >= 0 && to > c.src.Size {
		return fmt.Errorf("%w: it points outside itself", ErrDamaged)
	}
	if _, err := c.src.Seek(to, io.SeekStart); err != nil {
		return fmt.Errorf("seeking: %w", err)
	}
	c.buf.Reset(c.src)
	c.at = to
	return nil
}

// endOf: a file that is cut ends where it is cut.
func endOf(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}
