package classroom

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// resendWindow is how long after loading a class a message may be one that
// an earlier process has stored but not acknowledged.
const resendWindow = 10 * time.Minute

// SendChat numbers a message and delivers it to all who may see it, the
// sender included. It is in the store once ChatStored says so. The same
// ClientID again returns the entry of before.
func (s *Session) SendChat(ctx context.Context, req ChatRequest) (ChatEntry, error) {
	return s.t.c.sendChat(ctx, s.t.p, req, s.checkLocked)
}

// sendChat is SendChat from a participant; check, which is called with the
// class locked, says whether it may do an action.
func (c *Class) sendChat(ctx context.Context, from *participant, req ChatRequest, check func(Action) error) (ChatEntry, error) {
	action, ok := map[ChatKind]Action{
		ChatMessage: ActChat, ChatPrivate: ActChatPrivate, ChatAnnouncement: ActAnnounce,
	}[req.Kind]
	if !ok {
		return ChatEntry{}, ErrNotAllowed
	}
	c.mu.Lock()
	err := check(action)
	c.mu.Unlock()
	if err != nil {
		return ChatEntry{}, err
	}
	if err := checkClientID(req.ClientID); err != nil {
		return ChatEntry{}, err
	}
	text, err := cleanText(req.Text, c.reg.cfg.ChatMaxRunes)
	if err != nil {
		return ChatEntry{}, err
	}
	var to *participant
	if req.Kind == ChatPrivate {
		if to, err = c.find(ctx, req.To); err != nil {
			return ChatEntry{}, err
		}
	}
	if e, ok := c.sentBefore(ctx, from, req.ClientID); ok {
		return e, nil
	}

	c.lock()
	defer c.unlock()
	if err := check(action); err != nil {
		return ChatEntry{}, err
	}
	if e, ok := c.sentLocked(from, req.ClientID); ok {
		return e, nil
	}
	if to != nil && to.Removed {
		return ChatEntry{}, ErrNoSuchParticipant
	}
	if err := c.chatBarLocked(from, req.Kind, to); err != nil {
		return ChatEntry{}, err
	}
	if err := c.admitChatLocked(from); err != nil {
		return ChatEntry{}, err
	}
	e := ChatEntry{
		ClassID: c.id, Kind: req.Kind, FromID: from.ID, FromName: from.Name, FromRole: from.Role,
		Text: text, ClientID: req.ClientID, At: c.reg.stamp(),
	}
	if to != nil {
		e.ToID, e.ToName = to.ID, to.Name
	}
	return c.postLocked(e), nil
}

// admitChatLocked says no to who sends too fast, and to all when too much
// waits for the store.
func (c *Class) admitChatLocked(from *participant) error {
	if c.chat.waiting() >= c.reg.cfg.JournalQueue {
		return ErrChatBacklog
	}
	if !from.chatBucket.take(c.reg.now(), c.reg.cfg.ChatRate, c.reg.cfg.ChatBurst) {
		return ErrChatTooFast
	}
	return nil
}

// postLocked numbers an entry, tells all who may see it and leaves it to the
// journal.
func (c *Class) postLocked(e ChatEntry) ChatEntry {
	e = c.chat.add(e)
	c.reg.counts.chatAccepted.Add(1)
	// As Event here: converted for each tab they would be copied for each.
	var own, others Event = ChatAdded{e}, ChatAdded{shownTo(e, "")}
	for _, t := range c.tabs {
		switch {
		case t.p.ID == e.FromID:
			c.tellLocked(t, own)
		case e.VisibleTo(t.p.ID):
			c.tellLocked(t, others)
		}
	}
	c.saidLocked(e)
	wake(c.journalWake)
	return e
}

// sentLocked finds a message that was sent again in what is in memory.
func (c *Class) sentLocked(from *participant, clientID string) (ChatEntry, bool) {
	if clientID == "" {
		return ChatEntry{}, false
	}
	seq, ok := c.chat.sent[clientKey{from.ID, clientID}]
	if !ok {
		return ChatEntry{}, false
	}
	i, ok := c.chat.index(seq)
	if !ok {
		return ChatEntry{}, false
	}
	return c.chat.tail[i].shown(from.ID), true
}

