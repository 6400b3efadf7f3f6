package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"kelas/pipeline/codec"
)

const (
	mp4Space     = 4096 // for a track that comes later
	mp4MovieRate = 1000
	// mp4Skip stands before the first moov: two words of a box that is skipped, and the size that makes it large.
	mp4Skip = 16
)

// mp4File writes fragments, so that a file that is cut can be played. When it is closed a full table of all samples is
// appended, and the box that is skipped at the start becomes one that covers all before that table: an ordinary MP4
// then, of which the fragments' heads are forgotten bytes between the samples.
type mp4File struct {
	output
	skip   int64 // where the box stands that will cover the fragments
	moov   int64
	space  int // of moov and what is free behind it
	tracks []*mp4Track
	number uint32
}

// mp4Track is one track with its table.
type mp4Track struct {
	id      uint32
	kind    Kind
	form    form
	rate    int64
	waiting *sample // its duration is known with the next one
	ticks   uint64  // of the waiting one
	data    []byte  // of the fragment under way
	samples []mp4.Sample
	from    uint64 // ticks of the first of them

	sizes                 []uint32
	counts, steps         []uint32 // of durations
	moved                 []uint32 // how many samples are shown as early as
	early                 []int32  // that: ticks, negative
	keys                  []uint32
	offsets               []uint64 // of chunks
	chunkSizes            []uint32
	first                 uint64 // ticks of the first sample
	total                 uint64 // ticks since
	chunkStart, chunkSpan time.Duration
}

func newMP4(f File, sound, pictures form) (*mp4File, error) {
	m := &mp4File{output: output{file: f}}
	var head bytes.Buffer
	if err := mp4.NewFtyp("isom", 512, []string{"isom", "iso6", "mp41"}).Encode(&head); err != nil {
		return nil, err
	}
	m.skip = int64(head.Len())
	head.Write([]byte{0, 0, 0, mp4Skip, 'f', 'r', 'e', 'e', 0, 0, 0, 0, 0, 0, 0, 0})
	m.moov = int64(head.Len())
	if pictures.known() {
		m.add(Video, pictures)
	}
	if sound.known() {
		m.add(Audio, sound)
	}
	moov, err := m.fragmentedHead()
	if err != nil {
		return nil, err
	}
	m.space = len(moov) + mp4Space
	head.Write(moov)
	head.Write(freeBox(mp4Space))
	return m, m.append(head.Bytes())
}

func freeBox(n int) []byte {
	b := make([]byte, n)
	binary.BigEndian.PutUint32(b, uint32(n))
	copy(b[4:], "free")
	return b
}

func (m *mp4File) add(k Kind, f form) {
	t := &mp4Track{id: uint32(len(m.tracks) + 1), kind: k, form: f, rate: 90000}
	if k == Audio {
		t.rate = 48000
	}
	m.tracks = append(m.tracks, t)
}

// fragmentedHead describes the tracks; their samples are in the fragments.
func (m *mp4File) fragmentedHead() ([]byte, error) {
	moov, err := m.head()
	if err != nil {
		return nil, err
	}
	mvex := mp4.NewMvexBox()
	mvex.AddChild(&mp4.MehdBox{FragmentDuration: int64(m.length().Milliseconds())})
	for _, t := range m.tracks {
		mvex.AddChild(mp4.CreateTrex(t.id))
	}
	moov.AddChild(mvex)
	return encoded(moov)
}

// head describes the tracks without their samples.
func (m *mp4File) head() (*mp4.MoovBox, error) {
	moov := mp4.NewMoovBox()
	mvhd := mp4.CreateMvhd()
	mvhd.Timescale = mp4MovieRate
	mvhd.NextTrackID = uint32(len(m.tracks) + 1)
	moov.AddChild(mvhd)
	for _, t := range m.tracks {
		trak := mp4.CreateEmptyTrak(t.id, uint32(t.rate), t.kind.String(), "und")
		entry, err := t.form.sampleEntry()
		if err != nil {
			return nil, err
		}
		trak.Mdia.Minf.Stbl.Stsd.AddChild(entry)
		trak.Tkhd.Width, trak.Tkhd.Height = mp4.Fixed32(t.form.width<<16), mp4.Fixed32(t.form.height<<16)
		moov.AddChild(trak)
	}
	return moov, nil
}

