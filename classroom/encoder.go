package classroom

import (
	"context"
	"slices"
)

// An encoder (OBS, GStreamer, a box under the desk) gives a class the camera
// or the screen beside the presenter's page, or without one. It belongs to
// the participant whose token it brings, as a tab does, and it presents:
// whoever may not present may not send, and while somebody else presents it
// has to wait. One page and an encoder for each place make up the presenting
// of one participant; it is over when the last of them stops.

// EncoderPlace is what an encoder is in the class.
type EncoderPlace string

// An encoder is the camera and, while the page's own microphone is off, the
// microphone; or it is the screen and its sound.
const (
	EncoderCamera EncoderPlace = "camera"
	EncoderScreen EncoderPlace = "screen"
)

// Valid reports whether p is one of the two places.
func (p EncoderPlace) Valid() bool { return p == EncoderCamera || p == EncoderScreen }

// Encode negotiates the endpoint of an encoder, like Present. A session is
// one encoder: its place is that of the first offer. A new encoder of the
// same participant takes the place of an older one.
func (s *Session) Encode(ctx context.Context, sdpOffer, endpointID string, as EncoderPlace) (answer, id string, err error) {
	if err := s.t.enterMedia(ctx); err != nil {
		return "", "", err
	}
	defer s.t.leaveMedia()
	if endpointID != "" {
		return s.renegotiate(ctx, EndpointEncoder, ActPresent, sdpOffer, endpointID)
	}
	c := s.t.c
	c.lock()
	err = s.mayEncodeLocked(as)
	c.unlock()
	if err != nil {
		return "", "", err
	}
	end, answer, err := s.negotiate(ctx, EndpointEncoder, sdpOffer)

	c.lock()
	defer c.unlock()
	if err == nil {
		err = s.mayEncodeLocked(as)
	}
	if err != nil {
		c.discardLocked(end)
		return "", "", err
	}
	c.takeEncoderLocked(end, as)
	return answer, end.media.ID(), nil
}

// Encoding reports whether the session's encoder is one of the class's
// sources.
func (s *Session) Encoding() bool {
	c := s.t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.aliveLocked() == nil && s.t.encoder != nil
}

func (s *Session) mayEncodeLocked(as EncoderPlace) error {
	if err := s.checkLocked(ActPresent); err != nil {
		return err
	}
	switch c := s.t.c; {
	case !as.Valid() || s.t.encoder != nil:
		return ErrNotAllowed
	case c.reg.media == nil:
		return ErrNoMedia
	case c.pres != nil && c.pres.p != s.t.p:
		return ErrPresenterPresent
	}
	return nil
}

// takeEncoderLocked makes end one of the class's sources.
func (c *Class) takeEncoderLocked(end *endpoint, as EncoderPlace) {
	if c.pres == nil {
		c.pres = &presenting{p: end.t.p}
	}
	pr := c.pres
	begun := pr.begun()
	if old := pr.encoders[as]; old != nil {
		// Its session ends by itself, with the endpoint.
		old.t.encoder = nil
		c.discardLocked(old)
		c.tellLocked(old.t, StopCommunication{"replaced"})
	}
	if pr.encoders == nil {
		pr.encoders = make(map[EncoderPlace]*endpoint)
	}
	pr.encoders[as], end.t.encoder = end, end
	if !begun {
		c.live = c.reg.stamp()
		c.onAirLocked(pr.p)
	}
	c.sourcesChangedLocked(pr.p)
}

// sourcesChangedLocked tells the class of what is shown now.
func (c *Class) sourcesChangedLocked(p *participant) {
	wake(c.mediaWake)
	c.tellAllLocked(SlotsChanged{c.slotsLocked()})
	c.tellClassLocked()
	c.refreshLocked(p)
}

// dropEncoderLocked takes a tab's encoder away; the presenting is over with
// the last source.
func (c *Class) dropEncoderLocked(t *tab, reason string) {
	end := t.encoder
	if end == nil {
		return
	}
	t.encoder = nil
	pr := c.pres
	if pr != nil {
		for as, e := range pr.encoders {
			if e != end {
				continue
			}
			if len(pr.encoders) == 1 && pr.end == nil && !c.claimedLocked(pr) {
				c.stopPresentingLocked(reason, t)
				return
			}
			delete(pr.encoders, as)
			c.discardLocked(end)
			if !pr.begun() { // a page is about to take the place
				c.offAirLocked(reason)
				c.live = zeroTime
			}
			c.sourcesChangedLocked(pr.p)
			return
		}
	}
	c.discardLocked(end)
}

