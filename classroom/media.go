package classroom

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kelas/pipeline"
)

// endpoint is one endpoint of a tab. media is set once; fed is guarded by
// Class.wireMu, the rest by Class.mu.
type endpoint struct {
	t      *tab
	role   EndpointRole
	media  mediaEndpoint
	cancel func()
	state  pipeline.ConnectionState
	asked  time.Time       // when its first offer came
	met    bool            // it was connected once
	codecs map[Slot]string // of what a presenter sends
	layers map[Slot]Event  // LayerChanged, LayersWanted: the newest of each slot
	fed    map[Slot]feed   // what feeds this viewer's places
	early  []IceCandidate  // came before media was there
	over   bool            // to be released
}

// maxEarly bounds the candidates that wait for an endpoint to be made.
const maxEarly = 64

func (e *endpoint) connected() bool {
	return e != nil && e.state == pipeline.ConnectionConnected
}

// presenting is who presents, or is about to.
type presenting struct {
	p         *participant
	t         *tab
	end       *endpoint // nil while the first negotiation goes on; nobody is told until then
	lostUntil time.Time // the line is cut; the class waits until then
	on        Publishing
	encoders  map[EncoderPlace]*endpoint // beside the page, or without one
}

// Present negotiates the presenter's endpoint: endpointID "" makes a new one
// (and replaces an older one of this participant, whose viewers keep
// theirs), otherwise that one is renegotiated, as for an ICE restart.
func (s *Session) Present(ctx context.Context, sdpOffer, endpointID string) (answer, id string, err error) {
	if err := s.t.enterMedia(ctx); err != nil {
		return "", "", err
	}
	defer s.t.leaveMedia()
	if endpointID != "" {
		return s.renegotiate(ctx, EndpointPresenter, ActPresent, sdpOffer, endpointID)
	}
	c := s.t.c
	c.lock()
	pr, err := s.claimLocked()
	c.unlock()
	if err != nil {
		return "", "", err
	}
	end, answer, err := s.negotiate(ctx, EndpointPresenter, sdpOffer)

	c.lock()
	defer c.unlock()
	if err == nil {
		err = s.mayTakeLocked(pr)
	}
	if err != nil {
		c.discardLocked(end)
		if c.pres == pr && !pr.begun() {
			c.pres = nil // as if it had not been tried
		}
		return "", "", err
	}
	c.takePlaceLocked(pr, end)
	return answer, end.media.ID(), nil
}

// claimLocked keeps the presenter's place for this tab while it negotiates,
// or says who has it.
func (s *Session) claimLocked() (*presenting, error) {
	if err := s.checkLocked(ActPresent); err != nil {
		return nil, err
	}
	c := s.t.c
	if c.reg.media == nil {
		return nil, ErrNoMedia
	}
	if c.pres == nil {
		c.pres = &presenting{p: s.t.p, t: s.t}
		return c.pres, nil
	}
	return c.pres, s.mayTakeLocked(c.pres)
}

// mayTakeLocked: the place is still pr's, and this tab's to take.
func (s *Session) mayTakeLocked(pr *presenting) error {
	if err := s.checkLocked(ActPresent); err != nil {
		return err
	}
	switch c := s.t.c; {
	case c.pres == nil:
		return ErrNotPresenting // stopped or handed over in the meantime
	case c.pres.p != s.t.p:
		return ErrPresenterPresent
	case c.pres != pr:
		return ErrNotPresenting
	case pr.t != nil && pr.t != s.t && pr.t.connected:
		return ErrPresentingInTab
	}
	return nil
}

// takePlaceLocked makes end the class's source.
func (c *Class) takePlaceLocked(pr *presenting, end *endpoint) {
	begun := pr.begun()
	c.discardLocked(pr.end)
	pr.t, pr.end, pr.lostUntil = end.t, end, zeroTime
	if !end.t.connected { // its line was cut while it negotiated
		pr.lostUntil = c.reg.stamp().Add(c.reg.cfg.PresenterWindow)
	}
	if !begun {
		c.live = c.reg.stamp()
		c.onAirLocked(pr.p)
	}
	c.sourcesChangedLocked(pr.p)
}

