package signaling

import (
	"net/netip"
	"sync"
	"time"
)

// rateLimiter lets each address make burst requests at once and then rate a
// second. It keeps one time for each address that is behind, and no more than
// max of them.
type rateLimiter struct {
	step  time.Duration // time that one request costs
	burst time.Duration // how far ahead an address may be
	max   int

	mu    sync.Mutex
	ahead map[string]time.Time // when the address's burst is whole again
}

const rateLimiterAddresses = 100000

func newRateLimiter(rate float64, burst int) *rateLimiter {
	step := time.Duration(float64(time.Second) / rate)
	return &rateLimiter{step: step, burst: step * time.Duration(burst), max: rateLimiterAddresses, ahead: make(map[string]time.Time)}
}

// take returns 0 or how long to wait.
func (l *rateLimiter) take(addr string, now time.Time) time.Duration {
	key := network(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.ahead[key]
	if at.Before(now) {
		at = now
	}
	at = at.Add(l.step)
	if over := at.Sub(now) - l.burst; over > 0 {
		return over
	}
	if _, known := l.ahead[key]; !known && len(l.ahead) >= l.max {
		l.sweepLocked(now)
	}
	l.ahead[key] = at
	return 0
}

// sweepLocked forgets who is whole again, and when that is nobody any tenth.
func (l *rateLimiter) sweepLocked(now time.Time) {
	for k, at := range l.ahead {
		if !at.After(now) {
			delete(l.ahead, k)
		}
	}
	if len(l.ahead) < l.max {
		return
	}
	drop := l.max/10 + 1
	for k := range l.ahead {
		delete(l.ahead, k)
		if drop--; drop == 0 {
			return
		}
	}
}

// network counts an IPv6 /64 as one address: it is handed to one household.
func network(addr string) string {
	a, err := netip.ParseAddr(addr)
	if err != nil || !a.Is6() {
		return addr
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return p.String()
}