// claimedLocked: a page negotiates for the presenter's place.
func (c *Class) claimedLocked(pr *presenting) bool {
	for _, t := range pr.p.tabs {
		if t.pending[EndpointPresenter] != nil {
			return true
		}
	}
	return false
}

// pageGoneLocked ends what the presenter's page gave. While an encoder is
// there the presenting goes on without it.
func (c *Class) pageGoneLocked(reason string, except *tab) {
	pr := c.pres
	if len(pr.encoders) == 0 {
		c.stopPresentingLocked(reason, except)
		return
	}
	c.discardLocked(pr.end)
	pr.t, pr.end, pr.on, pr.lostUntil = nil, nil, Publishing{}, zeroTime
	c.sourcesChangedLocked(pr.p)
}

// begun: there is at least one source; until then nobody was told.
func (pr *presenting) begun() bool { return pr != nil && (pr.end != nil || len(pr.encoders) > 0) }

// connected: media flows from one of the sources.
func (pr *presenting) connected() bool {
	if pr.end.connected() {
		return true
	}
	for _, e := range pr.encoders {
		if e.connected() {
			return true
		}
	}
	return false
}

// has reports whether end is one of the sources.
func (pr *presenting) has(end *endpoint) bool {
	if pr == nil || end == nil {
		return false
	}
	return pr.end == end || pr.encoders[EncoderCamera] == end || pr.encoders[EncoderScreen] == end
}

// feed is what a slot is fed from: a place of an endpoint.
type feed struct {
	from  *endpoint
	place Slot
}

// sourcesLocked says what feeds each slot of the class. An encoder's picture
// goes before the page's; its sound is the microphone only while the page's
// is off, so that nobody hears two.
func (c *Class) sourcesLocked() map[Slot]feed {
	pr := c.pres
	if pr == nil {
		return nil
	}
	m := make(map[Slot]feed, len(flows))
	if pr.end != nil {
		for _, f := range flows {
			m[f.slot] = feed{pr.end, f.slot}
		}
	}
	take := func(slot Slot, end *endpoint, place Slot) {
		if end.codecs[place] != "" {
			m[slot] = feed{end, place}
		}
	}
	if e := pr.encoders[EncoderCamera]; e != nil {
		take(SlotCamera, e, SlotCamera)
		if pr.end == nil || !pr.on.Mic {
			take(SlotMic, e, SlotMic)
		}
	}
	if e := pr.encoders[EncoderScreen]; e != nil {
		take(SlotScreen, e, SlotCamera)
		take(SlotScreenAudio, e, SlotMic)
	}
	return m
}

// feedsLocked says what feeds each place of one viewer, given what the class
// shows.
func (c *Class) feedsLocked(v *endpoint, sources map[Slot]feed) map[Slot]feed {
	pr := c.pres
	m := make(map[Slot]feed, len(sources))
	for slot, f := range sources {
		// A presenter's page must not hear itself, nor its own encoder.
		if pr.t == v.t && (f.from.t == v.t || slot == SlotMic || slot == SlotScreenAudio) {
			continue
		}
		m[slot] = f
	}
	screen, on := m[SlotScreen]
	switch v.t.watch {
	case WatchScreen:
	case WatchBest:
		if slots := c.slotsLocked(); !on || !slots[slices.IndexFunc(slots, func(s SlotView) bool { return s.Slot == SlotScreen })].Live {
			return m
		}
	default:
		return m
	}
	delete(m, SlotCamera)
	if on {
		m[SlotCamera] = screen
	}
	return m
}

// Watch says what a viewer with one picture sees in it.
type Watch string

// All: each slot has its place. The others are for players that have room
// for one picture: the screen, or the screen while there is one and the
// camera otherwise.
const (
	WatchAll    Watch = ""
	WatchScreen Watch = "screen"
	WatchBest   Watch = "best"
)

// Valid reports whether w is one of the three.
func (w Watch) Valid() bool { return w == WatchAll || w == WatchScreen || w == WatchBest }

// SetWatch says what this session's viewer is to see.
func (s *Session) SetWatch(ctx context.Context, w Watch) error {
	c := s.t.c
	c.lock()
	defer c.unlock()
	if err := s.aliveLocked(); err != nil {
		return err
	}
	if !w.Valid() {
		return ErrNotAllowed
	}
	s.t.watch = w
	wake(c.mediaWake)
	return nil
}
