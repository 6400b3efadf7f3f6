package record

import "time"

const (
	// A hole may be filled for so long: by a retransmission of pictures, which the source is asked for again and again,
	// by a detour of sound, which is not asked for.
	waitVideo = 700 * time.Millisecond
	waitAudio = 150 * time.Millisecond
	// maxWaiting is how many packets may wait behind a hole.
	maxWaiting = 512
)

// reorder gives packets out in the order of their numbers. It waits for those that are missing, but not for ever.
type reorder struct {
	wait    time.Duration
	started bool
	next    int64 // to be given out
	highest int64
	packets map[int64]Packet
	since   time.Time // when the hole at next was seen; zero: there is none
	late    uint64    // packets for which nobody waited any more
}

func newReorder(wait time.Duration) reorder {
	return reorder{wait: wait, packets: make(map[int64]Packet)}
}

func (r *reorder) push(p Packet) {
	if !r.started {
		r.started = true
		r.next = int64(p.Seq) + 1<<16
		r.highest = r.next - 1
	}
	ext := r.highest + int64(int16(p.Seq-uint16(r.highest)))
	if ext < r.next {
		r.late++
		return
	}
	r.highest = max(r.highest, ext)
	r.packets[ext] = p
}

// pop gives the next packet; gap: some before it are lost for good.
func (r *reorder) pop(now time.Time) (p Packet, gap, ok bool) {
	if len(r.packets) == 0 {
		return Packet{}, false, false
	}
	p, ok = r.packets[r.next]
	if !ok {
		if r.since.IsZero() {
			r.since = now
		}
		if now.Sub(r.since) < r.wait && len(r.packets) < maxWaiting {
			return Packet{}, false, false
		}
		gap = true
		r.next = r.lowest()
		p = r.packets[r.next]
	}
	delete(r.packets, r.next)
	r.next++
	r.since = time.Time{}
	return p, gap, true
}

func (r *reorder) lowest() int64 {
	low := r.highest
	for ext := range r.packets {
		low = min(low, ext)
	}
	return low
}
