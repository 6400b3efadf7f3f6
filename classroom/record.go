package classroom

import (
	"context"
	"errors"
	"fmt"
)

// maxRecords bounds what waits for the store besides chat. Attendance and
// participants are written once each however often they change, so this is
// some thousand comings and goings while the store is away.
const maxRecords = 20000

// record is something other than chat that the journal writes. write reads
// what it needs of the class when it runs, so that what changed since it was
// queued goes with it.
type record struct {
	what  string // for the log
	write func(ctx context.Context) error
	// forget is called with the class locked when the record is given up.
	forget func()
	tells  bool // it stores nothing
	tries  int  // refusals other than "does not answer"
}

// recordLocked queues rec; false when too many wait.
func (c *Class) recordLocked(rec *record) bool {
	if len(c.records) >= maxRecords {
		c.reg.counts.recordsRefused.Add(1)
		return false
	}
	c.records = append(c.records, rec)
	wake(c.journalWake)
	return true
}

// saveLaterLocked queues the writing of a participant.
func (c *Class) saveLaterLocked(p *participant) {
	if p.saveQueued {
		return
	}
	p.saveQueued = c.recordLocked(&record{
		what:   "participant",
		forget: func() { p.saveQueued = false },
		write: func(ctx context.Context) error {
			c.mu.Lock()
			p.saveQueued = false // what changes from here on is queued anew
			c.mu.Unlock()
			err := c.save(ctx, p)
			if err != nil {
				c.mu.Lock()
				p.saveQueued = true // this record stays at the head of the queue
				c.mu.Unlock()
			}
			return err
		},
	})
}

// save writes a participant now. The class is the only writer, so when the
// stored Rev is another, the fields of the class win.
func (c *Class) save(ctx context.Context, p *participant) error {
	ctx, cancel := context.WithTimeout(ctx, c.reg.cfg.StoreTimeout)
	defer cancel()
	for range 10 {
		c.mu.Lock()
		now := p.Participant
		c.mu.Unlock()
		saved, err := c.reg.store.UpdateParticipant(ctx, now)
		if errors.Is(err, ErrConflict) {
			if saved, err = c.reg.store.Participant(ctx, c.id, now.ID); err == nil {
				c.mu.Lock()
				p.Rev = saved.Rev
				c.mu.Unlock()
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("storing the participant: %w", storeError(err))
		}
		c.mu.Lock()
		p.Rev = max(p.Rev, saved.Rev)
		c.mu.Unlock()
		return nil
	}
	return fmt.Errorf("storing the participant: %w", ErrConflict)
}

// saveNow writes a change that is to be acknowledged. When the store does
// not answer the change is in force all the same and is tried again, but the
// caller must say that it is not stored.
func (c *Class) saveNow(ctx context.Context, p *participant) error {
	err := c.save(context.WithoutCancel(ctx), p)
	if err != nil {
		c.lock()
		c.saveLaterLocked(p)
		c.unlock()
	}
	return err
}

// changeLesson changes the stored lesson and then the class's copy.
func (c *Class) changeLesson(ctx context.Context, change func(*Lesson)) error {
	l, err := c.reg.changeLesson(ctx, c.id, change)
	if err != nil {
		return err
	}
	c.lock()
	defer c.unlock()
	if l.Rev > c.lesson.Rev {
		c.lesson = l
		c.tellClassLocked()
	}
	return nil
}

// changeLesson changes a stored lesson, again when somebody else was faster.
func (r *Registry) changeLesson(ctx context.Context, id string, change func(*Lesson)) (Lesson, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.StoreTimeout)
	defer cancel()
	for range 10 {
		l, err := r.store.Lesson(ctx, id)
		if err == nil {
			change(&l)
			l, err = r.store.UpdateLesson(ctx, l)
		}
		switch {
		case errors.Is(err, ErrConflict):
			continue
		case errors.Is(err, ErrNotFound):
			return Lesson{}, ErrClassNotFound
		case err != nil:
			return Lesson{}, fmt.Errorf("storing the lesson: %w", storeError(err))
		}
		return l, nil
	}
	return Lesson{}, fmt.Errorf("storing the lesson: %w", ErrConflict)
}
