package sfu

import (
	"sync"
	"time"
)

// SourceClock relates one sender's NTP clock to ours. All tracks of that sender share one: a wrong offset
// then shifts sound and picture together and is never seen.
type SourceClock struct {
	mu          sync.Mutex
	have        bool
	window      int64 // when the current window began
	best, older int64 // smallest (arrival - NTP) in this window and the one before
}

const (
	clockWindow = int64(30 * time.Second) // long enough to have a quick packet, short enough to follow drift
	clockStep   = int64(5 * time.Second)  // more than the network does: the sender set its clock
)

// NewSourceClock makes a clock that has heard nothing yet.
func NewSourceClock() *SourceClock { return &SourceClock{} }

// observe takes one sender report. The report that was quickest on its way is the best.
func (c *SourceClock) observe(ntp, arrival int64) {
	d := arrival - ntp
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.have || d-c.best > clockStep || c.best-d > clockStep:
		c.have, c.window, c.best, c.older = true, arrival, d, d
	case arrival-c.window > clockWindow:
		c.window, c.older, c.best = arrival, c.best, d
	default:
		c.best = min(c.best, d)
	}
}

func (c *SourceClock) offset() (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return min(c.best, c.older), c.have
}

// ntpUnix is the distance of the epochs 1900 and 1970 in seconds (RFC 868).
const ntpUnix = 2208988800

func ntpToUnixNano(ntp uint64) int64 {
	return (int64(ntp>>32)-ntpUnix)*1e9 + int64((ntp&0xffffffff)*1e9>>32)
}

func timeToNTP(t time.Time) uint64 {
	ns := uint64(t.UnixNano() + ntpUnix*1e9)
	return ns/1e9<<32 | (ns%1e9<<32)/1e9
}

// layerClock maps a layer's RTP timestamps to our time: by the sender's reports, before them and against
// nonsense in them by arrival times. Its owner locks it.
type layerClock struct {
	rate   int64
	source *SourceClock

	seen      bool
	arrivalTS uint32 // newest timestamp and when its first packet came
	arrivalAt int64

	reported bool
	reportTS uint32
	reportAt int64 // in the sender's clock
}

// believable is how far reports and arrivals may be apart.
const believable = int64(10 * time.Second)

func (c *layerClock) note(ts uint32, arrival int64) {
	newer := c.ticksToNano(int64(int32(ts - c.arrivalTS)))
	if !c.seen || newer > 0 || newer < -believable || arrival-c.arrivalAt > believable {
		c.seen, c.arrivalTS, c.arrivalAt = true, ts, arrival
	}
}

func (c *layerClock) report(ntp uint64, ts uint32, arrival int64) {
	c.reported, c.reportTS, c.reportAt = true, ts, ntpToUnixNano(ntp)
	c.source.observe(c.reportAt, arrival)
}

// anchor gives one pair of timestamp and time of ours.
func (c *layerClock) anchor() (ts uint32, at int64, ok bool) {
	if !c.seen {
		return 0, 0, false
	}
	if c.reported {
		if offset, ok := c.source.offset(); ok {
			at := c.reportAt + offset
			byArrival := c.arrivalAt + c.ticksToNano(int64(int32(c.reportTS-c.arrivalTS)))
			if d := at - byArrival; -believable < d && d < believable {
				return c.reportTS, at, true
			}
		}
	}
	return c.arrivalTS, c.arrivalAt, true
}

func (c *layerClock) ticksToNano(ticks int64) int64 {
	return ticks/c.rate*1e9 + ticks%c.rate*1e9/c.rate
}

func (c *layerClock) nanoToTicks(ns int64) int64 {
	return ns/1e9*c.rate + ns%1e9*c.rate/1e9
}

// timeOf tells when a timestamp was captured, in our time.
func (c *layerClock) timeOf(ts uint32) (int64, bool) {
	anchor, at, ok := c.anchor()
	return at + c.ticksToNano(int64(int32(ts-anchor))), ok
}

// timestampAt is the timestamp that a capture at this moment would have.
func (c *layerClock) timestampAt(at int64) (uint32, bool) {
	anchor, base, ok := c.anchor()
	return anchor + uint32(c.nanoToTicks(at-base)), ok
}
