package classroom

import (
	"context"
	"errors"
	"time"
)

// stay is one stay of a participant, however many tabs it has. Guarded by
// Class.mu but for the journal's own field.
type stay struct {
	Attendance
	queued bool // a record that writes it waits for the journal
	stored bool // PutAttendance has been done
}

func (c *Class) beginStayLocked(p *participant, now time.Time) {
	p.stay = &stay{Attendance: Attendance{
		ID: c.reg.newID(), ClassID: c.id, ParticipantID: p.ID, Name: p.Name, Role: p.Role,
		JoinedAt: now, LastSeen: now,
	}}
	c.writeStayLocked(p.stay)
}

func (c *Class) endStayLocked(p *participant, left time.Time, reason string) {
	if p.stay == nil {
		return
	}
	p.stay.LeftAt, p.stay.LastSeen = left, left
	c.writeStayLocked(p.stay)
	c.wentLocked(p, p.stay, reason)
	p.stay = nil
}

// writeStayLocked queues one record for each stay at most: while the store
// does not answer, a coming and a going become one write.
func (c *Class) writeStayLocked(s *stay) {
	if s.queued {
		return
	}
	s.queued = c.recordLocked(&record{
		what:   "attendance",
		forget: func() { s.queued = false },
		write:  func(ctx context.Context) error { return c.writeStay(ctx, s) },
	})
}

func (c *Class) writeStay(ctx context.Context, s *stay) error {
	c.mu.Lock()
	s.queued = false // what changes from here on is queued anew
	a, stored := s.Attendance, s.stored
	c.mu.Unlock()
	var err error
	if !stored {
		// A repetition after an unclear failure finds it there already.
		if err = c.reg.store.PutAttendance(ctx, a); errors.Is(err, ErrExists) {
			err = nil
			stored = true
		}
	}
	if err == nil && stored && !a.LeftAt.IsZero() {
		err = c.reg.store.EndAttendance(ctx, a.ID, a.LeftAt)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		s.queued = true // this record stays at the head of the queue
		return err
	}
	s.stored = true
	return nil
}

// heartbeatLocked asks the journal to move LastSeen on for all who are here.
// Somebody whose line is cut was last seen when it was cut.
func (c *Class) heartbeatLocked(now time.Time) {
	c.touchDue = now.UTC().Truncate(time.Millisecond)
	wake(c.journalWake)
}

// touch writes the heartbeat that is due, in one batch.
func (c *Class) touch(ctx context.Context) error {
	c.mu.Lock()
	due := c.touchDue
	var ids []string
	for _, p := range c.byID {
		if p.stay != nil && p.stay.stored && c.presenceLocked(p) != Lost {
			ids = append(ids, p.stay.ID)
		}
	}
	c.mu.Unlock()
	if due.IsZero() {
		return nil
	}
	if len(ids) > 0 {
		if err := c.reg.store.TouchAttendance(ctx, ids, due); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.touchDue.Equal(due) {
		c.touchDue = zeroTime
	}
	return nil
}
