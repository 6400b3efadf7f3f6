package classroom

import (
	"context"
	"errors"
	"time"
)

// patience is how often an entry or record that the store refuses, instead
// of not answering, is tried before it is given up.
const patience = 5

// keepJournal writes what the class has decided into the store: chat in
// batches and in order, then records. While the store does not answer it
// tries again with growing pauses, and nothing is lost but by a refusal of
// the store or the end of the process.
func (c *Class) keepJournal() {
	defer close(c.journalDone)
	j := journal{c: c, tries: make(map[int64]int)}
	for {
		pause, idle := j.work()
		if idle {
			select {
			case <-c.journalWake:
			case <-c.storeCtx.Done():
				return
			case <-c.draining:
				if j.nothingLeft() {
					return
				}
			}
			continue
		}
		if pause == 0 {
			continue
		}
		if !c.sleep(pause) {
			return
		}
	}
}

// sleep pauses the journal. When the server stops it does so for the
// shortest time, since Close has a deadline. False: the journal must end.
func (c *Class) sleep(pause time.Duration) bool {
	draining := c.draining
	select {
	case <-draining:
		draining, pause = nil, c.reg.cfg.RetryMin
	default:
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-draining:
	case <-c.storeCtx.Done():
		return false
	}
	return true
}

// journal is the state of keepJournal's goroutine.
type journal struct {
	c       *Class
	tries   map[int64]int // refusals of a chat entry
	trouble bool          // the store did not answer last time
	// newsTries counts refusals of what happened.
	newsTries int
	pause     time.Duration
}

func (j *journal) nothingLeft() bool {
	j.c.mu.Lock()
	defer j.c.mu.Unlock()
	return j.c.chat.waiting() == 0 && len(j.c.records) == 0 && len(j.c.news) == 0
}

// work writes one batch of each kind. It returns how long to wait before
// the next try, and whether there was nothing to do.
func (j *journal) work() (pause time.Duration, idle bool) {
	c := j.c
	c.mu.Lock()
	batch := c.chat.unstored(c.reg.cfg.JournalBatch)
	records, touch := len(c.records), !c.touchDue.IsZero()
	news := len(c.newsReadyLocked(1))
	c.mu.Unlock()
	if len(batch) == 0 && records == 0 && !touch && news == 0 {
		return 0, true
	}
	err := j.markLesson()
	if err == nil {
		err = j.writeChat(batch)
	}
	if err == nil {
		err = j.writeRecords(records)
	}
	if err == nil {
		err = j.writeNews()
	}
	if err == nil && touch {
		err = j.call(c.touch)
		if err != nil && !unavailable(err) {
			c.log.Error("the heartbeat of attendance was refused", "err", err)
			c.mu.Lock()
			c.touchDue = zeroTime // the next one tries again
			c.mu.Unlock()
			err = nil
		}
	}
	if c.storeCtx.Err() != nil {
		return 0, true
	}
	if err != nil {
		return j.failed(err), false
	}
	if j.trouble {
		c.log.Info("the journal is written again")
	}
	j.trouble, j.pause = false, 0
	return 0, false
}

// failed notes that the store did not answer and returns the pause.
func (j *journal) failed(err error) time.Duration {
	c := j.c
	cfg := &c.reg.cfg
	c.reg.counts.journalRetries.Add(1)
	if !j.trouble {
		c.log.Warn("the journal could not be written; trying again", "err", err)
	}
	j.trouble = true
	j.pause = min(max(j.pause*2, cfg.RetryMin), cfg.RetryMax)
	c.lock()
	if n := c.chat.waiting(); n > 0 {
		c.tellAllLocked(ChatDelayed{Waiting: n})
	}
	c.unlock()
	return j.pause
}

func (j *journal) call(f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(j.c.storeCtx, j.c.reg.cfg.StoreTimeout)
	defer cancel()
	return f(ctx)
}

