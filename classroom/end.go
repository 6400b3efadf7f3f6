package classroom

import (
	"context"
	"time"
)

// end ends the class for all: stored first, then in force. by is for the log.
func (c *Class) end(ctx context.Context, by string) error {
	now := c.reg.stamp()
	err := c.changeLesson(ctx, func(l *Lesson) {
		if l.External != "" && !l.EndedAt.IsZero() {
			return // somebody was faster, and its system is being told
		}
		l.EndedAt, l.Unsettled = now, l.External != ""
	})
	if err != nil {
		return err
	}
	c.lock()
	defer c.unlock()
	if c.gone {
		return errUnloaded
	}
	if c.lesson.EndedAt.IsZero() {
		return nil // the owner was faster to open it again
	}
	if c.pres != nil {
		c.stopPresentingLocked("ended", nil)
	}
	for _, p := range c.guestsLocked() {
		c.revertLocked(p)
	}
	c.clearLobbyLocked(ErrClassEnded)
	for _, t := range c.tabs {
		if t.connected {
			t.p.lastHere = now
		}
		c.closeTabLocked(t, ErrClassEnded)
	}
	for _, p := range c.byID {
		if len(p.tabs) > 0 {
			p.tabs = nil
			c.departLocked(p, "ended")
		}
	}
	c.endLessonLocked("ended")
	c.settleLocked()
	c.log.Info("class ended", "by", by)
	return nil
}

// settleLocked has whoever settles lessons told, once all about the class is
// in the store: records are written in order.
func (c *Class) settleLocked() {
	if !c.lesson.Unsettled || c.reg.ended == nil {
		return
	}
	c.recordLocked(&record{
		what:   "end of the class",
		forget: func() {},
		tells:  true,
		write: func(context.Context) error {
			c.reg.ended()
			return nil
		},
	})
}

// overAtLocked says when the class ends by itself as things stand, and for
// which reason; zero for never.
func (c *Class) overAtLocked() (at time.Time, why string) {
	s := c.settingsLocked()
	if !s.timed() || !c.lesson.EndedAt.IsZero() {
		return zeroTime, ""
	}
	sooner := func(since time.Time, after time.Duration, reason string) {
		if after <= 0 || since.IsZero() {
			return
		}
		if t := since.Add(after); at.IsZero() || t.Before(at) {
			at, why = t, reason
		}
	}
	sooner(c.lesson.CreatedAt, s.Duration, "duration")
	if len(c.tabs) == 0 {
		if c.visited {
			sooner(c.empty, s.ExpireLeft, "empty")
		} else {
			sooner(c.lesson.CreatedAt, s.ExpireUnjoined, "nobody came")
		}
	}
	sooner(c.leaderless, s.ExpireWithoutLeader, "without a leader")
	return at, why
}

// watchLeadersLocked notes since when those who lead are gone. It is called
// when somebody came, left or got another role.
func (c *Class) watchLeadersLocked() {
	if c.settingsLocked().ExpireWithoutLeader == 0 {
		return
	}
	led := false
	for _, p := range c.byID {
		led = led || p.leads() && len(p.tabs) > 0
	}
	switch {
	case led:
		c.led, c.leaderless = true, zeroTime
	case c.led && c.leaderless.IsZero():
		c.leaderless = c.reg.now()
		wake(c.keeperWake)
	}
}
