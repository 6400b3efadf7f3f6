package files

import (
	"context"
	"sync"
)

// keyedLocks are mutexes by name that one can wait for with a context. A name
// costs nothing while nobody holds or wants it.
type keyedLocks struct {
	mu   sync.Mutex
	held map[string]*keyedLock
}

type keyedLock struct {
	token chan struct{} // has room for one: whoever put the token in holds the lock
	users int           // holder and waiters
}

func (l *keyedLocks) enter(key string) *keyedLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = make(map[string]*keyedLock)
	}
	k := l.held[key]
	if k == nil {
		k = &keyedLock{token: make(chan struct{}, 1)}
		l.held[key] = k
	}
	k.users++
	return k
}

func (l *keyedLocks) leave(key string, k *keyedLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(l.held, key)
	}
}

// lock waits for key and returns its release.
func (l *keyedLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	k := l.enter(key)
	select {
	case k.token <- struct{}{}:
		return func() { <-k.token; l.leave(key, k) }, nil
	case <-ctx.Done():
		l.leave(key, k)
		return nil, ctx.Err()
	}
}

// tryLock is lock without waiting.
func (l *keyedLocks) tryLock(key string) (unlock func(), ok bool) {
	k := l.enter(key)
	select {
	case k.token <- struct{}{}:
		return func() { <-k.token; l.leave(key, k) }, true
	default:
		l.leave(key, k)
		return nil, false
	}
}
