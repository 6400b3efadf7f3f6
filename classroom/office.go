package classroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// What whoever runs the site does to a class from outside it. by names them
// in the log. Only what protects the lesson's owner holds against them too.

// within runs do on the loaded class, again when the class was dropped from
// memory in that moment.
func (r *Registry) within(ctx context.Context, classID string, do func(*Class) error) error {
	for {
		c, err := r.class(ctx, classID)
		if err == nil {
			err = do(c)
		}
		if !errors.Is(err, errUnloaded) {
			return err
		}
	}
}

// hereLocked says whether the class can still be acted on.
func (c *Class) hereLocked() error {
	switch {
	case c.closing:
		return ErrClosing
	case c.gone:
		return errUnloaded
	}
	return nil
}

// EndLesson ends a class for all, whether or not anybody is in it.
func (r *Registry) EndLesson(ctx context.Context, classID, by string) error {
	return r.within(ctx, classID, func(c *Class) error { return c.end(ctx, by) })
}

// LockLesson keeps new participants out, or lets them in again.
func (r *Registry) LockLesson(ctx context.Context, classID string, locked bool) error {
	return r.within(ctx, classID, func(c *Class) error {
		return c.changeLesson(ctx, func(l *Lesson) { l.Locked = locked })
	})
}

// RemoveParticipant puts somebody out of a class for good.
func (r *Registry) RemoveParticipant(ctx context.Context, classID, participantID, by string) error {
	return r.within(ctx, classID, func(c *Class) error {
		p, err := c.find(ctx, participantID)
		if err != nil {
			return err
		}
		return c.remove(ctx, p, by, c.hereLocked)
	})
}

// ChangeRole gives somebody another role, if it is still what the caller saw:
// ErrConflict when it is not.
func (r *Registry) ChangeRole(ctx context.Context, classID, participantID string, from, to Role) error {
	if !to.Valid() {
		return ErrNotAllowed
	}
	return r.within(ctx, classID, func(c *Class) error {
		p, err := c.find(ctx, participantID)
		if err != nil {
			return err
		}
		return c.setRole(ctx, p, to, func() error {
			if p.Role != from {
				return ErrConflict
			}
			return c.hereLocked()
		})
	})
}

// Attendant is a participant as the office sees it.
type Attendant struct {
	Participant
	Here *ParticipantView // nil while the participant is not in the class
}