func encoded(b mp4.Box) ([]byte, error) {
	var out bytes.Buffer
	if err := b.Encode(&out); err != nil {
		return nil, fmt.Errorf("describing the recording: %w", err)
	}
	return out.Bytes(), nil
}

// sampleEntry describes a codec.
func (f form) sampleEntry() (mp4.Box, error) {
	w, h := uint16(f.width), uint16(f.height)
	switch f.format {
	case codec.FormatH264:
		box, err := mp4.DecodeAvcC(mp4.BoxHeader{Name: "avcC", Size: uint64(8 + len(f.private)), Hdrlen: 8}, 0, bytes.NewReader(f.private))
		if err != nil {
			return nil, fmt.Errorf("describing H264: %w", err)
		}
		return mp4.CreateVisualSampleEntryBox("avc1", w, h, box), nil
	case codec.FormatAV1:
		box, err := mp4.DecodeAv1C(mp4.BoxHeader{Name: "av1C", Size: uint64(8 + len(f.private)), Hdrlen: 8}, 0, bytes.NewReader(f.private))
		if err != nil {
			return nil, fmt.Errorf("describing AV1: %w", err)
		}
		return mp4.CreateVisualSampleEntryBox("av01", w, h, box), nil
	case codec.FormatOpus:
		dops := &mp4.DopsBox{OutputChannelCount: byte(f.channels), InputSampleRate: 48000}
		return mp4.CreateAudioSampleEntryBox("Opus", uint16(f.channels), 16, 48000, dops), nil
	}
	return nil, ErrCodec
}

func (m *mp4File) addVideo(f form) error {
	m.add(Video, f)
	moov, err := m.fragmentedHead()
	free := m.space - len(moov)
	if err == nil && free < 8 {
		err = fmt.Errorf("%w: its description has %d bytes", ErrCodec, len(f.private))
	}
	if err != nil {
		m.tracks = m.tracks[:len(m.tracks)-1]
		return err
	}
	return m.patch(append(moov, freeBox(free)...), m.moov)
}

func (m *mp4File) write(s sample) error {
	var t *mp4Track
	for _, x := range m.tracks {
		if x.kind == s.kind {
			t = x
		}
	}
	if t == nil {
		return nil
	}
	t.settle(s.at)
	t.waiting, t.ticks = &s, t.toTicks(s.at)
	if m.failed == nil && (t.chunkSpan >= clusterLength || len(t.data) > maxCluster) {
		return m.flush()
	}
	return m.failed
}

func (t *mp4Track) toTicks(d time.Duration) uint64 {
	ns := uint64(d)
	return ns/1e9*uint64(t.rate) + (ns%1e9*uint64(t.rate)+5e8)/1e9
}

// settle takes the waiting sample into the fragment; it lasts until next.
func (t *mp4Track) settle(next time.Duration) {
	s := t.waiting
	if s == nil {
		return
	}
	t.waiting = nil
	end := max(t.toTicks(next), t.ticks+1)
	if len(t.samples) == 0 {
		t.from, t.chunkStart = t.ticks, s.at
	}
	if len(t.sizes) == 0 {
		t.first = t.ticks
	}
	flags := mp4.NonSyncSampleFlags
	if s.key {
		flags = mp4.SyncSampleFlags
		t.keys = append(t.keys, uint32(len(t.sizes)+1))
	}
	step := uint32(end - t.ticks)
	offset := -int32(t.toTicks(s.early))
	t.samples = append(t.samples, mp4.NewSample(flags, step, uint32(len(s.data)), offset))
	if n := len(t.early); n > 0 && t.early[n-1] == offset {
		t.moved[n-1]++
	} else {
		t.early, t.moved = append(t.early, offset), append(t.moved, 1)
	}
	t.data = append(t.data, s.data...)
	t.sizes = append(t.sizes, uint32(len(s.data)))
	if n := len(t.steps); n > 0 && t.steps[n-1] == step {
		t.counts[n-1]++
	} else {
		t.steps, t.counts = append(t.steps, step), append(t.counts, 1)
	}
	t.total = end - t.first
	t.chunkSpan = next - t.chunkStart
}