// View negotiates the session's viewer endpoint, like Present.
func (s *Session) View(ctx context.Context, sdpOffer, endpointID string) (answer, id string, err error) {
	if err := s.t.enterMedia(ctx); err != nil {
		return "", "", err
	}
	defer s.t.leaveMedia()
	if endpointID != "" {
		return s.renegotiate(ctx, EndpointViewer, ActView, sdpOffer, endpointID)
	}
	if err := s.check(ActView); err != nil {
		return "", "", err
	}
	if s.t.c.reg.media == nil {
		return "", "", ErrNoMedia
	}
	end, answer, err := s.negotiate(ctx, EndpointViewer, sdpOffer)

	c := s.t.c
	c.lock()
	defer c.unlock()
	if err == nil {
		err = s.checkLocked(ActView)
	}
	if err != nil {
		c.discardLocked(end)
		return "", "", err
	}
	c.discardLocked(s.t.viewer)
	s.t.viewer = end
	wake(c.mediaWake)
	c.refreshLocked(s.t.p)
	return answer, end.media.ID(), nil
}

// negotiate makes an endpoint and answers its first offer. The endpoint is
// returned beside an error too where it exists.
func (s *Session) negotiate(ctx context.Context, role EndpointRole, sdp string) (*endpoint, string, error) {
	c, t := s.t.c, s.t
	end := &endpoint{t: t, role: role, state: pipeline.ConnectionNew, asked: c.reg.now(), codecs: make(map[Slot]string), layers: make(map[Slot]Event)}
	c.lock()
	t.pending[role] = end
	c.unlock()
	defer func() {
		c.lock()
		delete(t.pending, role)
		c.unlock()
	}()
	if err := c.makeEndpoint(end); err != nil {
		return nil, "", err
	}
	c.lock()
	early := end.early
	end.early = nil
	c.unlock()
	if role == EndpointViewer {
		if err := end.prefer(t.wish()); err != nil {
			return end, "", err
		}
	}
	for _, cand := range early {
		if err := end.add(cand); err != nil {
			return end, "", err
		}
	}
	answer, err := end.media.ProcessOffer(ctx, sdp)
	if err != nil {
		return end, "", fmt.Errorf("negotiating as %s: %w", role, err)
	}
	// The answer names the server's candidates already; a page that waits
	// for them one by one gets them so too.
	if err := end.media.GatherCandidates(); err != nil {
		return end, "", fmt.Errorf("gathering candidates: %w", err)
	}
	return end, answer, nil
}

// renegotiate answers a further offer on an endpoint that exists.
func (s *Session) renegotiate(ctx context.Context, role EndpointRole, a Action, sdp, id string) (string, string, error) {
	c := s.t.c
	c.mu.Lock()
	err := s.checkLocked(a)
	end := s.endpointLocked(role)
	c.mu.Unlock()
	if err != nil {
		return "", "", err
	}
	if end == nil || end.media.ID() != id {
		return "", "", ErrNoSuchEndpoint
	}
	answer, err := end.media.ProcessOffer(ctx, sdp)
	if errors.Is(err, pipeline.ErrReleased) {
		return "", "", ErrNoSuchEndpoint
	}
	if err != nil {
		return "", "", fmt.Errorf("renegotiating as %s: %w", role, err)
	}
	return answer, id, nil
}

// endpointLocked is the session's endpoint of a role, nil when there is none.
func (s *Session) endpointLocked(role EndpointRole) *endpoint {
	switch role {
	case EndpointViewer:
		return s.t.viewer
	case EndpointPresenter:
		if pr := s.t.c.pres; pr != nil && pr.t == s.t {
			return pr.end
		}
	case EndpointEncoder:
		return s.t.encoder
	}
	return nil
}

// AddIceCandidate hands a candidate of the page to one of its endpoints. One
// that comes while the endpoint is being made waits for it.
func (s *Session) AddIceCandidate(ctx context.Context, role EndpointRole, cand IceCandidate) error {
	c := s.t.c
	c.mu.Lock()
	err := s.aliveLocked()
	end := s.t.pending[role]
	if end == nil {
		end = s.endpointLocked(role)
	}
	switch {
	case err != nil:
	case end == nil:
		err = ErrNoSuchEndpoint
	case end.media == nil && len(end.early) >= maxEarly:
		err = pipeline.ErrTooManyCandidates
	case end.media == nil:
		end.early = append(end.early, cand)
		end = nil
	}
	c.mu.Unlock()
	if err != nil || end == nil {
		return err
	}
	return end.add(cand)
}

func (e *endpoint) add(cand IceCandidate) error {
	err := e.media.AddIceCandidate(pipeline.IceCandidate(cand))
	if errors.Is(err, pipeline.ErrReleased) {
		return ErrNoSuchEndpoint
	}
	return err
}

