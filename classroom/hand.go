package classroom

import (
	"context"
	"errors"
	"slices"
)

// A guest presenter is one whose identity is not a presenter's: the right to
// present was handed over. There is one at most; the next hand-over, a
// take-back or the end of the class gives it its former role again.

// HandOver gives the right to present to somebody who is in the class and
// stops who presents now. Whoever presents may do it, and whoever may take
// the presenting back. It is in force at once; the new roles are stored
// after.
func (s *Session) HandOver(ctx context.Context, participantID string) error {
	c := s.t.c
	c.lock()
	defer c.unlock()
	if err := s.checkLocked(ActHandOver); err != nil {
		return err
	}
	from, to := s.t.p, c.byID[participantID]
	if to == nil || len(to.tabs) == 0 {
		return ErrNoSuchParticipant
	}
	if c.pres != nil {
		if c.pres.p == to {
			return nil
		}
		if c.pres.p != from && !c.maySteerLocked(from) {
			return ErrNotAllowed
		}
		c.stopPresentingLocked("handed-over", nil)
	}
	for _, p := range c.guestsLocked() {
		if p != to {
			c.revertLocked(p)
		}
	}
	if to.Role != RolePresenter {
		to.formerRole = to.Role
		c.changeRoleLocked(to, RolePresenter)
		c.saveLaterLocked(to)
	}
	c.tellParticipantLocked(to, HandOverOffered{ByID: from.ID, ByName: from.Name})
	return nil
}

// TakeBack stops who presents and takes a handed-over right back.
func (s *Session) TakeBack(ctx context.Context) error {
	c := s.t.c
	c.lock()
	defer c.unlock()
	if err := s.checkLocked(ActTakeBack); err != nil {
		return err
	}
	by := s.t.p
	if c.pres != nil && c.pres.p != by {
		if !c.maySteerLocked(by) {
			return ErrNotAllowed
		}
		c.stopPresentingLocked("taken-back", nil)
	}
	for _, p := range c.guestsLocked() {
		if p != by {
			c.revertLocked(p)
		}
	}
	return nil
}

// SetRole gives somebody another role. It is in force at once; an error of
// the store says that it is not stored yet, which is tried again.
func (s *Session) SetRole(ctx context.Context, participantID string, role Role) error {
	c := s.t.c
	if !role.Valid() {
		return ErrNotAllowed
	}
	if err := s.check(ActSetRole); err != nil {
		return err
	}
	p, err := c.find(ctx, participantID)
	if err != nil {
		return err
	}
	return c.setRole(ctx, p, role, func() error { return s.checkLocked(ActSetRole) })
}

// setRole gives p a role, if check, which is called with the class locked,
// has nothing against it.
func (c *Class) setRole(ctx context.Context, p *participant, role Role, check func() error) error {
	c.lock()
	err := check()
	if err == nil && c.ownerLocked(p) {
		err = ErrNotAllowed
	}
	if err == nil {
		p.formerRole = ""
		c.changeRoleLocked(p, role)
	}
	c.unlock()
	if err != nil {
		return err
	}
	return c.saveNow(ctx, p)
}

// maySteerLocked reports whether p may stop who presents now: a moderator
// and the owner always, another presenter only where a guest presents.
func (c *Class) maySteerLocked(p *participant) bool {
	role := p.Role
	if p.guestPresenter() {
		role = p.Base
		if p.formerRole != "" {
			role = p.formerRole
		}
	}
	switch {
	case role == RoleModerator, c.ownerLocked(p):
		return true
	case role == RolePresenter:
		return c.pres == nil || c.pres.p.guestPresenter()
	}
	return false
}

func (c *Class) guestsLocked() []*participant {
	var list []*participant
	for _, p := range c.byID {
		if p.guestPresenter() {
			list = append(list, p)
		}
	}
	return list
}

// revertLocked gives a guest presenter its former role.
func (c *Class) revertLocked(p *participant) {
	role := p.Base
	if p.formerRole != "" {
		role = p.formerRole
	}
	p.formerRole = ""
	c.changeRoleLocked(p, role)
	c.saveLaterLocked(p)
}

// changeRoleLocked changes a role and tells it. Who may no longer present
// stops.
func (c *Class) changeRoleLocked(p *participant, role Role) {
	if p.Role == role {
		return
	}
	led, kept := p.leads(), c.mayLocked(p, ActAdmit)
	p.Role = role
	c.watchLeadersLocked()
	if c.pres != nil && c.pres.p == p && !c.mayLocked(p, ActPresent) {
		c.stopPresentingLocked("taken-back", nil)
	}
	c.tellParticipantLocked(p, RoleChanged{role})
	c.refreshLocked(p)
	c.revealLocked(p, led)
	if now := c.mayLocked(p, ActAdmit); now != kept {
		c.tellParticipantLocked(p, LobbyShown{c.lobbyLocked(p)})
	}
}

// mayLocked is the table, with what a guest presenter's former role adds.
func (c *Class) mayLocked(p *participant, a Action) bool {
	return p.May(a) || (p.guestPresenter() && p.formerRole.May(a))
}

// Remove puts somebody out of the class for good. It is in force at once; an
// error of the store says that it is not stored yet, which is tried again.
func (s *Session) Remove(ctx context.Context, participantID string) error {
	c := s.t.c
	if err := s.check(ActRemove); err != nil {
		return err
	}
	p, err := c.find(ctx, participantID)
	if err != nil {
		return err
	}
	return c.remove(ctx, p, s.t.p.ID, func() error {
		if p == s.t.p {
			return ErrNotAllowed
		}
		return s.checkLocked(ActRemove)
	})
}

// remove puts p out for good, if check, which is called with the class
// locked, has nothing against it.
func (c *Class) remove(ctx context.Context, p *participant, by string, check func() error) error {
	c.lock()
	err := check()
	if err == nil && c.ownerLocked(p) {
		err = ErrNotAllowed
	}
	if err == nil {
		p.Removed = true
		for _, t := range slices.Clone(p.tabs) {
			c.endTabLocked(t, ErrRemoved, "removed")
		}
		if c.pres != nil && c.pres.p == p {
			c.stopPresentingLocked("removed", nil)
		}
	}
	c.unlock()
	if err != nil {
		return err
	}
	c.log.Info("participant removed", "participant", p.ID, "by", by)
	return c.saveNow(ctx, p)
}

// Lock keeps new participants out, or lets them in again. Who was in the
// class before may come back, and who teaches may always come.
func (s *Session) Lock(ctx context.Context, locked bool) error {
	if err := s.check(ActLock); err != nil {
		return err
	}
	return s.t.c.changeLesson(ctx, func(l *Lesson) { l.Locked = locked })
}

// EndClass ends the class for all: every session is closed with
// ErrClassEnded. The owner's coming in opens it again, unless it is another
// system's.
func (s *Session) EndClass(ctx context.Context) error {
	if err := s.check(ActEndClass); err != nil {
		return err
	}
	if err := s.t.c.end(ctx, s.t.p.ID); !errors.Is(err, errUnloaded) {
		return err
	}
	return nil // it is stored, and the server is stopping
}
