package estimate

const (
	// bucketLength is how finely arrivals are looked at, in us.
	bucketLength = 50_000
	buckets      = 32
	// window is how long the shortest delay must stay above the usual one to be a queue: a large key frame is
	// over by then.
	window = 5
	// rateWindow is what the rate of a line that is full is measured over.
	rateWindow = 6
	// deepWindow is how long a deep queue may stand without growing.
	deepWindow = 20
	// standing is a queue that is there; growing is by how much it grows within the window; deep is one that
	// hurts a conversation even when it does not grow. All in us.
	standing = 40_000
	growing  = 15_000
	deep     = 150_000
	// baseWindow is how long the shortest delay seen counts as the usual one, in us: long against a queue, short
	// against the drift of clocks.
	baseWindow = 15_000_000
)

type bucket struct {
	index int64 // arrival time / bucketLength
	least int64 // us on the way, from an unknown zero
	bytes int64
	n     int
}

// delays looks at how long packets are on the way. Clocks are not compared: only differences count.
type delays struct {
	ring   [buckets]bucket
	newest int64
	any    bool

	baseFrom   int64
	base, last int64 // shortest of this window, and of the one before
	since      int64 // buckets before this one belong to what was done about already
}

func (d *delays) reset() { *d = delays{} }

func (d *delays) add(arrival, delay int64, size int) {
	index := arrival / bucketLength
	switch {
	case !d.any:
		d.any, d.newest, d.since = true, index, index
		d.baseFrom, d.base, d.last = arrival, delay, delay
	case index > d.newest:
		d.newest = index
	case index <= d.newest-buckets:
		return
	}
	b := &d.ring[((index%buckets)+buckets)%buckets]
	if b.index != index || b.n == 0 {
		*b = bucket{index: index, least: delay}
	}
	b.least = min(b.least, delay)
	b.bytes += int64(size)
	b.n++
	if arrival-d.baseFrom > baseWindow {
		d.baseFrom, d.last, d.base = arrival, d.base, delay
	}
	d.base = min(d.base, delay)
}

func (d *delays) usual() int64 { return min(d.base, d.last) }

// at is the bucket so many before the newest, nil when nothing arrived then.
func (d *delays) at(ago int64) *bucket {
	index := d.newest - ago
	if !d.any || index < d.since {
		return nil
	}
	b := &d.ring[((index%buckets)+buckets)%buckets]
	if b.index != index || b.n == 0 {
		return nil
	}
	return b
}

// look summarizes the newest n buckets: the shortest delay above the usual one, and how much it grew from the
// older half to the newer one. ok is false when too little arrived, or when the time since the last reset is shorter.
func (d *delays) look(n int64) (least, growth int64, ok bool) {
	if !d.any || d.newest-n+1 < d.since {
		return 0, 0, false
	}
	const none = int64(1) << 62
	older, newer, seen := none, none, 0
	for ago := range n {
		b := d.at(ago)
		if b == nil {
			continue
		}
		seen++
		if ago < n/2 {
			newer = min(newer, b.least)
		} else {
			older = min(older, b.least)
		}
	}
	if seen < 3 || older == none || newer == none {
		return 0, 0, false
	}
	return min(older, newer) - d.usual(), newer - older, true
}

// queue is how much longer than usual packets are on the way now, in us: the quickest of the newest two buckets,
// for a browser that is busy for a moment is no queue.
func (d *delays) queue() int64 {
	seen, least := 0, int64(0)
	for ago := int64(0); ago < window && seen < 2; ago++ {
		if b := d.at(ago); b != nil {
			if seen++; seen == 1 || b.least < least {
				least = b.least
			}
		}
	}
	if seen == 0 {
		return 0
	}
	return max(0, least-d.usual())
}

// rate is what arrived in the newest n whole buckets, in bits a second. The newest one still fills.
func (d *delays) rate(n int64) int64 {
	sum, spent := int64(0), int64(0)
	for ago := int64(1); ago <= n && d.newest-ago >= d.since; ago++ {
		spent++
		if b := d.at(ago); b != nil {
			sum += b.bytes
		}
	}
	if spent == 0 {
		return 0
	}
	return sum * 8 * 1_000_000 / (spent * bucketLength)
}
