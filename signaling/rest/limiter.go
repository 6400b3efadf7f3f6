package rest

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"kelas/signaling/fault"
)

// window is the time that a key's requests are counted over.
const window = time.Minute

// limiter counts each key's requests in windows. It forgets windows that are
// over whenever it looks through them, so it holds the keys that were used
// lately and no others.
type limiter struct {
	rate int

	mu    sync.Mutex
	used  map[string]usage
	swept time.Time
}

type usage struct {
	began time.Time
	n     int
}

func newLimiter(rate int) *limiter { return &limiter{rate: rate, used: map[string]usage{}} }

// count takes one request from a key's window and says in the headers of
// draft-ietf-httpapi-ratelimit-headers what is left.
func (l *limiter) count(h http.Header, key string, now time.Time) error {
	l.mu.Lock()
	if now.Sub(l.swept) >= window {
		for k, u := range l.used {
			if now.Sub(u.began) >= window {
				delete(l.used, k)
			}
		}
		l.swept = now
	}
	u := l.used[key]
	if now.Sub(u.began) >= window {
		u = usage{began: now}
	}
	u.n++
	over := u.n > l.rate
	if over {
		u.n = l.rate
	}
	l.used[key] = u
	l.mu.Unlock()

	reset := int((window - now.Sub(u.began) + time.Second - 1) / time.Second)
	h.Set("RateLimit-Policy", fmt.Sprintf(`"key";q=%d;w=%d`, l.rate, int(window.Seconds())))
	h.Set("RateLimit", fmt.Sprintf(`"key";r=%d;t=%d`, l.rate-u.n, reset))
	if over {
		h.Set("Retry-After", fmt.Sprint(reset))
		return fault.ErrTooFast
	}
	return nil
}
