package record

import (
	"fmt"

	"github.com/Eyevinn/mp4ff/mp4"
)

// tables describe every sample.
func (m *mp4File) tables() ([]byte, error) {
	moov, err := m.head()
	if err != nil {
		return nil, err
	}
	moov.Mvhd.Duration = uint64(m.length().Milliseconds())
	for i, t := range m.tracks {
		trak := moov.Traks[i] // one without samples stays empty
		trak.Tkhd.Duration = uint64(t.end().Milliseconds())
		trak.Mdia.Mdhd.Duration = t.total
		if t.total > 1<<32-1 {
			trak.Mdia.Mdhd.Version = 1
		}
		if t.first > 0 {
			trak.AddChild(t.editList())
		}
		if err := t.fill(trak.Mdia.Minf.Stbl); err != nil {
			return nil, err
		}
	}
	return encoded(moov)
}

// editList puts a track that begins later in its place (ISO/IEC 14496-12, section 8.6.6).
func (t *mp4Track) editList() mp4.Box {
	lead := t.first * mp4MovieRate / uint64(t.rate)
	edts := &mp4.EdtsBox{}
	edts.AddChild(&mp4.ElstBox{Entries: []mp4.ElstEntry{
		{SegmentDuration: lead, MediaTime: -1, MediaRateInteger: 1},
		{SegmentDuration: t.total * mp4MovieRate / uint64(t.rate), MediaTime: 0, MediaRateInteger: 1},
	}})
	return edts
}

func (t *mp4Track) fill(stbl *mp4.StblBox) error {
	stbl.Stts.SampleCount, stbl.Stts.SampleTimeDelta = t.counts, t.steps
	if t.reordered() {
		ctts := &mp4.CttsBox{Version: 1} // signed
		if err := ctts.AddSampleCountsAndOffset(t.moved, t.early); err != nil {
			return fmt.Errorf("describing the recording: %w", err)
		}
		stbl.AddChild(ctts)
	}
	stbl.Stsz.SampleNumber, stbl.Stsz.SampleSize = uint32(len(t.sizes)), t.sizes
	last := uint32(0)
	for i, n := range t.chunkSizes {
		if n == last {
			continue
		}
		if err := stbl.Stsc.AddEntry(uint32(i+1), n, 1); err != nil {
			return fmt.Errorf("describing the recording: %w", err)
		}
		last = n
	}
	kept := make([]mp4.Box, 0, len(stbl.Children)+1)
	for _, b := range stbl.Children {
		if b.Type() != "stco" {
			kept = append(kept, b)
		}
	}
	stbl.Children, stbl.Stco = kept, nil
	stbl.AddChild(&mp4.Co64Box{ChunkOffset: t.offsets})
	if t.kind == Video {
		stbl.AddChild(&mp4.StssBox{SampleNumber: t.keys})
	}
	return nil
}
