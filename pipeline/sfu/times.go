package sfu

import (
	"sync/atomic"
	"time"
)

// layerTimes measures how evenly packets of a layer arrive, and how long they stay here. The goroutine that writes
// the layer writes it.
type layerTimes struct {
	seen   bool
	lastTS uint32
	lastAt int64

	uneven atomic.Int64 // nanoseconds, times 16
	stay   atomic.Int64 // the same
	taken  meanTime
}

// note takes an arrival (RFC 3550, section A.8, in nanoseconds).
func (t *layerTimes) note(ts uint32, arrival, rate int64) {
	if t.seen {
		took := int64(int32(ts-t.lastTS)) * 1e9 / rate
		d := arrival - t.lastAt - took
		if max(d, -d) < int64(10*time.Second) { // a pause or a jump of the clock says nothing of the way
			t.uneven.Store(smooth(t.uneven.Load(), max(d, -d)))
		}
	}
	t.seen, t.lastTS, t.lastAt = true, ts, arrival
}

// through is told when all slots of one worker have had the packet that arrived then. Of two workers that tell it at
// once one may not be counted.
func (t *layerTimes) through(arrival time.Time) {
	t.stay.Store(smooth(t.stay.Load(), int64(time.Since(arrival))))
}

// meanTime is a running mean of times, from the first on. One goroutine writes it at a time.
type meanTime struct{ times16 atomic.Int64 }

func (m *meanTime) note(ns int64) {
	if was := m.times16.Load(); was != 0 {
		m.times16.Store(smooth(was, ns))
		return
	}
	m.times16.Store(max(1, 16*ns))
}

func (m *meanTime) get() time.Duration { return time.Duration(m.times16.Load() / 16) }

// smooth is a running mean with a weight of a sixteenth; both sides are kept times 16.
func smooth(mean, v int64) int64 { return mean + v - mean/16 }

func (t *layerTimes) jitter() time.Duration  { return time.Duration(t.uneven.Load() / 16) }
func (t *layerTimes) latency() time.Duration { return time.Duration(t.stay.Load() / 16) }
