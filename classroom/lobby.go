package classroom

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// Whoever waits in the lobby is no participant: it is not in the roster, has
// no session and hears nothing of the class. Letting it in makes it one, for
// good; turning it away holds while the class is in memory.

// maxRefused bounds who is remembered as turned away.
const maxRefused = 10000

// Waiting is somebody in the lobby, as those see it who may let it in.
type Waiting struct {
	ID    string // of this wait
	Name  string
	Since time.Time
}

// The events of the lobby. LobbyEntered and LobbyLeft go to those who may let
// people in; who becomes one of them gets LobbyShown. LobbyAdmitted goes to
// who waited: joining succeeds now.
type (
	LobbyShown    struct{ Waiting []Waiting }
	LobbyEntered  struct{ Waiting Waiting }
	LobbyLeft     struct{ ID string }
	LobbyAdmitted struct{}
)

func (LobbyShown) event()    {}
func (LobbyEntered) event()  {}
func (LobbyLeft) event()     {}
func (LobbyAdmitted) event() {}

// waiter is a Waiting and how it is reached.
type waiter struct {
	Waiting
	identity Identity
	outlet   Outlet
}

// waitInLobby leaves the outlet of somebody who may not come in yet. A newer
// page of the same identity takes the place of the one before.
func (c *Class) waitInLobby(req JoinRequest) error {
	c.lock()
	defer c.unlock()
	if err := c.barLocked(c.byKey[req.Identity.Key], req.Identity); err != nil {
		return err
	}
	if w := c.lobby[req.Identity.Key]; w != nil {
		if w.outlet != req.Outlet {
			w.outlet.Close(ErrSessionResumed)
		}
		w.outlet = req.Outlet
		return ErrInLobby
	}
	if len(c.lobby) >= c.reg.cfg.MaxParticipants {
		return ErrClassFull
	}
	w := &waiter{Waiting: Waiting{ID: c.reg.newID(), Name: req.Identity.Name, Since: c.reg.stamp()},
		identity: req.Identity, outlet: req.Outlet}
	c.lobby[req.Identity.Key] = w
	c.tellDoorkeepersLocked(LobbyEntered{w.Waiting})
	return ErrInLobby
}

// LeaveLobby says that the line of somebody who waited was cut. It does
// nothing when nobody waits there.
func (r *Registry) LeaveLobby(classID string, o Outlet) {
	c := r.loaded(classID)
	if c == nil {
		return
	}
	c.lock()
	defer c.unlock()
	for key, w := range c.lobby {
		if w.outlet == o {
			c.leaveLobbyLocked(key, w)
			return
		}
	}
}

func (c *Class) leaveLobbyLocked(key string, w *waiter) {
	delete(c.lobby, key)
	c.tellDoorkeepersLocked(LobbyLeft{w.ID})
	if len(c.lobby) == 0 {
		wake(c.keeperWake)
	}
}

// clearLobbyLocked sends all away who wait.
func (c *Class) clearLobbyLocked(reason error) {
	for key, w := range c.lobby {
		w.outlet.Close(reason)
		c.leaveLobbyLocked(key, w)
	}
}

func (c *Class) tellDoorkeepersLocked(e Event) {
	for _, t := range c.tabs {
		if c.mayLocked(t.p, ActAdmit) {
			c.tellLocked(t, e)
		}
	}
}

// lobbyLocked lists who waits, as p may see it.
func (c *Class) lobbyLocked(p *participant) []Waiting {
	if !c.mayLocked(p, ActAdmit) {
		return nil
	}
	list := make([]Waiting, 0, len(c.lobby))
	for _, w := range c.lobby {
		list = append(list, w.Waiting)
	}
	slices.SortFunc(list, func(a, b Waiting) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	return list
}

func (c *Class) waiterLocked(id string) (string, *waiter) {
	for key, w := range c.lobby {
		if w.ID == id {
			return key, w
		}
	}
	return "", nil
}

// Admit lets somebody in who waits, or turns it away. Letting in is stored
// first: who was let in comes back without asking again.
func (s *Session) Admit(ctx context.Context, id string, in bool) error {
	c := s.t.c
	c.lock()
	err := s.checkLocked(ActAdmit)
	key, w := c.waiterLocked(id)
	if err == nil && w == nil {
		err = ErrNoSuchWaiting
	}
	if err == nil && !in {
		if len(c.refused) < maxRefused {
			c.refused[key] = struct{}{}
		}
		w.outlet.Close(ErrLobbyRefused)
		c.leaveLobbyLocked(key, w)
	}
	c.unlock()
	if err != nil || !in {
		return err
	}
	if _, err := c.register(ctx, w.identity, true); err != nil && !errors.Is(err, ErrRemoved) {
		return err
	}
	c.lock()
	defer c.unlock()
	if c.lobby[key] == w { // it may have gone meanwhile, and comes back as let in
		w.outlet.Deliver(LobbyAdmitted{})
		c.leaveLobbyLocked(key, w)
	}
	return nil
}
