package webhook

import "sync/atomic"

// Stats are the figures of an Engine: totals since its start, and what waits.
type Stats struct {
	Webhooks, Waiting     int
	Queued                uint64
	Done, Failed, Retries uint64
	Overflowed            uint64 // failed at once, since their queue was full
}

type counters struct{ queued, done, failed, retries, overflowed atomic.Uint64 }

// Stats returns the figures of now.
func (e *Engine) Stats() Stats {
	s := Stats{Webhooks: len(*e.hooks.Load()), Queued: e.counts.queued.Load(), Done: e.counts.done.Load(),
		Failed: e.counts.failed.Load(), Retries: e.counts.retries.Load(), Overflowed: e.counts.overflowed.Load()}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.waiting {
		s.Waiting += n
	}
	return s
}
