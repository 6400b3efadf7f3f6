package classroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// join resumes the session of a known token, or makes a new one.
func (c *Class) join(ctx context.Context, req JoinRequest) (*Session, Joined, error) {
	if s, joined, ok, err := c.resume(ctx, req); ok || err != nil {
		return s, joined, err
	}
	p, err := c.admit(ctx, req.Identity)
	if errors.Is(err, ErrInLobby) {
		return nil, Joined{}, c.waitInLobby(req)
	}
	if err != nil {
		return nil, Joined{}, err
	}
	for {
		part, err := c.chatPart(ctx, p, req.LastSeq)
		if err != nil {
			return nil, Joined{}, err
		}
		s, joined, ok, err := c.enter(p, req, part)
		if ok || err != nil {
			return s, joined, err
		}
	}
}

// resume goes on with a tab whose line was cut, or is about to be noticed
// cut. ok is false when the token is not known or is somebody else's.
func (c *Class) resume(ctx context.Context, req JoinRequest) (s *Session, joined Joined, ok bool, err error) {
	for req.SessionToken != "" {
		c.mu.Lock()
		t := c.resumableLocked(req)
		c.mu.Unlock()
		if t == nil {
			return nil, Joined{}, false, nil
		}
		part, err := c.chatPart(ctx, t.p, req.LastSeq)
		if err != nil {
			return nil, Joined{}, false, err
		}
		if s, joined, ok := c.reattach(t, req, part); ok {
			return s, joined, true, nil
		}
	}
	return nil, Joined{}, false, nil
}

func (c *Class) resumableLocked(req JoinRequest) *tab {
	t := c.tabs[req.SessionToken]
	if c.gone || c.closing || t == nil || t.p.Key != req.Identity.Key {
		return nil
	}
	return t
}

func (c *Class) reattach(t *tab, req JoinRequest, part chatPart) (*Session, Joined, bool) {
	c.lock()
	defer c.unlock()
	if c.resumableLocked(req) != t || !c.chat.continues(part) {
		return nil, Joined{}, false
	}
	if t.connected {
		t.outlet.Close(ErrSessionResumed)
	}
	t.line++
	t.outlet, t.connected, t.refused, t.away = req.Outlet, true, false, false
	c.recogniseLocked(t.p, req.Identity)
	if pr := c.pres; pr != nil && pr.t == t && !pr.lostUntil.IsZero() {
		pr.lostUntil = zeroTime
		c.tellOthersLocked(t, ClassChanged{c.viewLocked()})
	}
	// The tab itself reads of it in Joined; an event besides does no harm.
	c.refreshLocked(t.p)
	c.reg.counts.resumes.Add(1)
	c.log.Debug("session resumed", "participant", t.p.ID, "session", t.id, "addr", req.Addr)
	return &Session{t: t, line: t.line}, c.joinedLocked(t, part, true), true
}

// admit finds or makes the participant of an identity, and says no to those
// who may not come in. What can change meanwhile is asked again in enter.
func (c *Class) admit(ctx context.Context, id Identity) (*participant, error) {
	c.mu.Lock()
	p := c.byKey[id.Key]
	err := c.barLocked(p, id)
	c.mu.Unlock()
	if errors.Is(err, ErrClassEnded) && c.mayReopen(id) {
		if err := c.changeLesson(ctx, func(l *Lesson) { l.EndedAt = zeroTime }); err != nil {
			return nil, err
		}
		c.log.Info("class opened again")
		err = nil
	}
	if err != nil {
		return nil, err
	}
	if p != nil {
		return p, nil
	}
	return c.register(ctx, id, false)
}

// mayReopen: an ended class is opened again by its owner's coming in, or,
// where it has no owner, by that of a presenter. Another system's stays ended.
func (c *Class) mayReopen(id Identity) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.lesson.External != "":
		return false // its system makes another one
	case c.lesson.OwnerID == "":
		return id.Role == RolePresenter
	}
	return id.UserID == c.lesson.OwnerID
}

// barLocked says why an identity may not come in; p is nil when it is not known.
func (c *Class) barLocked(p *participant, id Identity) error {
	switch {
	case c.closing:
		return ErrClosing
	case c.gone:
		return errUnloaded
	case p != nil && p.Removed:
		return ErrRemoved
	case !c.lesson.EndedAt.IsZero():
		return ErrClassEnded
	}
	return nil
}

