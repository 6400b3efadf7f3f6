package classroomtest

import (
	"slices"
	"sync"

	"kelas/classroom"
)

// Outlet records what a session is told.
type Outlet struct {
	mu     sync.Mutex
	events []classroom.Event
	reason error
	closes int
	full   bool
	news   chan struct{}
}

// NewOutlet returns an empty one.
func NewOutlet() *Outlet { return &Outlet{news: make(chan struct{}, 1)} }

// Deliver records e, unless the outlet is full or closed.
func (o *Outlet) Deliver(e classroom.Event) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.full || o.closes > 0 {
		return false
	}
	o.events = append(o.events, e)
	o.tell()
	return true
}

// Close records the reason.
func (o *Outlet) Close(reason error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reason = reason
	o.closes++
	o.tell()
}

func (o *Outlet) tell() {
	select {
	case o.news <- struct{}{}:
	default:
	}
}

// Fill makes the outlet refuse events from now on.
func (o *Outlet) Fill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.full = true
}

// Events returns what came so far.
func (o *Outlet) Events() []classroom.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.events)
}

// Clear forgets what came so far.
func (o *Outlet) Clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = nil
}

// Closed returns how often the outlet was closed, and the last reason.
func (o *Outlet) Closed() (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closes, o.reason
}

// News receives after something has come; one receive may stand for several.
func (o *Outlet) News() <-chan struct{} { return o.news }

// Of returns the events of one type.
func Of[E classroom.Event](o *Outlet) []E {
	var all []E
	for _, e := range o.Events() {
		if e, ok := e.(E); ok {
			all = append(all, e)
		}
	}
	return all
}

// Last returns the newest event of one type.
func Last[E classroom.Event](o *Outlet) (E, bool) {
	all := Of[E](o)
	if len(all) == 0 {
		var none E
		return none, false
	}
	return all[len(all)-1], true
}
