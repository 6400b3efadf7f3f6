package bbb_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/signaling/bbb"
)

// brokenClasses cannot read the attendance of one class.
type brokenClasses struct {
	bbb.Classes
	broken atomic.Value // its id
}

func (c *brokenClasses) Attendance(ctx context.Context, classID string) ([]classroom.Attendance, error) {
	if classID == c.broken.Load() {
		return nil, errors.New("a damaged record")
	}
	return c.Classes.Attendance(ctx, classID)
}

// TestOneEndDoesNotHoldUpOthers: a report that cannot be made is tried again,
// and the ends after it are told all the same.
func TestOneEndDoesNotHoldUpOthers(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	classes := &brokenClasses{Classes: l.deps.Classes}
	l.deps.Classes = classes
	l.restart()
	address, came := receiver(t, 0)
	l.create("m0", "meetingEndedURL", address+"/m0").wants()
	l.create("m1", "meta_analytics-callback-url", address+"/m1").wants()
	l.create("m2", "meetingEndedURL", address+"/m2").wants()
	first, err := l.classes.LessonByExternal(t.Context(), "m1")
	l.ok(err)
	classes.broken.Store(first.ID)
	l.door.Close() // it finds all three when it opens again, and one of the two behind m1
	for _, m := range []string{"m0", "m1", "m2"} {
		l.get("end", "meetingID", m).wants()
		l.clock.advance(time.Second)
	}
	l.restart()
	told := map[string]bool{next(t, came).address: true}
	told[next(t, came).address] = true
	if !told["/m0?recordingmarks=false"] || !told["/m2?recordingmarks=false"] {
		t.Error(told)
	}
	list, err := l.classes.Unsettled(t.Context())
	l.ok(err)
	if !slices.ContainsFunc(list, func(l classroom.Lesson) bool { return l.ID == first.ID }) {
		t.Error("the one that was not told is not kept")
	}
}

// slowHooks holds up the first reading after it was armed, with the list of
// that moment, until release is closed.
type slowHooks struct {
	bbb.HookStore
	armed   atomic.Bool
	read    chan struct{}
	release chan struct{}
}

func (s *slowHooks) Webhooks(ctx context.Context) ([]classroom.Webhook, error) {
	list, err := s.HookStore.Webhooks(ctx)
	if s.armed.CompareAndSwap(true, false) {
		close(s.read)
		<-s.release
	}
	return list, err
}

// TestHooksMadeAtOnceAreAllHeard: the older reading of the list is the slower
// one, and does not undo the newer.
func TestHooksMadeAtOnceAreAllHeard(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	hooks := &slowHooks{HookStore: l.deps.Hooks, read: make(chan struct{}), release: make(chan struct{})}
	l.deps.Hooks = hooks
	l.restart()
	hooks.armed.Store(true)
	made := make(chan struct{}, 2)
	create := func(name string) {
		defer func() { made <- struct{}{} }()
		l.get("hooks/create", "callbackURL", "https://lms.example/"+name).wants()
	}
	go create("a")
	<-hooks.read
	go create("b")
	left := 2
	select {
	case <-made: // it has overtaken the first
		left--
	case <-time.After(50 * time.Millisecond): // it waits for it
	}
	close(hooks.release)
	for range left {
		<-made
	}
	// Without one that is known nothing is deleted, so this tells what is.
	for _, h := range l.hookIDs() {
		l.get("hooks/destroy", "hookID", h).wants()
	}
}

// hookIDs are those in the store, whatever the door knows of them.
func (l *lms) hookIDs() (ids []string) {
	l.t.Helper()
	list, err := l.store.Webhooks(l.t.Context())
	l.ok(err)
	for _, w := range list {
		ids = append(ids, w.ID)
	}
	return ids
}
