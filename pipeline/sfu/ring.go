package sfu

import "encoding/binary"

const (
	// maxPayload is the largest payload taken: an Ethernet frame and some.
	maxPayload = 1600
	// lateInARow is how many packets are taken for late ones with no new one among them, before the source is
	// taken to count anew from a number that by chance is near.
	lateInARow = 64
	// headroom is what a payload may grow at its front: a longer VP8 descriptor and the original sequence
	// number of a retransmission.
	headroom = 8
)

// rtpHeader is what is read of an incoming RTP header (RFC 3550, section 5.1).
type rtpHeader struct {
	seq    uint16
	ts     uint32
	marker bool
}

// parseRTP finds the payload between header, contributing sources, extensions and padding.
// Extensions are not looked at: their numbers mean nothing to a viewer.
func parseRTP(b []byte) (h rtpHeader, payload []byte, ok bool) {
	if len(b) < 12 || b[0]>>6 != 2 {
		return h, nil, false
	}
	start, end := 12+4*int(b[0]&0x0f), len(b)
	if b[0]&0x10 != 0 {
		if start+4 > end {
			return h, nil, false
		}
		start += 4 + 4*int(binary.BigEndian.Uint16(b[start+2:]))
	}
	if start > end {
		return h, nil, false
	}
	if b[0]&0x20 != 0 {
		padding := int(b[end-1])
		if padding == 0 || padding > end-start {
			return h, nil, false
		}
		end -= padding
	}
	h = rtpHeader{seq: binary.BigEndian.Uint16(b[2:]), ts: binary.BigEndian.Uint32(b[4:]), marker: b[1]&0x80 != 0}
	return h, b[start:end], end-start <= maxPayload
}

// entry is one remembered packet. An empty body is a packet of padding: it is remembered so that its number
// is no hole.
type entry struct {
	ext     int64
	ts      uint32
	marker  bool
	key     bool
	arrival int64
	body    []byte // its array is used again
}

type verdict uint8

const (
	taken verdict = iota
	duplicate
	tooOld
)

// ring holds the newest packets of a layer at the place of their number, so that late ones find theirs.
type ring struct {
	entries []entry
	mask    int64
	started bool
	highest int64
	suspect int32 // number that would confirm that the source started anew (RFC 3550, appendix A.1); -1: none
	behind  int   // late packets since the last new one

	keyExt, keyArrival int64 // first packet of the newest key frame; keyExt 0: none
	keyTS              uint32
}

func newRing(size int) *ring {
	n := 16
	for n < size {
		n *= 2
	}
	return &ring{entries: make([]entry, n), mask: int64(n - 1), suspect: -1}
}

func (r *ring) size() int64 { return r.mask + 1 }

// extend turns a number of 16 bits into one that never wraps.
func (r *ring) extend(seq uint16) (ext int64, v verdict) {
	if !r.started {
		return int64(seq) + 1<<16, taken
	}
	ext = r.highest + int64(int16(seq-uint16(r.highest)))
	if ext > r.highest-r.size() && r.behind < lateInARow {
		r.suspect = -1
		return ext, taken
	}
	if r.suspect >= 0 && uint16(r.suspect) == seq {
		// Two in a row from far back: the source counts anew. The jump is so wide that slots notice.
		r.suspect, r.behind = -1, 0
		return (r.highest>>16+2)<<16 + int64(seq), taken
	}
	r.suspect = int32(seq + 1)
	return ext, tooOld
}

// insert remembers a packet; lost is by how much the number of holes changed.
func (r *ring) insert(h rtpHeader, key bool, arrival int64, body []byte) (ext int64, v verdict, lost int64) {
	ext, v = r.extend(h.seq)
	if v != taken {
		return ext, v, 0
	}
	e := &r.entries[ext&r.mask]
	if e.ext == ext {
		return ext, duplicate, 0
	}
	switch {
	case !r.started:
		r.started, r.highest = true, ext
	case ext > r.highest:
		if ext-r.highest <= r.size() {
			lost = ext - r.highest - 1
		}
		r.highest = ext
		r.behind = 0
	default:
		r.behind++
		lost = -1
	}
	e.ext, e.ts, e.marker, e.key, e.arrival = ext, h.ts, h.marker, key, arrival
	e.body = store(e.body, body)
	if key {
		r.noteKey(e)
	}
	return ext, taken, lost
}

// store copies into the array at hand; arrays grow in steps, so that soon none grows any more.
func store(dst, src []byte) []byte {
	if cap(dst) < len(src) {
		dst = make([]byte, 0, (len(src)+255)&^255)
	}
	return append(dst[:0], src...)
}

func (r *ring) noteKey(e *entry) {
	if r.keyExt != 0 && e.ts == r.keyTS {
		if e.ext < r.keyExt && r.keyExt-e.ext < r.size() {
			r.keyExt = e.ext
		}
		return
	}
	if e.ext > r.keyExt {
		r.keyExt, r.keyTS, r.keyArrival = e.ext, e.ts, e.arrival
	}
}

// get finds a packet by its number.
func (r *ring) get(ext int64) *entry {
	e := &r.entries[ext&r.mask]
	if e.ext != ext || !r.started {
		return nil
	}
	return e
}

// getShort finds a packet by the low 32 bits of its number.
func (r *ring) getShort(ext uint32) *entry {
	e := &r.entries[int64(ext)&r.mask]
	if uint32(e.ext) != ext || !r.started {
		return nil
	}
	return e
}

// replayable tells where to begin when everything since the newest key frame is here and that frame is not
// older than maxAge. A hole counts when it had settle time to be filled.
func (r *ring) replayable(now, maxAge, settle int64) (from int64, ok bool) {
	if r.keyExt == 0 || now-r.keyArrival > maxAge || r.highest-r.keyExt > r.size()-r.size()/8 {
		return 0, false
	}
	hole := false
	for ext := r.keyExt; ext <= r.highest; ext++ {
		e := r.get(ext)
		if e == nil {
			hole = true
		} else if hole && now-e.arrival > settle {
			return 0, false
		}
	}
	return r.keyExt, true
}
