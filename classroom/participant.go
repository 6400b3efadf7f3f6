package classroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kelas/pipeline"
)

// participant is a person as a loaded class knows it, present or not.
// Everything is guarded by Class.mu.
type participant struct {
	Participant                 // as it is to be stored
	tabs        []*tab          // connected, or waiting for their page
	told        ParticipantView // what the roster was told last
	lastHere    time.Time       // when a line of it ended last
	joinedAt    time.Time       // beginning of the present stay
	stay        *stay
	formerRole  Role // what a hand-over replaced; "" when none did
	chatBucket  bucket
	saveQueued  bool // a record that saves it waits for the journal
}

// tab is what lasts of a session over its connections.
type tab struct {
	c       *Class
	p       *participant
	id      string // for logs
	token   string
	media   chan struct{} // holds one value while an endpoint is being negotiated
	viewer  *endpoint
	watch   Watch // of the viewer
	encoder *endpoint
	quality pipeline.Quality           // what this tab's viewer wants; "" is automatic
	pending map[EndpointRole]*endpoint // under negotiation for the first time

	line      uint64 // counts the connections
	outlet    Outlet
	connected bool
	refused   bool // the outlet refused an event in this section
	away      bool
	lostAt    time.Time // when the line was cut
	until     time.Time // how long the tab waits for its page
	ended     error     // why it is over
}

func (c *Class) presenceLocked(p *participant) Presence {
	best := Lost
	for _, t := range p.tabs {
		switch {
		case !t.connected:
		case !t.away:
			return Here
		default:
			best = Away
		}
	}
	return best
}

func (c *Class) participantViewLocked(p *participant) ParticipantView {
	v := ParticipantView{
		ID: p.ID, Name: p.Name, Role: p.Role, Presence: c.presenceLocked(p), JoinedAt: p.joinedAt,
		Bot: p.Bot(),
	}
	if c.pres.begun() && c.pres.p == p {
		v.Presenting = true
		v.Media = c.pres.connected()
	}
	for _, t := range p.tabs {
		v.Media = v.Media || t.viewer.connected()
	}
	return v
}

// refreshLocked tells the class when the roster's line of p is no longer
// what it was told last.
func (c *Class) refreshLocked(p *participant) {
	if len(p.tabs) == 0 {
		return
	}
	if v := c.participantViewLocked(p); v != p.told {
		p.told = v
		c.tellOfLocked(p, nil, ParticipantChanged{v})
	}
}

// ownerLocked reports whether p owns the lesson. Nobody removes or demotes
// the owner, and the owner can always take the presenting back.
func (c *Class) ownerLocked(p *participant) bool {
	return c.lesson.OwnerID != "" && p.UserID == c.lesson.OwnerID
}

func (c *Class) rememberLocked(p Participant) *participant {
	if known := c.byKey[p.Key]; known != nil {
		return known
	}
	known := &participant{Participant: p}
	c.byKey[p.Key] = known
	c.byID[p.ID] = known
	return known
}

