package record

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"time"

	"kelas/pipeline/codec"
)

// ivfReader reads IVF: a head of 32 bytes, then frames, each with its size and time.
type ivfReader struct {
	in         *cursor
	track      *Track
	format     codec.Format
	start      int64
	rate, unit uint64 // a time is n*unit/rate seconds
}

const (
	ivfHead      = 32
	ivfFrameHead = 12
)

func (r *ivfReader) open() ([]Track, Info, error) {
	info := Info{Container: "IVF", Seekable: r.in.src.CanSeek && r.in.src.Local}
	b, err := r.in.read(ivfHead)
	if err != nil {
		return nil, info, err
	}
	r.format = map[string]codec.Format{
		"VP80": codec.FormatVP8, "VP90": codec.FormatVP9, "AV01": codec.FormatAV1,
	}[string(b[8:12])]
	t, ok := openTrack(r.format, nil)
	if !ok {
		return nil, info, fmt.Errorf("%w: IVF with %q", ErrFormat, b[8:12])
	}
	t.Width, t.Height = int(binary.LittleEndian.Uint16(b[12:])), int(binary.LittleEndian.Uint16(b[14:]))
	r.rate, r.unit = uint64(binary.LittleEndian.Uint32(b[16:])), uint64(binary.LittleEndian.Uint32(b[20:]))
	if r.rate == 0 || r.unit == 0 {
		return nil, info, fmt.Errorf("%w: no time base", ErrDamaged)
	}
	r.start = max(ivfHead, int64(binary.LittleEndian.Uint16(b[6:])))
	if err := r.in.skip(r.start - ivfHead); err != nil {
		return nil, info, err
	}
	if info.Seekable {
		if info.Duration, err = r.measure(); err != nil {
			return nil, info, err
		}
	}
	return []Track{t}, info, nil
}

// measure walks over the file for its length.
func (r *ivfReader) measure() (time.Duration, error) {
	var last, step time.Duration
	err := r.walk(func(at time.Duration, _ int64, _ bool) bool {
		if at > last {
			last, step = at, at-last
		}
		return true
	})
	if err != nil {
		return 0, err
	}
	return last + step, r.in.jump(r.start)
}

// walk visits frames from the start; what is cut off is the end.
func (r *ivfReader) walk(each func(at time.Duration, pos int64, key bool) bool) error {
	if err := r.in.jump(r.start); err != nil {
		return err
	}
	for {
		pos := r.in.at
		size, at, err := r.frameHead()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		head, err := r.in.peek(min(size, 1024))
		if err != nil {
			return err
		}
		key := isKey(r.format, head)
		if r.format == codec.FormatAV1 {
			key = av1BeginsSequence(head)
		}
		if !each(at, pos, key) {
			return nil
		}
		if err := r.in.skip(int64(size)); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (r *ivfReader) frameHead() (size int, at time.Duration, err error) {
	b, err := r.in.read(ivfFrameHead)
	if err != nil {
		return 0, 0, err
	}
	size = int(binary.LittleEndian.Uint32(b))
	if size > maxSample {
		return 0, 0, fmt.Errorf("%w: a frame of %d bytes", ErrDamaged, size)
	}
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(b[4:]), r.unit*uint64(time.Second))
	if hi >= r.rate {
		return 0, 0, fmt.Errorf("%w: a time out of reach", ErrDamaged)
	}
	ns, _ := bits.Div64(hi, lo, r.rate)
	if ns > uint64(maxTime) {
		return 0, 0, fmt.Errorf("%w: a time out of reach", ErrDamaged)
	}
	return size, time.Duration(ns), nil
}

// maxTime is more than any file lasts.
const maxTime = 1000 * time.Hour

func (r *ivfReader) choose(tracks [kinds]*Track) { r.track = tracks[Video] }

func (r *ivfReader) next() (*Track, Sample, error) {
	size, at, err := r.frameHead()
	if err != nil {
		return nil, Sample{}, err
	}
	data, err := r.in.read(size)
	if err != nil {
		return nil, Sample{}, err
	}
	return r.track, Sample{At: at, Key: isKey(r.format, data), Data: data}, nil
}

func (r *ivfReader) seek(to time.Duration) (time.Duration, error) {
	found, foundAt := r.start, time.Duration(0)
	err := r.walk(func(at time.Duration, pos int64, key bool) bool {
		if key && at <= to {
			found, foundAt = pos, at
		}
		return at <= to
	})
	if err != nil {
		return 0, err
	}
	return foundAt, r.in.jump(found)
}
