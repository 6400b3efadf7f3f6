package record

import (
	"fmt"
	"time"
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
			tracks, info.LeftOut = readTracks(body)
		case idCues:
			r.readCues(body)
		}
	}
	return tracks, r.finishInfo(info), r.loadCues()
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