// flush writes a fragment of what is settled.
func (m *mp4File) flush() error {
	if m.failed != nil {
		return m.failed
	}
	m.number++
	moof := &mp4.MoofBox{}
	if err := moof.AddChild(mp4.CreateMfhd(m.number)); err != nil {
		return err
	}
	var parts []*mp4Track
	var truns []*mp4.TrunBox
	for _, t := range m.tracks {
		if len(t.samples) == 0 {
			continue
		}
		trun := mp4.CreateTrun(0)
		if !t.reordered() {
			trun.Flags &^= mp4.TrunSampleCompositionTimeOffsetPresentFlag
		}
		trun.Samples = t.samples
		traf := &mp4.TrafBox{}
		for _, b := range []mp4.Box{mp4.CreateTfhd(t.id), mp4.CreateTfdt(t.from), trun} {
			if err := traf.AddChild(b); err != nil {
				return err
			}
		}
		if err := moof.AddChild(traf); err != nil {
			return err
		}
		parts, truns = append(parts, t), append(truns, trun)
	}
	if len(parts) == 0 {
		m.number--
		return nil
	}
	return m.writeFragment(moof, parts, truns)
}

// reordered tells whether any sample is shown in another order than it is decoded.
func (t *mp4Track) reordered() bool { return len(t.early) > 1 || len(t.early) == 1 && t.early[0] != 0 }

func (m *mp4File) writeFragment(moof *mp4.MoofBox, parts []*mp4Track, truns []*mp4.TrunBox) error {
	size := int(moof.Size()) + 8
	at := size
	for i, t := range parts {
		truns[i].DataOffset = int32(at)
		at += len(t.data)
	}
	out, err := encoded(moof)
	if err != nil {
		return err
	}
	out = binary.BigEndian.AppendUint32(out, uint32(at-size+8))
	out = append(out, "mdat"...)
	for i, t := range parts {
		t.offsets = append(t.offsets, uint64(m.at)+uint64(truns[i].DataOffset))
		t.chunkSizes = append(t.chunkSizes, uint32(len(t.samples)))
		out = append(out, t.data...)
		t.data, t.samples, t.chunkSpan = t.data[:0], nil, 0
	}
	// Readers give up on a file that ends within a moof. So it is something to skip until all of it is written.
	begin := m.at
	copy(out[4:], "free")
	if err := m.append(out); err != nil {
		return err
	}
	if err := m.patch([]byte("moof"), begin+4); err != nil {
		return err
	}
	return m.patchLength()
}

// length is that of the longest track.
func (m *mp4File) length() (d time.Duration) {
	for _, t := range m.tracks {
		d = max(d, t.end())
	}
	return d
}

func (t *mp4Track) end() time.Duration {
	ticks := t.first + t.total
	return time.Duration(ticks/uint64(t.rate))*time.Second + time.Duration(ticks%uint64(t.rate)*1e9/uint64(t.rate))
}

// patchLength has a file that is cut say how long it is.
func (m *mp4File) patchLength() error {
	moov, err := m.fragmentedHead()
	if err != nil {
		return err
	}
	i := bytes.Index(moov, []byte("mehd"))
	return m.patch(moov[i:i+12], m.moov+int64(i))
}

func (m *mp4File) close() error {
	for _, t := range m.tracks {
		if s := t.waiting; s != nil {
			d := s.duration
			if d == 0 {
				d = t.lastStep()
			}
			t.settle(s.at + d)
		}
	}
	if err := m.flush(); err != nil {
		return err
	}
	moov, err := m.tables()
	if err != nil {
		return err
	}
	end := m.at
	if err := m.append(moov); err != nil {
		return err
	}
	// The table is whole on the disk before it becomes the one that counts.
	if err := m.file.Sync(); err != nil {
		m.failed = fmt.Errorf("writing the recording: %w", err)
		return m.failed
	}
	cover := []byte{0, 0, 0, 1, 'm', 'd', 'a', 't'}
	cover = binary.BigEndian.AppendUint64(cover, uint64(end-m.skip))
	return m.patch(cover, m.skip)
}

func (t *mp4Track) lastStep() time.Duration {
	if n := len(t.steps); n > 0 {
		return time.Duration(t.steps[n-1]) * time.Second / time.Duration(t.rate)
	}
	return time.Second / 30
}
