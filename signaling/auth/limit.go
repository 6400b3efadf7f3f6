package auth

import (
	"sync"
	"time"
)

// limiter allows each key a burst of attempts and then one for each interval
// (the generic cell rate algorithm: one time for each key). It forgets a key
// as soon as its burst is whole again and never keeps more than max keys.
type limiter struct {
	burst    int
	interval time.Duration
	max      int

	mu   sync.Mutex
	full map[string]time.Time // when the key's burst is whole again
}

func newLimiter(burst int, interval time.Duration, max int) *limiter {
	return &limiter{burst: burst, interval: interval, max: max, full: make(map[string]time.Time)}
}

// Limiter is limiter for the doors, with bounded memory.
type Limiter struct{ l *limiter }

// NewLimiter allows each key burst tries and then one for each interval.
func NewLimiter(burst int, interval time.Duration) *Limiter {
	return &Limiter{newLimiter(burst, interval, limiterKeys)}
}

// Take counts one try. When there is none left it counts nothing and returns
// how long to wait for the next.
func (l *Limiter) Take(key string, now time.Time) (wait time.Duration) { return l.l.take(key, now) }

// take counts one attempt. When there is none left it counts nothing and
// returns how long to wait for the next.
func (l *limiter) take(key string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := l.full[key]
	if full.Before(now) {
		full = now
	}
	full = full.Add(l.interval)
	if over := full.Sub(now) - time.Duration(l.burst)*l.interval; over > 0 {
		return over
	}
	if _, known := l.full[key]; !known && len(l.full) >= l.max {
		l.makeRoomLocked(now)
	}
	l.full[key] = full
	return 0
}

// giveBack undoes one take: the attempt was a good one.
func (l *limiter) giveBack(key string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	full, ok := l.full[key]
	if !ok {
		return
	}
	if full = full.Add(-l.interval); full.After(now) {
		l.full[key] = full
	} else {
		delete(l.full, key)
	}
}

// forget gives the key its whole burst back.
func (l *limiter) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.full, key)
}

// makeRoomLocked drops the keys whose burst is whole, and when that is not
// enough any tenth of them: memory stays bounded under a flood of made-up keys.
func (l *limiter) makeRoomLocked(now time.Time) {
	for k, full := range l.full {
		if !full.After(now) {
			delete(l.full, k)
		}
	}
	if len(l.full) < l.max {
		return
	}
	drop := l.max/10 + 1
	for k := range l.full {
		delete(l.full, k)
		if drop--; drop == 0 {
			return
		}
	}
}
