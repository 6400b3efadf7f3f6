package classroom

import (
	"slices"
	"time"
)

const (
	// tailKept is how many stored entries a class keeps in memory, so that a
	// page that was away for a moment is answered without the store.
	tailKept = 1000
	// tailSlack lets the tail grow before it is cut, so that cutting is rare.
	tailSlack = 500
	// maxCatchUp is the most that a page is sent of what it missed.
	maxCatchUp = 1000
	// maxHistory bounds one page of the history.
	maxHistory = 200
)

// chatLog is the newest part of a class's chat: everything that is not
// stored yet, and some of what is. Guarded by Class.mu.
type chatLog struct {
	last   int64      // the newest number
	stored int64      // everything up to here is in the store, or refused by it
	from   int64      // everything from here on is in tail
	tail   []chatLine // rising
	sent   map[clientKey]int64
	// settled is closed when stored moves on; nil while nobody waits for it.
	settled chan struct{}
}

// chatLine keeps an entry as it was written: the journal may repeat a write
// after an unclear failure, and must then write the same letters.
type chatLine struct {
	entry   ChatEntry
	deleted bool // by a later entry
	refused bool // the store will not have it
}

type clientKey struct{ from, clientID string }

func newChatLog(last int64) chatLog {
	return chatLog{last: last, stored: last, from: last + 1, sent: make(map[clientKey]int64)}
}

func (l *chatLog) waiting() int {
	i, _ := l.index(l.stored + 1)
	return len(l.tail) - i
}

func (l *chatLog) index(seq int64) (int, bool) {
	return slices.BinarySearchFunc(l.tail, seq, func(c chatLine, seq int64) int {
		switch {
		case c.entry.Seq < seq:
			return -1
		case c.entry.Seq > seq:
			return 1
		}
		return 0
	})
}

// add gives e the next number and keeps it.
func (l *chatLog) add(e ChatEntry) ChatEntry {
	l.last++
	e.Seq = l.last
	l.tail = append(l.tail, chatLine{entry: e})
	if e.ClientID != "" {
		l.sent[clientKey{e.FromID, e.ClientID}] = e.Seq
	}
	if e.Kind == ChatDeletion {
		if i, ok := l.index(e.Target); ok {
			l.tail[i].deleted = true
		}
	}
	return e
}

// settledLocked wakes those who wait for the store.
func (l *chatLog) settledLocked() {
	if l.settled != nil {
		close(l.settled)
		l.settled = nil
	}
}

// trim lets go of the oldest stored entries.
func (l *chatLog) trim() {
	stored := len(l.tail) - l.waiting()
	if stored < tailKept+tailSlack {
		return
	}
	cut := stored - tailKept
	for _, line := range l.tail[:cut] {
		if e := line.entry; e.ClientID != "" {
			delete(l.sent, clientKey{e.FromID, e.ClientID})
		}
	}
	l.tail = slices.Delete(l.tail, 0, cut)
	l.from = l.tail[0].entry.Seq
}

// unstored returns up to n entries that wait for the store, oldest first.
func (l *chatLog) unstored(n int) []ChatEntry {
	i, _ := l.index(l.stored + 1)
	var list []ChatEntry
	for ; i < len(l.tail) && len(list) < n; i++ {
		if !l.tail[i].refused {
			list = append(list, l.tail[i].entry)
		}
	}
	return list
}

// shown is a line as participant id sees it.
func (c chatLine) shown(id string) ChatEntry {
	e := c.entry
	if c.deleted || c.refused {
		e.Text, e.Deleted = "", true
	}
	return shownTo(e, id)
}

// shownTo hides what only the author's page needs.
func shownTo(e ChatEntry, id string) ChatEntry {
	if e.FromID != id {
		e.ClientID = ""
	}
	return e
}

// visible returns what id may see of the tail with after < Seq < before, the
// newest ones up to limit, in rising order.
func (l *chatLog) visible(id string, after, before int64, limit int) []ChatEntry {
	var list []ChatEntry
	for i := len(l.tail) - 1; i >= 0 && len(list) < limit; i-- {
		e := &l.tail[i].entry
		if e.Seq <= after {
			break
		}
		if e.Seq < before && e.VisibleTo(id) {
			list = append(list, l.tail[i].shown(id))
		}
	}
	slices.Reverse(list)
	return list
}

// blank applies deletions of the tail to entries that came from the store:
// the store may not know of them yet.
func (l *chatLog) blank(entries []ChatEntry, id string) {
	targets := make(map[int64]bool)
	for _, line := range l.tail {
		if line.entry.Kind == ChatDeletion {
			targets[line.entry.Target] = true
		}
	}
	for i := range entries {
		if targets[entries[i].Seq] {
			entries[i].Text, entries[i].Deleted = "", true
		}
		entries[i] = shownTo(entries[i], id)
	}
}

// bucket limits how fast somebody does something.
type bucket struct {
	level float64 // how much of the burst is used
	at    time.Time
}

func (b *bucket) take(now time.Time, rate float64, burst int) bool {
	level := max(0, b.level-now.Sub(b.at).Seconds()*rate)
	if level+1 > float64(burst) {
		return false
	}
	b.level, b.at = level+1, now
	return true
}
