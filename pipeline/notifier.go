package pipeline

import (
	"slices"
	"sync"
	"sync/atomic"
)

// maxEvents bounds what waits for one element's subscribers. Only subscribers
// that block get there.
const maxEvents = 1024

// notifier hands an element's events to its subscribers, one after the other,
// on a goroutine of its own: whoever emits may hold locks.
type notifier struct {
	queue   queue
	dropped *atomic.Uint64

	mu   sync.Mutex
	next int
	subs []subscription
}

type subscription struct {
	id int
	f  func(Event)
}

func (n *notifier) subscribe(f func(Event)) (cancel func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next++
	id := n.next
	n.subs = append(slices.Clone(n.subs), subscription{id, f})
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.subs = slices.DeleteFunc(slices.Clone(n.subs), func(s subscription) bool { return s.id == id })
	}
}

func (n *notifier) emit(ev Event) { n.emitAnd(ev, func() {}) }

// emitAnd calls then when the subscribers have heard of ev, or will not.
func (n *notifier) emitAnd(ev Event, then func()) {
	err := n.queue.push(func() {
		defer then()
		n.mu.Lock()
		subs := n.subs
		n.mu.Unlock()
		for _, s := range subs {
			s.f(ev)
		}
	})
	if err != nil {
		then()
	}
	if err == ErrBusy {
		n.dropped.Add(1)
	}
}