// find returns a participant who may be absent. It reads the store when
// nobody by that ID has come or been spoken of since the class was loaded.
func (c *Class) find(ctx context.Context, id string) (*participant, error) {
	c.mu.Lock()
	p := c.byID[id]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	if id == "" || len(id) > 128 {
		return nil, ErrNoSuchParticipant
	}
	ctx, cancel := context.WithTimeout(ctx, c.reg.cfg.StoreTimeout)
	defer cancel()
	stored, err := c.reg.store.Participant(ctx, c.id, id)
	if errors.Is(err, ErrNotFound) {
		return nil, ErrNoSuchParticipant
	}
	if err != nil {
		return nil, fmt.Errorf("reading the participant: %w", storeError(err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rememberLocked(stored), nil
}

// arriveLocked puts a tab in its participant's hands and, with the first
// one, the participant in the roster.
func (c *Class) arriveLocked(t *tab) {
	p := t.p
	p.tabs = append(p.tabs, t)
	c.tabs[t.token] = t
	if len(p.tabs) > 1 {
		c.refreshLocked(p)
		return
	}
	c.people++
	c.visited = true
	now := c.reg.stamp()
	p.joinedAt = now
	c.beginLessonLocked(now)
	c.beginStayLocked(p, now)
	c.cameLocked(p)
	p.told = c.participantViewLocked(p)
	c.watchLeadersLocked()
	c.tellOfLocked(p, t, ParticipantJoined{p.told})
}

// loseLocked begins the time that a cut tab waits for its page.
func (c *Class) loseLocked(t *tab) {
	now := c.reg.stamp()
	t.connected = false
	t.lostAt = now
	t.p.lastHere = now
	t.until = now.Add(c.reg.cfg.ResumeWindow)
	if pr := c.pres; pr != nil && pr.t == t {
		if pr.end == nil {
			c.unclaimLocked(pr)
		} else {
			pr.lostUntil = now.Add(c.reg.cfg.PresenterWindow)
			c.tellClassLocked()
		}
	}
	c.refreshLocked(t.p)
	wake(c.keeperWake)
}

// endTabLocked ends a tab that left (ErrSessionClosed, "left"), was waited
// for in vain ("lost") or was put out ("removed").
func (c *Class) endTabLocked(t *tab, err error, reason string) {
	if t.ended != nil {
		return
	}
	p := t.p
	if t.connected {
		p.lastHere = c.reg.stamp()
	}
	c.dropEncoderLocked(t, stopReason(reason))
	c.closeTabLocked(t, err)
	p.tabs = slices.DeleteFunc(p.tabs, func(o *tab) bool { return o == t })
	if pr := c.pres; pr != nil && pr.t == t {
		switch {
		case pr.end == nil:
			c.unclaimLocked(pr)
		case reason == "lost" && c.reg.stamp().Before(pr.lostUntil):
			// The class waits for its presenter longer than for the tab.
		default:
			c.pageGoneLocked(stopReason(reason), t)
		}
	}
	if len(p.tabs) > 0 {
		c.refreshLocked(p)
		return
	}
	c.departLocked(p, reason)
	c.tellOfLocked(p, nil, ParticipantLeft{ID: p.ID, Reason: reason})
}

// unclaimLocked: a page that was about to present is gone; nobody was told.
func (c *Class) unclaimLocked(pr *presenting) {
	pr.t = nil
	if !pr.begun() {
		c.pres = nil
	}
}

func stopReason(reason string) string {
	if reason == "left" {
		return "stopped"
	}
	return reason
}

// closeTabLocked takes a tab out of the class and gives up its endpoints. It
// leaves the participant to the caller.
func (c *Class) closeTabLocked(t *tab, err error) {
	if t.ended != nil {
		return
	}
	t.ended = err
	if t.connected {
		t.connected = false
		t.outlet.Close(err)
	}
	delete(c.tabs, t.token)
	c.discardLocked(t.viewer)
	t.viewer = nil
	c.discardLocked(t.encoder)
	t.encoder = nil
}

// departLocked ends the stay of a participant without tabs, at the moment
// its last line ended: somebody whose line was cut was gone from then on.
func (c *Class) departLocked(p *participant, reason string) {
	c.people--
	c.watchLeadersLocked()
	c.endStayLocked(p, p.lastHere, reason)
	p.LastSeen = p.lastHere
	c.saveLaterLocked(p)
	if len(c.tabs) == 0 {
		c.empty = c.reg.now()
		wake(c.keeperWake)
	}
}

// person is p as those outside are told of it; p itself goes on changing.
func person(p *participant) *Participant {
	now := p.Participant
	return &now
}

// externalPrefix begins the key of somebody whom another system knows; the
// system's name and the id follow (auth.Identity).
const externalPrefix = "ext:"

// ExternalID is what the system that made the join link calls the person; ""
// for who came otherwise.
func (p Participant) ExternalID() string {
	rest, ok := strings.CutPrefix(p.Key, externalPrefix)
	if !ok {
		return ""
	}
	_, id, _ := strings.Cut(rest, ":")
	return id
}