// sentBefore finds a message that an earlier process has stored, which only
// somebody can send again who was in the class before it was loaded. It is a
// courtesy: when the store does not answer at once the message goes on, and
// the journal meets the store's unique index.
func (c *Class) sentBefore(ctx context.Context, from *participant, clientID string) (ChatEntry, bool) {
	if clientID == "" {
		return ChatEntry{}, false
	}
	c.mu.Lock()
	_, here := c.sentLocked(from, clientID)
	possible := from.FirstSeen.Before(c.loadedAt) && c.reg.now().Sub(c.loadedAt) < resendWindow
	c.mu.Unlock()
	if here || !possible {
		return ChatEntry{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	e, err := c.reg.store.ChatByClientID(ctx, c.id, from.ID, clientID)
	return e, err == nil
}

// DeleteChat removes the text of an entry, for its author or a moderator.
// The deletion is an entry of its own, seen by those who saw the other.
func (s *Session) DeleteChat(ctx context.Context, seq int64) error {
	c := s.t.c
	if err := s.alive(); err != nil {
		return err
	}
	target, err := c.chatEntry(ctx, s.t.p.ID, seq)
	if err != nil {
		return err
	}
	c.lock()
	defer c.unlock()
	if err := s.aliveLocked(); err != nil {
		return err
	}
	by := s.t.p
	action := ActDeleteAnyChat
	if target.FromID == by.ID {
		action = ActDeleteOwnChat
	}
	if !c.mayLocked(by, action) {
		return ErrNotAllowed
	}
	if target.Deleted || c.deletedLocked(seq) {
		return nil
	}
	if err := c.admitChatLocked(by); err != nil {
		return err
	}
	e := ChatEntry{
		ClassID: c.id, Kind: ChatDeletion, FromID: by.ID, FromName: by.Name, FromRole: by.Role,
		At: c.reg.stamp(), Target: seq,
	}
	if target.ToID != "" { // private: between the same two
		e.ToID, e.ToName = target.ToID, target.ToName
		if target.ToID == by.ID {
			e.ToID, e.ToName = target.FromID, target.FromName
		}
	}
	c.postLocked(e)
	return nil
}

func (c *Class) deletedLocked(seq int64) bool {
	for i := range c.chat.tail {
		if e := &c.chat.tail[i].entry; e.Kind == ChatDeletion && e.Target == seq {
			return true
		}
	}
	return false
}

// chatEntry returns an entry that participant id may see and that can be deleted.
func (c *Class) chatEntry(ctx context.Context, id string, seq int64) (ChatEntry, error) {
	c.mu.Lock()
	i, ok := c.chat.index(seq)
	inMemory := seq >= c.chat.from || seq < 1
	var e ChatEntry
	if ok {
		e = c.chat.tail[i].shown(id)
	}
	c.mu.Unlock()
	if !ok {
		if inMemory {
			return ChatEntry{}, ErrNoSuchMessage
		}
		ctx, cancel := context.WithTimeout(ctx, c.reg.cfg.StoreTimeout)
		defer cancel()
		var err error
		e, err = c.reg.store.ChatEntry(ctx, c.id, seq)
		if errors.Is(err, ErrNotFound) {
			return ChatEntry{}, ErrNoSuchMessage
		}
		if err != nil {
			return ChatEntry{}, fmt.Errorf("reading the message: %w", storeError(err))
		}
	}
	if e.Kind == ChatDeletion || !e.VisibleTo(id) {
		return ChatEntry{}, ErrNoSuchMessage
	}
	return e, nil
}

// History returns up to limit entries before seq (0: the newest), in rising
// order, and whether there are older ones.
func (s *Session) History(ctx context.Context, before int64, limit int) (entries []ChatEntry, more bool, err error) {
	c := s.t.c
	if err := s.alive(); err != nil {
		return nil, false, err
	}
	if limit <= 0 {
		limit = c.reg.cfg.ChatPage
	}
	limit = min(limit, maxHistory)
	if before <= 0 {
		before = math.MaxInt64
	}
	c.mu.Lock()
	tail := c.chat.visible(s.t.p.ID, 0, before, limit+1)
	from := c.chat.from
	c.mu.Unlock()
	if len(tail) > limit {
		return tail[len(tail)-limit:], true, nil
	}
	older, err := c.readChat(ctx, ChatQuery{
		For: s.t.p.ID, Before: min(before, from), Last: true, Limit: limit - len(tail) + 1,
	})
	switch {
	case err != nil && len(tail) > 0:
		return tail, true, nil // the page may ask again for what lies before
	case err != nil:
		return nil, false, err
	}
	entries = append(older, tail...)
	if len(entries) > limit {
		return entries[len(entries)-limit:], true, nil
	}
	return entries, false, nil
}

// readChat reads stored entries as q.For may see them.
func (c *Class) readChat(ctx context.Context, q ChatQuery) ([]ChatEntry, error) {
	q.ClassID = c.id
	if q.Before == 1 {
		return nil, nil // nothing is older than the first
	}
	ctx, cancel := context.WithTimeout(ctx, c.reg.cfg.StoreTimeout)
	defer cancel()
	entries, err := c.reg.store.Chat(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("reading the chat: %w", storeError(err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chat.blank(entries, q.For)
	return entries, nil
}

// chatPart is what a page must get of the chat from the store, read before
// the class is locked.
type chatPart struct {
	entries []ChatEntry
	after   int64 // send what comes after; 0: the newest page
	upTo    int64 // entries below this were read; the rest is in the tail
	page    int   // size of the newest page
	more    bool  // there are older ones
}

// chatPart prepares what somebody who has seen up to lastSeq is sent.
func (c *Class) chatPart(ctx context.Context, p *participant, lastSeq int64) (chatPart, error) {
	c.mu.Lock()
	part := chatPart{after: lastSeq, upTo: c.chat.from, page: c.reg.cfg.ChatPage}
	if lastSeq < 0 || lastSeq > c.chat.last {
		part.after = 0 // from a numbering that a crash has undone
	}
	inTail := len(c.chat.visible(p.ID, part.after, math.MaxInt64, maxCatchUp+1))
	c.mu.Unlock()
	if part.after > 0 {
		if inTail <= maxCatchUp && part.after+1 >= part.upTo {
			return part, nil
		}
		if inTail <= maxCatchUp {
			missed, err := c.readChat(ctx, ChatQuery{
				For: p.ID, After: part.after, Before: part.upTo, Limit: maxCatchUp - inTail + 1,
			})
			if err == nil && len(missed)+inTail <= maxCatchUp {
				part.entries = missed
				return part, nil
			}
		}
		part.after = 0 // too much, or not to be had: the newest page
	}
	if inTail > part.page {
		part.more = true
		return part, nil
	}
	older, err := c.readChat(ctx, ChatQuery{For: p.ID, Before: part.upTo, Last: true, Limit: part.page + 1})
	if err != nil {
		if ctx.Err() != nil {
			return part, ctx.Err()
		}
		// The class goes on without the store: the page gets what is in
		// memory and is told that there is more.
		c.log.Warn("joining without the older chat", "err", err)
		part.more = true
		return part, nil
	}
	part.entries = older
	return part, nil
}

// continues reports whether part and the tail leave no gap between them.
func (l *chatLog) continues(part chatPart) bool { return l.from <= part.upTo || part.after+1 >= l.from }

// finish completes part with the tail.
func (l *chatLog) finish(part chatPart, id string) ([]ChatEntry, bool) {
	entries := part.entries
	l.blank(entries, id)
	limit := part.page + 1
	if part.after > 0 {
		limit = math.MaxInt
	}
	entries = append(entries, l.visible(id, max(part.after, part.upTo-1), math.MaxInt64, limit)...)
	if part.after > 0 {
		return entries, false
	}
	if len(entries) > part.page {
		return entries[len(entries)-part.page:], true
	}
	return entries, part.more
}
