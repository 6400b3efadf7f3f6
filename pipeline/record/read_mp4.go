package record

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sort"
	"time"

	mp4bits "github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"kelas/pipeline/codec"
)

const (
	maxMoov = 64 << 20
	maxMoof = 8 << 20
	// maxSamples is eight hours of sound and pictures of each track.
	maxSamples = 3 << 20
)

// mp4Reader reads MP4, with a table of all samples or in fragments (ISO/IEC 14496-12). mp4ff reads the boxes; what they
// claim is checked here.
type mp4Reader struct {
	in         *cursor
	inputs     []*mp4Input
	chosen     [kinds]*mp4Input
	tracks     [kinds]*Track
	fragmented bool
	first      int64 // where the first fragment may stand
	resume     int64 // where the next one may
	info       Info

	from    time.Duration // of fragments: samples before are left out
	needKey bool
}

// mp4Input is a track of the file with the samples that are to be read next.
type mp4Input struct {
	id      uint32
	rate    uint64
	shift   time.Duration // by the edit list
	trex    *mp4.TrexBox
	samples []mp4Sample
	next    int
	decode  uint64 // ticks of the next fragment, if it does not say
}

type mp4Sample struct {
	at     time.Duration // when it is shown
	decode time.Duration
	offset int64
	size   uint32
	key    bool
}

// boxHead reads the head of a box; size is of its body, -1 until the end of the file.
func (r *mp4Reader) boxHead() (name string, size int64, err error) {
	b, err := r.in.read(8)
	if err != nil {
		return "", 0, err
	}
	name, size = string(b[4:]), int64(binary.BigEndian.Uint32(b))-8
	switch size {
	case 1 - 8:
		if b, err = r.in.read(8); err != nil {
			return "", 0, err
		}
		size = int64(binary.BigEndian.Uint64(b)) - 16
	case 0 - 8:
		return name, -1, nil
	}
	if size < 0 {
		return "", 0, fmt.Errorf("%w: a box smaller than its head", ErrDamaged)
	}
	return name, size, nil
}

// decodeBox hands a box to mp4ff, whose trust in what it reads is none of ours.
func decodeBox(name string, body []byte) (b mp4.Box, err error) {
	defer func() {
		if p := recover(); p != nil {
			b, err = nil, fmt.Errorf("%w: %s", ErrDamaged, name)
		}
	}()
	whole := make([]byte, 8, 8+len(body))
	binary.BigEndian.PutUint32(whole, uint32(8+len(body)))
	copy(whole[4:], name)
	b, err = mp4.DecodeBoxSR(0, mp4bits.NewFixedSliceReader(append(whole, body...)))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
	}
	return b, nil
}

func (r *mp4Reader) open() ([]Track, Info, error) {
	r.info = Info{Container: "MP4"}
	for {
		name, size, err := r.boxHead()
		if err != nil {
			return nil, r.info, err
		}
		if name == "moov" {
			if size < 0 || size > maxMoov {
				return nil, r.info, fmt.Errorf("%w: a table of %d bytes", ErrDamaged, size)
			}
			return r.readMoov(size)
		}
		if !r.in.src.CanSeek && name == "mdat" {
			return nil, r.info, fmt.Errorf("%w: its table is at its end, and it cannot be sought in", ErrFormat)
		}
		if size < 0 {
			return nil, r.info, io.EOF
		}
		if err := r.in.skip(size); err != nil {
			return nil, r.info, err
		}
	}
}