// Publish says which of the presenter's sources are switched on.
func (s *Session) Publish(ctx context.Context, p Publishing) error {
	c := s.t.c
	c.lock()
	defer c.unlock()
	if err := s.aliveLocked(); err != nil {
		return err
	}
	pr := c.pres
	if pr == nil || pr.t != s.t || pr.end == nil {
		return ErrNotPresenting
	}
	c.tellLayersLocked(pr.end)
	if pr.on != p {
		pr.on = p
		wake(c.mediaWake) // an encoder's sound may take turns with the microphone
		c.tellAllLocked(SlotsChanged{c.slotsLocked()})
	}
	return nil
}

// StopPresenting ends the presenting of this session.
func (s *Session) StopPresenting(ctx context.Context) error {
	c := s.t.c
	c.lock()
	defer c.unlock()
	if err := s.aliveLocked(); err != nil {
		return err
	}
	if c.pres == nil || c.pres.t != s.t {
		return ErrNotPresenting
	}
	c.pageGoneLocked("stopped", s.t)
	return nil
}

// StopViewing releases the session's viewer endpoint.
func (s *Session) StopViewing(ctx context.Context) error {
	c := s.t.c
	c.lock()
	defer c.unlock()
	if err := s.aliveLocked(); err != nil {
		return err
	}
	if s.t.viewer == nil {
		return ErrNoSuchEndpoint
	}
	c.discardLocked(s.t.viewer)
	s.t.viewer = nil
	c.refreshLocked(s.t.p)
	return nil
}

// stopPresentingLocked ends it for all; except is the tab that asked for it.
func (c *Class) stopPresentingLocked(reason string, except *tab) {
	pr := c.pres
	if !pr.begun() {
		c.pres = nil
		return // nobody was told
	}
	c.discardPresentingLocked()
	c.offAirLocked(reason)
	c.pres, c.live = nil, zeroTime
	c.tellOthersLocked(except, StopCommunication{reason})
	c.tellAllLocked(SlotsChanged{c.slotsLocked()})
	c.tellClassLocked()
	c.refreshLocked(pr.p)
	if len(c.tabs) == 0 {
		wake(c.keeperWake)
	}
}

// discardPresentingLocked gives all endpoints of the presenting up.
func (c *Class) discardPresentingLocked() {
	c.discardLocked(c.pres.end)
	for _, e := range c.pres.encoders {
		e.t.encoder = nil
		c.discardLocked(e)
	}
}

// slotsLocked lists all slots of a viewer, in the order of their m-lines.
func (c *Class) slotsLocked() []SlotView {
	list := []SlotView{
		{Slot: SlotMic}, {Slot: SlotCamera}, {Slot: SlotScreen}, {Slot: SlotScreenAudio},
		{Slot: SlotSpeaker1Audio}, {Slot: SlotSpeaker1Video}, {Slot: SlotSpeaker2Audio}, {Slot: SlotSpeaker2Video},
	}
	pr := c.pres
	if !pr.begun() {
		return list
	}
	on := []bool{pr.on.Mic, pr.on.Camera, pr.on.Screen, pr.on.ScreenAudio}
	sources := c.sourcesLocked()
	for i := range on {
		f, fed := sources[list[i].Slot]
		list[i].ParticipantID = pr.p.ID
		if !fed {
			continue
		}
		list[i].Codec = f.from.codecs[f.place]
		list[i].Encoder = f.from != pr.end
		list[i].Live = on[i] || list[i].Encoder
	}
	return list
}

// Stats returns the figures of the session's own endpoints.
func (s *Session) Stats(ctx context.Context) (EndpointFigures, error) {
	c := s.t.c
	c.mu.Lock()
	err := s.aliveLocked()
	presenter, viewer := s.endpointLocked(EndpointPresenter), s.endpointLocked(EndpointViewer)
	c.mu.Unlock()
	var f EndpointFigures
	if err != nil {
		return f, err
	}
	if presenter != nil {
		st := presenter.media.Stats()
		f.Presenter = &st
	}
	if viewer != nil {
		st := viewer.media.Stats()
		f.Viewer = &st
	}
	return f, nil
}

// enterMedia lets one negotiation of a tab go on at a time.
func (t *tab) enterMedia(ctx context.Context) error {
	select {
	case t.media <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *tab) leaveMedia() { <-t.media }