// Roster lists everybody who was ever in a class, by their first coming.
func (r *Registry) Roster(ctx context.Context, classID string) ([]Attendant, error) {
	if _, err := r.Lesson(ctx, classID); err != nil {
		return nil, err
	}
	stored, err := r.store.Participants(ctx, classID)
	if err != nil {
		return nil, fmt.Errorf("listing the participants: %w", storeError(err))
	}
	list := make([]Attendant, len(stored))
	for i, p := range stored {
		list[i].Participant = p
	}
	if c := r.loaded(classID); c != nil {
		c.mu.Lock()
		for i := range list {
			if p := c.byID[list[i].ID]; p != nil {
				list[i].Participant = p.Participant
				if len(p.tabs) > 0 {
					view := p.told
					list[i].Here = &view
				}
			}
		}
		c.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b Attendant) int {
		if byTime := a.FirstSeen.Compare(b.FirstSeen); byTime != 0 {
			return byTime
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return list, nil
}

// View is the state of a class and who is in it; ok is false when nobody is.
func (r *Registry) View(classID string) (v ClassView, roster []ParticipantView, ok bool) {
	c := r.loaded(classID)
	if c == nil {
		return ClassView{}, nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.viewLocked(), c.rosterLocked(nil), c.people > 0
}

// Occupied lists the classes that somebody is in, by ID.
func (r *Registry) Occupied() []string {
	var ids []string
	for _, c := range r.all() {
		if _, ok := c.summary(); ok {
			ids = append(ids, c.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// LessonsPage lists lessons page by page, newest first.
func (r *Registry) LessonsPage(ctx context.Context, q LessonQuery) ([]Lesson, error) {
	list, err := r.store.LessonsPage(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("listing the lessons: %w", storeError(err))
	}
	return list, nil
}

// LessonEdit says what to change of a lesson; nil leaves it as it is.
type LessonEdit struct {
	Title    *string
	StartsAt *time.Time // zero for no plan
	Locked   *bool
}

// ReviseLesson changes a lesson that is still at the revision the caller
// read; ErrConflict when it is not. Who is in the class sees it at once.
func (r *Registry) ReviseLesson(ctx context.Context, id string, rev int64, edit LessonEdit) (Lesson, error) {
	l, err := r.Lesson(ctx, id)
	if err != nil {
		return Lesson{}, err
	}
	if l.Rev != rev {
		return Lesson{}, ErrConflict
	}
	if edit.Title != nil {
		if l.Title, err = CleanTitle(*edit.Title); err != nil {
			return Lesson{}, err
		}
	}
	if edit.StartsAt != nil {
		l.StartsAt = planned(*edit.StartsAt)
	}
	if edit.Locked != nil {
		l.Locked = *edit.Locked
	}
	if l, err = r.store.UpdateLesson(ctx, l); err != nil {
		return Lesson{}, fmt.Errorf("storing the lesson: %w", storeError(err))
	}
	if c := r.loaded(id); c != nil {
		c.lock()
		if l.Rev > c.lesson.Rev {
			c.lesson = l
			c.tellClassLocked()
		}
		c.unlock()
	}
	return l, nil
}

// AddLesson stores a lesson under an ID that the caller chose. The same one
// again, with the same title and owner, is the one of before: who does not
// know whether a first try went through repeats it.
func (r *Registry) AddLesson(ctx context.Context, id, title, ownerID string, startsAt time.Time) (Lesson, error) {
	l, err := NewLesson(title, ownerID, r.now())
	if err != nil {
		return Lesson{}, err
	}
	l.ID, l.StartsAt = id, planned(startsAt)
	if err := r.store.PutLesson(ctx, l); err != nil {
		if !errors.Is(err, ErrExists) {
			return Lesson{}, fmt.Errorf("storing the lesson: %w", storeError(err))
		}
		before, err := r.Lesson(ctx, id)
		if err != nil || before.Title != l.Title || before.OwnerID != ownerID {
			return Lesson{}, errors.Join(ErrExists, err)
		}
		return before, nil
	}
	return r.Lesson(ctx, id)
}

// DeleteLesson ends a class for all and deletes it with everything that was
// in it: participants, chat, attendance, files. What fails half-way is ended
// and can be deleted again.
func (r *Registry) DeleteLesson(ctx context.Context, id, by string) error {
	ctx = context.WithoutCancel(ctx) // half a deletion helps nobody
	var closed *Class
	err := r.within(ctx, id, func(c *Class) error {
		if err := c.end(ctx, by); err != nil {
			return err
		}
		if !r.retire(c) {
			return ErrClosing
		}
		closed = c
		return nil
	})
	if err != nil {
		return err
	}
	// From here on the class takes nobody; it goes from memory after the store.
	defer r.drop(closed)
	wait, cancel := context.WithTimeout(ctx, r.cfg.StoreTimeout)
	defer cancel()
	if err := closed.close(wait); err != nil {
		return err
	}
	if r.files != nil {
		files, err := r.files.List(ctx, id)
		if err != nil {
			return fmt.Errorf("listing the files: %w", storeError(err))
		}
		for _, f := range files {
			if err := r.files.Delete(ctx, id, f.ID); err != nil && !errors.Is(err, ErrNoSuchFile) && !errors.Is(err, ErrNotFound) {
				return fmt.Errorf("deleting a file: %w", err)
			}
		}
	}
	if err := r.store.DeleteLesson(wait, id); err != nil {
		return fmt.Errorf("deleting the lesson: %w", storeError(err))
	}
	closed.log.Info("lesson deleted", "by", by)
	return nil
}

// retire reports whether c may be closed for good: it is in memory and the
// server is not stopping.
func (r *Registry) retire(c *Class) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.classes[c.id]
	return !r.closing && p != nil && p.class == c
}

// drop takes a closed class from memory.
func (r *Registry) drop(c *Class) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.classes[c.id]; p != nil && p.class == c {
		delete(r.classes, c.id)
	}
}

// Enrol makes somebody who is not in a class known to it, as Join does, and
// returns the participant.
func (r *Registry) Enrol(ctx context.Context, classID string, id Identity) (Participant, error) {
	var found Participant
	err := r.enrolled(ctx, classID, id, func(c *Class, p *participant) error {
		c.mu.Lock()
		found = p.Participant
		c.mu.Unlock()
		return nil
	})
	return found, err
}

// Post puts a message of somebody who need not be in the class into its chat,
// with the rights of id. It returns when the message is stored. The same
// ClientID again returns the entry of before.
func (r *Registry) Post(ctx context.Context, classID string, id Identity, req ChatRequest) (ChatEntry, error) {
	var e ChatEntry
	err := r.enrolled(ctx, classID, id, func(c *Class, p *participant) (err error) {
		e, err = c.sendChat(ctx, p, req, func(a Action) error {
			if err := c.barLocked(p, id); err != nil {
				return err
			}
			if !c.mayLocked(p, a) {
				return ErrNotAllowed
			}
			return nil
		})
		if err != nil {
			return err
		}
		return c.awaitStored(ctx, e.Seq)
	})
	return e, err
}

func (r *Registry) enrolled(ctx context.Context, classID string, id Identity, do func(*Class, *participant) error) error {
	if id.Key == "" || !id.Role.Valid() {
		return ErrIdentityInvalid
	}
	name, err := CleanName(id.Name)
	if err != nil {
		return err
	}
	id.Name = name
	return r.within(ctx, classID, func(c *Class) error {
		p, err := c.admit(ctx, id)
		if err != nil {
			return err
		}
		c.lock()
		c.recogniseLocked(p, id)
		c.unlock()
		return do(c, p)
	})
}

// awaitStored waits until the store has the entry, or will not have it.
func (c *Class) awaitStored(ctx context.Context, seq int64) error {
	ctx, cancel := context.WithTimeout(ctx, c.reg.cfg.StoreTimeout)
	defer cancel()
	for {
		c.mu.Lock()
		stored := c.chat.stored >= seq
		i, ok := c.chat.index(seq)
		refused := ok && c.chat.tail[i].refused
		if c.chat.settled == nil {
			c.chat.settled = make(chan struct{})
		}
		settled := c.chat.settled
		c.mu.Unlock()
		switch {
		case refused:
			return ErrConflict
		case stored:
			return nil
		}
		select {
		case <-settled:
		case <-c.storeCtx.Done():
			return ErrClosing
		case <-ctx.Done():
			return storeError(ctx.Err())
		}
	}
}
