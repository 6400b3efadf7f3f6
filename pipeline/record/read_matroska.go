package record

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"sort"
	"time"

	"kelas/pipeline/codec"
)

// More element ids, for reading alone (RFC 9559).
const (
	idBlockGroup     = 0xa0
	idBlock          = 0xa1
	idReferenceBlock = 0xfb
)

const (
	// maxHead bounds what stands at a file's head, and its seek table.
	maxHead = 16 << 20
	maxLace = 256
)

// matroskaReader reads WebM and MKV. Segment and Cluster are not entered but walked through, so that it does not
// matter whether their sizes are known, right, or beyond the end of a file that was cut.
type matroskaReader struct {
	in      *cursor
	chosen  [kinds]*Track
	segment int64 // where its data begin
	scale   int64 // nanoseconds
	cues    []cuePoint
	cuesAt  int64 // 0: unknown
	first   int64 // the first cluster
	cluster time.Duration
	waiting []Sample // of a laced block
	owner   *Track   // of these

	from    time.Duration // samples before are left out
	needKey bool
}

type cuePoint struct {
	at    time.Duration
	track uint64
	pos   int64
}

// element reads the head of the next one; size is -1 when it is unknown.
func (r *matroskaReader) element() (id uint32, size int64, err error) {
	first, err := r.in.byte()
	if err != nil {
		return 0, 0, err
	}
	n := 1
	for n <= 4 && first&(0x80>>(n-1)) == 0 {
		n++
	}
	if n > 4 {
		return 0, 0, fmt.Errorf("%w: no element where one should begin", ErrDamaged)
	}
	id = uint32(first)
	for range n - 1 {
		b, err := r.in.byte()
		if err != nil {
			return 0, 0, err
		}
		id = id<<8 | uint32(b)
	}
	size, err = r.vint()
	return id, size, err
}

// vint reads a size (RFC 8794, section 4).
func (r *matroskaReader) vint() (int64, error) {
	first, err := r.in.byte()
	if err != nil {
		return 0, err
	}
	rest := make([]byte, 0, 8)
	for n := 1; n < vintLength(first); n++ {
		b, err := r.in.byte()
		if err != nil {
			return 0, err
		}
		rest = append(rest, b)
	}
	v, _, ok := parseVint(append([]byte{first}, rest...))
	if !ok {
		return 0, fmt.Errorf("%w: a size that is none", ErrDamaged)
	}
	return v, nil
}

func vintLength(first byte) int {
	n := 1
	for n <= 8 && first&(0x80>>(n-1)) == 0 {
		n++
	}
	return n
}

// parseVint reads a number; -1 stands for all ones, the unknown size.
func parseVint(b []byte) (v int64, n int, ok bool) {
	if len(b) == 0 {
		return 0, 0, false
	}
	n = vintLength(b[0])
	if n > 8 || n > len(b) {
		return 0, 0, false
	}
	v = int64(b[0] & (0xff >> n))
	for _, x := range b[1:n] {
		v = v<<8 | int64(x)
	}
	if v == 1<<(7*n)-1 {
		return -1, n, true
	}
	return v, n, true
}

// children walks over the elements of a body that is in memory; false: it makes no sense.
func children(body []byte, each func(id uint32, data []byte)) bool {
	for len(body) > 0 {
		n := vintLength(body[0])
		if n > 4 || n > len(body) {
			return false
		}
		id := uint32(0)
		for _, b := range body[:n] {
			id = id<<8 | uint32(b)
		}
		size, m, ok := parseVint(body[n:])
		if !ok || size < 0 || size > int64(len(body)-n-m) {
			return false
		}
		body = body[n+m:]
		each(id, body[:size])
		body = body[size:]
	}
	return true
}

func uintOf(b []byte) uint64 {
	var v uint64
	for _, x := range b[:min(len(b), 8)] {
		v = v<<8 | uint64(x)
	}
	return v
}