// unavailable tells an error that time may heal.
func unavailable(err error) bool {
	return errors.Is(err, ErrStoreUnavailable) || errors.Is(err, ErrStoreFull) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// writeChat writes a batch. When the store refuses it, the entries go one by
// one, so that one which can never be stored does not stop the others.
func (j *journal) writeChat(batch []ChatEntry) error {
	if len(batch) == 0 {
		return nil
	}
	err := j.append(batch)
	if err == nil {
		j.c.chatStored(batch[len(batch)-1].Seq, len(batch))
		return nil
	}
	if unavailable(err) {
		return err
	}
	for _, e := range batch {
		err := j.append([]ChatEntry{e})
		if err != nil && !unavailable(err) {
			err = j.refused(e, err)
		} else if err == nil {
			j.c.chatStored(e.Seq, 1)
		}
		if err != nil {
			return err
		}
		delete(j.tries, e.Seq)
	}
	return nil
}

func (j *journal) append(entries []ChatEntry) error {
	return j.call(func(ctx context.Context) error { return j.c.reg.store.AppendChat(ctx, entries) })
}

// refused decides about an entry that the store will not have: it may be
// there already, or be tried again, or is given up.
func (j *journal) refused(e ChatEntry, err error) error {
	c := j.c
	var there ChatEntry
	look := j.call(func(ctx context.Context) (err error) {
		there, err = c.reg.store.ChatEntry(ctx, c.id, e.Seq)
		return err
	})
	switch {
	case look == nil && sameEntry(there, e):
		c.chatStored(e.Seq, 1)
		return nil
	case look != nil && unavailable(look):
		return look
	}
	clash := errors.Is(err, ErrExists) || errors.Is(err, ErrConflict)
	if j.tries[e.Seq]++; !clash && j.tries[e.Seq] < patience {
		return err
	}
	var last int64
	if look == nil {
		// Its number is taken: something else wrote into this class's log.
		// Going on above it at least keeps what comes after.
		_ = j.call(func(ctx context.Context) (err error) {
			last, err = c.reg.store.LastChatSeq(ctx, c.id)
			return err
		})
	}
	c.log.Error("the store refused a chat entry for good", "seq", e.Seq, "from", e.FromID, "err", err)
	c.chatRefused(e, last)
	return nil
}

// sameEntry compares an entry with the one in the store, whose text may have
// been removed since.
func sameEntry(stored, e ChatEntry) bool {
	return stored.FromID == e.FromID && stored.Kind == e.Kind && stored.ClientID == e.ClientID &&
		stored.At.Equal(e.At) && stored.Target == e.Target && (stored.Deleted || stored.Text == e.Text)
}

func (c *Class) chatStored(seq int64, n int) {
	c.lock()
	defer c.unlock()
	c.chat.stored = max(c.chat.stored, seq)
	c.chat.trim()
	c.reg.counts.chatStored.Add(uint64(n))
	c.tellAllLocked(ChatStored{Seq: c.chat.stored})
	c.chat.settledLocked()
	if c.chat.waiting() == 0 && len(c.tabs) == 0 {
		wake(c.keeperWake)
	}
}

// chatRefused gives an entry up: its author is told, and a deletion takes it
// from every page, so that all show the same again.
func (c *Class) chatRefused(e ChatEntry, storedLast int64) {
	c.lock()
	defer c.unlock()
	c.reg.counts.chatRefused.Add(1)
	if i, ok := c.chat.index(e.Seq); ok {
		c.chat.tail[i].refused = true
	}
	c.chat.stored = max(c.chat.stored, e.Seq)
	c.chat.settledLocked()
	c.chat.last = max(c.chat.last, storedLast)
	if p := c.byID[e.FromID]; p != nil {
		c.tellParticipantLocked(p, ChatFailed{Seq: e.Seq, ClientID: e.ClientID})
	}
	delete(c.chat.sent, clientKey{e.FromID, e.ClientID}) // it may be sent again
	c.unsaidLocked(e.Seq)
	if e.Kind != ChatDeletion {
		c.postLocked(ChatEntry{
			ClassID: c.id, Kind: ChatDeletion, FromID: e.FromID, FromName: e.FromName, FromRole: e.FromRole,
			ToID: e.ToID, ToName: e.ToName, At: c.reg.stamp(), Target: e.Seq,
		})
	}
}

// writeRecords writes the first n records that wait, in order.
func (j *journal) writeRecords(n int) error {
	c := j.c
	c.mu.Lock()
	n = min(n, c.reg.cfg.JournalBatch)
	batch := c.records[:n:n]
	c.mu.Unlock()
	for _, rec := range batch {
		err := j.call(rec.write)
		if err != nil && unavailable(err) {
			return err
		}
		if err != nil {
			if rec.tries++; rec.tries < patience {
				return err
			}
			c.reg.counts.recordsRefused.Add(1)
			c.log.Error("the store refused a record for good", "what", rec.what, "err", err)
		}
		c.mu.Lock()
		if err != nil {
			rec.forget()
		}
		c.records[0] = nil
		c.records = c.records[1:]
		if len(c.records) == 0 && len(c.tabs) == 0 {
			wake(c.keeperWake)
		}
		c.mu.Unlock()
	}
	return nil
}
