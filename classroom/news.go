package classroom

import (
	"context"
	"time"
)

// maxNews bounds what waits to be told outside. Chat and records, which most
// news comes from, stop before it.
const maxNews = 50000

// news is a happening on its way out. It is told when what it tells of is
// stored, and never before what happened earlier.
type news struct {
	Happening
	ready   func() bool // with the class locked; nil: at once
	dropped bool        // the store refused what it tells of
}

// happenLocked queues h for those outside who want it.
func (c *Class) happenLocked(h Happening, ready func() bool) {
	if !c.reg.wanted(c.id) {
		return
	}
	c.queueNewsLocked(h, ready)
}

func (c *Class) queueNewsLocked(h Happening, ready func() bool) {
	if len(c.news) >= maxNews {
		c.reg.counts.newsLost.Add(1)
		return
	}
	h.Title, h.OwnerID, h.Since = c.lesson.Title, c.lesson.OwnerID, c.since
	c.news = append(c.news, &news{Happening: h, ready: ready})
	wake(c.journalWake)
}

// beginLessonLocked: the first one is in.
func (c *Class) beginLessonLocked(now time.Time) {
	if c.since.IsZero() {
		c.since = now
		c.happenLocked(startedHappening(c.id, now), nil)
	}
}

// endLessonLocked: the class was ended, or has been empty for long.
func (c *Class) endLessonLocked(reason string) {
	if c.since.IsZero() {
		return
	}
	h := endedHappening(c.id, c.since, c.reg.stamp(), reason)
	if c.marked {
		// Whether or not anybody wants it any more: the mark goes with it.
		c.queueNewsLocked(h, nil)
	} else {
		c.happenLocked(h, nil)
	}
	c.since = zeroTime
}

func (c *Class) cameLocked(p *participant) {
	s := p.stay
	c.happenLocked(cameHappening(s.Attendance, p.Participant), func() bool { return !s.queued })
}

// wentLocked is called when the end of the stay has been queued.
func (c *Class) wentLocked(p *participant, s *stay, reason string) {
	c.happenLocked(wentHappening(s.Attendance, p.Participant, reason), func() bool { return !s.queued })
}

func (c *Class) onAirLocked(p *participant) {
	c.happenLocked(Happening{Type: PresentingStarted, ID: happeningID("live", c.id, c.live), ClassID: c.id, At: c.live,
		Participant: person(p)}, nil)
}

func (c *Class) offAirLocked(reason string) {
	c.happenLocked(Happening{Type: PresentingStopped, ID: happeningID("off", c.id, c.live), ClassID: c.id, At: c.reg.stamp(),
		Participant: person(c.pres.p), Reason: reason}, nil)
}

func (c *Class) saidLocked(e ChatEntry) {
	if h, public := chatHappening(shownTo(e, "")); public {
		c.happenLocked(h, func() bool { return c.chat.stored >= e.Seq })
	}
}

// unsaidLocked drops what was to be told of an entry that the store refused.
func (c *Class) unsaidLocked(seq int64) {
	for _, n := range c.news {
		if n.Chat != nil && n.Chat.Seq == seq {
			n.dropped = true
		}
	}
}

// newsReadyLocked returns the oldest news of one lesson that may be told, and
// drops what must not be.
func (c *Class) newsReadyLocked(limit int) []*news {
	for len(c.news) > 0 && c.news[0].dropped {
		c.news = c.news[1:]
	}
	var batch []*news
	for _, n := range c.news {
		if n.dropped || len(batch) == limit || (n.ready != nil && !n.ready()) ||
			(len(batch) > 0 && !n.Since.Equal(batch[0].Since)) {
			break
		}
		batch = append(batch, n)
		if n.Type == LessonEnded {
			break
		}
	}
	return batch
}

// tellable is a batch in the words of today: a message that was deleted in
// the meantime goes out without its text.
func (c *Class) tellableLocked(batch []*news) []Happening {
	list := make([]Happening, len(batch))
	for i, n := range batch {
		list[i] = n.Happening
		if n.Chat == nil || n.Type != ChatSent {
			continue
		}
		if at, ok := c.chat.index(n.Chat.Seq); ok {
			e := c.chat.tail[at].shown("")
			list[i].Chat = &e
		}
	}
	return list
}

// markLesson makes sure, before anything of a lesson is stored, that a server which
// starts after a crash finds out that there may be something to tell.
func (j *journal) markLesson() error {
	c := j.c
	c.mu.Lock()
	var m LessonMark
	if len(c.news) > 0 {
		m = LessonMark{ClassID: c.id, Since: c.news[0].Since, Told: c.news[0].At}
	}
	known := c.marked && c.mark.Since.Equal(m.Since)
	c.mu.Unlock()
	if m.ClassID == "" || known {
		return nil
	}
	err := j.putMark(m)
	if err != nil && !unavailable(err) {
		c.log.Error("the store refused to note that a lesson is on", "err", err)
		err = nil // the class itself goes on
	}
	return err
}

func (j *journal) putMark(m LessonMark) error {
	c := j.c
	err := j.call(func(ctx context.Context) error { return c.reg.store.PutLessonMark(ctx, m) })
	if err == nil {
		c.mu.Lock()
		c.mark, c.marked = m, true
		c.mu.Unlock()
	}
	return err
}

// writeNews tells one batch.
func (j *journal) writeNews() error {
	c := j.c
	c.mu.Lock()
	batch := c.newsReadyLocked(c.reg.cfg.JournalBatch)
	list := c.tellableLocked(batch)
	c.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	err := j.call(func(ctx context.Context) error { return c.reg.tell(ctx, list) })
	if err == nil {
		err = j.afterNews(batch[len(batch)-1])
	}
	if err != nil && !unavailable(err) {
		if j.newsTries++; j.newsTries < patience {
			return err
		}
		c.reg.counts.newsLost.Add(uint64(len(batch)))
		c.log.Error("what happened could not be kept for those outside", "events", len(batch), "err", err)
		err = nil
	}
	if err != nil {
		return err
	}
	j.newsTries = 0
	c.mu.Lock()
	defer c.mu.Unlock()
	c.news = c.news[len(batch):]
	c.reg.counts.newsTold.Add(uint64(len(batch)))
	if len(c.news) == 0 && len(c.tabs) == 0 {
		wake(c.keeperWake)
	}
	if len(c.news) == 0 {
		c.settleLocked()
	}
	return nil
}

// afterNews moves the mark on, now and then, or takes it away when there is
// no lesson any more. Telling a little again after a crash does no harm.
func (j *journal) afterNews(last *news) error {
	c := j.c
	c.mu.Lock()
	m := c.mark
	c.mu.Unlock()
	if last.Type == LessonEnded || last.Since.IsZero() {
		err := j.call(func(ctx context.Context) error { return c.reg.store.DeleteLessonMark(ctx, c.id) })
		if err == nil {
			c.mu.Lock()
			c.marked = false
			c.mu.Unlock()
		}
		return err
	}
	if last.At.Sub(m.Told) < c.reg.cfg.Heartbeat {
		return nil
	}
	return j.putMark(LessonMark{ClassID: c.id, Since: last.Since, Told: last.At})
}
