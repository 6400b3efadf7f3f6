package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pion/sdp/v3"

	"kelas/pipeline/sfu"
)

// Quality is what the viewer at a browser wants.
type Quality string

// The qualities. Low saves data: the lowest layer of everything. SoundOnly
// stops all pictures.
const (
	QualityAutomatic Quality = "automatic"
	QualityLow       Quality = "low"
	QualitySoundOnly Quality = "soundOnly"
)

var qualities = map[Quality]sfu.Quality{
	QualityAutomatic: sfu.Automatic, QualityLow: sfu.Low, QualitySoundOnly: sfu.SoundOnly,
}

// Layer is what a place is sent of its source.
type Layer struct {
	RID      string // "" without simulcast, or while nothing is sent
	Temporal int    // highest temporal layer that is sent, -1: all
	// Paused says why nothing is sent although the source has something:
	// PausedByLine, PausedByChoice, or "".
	Paused string
}

// Why a place is sent nothing.
const (
	PausedByLine   = "line"
	PausedByChoice = "choice"
)

// SetQuality has the browser sent what its viewer wants, from now on and also
// before it has negotiated.
func (e *WebRtcEndpoint) SetQuality(q Quality) error {
	v, ok := qualities[q]
	if !ok {
		return fmt.Errorf("%w: %q", ErrUnknownQuality, q)
	}
	if e.dead.Load() {
		return fmt.Errorf("setting the quality: %w", ErrReleased)
	}
	e.line.SetQuality(v)
	return nil
}

func (e *WebRtcEndpoint) lineStats() LineStats {
	s := e.line.Stats()
	st := LineStats{Capacity: s.Capacity, Queue: s.Queue, Loss: s.Loss, Steps: s.Ups + s.Downs, Probes: s.Probes}
	for name, q := range qualities {
		if q == e.line.Quality() {
			st.Quality = name
		}
	}
	return st
}

// layerOf is what a slot is sent; false when nothing feeds it.
func layerOf(s *sfu.Slot) (Layer, bool) {
	r, ok := s.Received()
	l := Layer{RID: r.RID, Temporal: r.Temporal}
	switch {
	case r.ByChoice:
		l.Paused = PausedByChoice
	case r.Paused:
		l.Paused = PausedByLine
	}
	return l, ok
}

// watchLayer tells when a place is sent something else than before. It is the
// sweep's.
func (d *downTrack) watchLayer(s *sfu.Slot) {
	if d.at.media != Video {
		return
	}
	now, fed := layerOf(s)
	d.mu.Lock()
	changed := now != d.layer
	d.layer = now
	d.mu.Unlock()
	if changed && fed {
		d.endpoint.events.emit(LayerChanged{d.at.media, d.at.description, now})
	}
}

// watchDemand tells the browser's side when other layers are wanted than
// before. It is the sweep's.
func (t *upTrack) watchDemand(now time.Time) {
	if len(t.rids) < 2 {
		return
	}
	if wanted, changed := t.current().Demand(t.rids, now); changed {
		t.endpoint.events.emit(LayersWanted{t.at.media, t.at.description, wanted})
	}
}

// maxRIDs is more than any browser sends.
const maxRIDs = 8

// sendRIDs are the encodings of a=simulcast:send (RFC 8853, section 5.1), the
// first of alternatives, "~" or not.
func sendRIDs(m *sdp.MediaDescription) []string {
	line, ok := m.Attribute("simulcast")
	if !ok {
		return nil
	}
	fields := strings.Fields(line)
	at := slices.Index(fields, "send")
	if at < 0 || at+1 >= len(fields) {
		return nil
	}
	var rids []string
	for stream := range strings.SplitSeq(fields[at+1], ";") {
		rid, _, _ := strings.Cut(stream, ",")
		rid = strings.TrimPrefix(rid, "~")
		if rid == "" || len(rid) > 32 || slices.Contains(rids, rid) || len(rids) == maxRIDs {
			continue
		}
		rids = append(rids, rid)
	}
	return rids
}
