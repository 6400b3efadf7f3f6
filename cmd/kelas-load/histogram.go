package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets of about 3 %, from a microsecond to
// an hour. Adding takes no lock.
type histogram struct {
	counts [32 * subBuckets]atomic.Uint64
	max    atomic.Int64
}

const subBuckets = 32

func bucketOf(d time.Duration) int {
	us := uint64(max(0, d.Microseconds()))
	if us < subBuckets {
		return int(us)
	}
	octave := bits.Len64(us) - 6 // 32..63 is octave 0
	return min((octave+1)*subBuckets+int(us>>octave)-subBuckets, 32*subBuckets-1)
}

// valueOf is the middle of a bucket.
func valueOf(bucket int) time.Duration {
	if bucket < subBuckets {
		return time.Duration(bucket) * time.Microsecond
	}
	octave := bucket/subBuckets - 1
	low := uint64(bucket%subBuckets+subBuckets) << octave
	return time.Duration(low+(uint64(1)<<octave)/2) * time.Microsecond
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucketOf(d)].Add(1)
	for {
		old := h.max.Load()
		if int64(d) <= old || h.max.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

func (h *histogram) count() uint64 {
	n := uint64(0)
	for i := range h.counts {
		n += h.counts[i].Load()
	}
	return n
}

// quantile is 0 when nothing was counted.
func (h *histogram) quantile(q float64) time.Duration {
	n := h.count()
	if n == 0 {
		return 0
	}
	rank := min(uint64(q*float64(n)), n-1)
	seen := uint64(0)
	for i := range h.counts {
		if seen += h.counts[i].Load(); seen > rank {
			return min(valueOf(i), time.Duration(h.max.Load()))
		}
	}
	return time.Duration(h.max.Load())
}

// quantiles of a delay in milliseconds, as reports have them.
type quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func (h *histogram) quantiles() quantiles {
	return quantiles{P50: ms(h.quantile(.5)), P95: ms(h.quantile(.95)), P99: ms(h.quantile(.99)), Max: ms(time.Duration(h.max.Load()))}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
