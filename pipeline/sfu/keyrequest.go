package sfu

import (
	"sync"
	"sync/atomic"
	"time"
)

// requestTries is how often an unanswered request is repeated. A source that gives no key frame after that
// gives none.
const requestTries = 5

// keyRequester merges key-frame requests: one at once, then at most one in each interval. A request that
// comes too early is not lost, it is sent when the interval is over. A request that no key frame follows is
// repeated after requestAgain: requests travel on a lossy line too, and a screen that does not move sends no
// packet that could remind of it.
type keyRequester struct {
	interval time.Duration
	clock    func() time.Time
	send     func()

	last   atomic.Int64 // when the last one was sent, 0: never
	key    atomic.Int64 // when the last key frame came
	sent   atomic.Uint64
	mu     sync.Mutex
	owed   bool // a request came within the interval
	tries  int
	timer  *time.Timer // set while something is owed or unanswered
	closed bool
	busy   sync.WaitGroup // a timer that is set or runs
}

func (k *keyRequester) request() {
	now := k.clock().UnixNano()
	k.mu.Lock()
	last := k.last.Load()
	if k.closed || k.owed {
		k.mu.Unlock()
		return
	}
	if wait := last + int64(k.interval) - now; last != 0 && wait > 0 {
		k.owed = true
		k.armLocked(time.Duration(wait))
		k.mu.Unlock()
		return
	}
	k.tries = 0
	k.sendLocked(now)
}

// sendLocked unlocks.
func (k *keyRequester) sendLocked(now int64) {
	k.owed = false
	k.last.Store(now)
	k.armLocked(max(requestAgain, k.interval))
	k.mu.Unlock()
	k.sent.Add(1)
	k.send()
}

func (k *keyRequester) armLocked(d time.Duration) {
	k.stopLocked()
	k.busy.Add(1)
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		defer k.busy.Done()
		k.fire(&t)
	})
	k.timer = t
}

func (k *keyRequester) stopLocked() {
	if k.timer != nil && k.timer.Stop() {
		k.busy.Done()
	}
	k.timer = nil
}

// fire is the timer's; it takes where the timer is kept, since that is written under the lock.
func (k *keyRequester) fire(t **time.Timer) {
	k.mu.Lock()
	if k.closed || k.timer != *t {
		k.mu.Unlock()
		return // stopped or set anew meanwhile
	}
	k.timer = nil
	switch {
	case k.owed:
		k.tries = 0
	case k.key.Load() >= k.last.Load() || k.tries >= requestTries:
		k.mu.Unlock()
		return
	default:
		k.tries++
	}
	k.sendLocked(k.clock().UnixNano())
}

// quietFor tells whether the last request is at least so long ago.
func (k *keyRequester) quietFor(d time.Duration, now int64) bool {
	last := k.last.Load()
	return last == 0 || now-last >= int64(d)
}

func (k *keyRequester) close() {
	k.mu.Lock()
	k.closed = true
	k.stopLocked()
	k.mu.Unlock()
	k.busy.Wait()
}