func (r *mp4Reader) readMoov(size int64) ([]Track, Info, error) {
	body, err := r.in.read(int(size))
	if err != nil {
		return nil, r.info, err
	}
	box, err := decodeBox("moov", body)
	if err != nil {
		return nil, r.info, err
	}
	moov, ok := box.(*mp4.MoovBox)
	if !ok || moov.Mvhd == nil || moov.Mvhd.Timescale == 0 {
		return nil, r.info, fmt.Errorf("%w: moov", ErrDamaged)
	}
	r.first, r.resume, r.fragmented = r.in.at, r.in.at, moov.Mvex != nil
	if r.in.src.CanSeek && !r.in.src.Local {
		src := r.in.src
		src.ReadSeeker = newBlocks(src)
		r.in = &cursor{src: src, buf: bufio.NewReaderSize(src, 4<<10)}
		if err := r.in.jump(r.first); err != nil {
			return nil, r.info, err
		}
	}
	tracks, err := r.readTraks(moov)
	if err != nil {
		return nil, r.info, err
	}
	r.info.Duration = scaleTicks(moov.Mvhd.Duration, uint64(moov.Mvhd.Timescale))
	if r.fragmented {
		return tracks, r.info, r.openFragments(moov)
	}
	if !r.in.src.CanSeek {
		return nil, r.info, fmt.Errorf("%w: MP4 without fragments cannot be read from a server without ranges", ErrFormat)
	}
	r.info.Seekable = true
	return tracks, r.info, nil
}

