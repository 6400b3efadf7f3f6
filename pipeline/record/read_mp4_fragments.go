package record

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
)

func chunkCount(stbl *mp4.StblBox) int {
	if stbl.Co64 != nil {
		return len(stbl.Co64.ChunkOffset)
	}
	return len(stbl.Stco.ChunkOffset)
}

func chunkOffset(stbl *mp4.StblBox, number int) uint64 {
	if stbl.Co64 != nil {
		return stbl.Co64.ChunkOffset[number-1] & (1<<62 - 1)
	}
	return uint64(stbl.Stco.ChunkOffset[number-1])
}

// fragment reads the next moof; io.EOF when there is none. Samples that are not read yet are forgotten.
func (r *mp4Reader) fragment() error {
	if err := r.goTo(r.resume); err != nil {
		return err
	}
	for {
		start := r.in.at
		name, size, err := r.boxHead()
		if err != nil {
			return err
		}
		if name != "moof" {
			if size < 0 {
				return io.EOF
			}
			if err := r.in.skip(size); err != nil {
				return err
			}
			continue
		}
		if size < 0 || size > maxMoof {
			return fmt.Errorf("%w: a fragment's head of %d bytes", ErrDamaged, size)
		}
		body, err := r.in.read(int(size))
		if err != nil {
			return err
		}
		box, err := decodeBox("moof", body)
		if err != nil {
			return err
		}
		moof, ok := box.(*mp4.MoofBox)
		if !ok {
			return fmt.Errorf("%w: moof", ErrDamaged)
		}
		for _, in := range r.inputs {
			in.samples, in.next = in.samples[:0], 0
		}
		if err := r.noteResume(); err != nil {
			return err
		}
		return r.readTrafs(moof, start)
	}
}

// noteResume finds where to go on when the samples have been read, in whatever order they stand: behind their box.
func (r *mp4Reader) noteResume() error {
	r.resume = r.in.at
	b, err := r.in.peek(16)
	if err != nil {
		return err
	}
	if len(b) < 16 || string(b[4:8]) != "mdat" {
		return nil
	}
	size := int64(binary.BigEndian.Uint32(b))
	if size == 1 {
		size = int64(binary.BigEndian.Uint64(b[8:]))
	}
	if size >= 8 && size < 1<<62 {
		r.resume += size
	}
	return nil
}

// goTo steps to a place, over what lies between if there is no other way.
func (r *mp4Reader) goTo(pos int64) error {
	ahead := pos - r.in.at
	if ahead > 0 && ahead <= int64(r.in.buf.Buffered()) || !r.in.src.CanSeek {
		return r.in.skip(ahead)
	}
	if ahead == 0 {
		return nil
	}
	if r.in.src.Size >= 0 && pos > r.in.src.Size {
		return io.EOF
	}
	return r.in.jump(pos)
}

func (r *mp4Reader) readTrafs(moof *mp4.MoofBox, start int64) error {
	for _, traf := range moof.Trafs {
		if traf.Tfhd == nil {
			continue
		}
		for _, in := range r.inputs {
			if in.id == traf.Tfhd.TrackID {
				if err := in.take(traf, start); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// take lists the samples of a fragment.
func (in *mp4Input) take(traf *mp4.TrafBox, start int64) error {
	base := start
	if traf.Tfhd.HasBaseDataOffset() {
		base = int64(traf.Tfhd.BaseDataOffset & (1<<62 - 1))
	}
	if traf.Tfdt != nil {
		in.decode = traf.Tfdt.BaseMediaDecodeTime()
	}
	at := base
	for _, trun := range traf.Truns {
		if trun.HasDataOffset() {
			at = base + int64(trun.DataOffset)
		}
		trun.AddSampleDefaultValues(traf.Tfhd, in.trex)
		for _, s := range trun.Samples {
			if s.Size > maxSample || at < 0 || len(in.samples) >= maxSamples {
				return fmt.Errorf("%w: a sample of %d bytes", ErrDamaged, s.Size)
			}
			in.samples = append(in.samples, mp4Sample{
				at: in.shown(in.decode, s.CompositionTimeOffset), decode: scaleTicks(in.decode, in.rate) + in.shift,
				offset: at, size: s.Size, key: !mp4.DecodeSampleFlags(s.Flags).SampleIsNonSync,
			})
			at += int64(s.Size)
			in.decode += uint64(s.Dur)
		}
	}
	return nil
}

// seekFragments walks over the heads of the fragments.
func (r *mp4Reader) seekFragments(lead Kind, to time.Duration) (time.Duration, error) {
	if err := r.rewind(); err != nil {
		return 0, err
	}
	found, foundPos := time.Duration(0), r.first
	for {
		pos := r.resume
		if err := r.fragment(); err == io.EOF {
			break
		} else if err != nil {
			return 0, err
		}
		in := r.chosen[lead]
		for _, s := range in.samples {
			if s.key && s.at <= to {
				found, foundPos = s.at, pos
			}
		}
		if len(in.samples) > 0 && in.samples[0].at > to {
			break
		}
	}
	for _, in := range r.inputs {
		in.samples, in.next = nil, 0
	}
	r.from, r.needKey = found, lead == Video
	r.resume = foundPos
	return found, nil
}