// register reads or stores a participant whom this process has not met. One
// that was let in from the lobby is bound by room alone.
func (c *Class) register(ctx context.Context, id Identity, admitted bool) (*participant, error) {
	ctx, cancel := context.WithTimeout(ctx, c.reg.cfg.StoreTimeout)
	defer cancel()
	stored, err := c.reg.store.ParticipantByKey(ctx, c.id, id.Key)
	if errors.Is(err, ErrNotFound) {
		c.mu.Lock()
		bar := c.newcomerLocked(id, admitted)
		c.mu.Unlock()
		if bar != nil {
			return nil, bar // before a record is made
		}
		now := c.reg.stamp()
		stored = Participant{
			ID: c.reg.newID(), ClassID: c.id, Key: id.Key, UserID: id.UserID, Name: id.Name,
			Role: id.Role, Base: id.Role, FirstSeen: now, LastSeen: now,
		}
		err = c.reg.store.PutParticipant(ctx, stored)
		if errors.Is(err, ErrExists) { // another tab was faster
			stored, err = c.reg.store.ParticipantByKey(ctx, c.id, id.Key)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("registering the participant: %w", storeError(err))
	}
	if stored.Removed {
		return nil, ErrRemoved
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rememberLocked(stored), nil
}

// newcomerLocked says why somebody who was never here may not come in.
func (c *Class) newcomerLocked(id Identity, admitted bool) error {
	if id.Role != RoleViewer {
		return nil
	}
	_, refused := c.refused[id.Key]
	guests := c.settingsLocked().Guests
	switch {
	case c.fullLocked(id.Role):
		return ErrClassFull
	case admitted:
		return nil
	case c.lesson.Locked:
		return ErrClassLocked
	case id.Guest && guests == GuestsRefused:
		return ErrGuestsRefused
	case id.Guest && guests == GuestsWait && refused:
		return ErrLobbyRefused
	case id.Guest && guests == GuestsWait:
		return ErrInLobby
	}
	return nil
}

// fullLocked: the limit is for viewers; who teaches always finds a place.
func (c *Class) fullLocked(role Role) bool {
	limit := c.reg.cfg.MaxParticipants
	if own := c.settingsLocked().MaxParticipants; own > 0 {
		limit = min(limit, own)
	}
	return role == RoleViewer && c.people >= limit
}

// enter makes the tab. ok is false when the chat has moved on so far that
// part no longer joins up with it.
func (c *Class) enter(p *participant, req JoinRequest, part chatPart) (s *Session, joined Joined, ok bool, err error) {
	c.lock()
	defer c.unlock()
	if err := c.barLocked(p, req.Identity); err != nil {
		return nil, Joined{}, false, err
	}
	if len(p.tabs) == 0 && c.fullLocked(p.Role) {
		return nil, Joined{}, false, ErrClassFull
	}
	if !c.chat.continues(part) {
		return nil, Joined{}, false, nil
	}
	if err := c.makeRoomLocked(p); err != nil {
		return nil, Joined{}, false, err
	}
	c.recogniseLocked(p, req.Identity)
	t := &tab{
		c: c, p: p, id: randomID(), token: newToken(), line: 1, outlet: req.Outlet, connected: true,
		media: make(chan struct{}, 1), pending: make(map[EndpointRole]*endpoint),
	}
	c.arriveLocked(t)
	c.reg.counts.joins.Add(1)
	c.log.Debug("session joined", "participant", p.ID, "session", t.id, "addr", req.Addr, "agent", req.UserAgent)
	return &Session{t: t, line: t.line}, c.joinedLocked(t, part, false), true, nil
}

// makeRoomLocked holds a participant to its number of tabs. Tabs that wait
// for their page give way, since a page that was reloaded a few times leaves
// some behind; the one that presents does not.
func (c *Class) makeRoomLocked(p *participant) error {
	connected := 0
	var oldest *tab
	for _, t := range p.tabs {
		if t.connected {
			connected++
			continue
		}
		if (c.pres == nil || c.pres.t != t) && (oldest == nil || t.lostAt.Before(oldest.lostAt)) {
			oldest = t
		}
	}
	if connected >= c.reg.cfg.MaxSessionsEach {
		return ErrTooManySessions
	}
	if len(p.tabs) >= c.reg.cfg.MaxSessionsEach && oldest != nil {
		if len(p.tabs) == 1 {
			return nil // it would take the participant out of the roster for a moment
		}
		c.endTabLocked(oldest, ErrSessionClosed, "lost")
	}
	return nil
}

// recogniseLocked takes over what an identity brings that may have changed.
// A role given in the class stays until the identity's own role changes.
func (c *Class) recogniseLocked(p *participant, id Identity) {
	before := p.Participant
	p.Name, p.UserID = id.Name, id.UserID
	switch p.Base {
	case id.Role:
	case "": // stored before identities' roles were: what was given counts
		p.Base = id.Role
	default:
		p.Base, p.formerRole = id.Role, ""
		c.changeRoleLocked(p, id.Role)
	}
	if p.Participant != before {
		c.saveLaterLocked(p)
	}
}

func (c *Class) joinedLocked(t *tab, part chatPart, resumed bool) Joined {
	entries, more := c.chat.finish(part, t.p.ID)
	return Joined{
		SessionToken: t.token,
		Resumed:      resumed,
		You:          t.p.told,
		Class:        c.viewLocked(),
		Participants: c.rosterLocked(t.p),
		Welcome:      c.welcomeLocked(t.p),
		Lobby:        c.lobbyLocked(t.p),
		Chat:         entries,
		ChatMore:     more,
		StoredSeq:    c.chat.stored,
		Files:        slices.Clone(c.files),
	}
}