func (r *mp4Reader) openFragments(moov *mp4.MoovBox) error {
	if m := moov.Mvex.Mehd; m != nil && m.FragmentDuration > 0 {
		r.info.Duration = scaleTicks(uint64(m.FragmentDuration), uint64(moov.Mvhd.Timescale))
	}
	r.info.Seekable = r.in.src.CanSeek && r.in.src.Local
	if !r.info.Seekable || r.info.Duration > 0 {
		return nil
	}
	// Nothing says how long it is: the fragments do.
	for {
		if err := r.fragment(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		for _, in := range r.inputs {
			if n := len(in.samples); n > 0 {
				r.info.Duration = max(r.info.Duration, in.samples[n-1].at)
			}
		}
	}
	return r.rewind()
}

func (r *mp4Reader) rewind() error {
	for _, in := range r.inputs {
		in.samples, in.next, in.decode = nil, 0, 0
	}
	r.resume = r.first
	return nil
}

// scaleTicks is ticks in time, as far as anybody plays.
func scaleTicks(ticks, rate uint64) time.Duration {
	if rate == 0 || ticks/rate >= uint64(maxTime/time.Second) {
		return maxTime
	}
	return time.Duration(ticks/rate)*time.Second + time.Duration(ticks%rate*uint64(time.Second)/rate)
}

func (r *mp4Reader) readTraks(moov *mp4.MoovBox) (tracks []Track, err error) {
	for _, trak := range moov.Traks {
		if trak.Tkhd == nil || trak.Mdia == nil || trak.Mdia.Mdhd == nil || trak.Mdia.Mdhd.Timescale == 0 ||
			trak.Mdia.Minf == nil || trak.Mdia.Minf.Stbl == nil || trak.Mdia.Minf.Stbl.Stsd == nil {
			continue
		}
		stsd := trak.Mdia.Minf.Stbl.Stsd
		t, ok := describedTrack(stsd)
		if !ok {
			if h := trak.Mdia.Hdlr; h != nil && (h.HandlerType == "soun" || h.HandlerType == "vide") && len(stsd.Children) > 0 {
				r.info.LeftOut = append(r.info.LeftOut, codecName(stsd.Children[0].Type()))
			}
			continue
		}
		in := &mp4Input{id: trak.Tkhd.TrackID, rate: uint64(trak.Mdia.Mdhd.Timescale)}
		in.shift = editShift(trak, in.rate, uint64(moov.Mvhd.Timescale))
		if r.fragmented {
			for _, x := range moov.Mvex.Trexs {
				if x.TrackID == in.id {
					in.trex = x
				}
			}
		} else if in.samples, err = in.table(trak.Mdia.Minf.Stbl, r.in.src.Size); err != nil {
			return nil, err
		}
		t.number = uint64(in.id)
		r.inputs = append(r.inputs, in)
		tracks = append(tracks, t)
	}
	return tracks, nil
}

// describedTrack reads a sample description.
func describedTrack(stsd *mp4.StsdBox) (t Track, ok bool) {
	var video *mp4.VisualSampleEntryBox
	switch {
	case stsd.AvcX != nil && stsd.AvcX.AvcC != nil:
		var private bytes.Buffer
		if stsd.AvcX.AvcC.DecConfRec.Encode(&private) != nil {
			return t, false
		}
		video = stsd.AvcX
		t, ok = openTrack(codec.FormatH264, private.Bytes())
	case stsd.Av01 != nil:
		video = stsd.Av01
		t, ok = openTrack(codec.FormatAV1, nil)
		if video.Av1C != nil {
			t.Profile = int(video.Av1C.SeqProfile)
		}
	case stsd.VpXX != nil && stsd.VpXX.Type() == "vp08":
		video = stsd.VpXX
		t, ok = openTrack(codec.FormatVP8, nil)
	case stsd.VpXX != nil:
		video = stsd.VpXX
		t, ok = openTrack(codec.FormatVP9, nil)
		if video.VppC != nil {
			t.Profile = int(video.VppC.Profile)
		}
	case stsd.Opus != nil:
		t, ok = openTrack(codec.FormatOpus, nil)
		if d := stsd.Opus.Dops; d != nil && d.OutputChannelCount == 1 {
			t.Channels = 1
		}
	}
	if video != nil {
		t.Width, t.Height = int(video.Width), int(video.Height)
	}
	return t, ok
}

// editShift is how much later than its samples say a track is shown.
func editShift(trak *mp4.TrakBox, rate, movieRate uint64) (shift time.Duration) {
	if trak.Edts == nil || len(trak.Edts.Elst) == 0 {
		return 0
	}
	for _, e := range trak.Edts.Elst[0].Entries {
		if e.MediaTime == -1 {
			shift += scaleTicks(e.SegmentDuration, movieRate)
			continue
		}
		if e.MediaTime > 0 {
			shift -= scaleTicks(uint64(e.MediaTime), rate)
		}
		break
	}
	return shift
}

func (r *mp4Reader) choose(tracks [kinds]*Track) {
	r.tracks = tracks
	for k, t := range tracks {
		for _, in := range r.inputs {
			if t != nil && t.number == uint64(in.id) {
				r.chosen[k] = in
			}
		}
	}
}

// ahead is the kind whose next sample is to be decoded first.
func (r *mp4Reader) ahead() (k Kind, ok bool) {
	for i, in := range r.chosen {
		if in == nil || in.next >= len(in.samples) {
			continue
		}
		if !ok || r.before(in.samples[in.next], r.chosen[k].samples[r.chosen[k].next]) {
			k, ok = Kind(i), true
		}
	}
	return k, ok
}

// before: in the order of decoding, and of the file where there is no way back.
func (r *mp4Reader) before(a, b mp4Sample) bool {
	if !r.in.src.CanSeek {
		return a.offset < b.offset
	}
	return a.decode < b.decode
}

func (r *mp4Reader) next() (*Track, Sample, error) {
	for {
		k, ok := r.ahead()
		if !ok {
			if !r.fragmented {
				return nil, Sample{}, io.EOF
			}
			if err := r.fragment(); err != nil {
				return nil, Sample{}, err
			}
			continue
		}
		in := r.chosen[k]
		s := in.samples[in.next]
		in.next++
		if r.fragmented && (s.at < r.from || k == Video && r.needKey && !s.key) {
			continue
		}
		if k == Video {
			r.needKey = false
		}
		data, err := r.data(s)
		if err != nil {
			return nil, Sample{}, err
		}
		return r.tracks[k], Sample{At: s.at, Key: s.key, Data: data}, nil
	}
}

func (r *mp4Reader) data(s mp4Sample) ([]byte, error) {
	if err := r.goTo(s.offset); err != nil {
		return nil, err
	}
	return r.in.read(int(s.size))
}

func (r *mp4Reader) seek(to time.Duration) (time.Duration, error) {
	lead := Video
	if r.chosen[Video] == nil {
		lead = Audio
	}
	if r.fragmented {
		return r.seekFragments(lead, to)
	}
	in := r.chosen[lead]
	if len(in.samples) == 0 {
		return 0, nil
	}
	in.next = 0
	for i, s := range in.samples {
		if s.key && s.at <= to {
			in.next = i
		}
	}
	at := in.samples[in.next].at
	if other := r.chosen[1-lead]; other != nil {
		other.next = sort.Search(len(other.samples), func(i int) bool { return other.samples[i].at >= at })
	}
	return at, nil
}
