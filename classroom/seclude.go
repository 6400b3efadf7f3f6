package classroom

// What a lesson's settings keep from viewers: the roster of the others, and
// the chat. Who leads is seen by all and sees all.

// seesLocked reports whether p has somebody in its roster.
func (c *Class) seesLocked(p, of *participant) bool {
	return !c.settingsLocked().HideRoster || p == of || p.leads() || of.leads()
}

// tellOfLocked tells an event about a participant to those who see it.
func (c *Class) tellOfLocked(of *participant, except *tab, e Event) {
	for _, t := range c.tabs {
		if t != except && c.seesLocked(t.p, of) {
			c.tellLocked(t, e)
		}
	}
}

// revealLocked brings rosters in line after p began or ceased to lead.
func (c *Class) revealLocked(p *participant, before bool) {
	if !c.settingsLocked().HideRoster || len(p.tabs) == 0 || before == p.leads() {
		return
	}
	for _, o := range c.byID {
		if o == p || len(o.tabs) == 0 || o.leads() {
			continue // these two saw each other, and still do
		}
		if p.leads() {
			c.tellParticipantLocked(p, ParticipantJoined{o.told})
			c.tellParticipantLocked(o, ParticipantJoined{p.told})
		} else {
			c.tellParticipantLocked(p, ParticipantLeft{ID: o.ID, Reason: "left"})
			c.tellParticipantLocked(o, ParticipantLeft{ID: p.ID, Reason: "left"})
		}
	}
}

// chatBarLocked says why from may not write to whom it wants to; to is nil
// for all.
func (c *Class) chatBarLocked(from *participant, kind ChatKind, to *participant) error {
	s := c.settingsLocked()
	switch {
	case from.leads():
	case kind == ChatMessage && s.NoPublicChat:
		return ErrChatLocked
	case kind == ChatPrivate && s.NoPrivateChat && !to.leads():
		return ErrChatLocked
	}
	return nil
}

// welcomeLocked is what p reads on coming in.
func (c *Class) welcomeLocked(p *participant) string {
	s := c.settingsLocked()
	text := s.Welcome
	if p.leads() && s.WelcomeLeaders != "" {
		if text != "" {
			text += "\n\n"
		}
		text += s.WelcomeLeaders
	}
	return text
}
