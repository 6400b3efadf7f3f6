package sfu

import (
	"sync"
	"sync/atomic"
	"time"
)

// keyRequester merges key-frame requests: one at once, then at most one in each interval. A request that
// comes too early is not lost, it is sent when the interval is over.
type keyRequester struct {
	interval time.Duration
	clock    func() time.Time
	send     func()

	last   atomic.Int64 // when the last one was sent, 0: never
	sent   atomic.Uint64
	mu     sync.Mutex
	timer  *time.Timer // set while one waits
	closed bool
	busy   sync.WaitGroup // a timer that is set or runs
}

func (k *keyRequester) request() {
	now := k.clock().UnixNano()
	k.mu.Lock()
	last := k.last.Load()
	if k.closed || k.timer != nil {
		k.mu.Unlock()
		return
	}
	if wait := last + int64(k.interval) - now; last != 0 && wait > 0 {
		k.busy.Add(1)
		k.timer = time.AfterFunc(time.Duration(wait), k.fire)
		k.mu.Unlock()
		return
	}
	k.last.Store(now)
	k.mu.Unlock()
	k.sent.Add(1)
	k.send()
}

func (k *keyRequester) fire() {
	defer k.busy.Done()
	k.mu.Lock()
	k.timer = nil
	if k.closed {
		k.mu.Unlock()
		return
	}
	k.last.Store(k.clock().UnixNano())
	k.mu.Unlock()
	k.sent.Add(1)
	k.send()
}

// quietFor tells whether the last request is at least so long ago.
func (k *keyRequester) quietFor(d time.Duration, now int64) bool {
	last := k.last.Load()
	return last == 0 || now-last >= int64(d)
}

func (k *keyRequester) close() {
	k.mu.Lock()
	k.closed = true
	if k.timer != nil && k.timer.Stop() {
		k.timer = nil
		k.busy.Done()
	}
	k.mu.Unlock()
	k.busy.Wait()
}