func floatOf(b []byte) float64 {
	switch len(b) {
	case 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	return 0
}

// body reads an element's data into memory.
func (r *matroskaReader) body(size int64) ([]byte, error) {
	if size < 0 || size > maxHead {
		return nil, fmt.Errorf("%w: an element of %d bytes", ErrDamaged, size)
	}
	return r.in.read(int(size))
}

func (r *matroskaReader) open() ([]Track, Info, error) {
	info := Info{Container: "MKV"}
	r.scale = int64(time.Millisecond)
	var tracks []Track
	for r.first == 0 {
		at := r.in.at
		id, size, err := r.element()
		if err != nil {
			return nil, info, err
		}
		switch id {
		case idSegment:
			r.segment = r.in.at
			continue
		case idCluster:
			r.first = at
			continue
		case idEBML, idSeekHead, idInfo, idTracks, idCues:
		default:
			if err := r.in.skip(size); err != nil {
				return nil, info, err
			}
			continue
		}
		body, err := r.body(size)
		if err != nil {
			return nil, info, err
		}
		switch id {
		case idEBML:
			children(body, func(id uint32, data []byte) {
				if id == idDocType && string(data) == "webm" {
					info.Container = "WebM"
				}
			})
		case idSeekHead:
			r.readSeekHead(body)
		case idInfo:
			info.Duration = r.readInfo(body)
		case idTracks:
			tracks = readTracks(body)
		case idCues:
			r.readCues(body)
		}
	}
	return tracks, r.finishInfo(info), r.loadCues()
}

func (r *matroskaReader) finishInfo(info Info) Info {
	// Without a seek table the file is searched, where that is cheap.
	info.Seekable = r.in.src.CanSeek && (r.in.src.Local || r.cuesAt > 0 || len(r.cues) > 0)
	return info
}

// loadCues reads the seek table at the end, if it is there, and returns to the first cluster.
func (r *matroskaReader) loadCues() error {
	if len(r.cues) > 0 || r.cuesAt <= 0 || !r.in.src.CanSeek || r.in.src.Size >= 0 && r.cuesAt >= r.in.src.Size {
		return nil
	}
	back := r.in.at
	if err := r.in.jump(r.cuesAt); err != nil {
		return err
	}
	if id, size, err := r.element(); err == nil && id == idCues {
		if body, err := r.body(size); err == nil {
			r.readCues(body)
		}
	}
	return r.in.jump(back)
}

func (r *matroskaReader) readSeekHead(body []byte) {
	children(body, func(_ uint32, seek []byte) {
		var id, pos uint64
		children(seek, func(i uint32, data []byte) {
			switch i {
			case idSeekID:
				id = uintOf(data)
			case idSeekPosition:
				pos = uintOf(data)
			}
		})
		if id == idCues && pos < math.MaxInt64/2 {
			r.cuesAt = r.segment + int64(pos)
		}
	})
}

func (r *matroskaReader) readInfo(body []byte) time.Duration {
	var d float64
	children(body, func(id uint32, data []byte) {
		switch id {
		case idTimestampScale:
			if v := uintOf(data); v > 0 && v <= uint64(time.Second) {
				r.scale = int64(v)
			}
		case idDuration:
			d = floatOf(data)
		}
	})
	if ns := d * float64(r.scale); ns > 0 && ns < float64(maxTime) {
		return time.Duration(ns)
	}
	return 0
}

var matroskaCodecs = map[string]codec.Format{
	"V_VP8": codec.FormatVP8, "V_VP9": codec.FormatVP9, "V_AV1": codec.FormatAV1,
	"V_MPEG4/ISO/AVC": codec.FormatH264, "A_OPUS": codec.FormatOpus,
}

func readTracks(body []byte) (tracks []Track) {
	children(body, func(id uint32, entry []byte) {
		if id != idTrackEntry || len(tracks) >= 64 {
			return
		}
		var number uint64
		var name string
		var private []byte
		var width, height int
		children(entry, func(id uint32, data []byte) {
			switch id {
			case idTrackNumber:
				number = uintOf(data)
			case idCodecID:
				name = string(data)
			case idCodecPrivate:
				private = data
			case idVideo:
				children(data, func(id uint32, data []byte) {
					switch id {
					case idPixelWidth:
						width = int(uintOf(data) & 0xffff)
					case idPixelHeight:
						height = int(uintOf(data) & 0xffff)
					}
				})
			}
		})
		if t, ok := openTrack(matroskaCodecs[name], private); ok {
			t.number, t.Width, t.Height = number, width, height
			tracks = append(tracks, t)
		}
	})
	return tracks
}

func (r *matroskaReader) readCues(body []byte) {
	children(body, func(id uint32, point []byte) {
		if id != idCuePoint {
			return
		}
		c := cuePoint{pos: -1}
		children(point, func(id uint32, data []byte) {
			switch id {
			case idCueTime:
				c.at = r.scaled(uintOf(data))
			case idCueTrackPositions:
				children(data, func(id uint32, data []byte) {
					switch id {
					case idCueTrack:
						c.track = uintOf(data)
					case idCueClusterPosition:
						if v := uintOf(data); v < math.MaxInt64/2 {
							c.pos = r.segment + int64(v)
						}
					}
				})
			}
		})
		if c.pos >= 0 {
			r.cues = append(r.cues, c)
		}
	})
	sort.SliceStable(r.cues, func(i, j int) bool { return r.cues[i].at < r.cues[j].at })
}

func (r *matroskaReader) scaled(v uint64) time.Duration {
	if v > uint64(int64(maxTime)/r.scale) {
		return maxTime
	}
	return time.Duration(int64(v) * r.scale)
}

func (r *matroskaReader) choose(tracks [kinds]*Track) { r.chosen = tracks }

func (r *matroskaReader) next() (*Track, Sample, error) {
	for {
		if len(r.waiting) > 0 {
			s := r.waiting[0]
			r.waiting = r.waiting[1:]
			return r.owner, s, nil
		}
		_, t, samples, err := r.block()
		if err != nil {
			return nil, Sample{}, err
		}
		r.owner, r.waiting = t, r.wanted(t, samples)
	}
}

// wanted leaves out what stands before the place that was sought.
func (r *matroskaReader) wanted(t *Track, samples []Sample) []Sample {
	if t == nil || len(samples) == 0 || samples[0].At < r.from {
		return nil
	}
	if t.Kind == Video && r.needKey {
		if !samples[0].Key {
			return nil
		}
		r.needKey = false
	}
	return samples
}

// block reads the next block and gives its samples; t is nil when it is of a track that nobody wants. pos is where it
// begins.
func (r *matroskaReader) block() (pos int64, t *Track, samples []Sample, err error) {
	for {
		pos = r.in.at
		id, size, err := r.element()
		if err != nil {
			return 0, nil, nil, err
		}
		switch id {
		case idCluster, idSegment:
			continue
		case idTimestamp:
			body, err := r.body(size)
			if err != nil {
				return 0, nil, nil, err
			}
			r.cluster = r.scaled(uintOf(body))
			continue
		case idSimpleBlock, idBlockGroup:
		default:
			if size < 0 {
				return 0, nil, nil, fmt.Errorf("%w: an element without a size", ErrDamaged)
			}
			if err := r.in.skip(size); err != nil {
				return 0, nil, nil, err
			}
			continue
		}
		body, err := r.body(size)
		if err != nil {
			return 0, nil, nil, err
		}
		block, key := body, false
		if id == idBlockGroup {
			block, key = nil, true
			children(body, func(id uint32, data []byte) {
				switch id {
				case idBlock:
					block = data
				case idReferenceBlock:
					key = false
				}
			})
		}
		t, samples, err = r.parseBlock(block, id == idSimpleBlock, key)
		return pos, t, samples, err
	}
}

// parseBlock reads a block's head and its frames (RFC 9559, section 10).
func (r *matroskaReader) parseBlock(b []byte, simple, key bool) (*Track, []Sample, error) {
	number, n, ok := parseVint(b)
	if !ok || len(b) < n+3 {
		return nil, nil, fmt.Errorf("%w: a block without a head", ErrDamaged)
	}
	var track *Track
	for _, t := range r.chosen {
		if t != nil && t.number == uint64(number) {
			track = t
		}
	}
	if track == nil {
		return nil, nil, nil
	}
	rel, flags := int16(binary.BigEndian.Uint16(b[n:])), b[n+2]
	at := max(0, min(r.cluster+time.Duration(int64(rel)*r.scale), maxTime))
	if simple {
		key = flags&0x80 != 0
	}
	frames, ok := unlace(flags>>1&3, b[n+3:])
	if !ok {
		return nil, nil, fmt.Errorf("%w: a laced block", ErrDamaged)
	}
	samples := make([]Sample, 0, len(frames))
	for _, f := range frames {
		samples = append(samples, Sample{At: at, Key: key || track.Kind == Audio, Data: f})
		if track.format == codec.FormatOpus {
			at += codec.OpusDuration(f)
		}
	}
	return track, samples, nil
}

// unlace cuts a block into its frames (RFC 9559, section 10.3).
func unlace(lacing byte, b []byte) ([][]byte, bool) {
	if lacing == 0 {
		return [][]byte{b}, true
	}
	if len(b) == 0 {
		return nil, false
	}
	count := int(b[0]) + 1
	b = b[1:]
	sizes := make([]int, 0, maxLace)
	switch lacing {
	case 2: // all alike
		if len(b)%count != 0 {
			return nil, false
		}
		for range count - 1 {
			sizes = append(sizes, len(b)/count)
		}
	case 1: // Xiph
		for range count - 1 {
			size := 0
			for {
				if len(b) == 0 {
					return nil, false
				}
				x := b[0]
				b = b[1:]
				size += int(x)
				if x < 255 {
					break
				}
			}
			sizes = append(sizes, size)
		}
	default: // EBML: the first size, then differences
		size := int64(0)
		for i := range count - 1 {
			v, n, ok := parseVint(b)
			if !ok {
				return nil, false
			}
			if v < 0 {
				v = 1<<(7*n) - 1
			}
			b = b[n:]
			if i > 0 {
				v = size + v - (1<<(7*n-1) - 1)
			}
			if v < 0 || v > maxHead {
				return nil, false
			}
			size = v
			sizes = append(sizes, int(v))
		}
	}
	frames := make([][]byte, 0, count)
	for _, size := range sizes {
		if size > len(b) {
			return nil, false
		}
		frames = append(frames, b[:size])
		b = b[size:]
	}
	return append(frames, b), true
}

func (r *matroskaReader) seek(to time.Duration) (time.Duration, error) {
	r.waiting = nil
	lead := r.chosen[Video]
	if lead == nil {
		lead = r.chosen[Audio]
	}
	start := r.first
	for _, c := range r.cues {
		if c.track == lead.number && c.at <= to {
			start = c.pos
		}
	}
	at, err := r.search(start, lead, to)
	if err != nil {
		return 0, err
	}
	r.from, r.needKey = at, r.chosen[Video] != nil
	return at, nil
}

// search walks on from a cluster to the newest key frame that is not behind to, and stands before its cluster's
// blocks again.
func (r *matroskaReader) search(start int64, lead *Track, to time.Duration) (time.Duration, error) {
	if err := r.in.jump(start); err != nil {
		return 0, err
	}
	found, foundPos, foundCluster := time.Duration(-1), start, r.cluster
	for {
		pos, t, samples, err := r.block()
		if err == io.EOF {
			break
		} else if err != nil {
			return 0, err
		}
		if t != lead || len(samples) == 0 {
			continue
		}
		if samples[0].At > to && found >= 0 {
			break
		}
		if samples[0].Key {
			found, foundPos, foundCluster = samples[0].At, pos, r.cluster
		}
		if samples[0].At > to {
			break // nothing before it: the file begins later
		}
	}
	if found < 0 {
		found = to
	}
	if err := r.in.jump(foundPos); err != nil {
		return 0, err
	}
	r.cluster = foundCluster
	return found, nil
}
