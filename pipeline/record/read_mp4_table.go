package record

import (
	"fmt"
	"slices"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
)

// table makes the list of samples of a track, in a file of that size.
func (in *mp4Input) table(stbl *mp4.StblBox, size int64) ([]mp4Sample, error) {
	if stbl.Stsz == nil || stbl.Stts == nil || stbl.Stsc == nil || stbl.Stco == nil && stbl.Co64 == nil {
		return nil, fmt.Errorf("%w: a table is missing", ErrDamaged)
	}
	n := stbl.Stsz.GetNrSamples()
	if each := int64(stbl.Stsz.SampleUniformSize); each > 0 && size >= 0 && int64(n) > size/each {
		return nil, fmt.Errorf("%w: more samples than bytes", ErrDamaged)
	}
	if n > maxSamples {
		return nil, fmt.Errorf("%w: %d samples in a track", ErrFormat, n)
	}
	list := make([]mp4Sample, n)
	for i := range list {
		list[i].size, list[i].key = stbl.Stsz.GetSampleSize(i+1), stbl.Stss == nil
		if list[i].size > maxSample {
			return nil, fmt.Errorf("%w: a sample of %d bytes", ErrDamaged, list[i].size)
		}
	}
	if stbl.Stss != nil {
		for _, k := range stbl.Stss.SampleNumber {
			if k >= 1 && k <= n {
				list[k-1].key = true
			}
		}
	}
	in.times(list, stbl)
	return list, place(list, stbl)
}

func (in *mp4Input) times(list []mp4Sample, stbl *mp4.StblBox) {
	i, ticks, moved := 0, uint64(0), offsets(stbl.Ctts)
	for k, count := range stbl.Stts.SampleCount {
		for range count {
			if i == len(list) {
				break
			}
			list[i].decode = scaleTicks(ticks, in.rate)
			var later int32
			if i < moved { // mp4ff looks behind the end of a table that is too short
				later = stbl.Ctts.GetCompositionTimeOffset(uint32(i + 1))
			}
			list[i].at = in.shown(ticks, later)
			list[i].decode += in.shift
			ticks += uint64(stbl.Stts.SampleTimeDelta[k])
			i++
		}
	}
	for ; i > 0 && i < len(list); i++ { // a table that is too short
		list[i].at, list[i].decode = list[i-1].at, list[i-1].decode
	}
}

// offsets is how many samples a table of offsets is for, 0 where it makes no sense.
func offsets(c *mp4.CttsBox) int {
	if c == nil || !slices.IsSorted(c.EndSampleNr) { // its counts are more than 32 bits hold
		return 0
	}
	return int(c.EndSampleNr[len(c.EndSampleNr)-1])
}

func (in *mp4Input) shown(ticks uint64, later int32) time.Duration {
	at := scaleTicks(ticks, in.rate) + in.shift
	if later >= 0 {
		at += scaleTicks(uint64(later), in.rate)
	} else {
		at -= scaleTicks(uint64(-int64(later)), in.rate)
	}
	return min(max(at, 0), maxTime)
}

// place finds where the samples stand: chunk by chunk.
func place(list []mp4Sample, stbl *mp4.StblBox) error {
	chunks := chunkCount(stbl)
	i := 0
	for k, e := range stbl.Stsc.Entries {
		last := chunks
		if k+1 < len(stbl.Stsc.Entries) {
			last = min(chunks, int(stbl.Stsc.Entries[k+1].FirstChunk)-1)
		}
		for c := max(int(e.FirstChunk), 1); c <= last && i < len(list); c++ {
			at := int64(chunkOffset(stbl, c))
			for range e.SamplesPerChunk {
				if i == len(list) {
					break
				}
				list[i].offset = at
				at += int64(list[i].size)
				i++
			}
		}
	}
	if i < len(list) {
		return fmt.Errorf("%w: samples without a place", ErrDamaged)
	}
	return nil
}
