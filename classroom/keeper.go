package classroom

import "time"

// keepTime is the class's clock: it ends tabs and presenting that were
// waited for in vain, gives the heartbeat, and has the class dropped when it
// has been empty long enough.
func (c *Class) keepTime() {
	beat := c.reg.now().Add(c.reg.cfg.Heartbeat)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.quit:
			return
		case <-c.keeperWake:
		case <-timer.C:
		}
		now := c.reg.now()
		c.lock()
		if !now.Before(beat) {
			beat = now.Add(c.reg.cfg.Heartbeat)
			c.heartbeatLocked(now)
		}
		next := c.expireLocked(now, beat)
		idle := c.idleLocked(now)
		over, why := c.overAtLocked()
		c.unlock()
		if !over.IsZero() {
			next = c.endInTime(now, over, why, next)
		}
		if idle && c.reg.forget(c) {
			c.storeCancel()
			c.stop()
			return
		}
		timer.Reset(max(next.Sub(c.reg.now()), time.Millisecond))
	}
}

// expireLocked ends what is over and returns when to look again, at next at
// the latest.
func (c *Class) expireLocked(now, next time.Time) time.Time {
	if c.closing {
		return next
	}
	soonest := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	for _, t := range c.tabs {
		if t.connected {
			continue
		}
		if now.Before(t.until) {
			soonest(t.until)
			continue
		}
		c.endTabLocked(t, ErrSessionClosed, "lost")
	}
	if pr := c.pres; pr != nil && !pr.lostUntil.IsZero() {
		if now.Before(pr.lostUntil) {
			soonest(pr.lostUntil)
		} else {
			c.pageGoneLocked("lost", nil)
		}
	}
	if len(c.tabs) == 0 {
		if at := c.empty.Add(c.reg.cfg.UnloadAfter); now.Before(at) {
			soonest(at)
		} else if c.pres == nil {
			c.endLessonLocked("empty")
		}
	}
	return next
}

// endInTime ends the class when its time is over, and returns when to look
// again.
func (c *Class) endInTime(now, over time.Time, why string, next time.Time) time.Time {
	if now.Before(over) {
		if over.Before(next) {
			return over
		}
		return next
	}
	if err := c.end(c.storeCtx, why); err != nil && c.storeCtx.Err() == nil {
		c.log.Warn("a class whose time is over could not be ended yet", "why", why, "err", err)
		return c.reg.now().Add(c.reg.cfg.RetryMax)
	}
	return next
}
