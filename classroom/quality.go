package classroom

import (
	"context"
	"errors"
	"fmt"

	"kelas/pipeline"
)

// SetQuality says what the tab's viewer wants to be sent. It holds for the
// endpoint that is there and for those that come.
func (s *Session) SetQuality(ctx context.Context, q pipeline.Quality) error {
	switch q {
	case pipeline.QualityAutomatic, pipeline.QualityLow, pipeline.QualitySoundOnly:
	default:
		return fmt.Errorf("setting the quality: %w", pipeline.ErrUnknownQuality)
	}
	c := s.t.c
	c.lock()
	if err := s.aliveLocked(); err != nil {
		c.unlock()
		return err
	}
	s.t.quality = q
	end := s.t.viewer
	c.tellLayersLocked(end)
	c.unlock()
	if end == nil {
		return nil
	}
	return end.prefer(q)
}

// wish is what the tab's viewer wants.
func (t *tab) wish() pipeline.Quality {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if t.quality == "" {
		return pipeline.QualityAutomatic
	}
	return t.quality
}

// prefer hands a wish to the endpoint; one that is being released needs none.
func (e *endpoint) prefer(q pipeline.Quality) error {
	if err := e.media.SetQuality(q); err != nil && !errors.Is(err, pipeline.ErrReleased) {
		return err
	}
	return nil
}

// layerLocked keeps what the media server tells of an endpoint's layers and
// passes it on.
func (c *Class) layerLocked(end *endpoint, slot Slot, e Event) {
	if slot == "" {
		return
	}
	end.layers[slot] = e
	c.tellLocked(end.t, e)
}

// tellLayersLocked tells a tab again what it may have missed while its line
// was cut.
func (c *Class) tellLayersLocked(end *endpoint) {
	if end == nil {
		return
	}
	for _, f := range flows {
		if e := end.layers[f.slot]; e != nil {
			c.tellLocked(end.t, e)
		}
	}
}
