package classroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Lessons of other systems. An LMS makes one under a name of its own, and
// makes another under the same name when that one has ended: each is a class
// of its own, with its own chat, files and attendance.

// maxExternalBytes bounds the name.
const maxExternalBytes = 1024

// OpenLesson stores a lesson under the name another system has for it. When
// there is one that has not ended, that one is returned and nothing is
// changed; made is false then.
func (r *Registry) OpenLesson(ctx context.Context, external, title string, s Settings) (l Lesson, made bool, err error) {
	if external == "" || len(external) > maxExternalBytes {
		return Lesson{}, false, fmt.Errorf("%w: the lesson's name in the other system is empty or too long", ErrSettingsInvalid)
	}
	if err := s.Validate(); err != nil {
		return Lesson{}, false, err
	}
	for range 10 {
		l, err = r.LessonByExternal(ctx, external)
		if err != nil && !errors.Is(err, ErrClassNotFound) || err == nil && l.EndedAt.IsZero() {
			return l, false, err
		}
		if l, err = NewLesson(title, "", r.now()); err != nil {
			return Lesson{}, false, err
		}
		l.ID, l.External, l.Settings = r.newID(), external, s.clone()
		err = r.store.PutLesson(ctx, l)
		if errors.Is(err, ErrExists) {
			continue // somebody else was faster
		}
		if err != nil {
			return Lesson{}, false, fmt.Errorf("storing the lesson: %w", storeError(err))
		}
		if s.timed() {
			// Its class keeps the time, so it must be there.
			if _, err := r.class(ctx, l.ID); err != nil {
				r.log.Warn("a lesson's time is kept from the first visit on", "class", l.ID, "err", err)
			}
		}
		return l, true, nil
	}
	return Lesson{}, false, fmt.Errorf("storing the lesson: %w", ErrConflict)
}

// LessonByExternal finds the lesson that has not ended or, where all have, the
// newest; ErrClassNotFound when there is none.
func (r *Registry) LessonByExternal(ctx context.Context, external string) (Lesson, error) {
	l, err := r.store.LessonByExternal(ctx, external)
	if errors.Is(err, ErrNotFound) {
		return Lesson{}, ErrClassNotFound
	}
	if err != nil {
		return Lesson{}, fmt.Errorf("reading the lesson: %w", storeError(err))
	}
	return l, nil
}

// OpenLessons lists the lessons of other systems that have not ended, newest
// first.
func (r *Registry) OpenLessons(ctx context.Context) ([]Lesson, error) {
	return r.store.OpenLessons(ctx)
}

// Resume loads the classes that may have to end by themselves. Call it once
// when the server starts: nobody's coming would load them otherwise.
func (r *Registry) Resume(ctx context.Context) error {
	open, err := r.store.OpenLessons(ctx)
	if err != nil {
		return fmt.Errorf("listing the open lessons: %w", storeError(err))
	}
	for _, l := range open {
		if l.Settings == nil || !l.Settings.timed() {
			continue
		}
		if _, err := r.class(ctx, l.ID); err != nil {
			return fmt.Errorf("loading the class of an open lesson: %w", err)
		}
	}
	return nil
}

// EndClass ends a class for all, as Session.EndClass does, for a door that
// has made sure that it may. One that has ended already stays so.
func (r *Registry) EndClass(ctx context.Context, classID string) error {
	return r.EndLesson(ctx, classID, "door")
}

// Unsettled lists the lessons that have ended and whose systems have not been
// told all; everything about them is in the store. Settle takes one off.
func (r *Registry) Unsettled(ctx context.Context) ([]Lesson, error) {
	list, err := r.store.UnsettledLessons(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the unsettled lessons: %w", storeError(err))
	}
	var done []Lesson
	for _, l := range list {
		if c := r.loaded(l.ID); c == nil || c.written() {
			done = append(done, l)
		}
	}
	return done, nil
}

// Settle notes that the lesson's system has been told all.
func (r *Registry) Settle(ctx context.Context, lessonID string) error {
	settled := func(l *Lesson) { l.Unsettled = false }
	if c := r.loaded(lessonID); c != nil {
		return c.changeLesson(ctx, settled)
	}
	_, err := r.changeLesson(ctx, lessonID, settled)
	return err
}

// written reports whether all about the class is in the store, and told to
// observers. The record that only tells of the end, and is being written
// then, does not count.
func (c *Class) written() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	waits := slices.ContainsFunc(c.records, func(r *record) bool { return !r.tells })
	return !waits && len(c.news) == 0 && c.chat.waiting() == 0 && c.people == 0
}

// Attendee is somebody who is in a class now.
type Attendee struct {
	Participant Participant
	View        ParticipantView
}

// People lists who is in a class now, by their coming; nil when it is not
// loaded.
func (r *Registry) People(classID string) []Attendee {
	c := r.loaded(classID)
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Attendee
	for _, v := range c.rosterLocked(nil) {
		list = append(list, Attendee{c.byID[v.ID].Participant, v})
	}
	return list
}

// Participants lists everybody who ever came into a class, by their first
// coming.
func (r *Registry) Participants(ctx context.Context, classID string) ([]Participant, error) {
	list, err := r.store.Participants(ctx, classID)
	if err != nil {
		return nil, fmt.Errorf("reading the participants: %w", storeError(err))
	}
	return list, nil
}

// Slots says what is on in a class now; nil when it is not loaded.
func (r *Registry) Slots(classID string) []SlotView {
	c := r.loaded(classID)
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slotsLocked()
}

// MayEnter says why an identity would not be let into a class now, nil when
// it would. It makes nothing; Join decides again.
func (r *Registry) MayEnter(ctx context.Context, classID string, id Identity) error {
	if id.Key == "" || !id.Role.Valid() {
		return ErrIdentityInvalid
	}
	known, err := r.participant(ctx, classID, id.Key)
	met := err == nil
	if err != nil && !errors.Is(err, ErrNoSuchParticipant) {
		return err
	}
	c, err := r.class(ctx, classID)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.byKey[id.Key]
	if p == nil && met {
		p = &participant{Participant: known}
	}
	if err := c.barLocked(p, id); err != nil {
		return err
	}
	if p == nil {
		return c.newcomerLocked(id, false)
	}
	if len(p.tabs) == 0 && c.fullLocked(p.Role) {
		return ErrClassFull
	}
	return nil
}
