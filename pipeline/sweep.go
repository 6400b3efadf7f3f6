package pipeline

import (
	"context"
	"time"

	"github.com/pion/rtcp"

	"kelas/pipeline/sfu"
)

// sweepInterval paces what is done for everybody from one place: sender
// reports (RFC 3550, section 6.2, asks for 5 s or less) and flow events.
const sweepInterval = 2 * rembInterval

// sweep is the server's one ticker.
func (s *Server) sweep(ctx context.Context) {
	tick := time.NewTicker(rembInterval)
	defer tick.Stop()
	for half := true; ; half = !half {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if half {
				s.tellLimits(now)
				continue
			}
			for _, e := range s.allElements() {
				if e, ok := e.(sweeper); ok {
					e.sweep(now)
				}
			}
		}
	}
}

// tellLimits is for those whose limits follow loss, between two sweeps.
func (s *Server) tellLimits(now time.Time) {
	if s.metering.Load() == 0 {
		return
	}
	for _, e := range s.allElements() {
		if e, ok := e.(*WebRtcEndpoint); ok && e.byLoss.Load() != nil {
			e.tellLimit(now)
		}
	}
}

// sweeper is an element for which something is done each second.
type sweeper interface{ sweep(now time.Time) }

func (s *Server) allElements() []MediaElement {
	var list []MediaElement
	for _, p := range s.allPipelines() {
		list = append(list, p.Elements()...)
	}
	return list
}

func (e *WebRtcEndpoint) sweep(now time.Time) {
	e.mu.Lock()
	link, state := e.link, e.state
	slots, tracks := e.slots, e.tracks
	e.mu.Unlock()
	if link == nil || e.dead.Load() {
		return
	}
	flowing := false
	var reports []rtcp.Packet
	for _, d := range slots {
		s := d.get()
		if s == nil {
			continue
		}
		if state == ConnectionConnected {
			if sr := s.SenderReport(now); sr != nil {
				reports = append(reports, sr)
			}
		}
		flowing = d.watchFlow(s.Stats(), now) || flowing
		d.watchLayer(s)
	}
	if len(slots) > 0 {
		e.line.Sweep(now)
	}
	for _, t := range tracks {
		flowing = t.watchFlow() || flowing
		t.current().Sweep()
		t.watchDemand(now)
	}
	e.mediaChanged(flowing && state == ConnectionConnected)
	if state == ConnectionConnected {
		if r := e.remb(tracks, now); r != nil {
			reports = append(reports, r)
		}
	}
	if len(reports) > 0 {
		_ = link.writeRTCP(reports) // a closing connection needs none
	}
}

// flowMeter turns a packet count into flowing or not: two sweeps without a
// packet are a stop.
type flowMeter struct {
	packets uint64
	idle    int
	flowing bool
}

// see tells whether the state changed.
func (f *flowMeter) see(packets uint64) bool {
	was := f.flowing
	if packets != f.packets {
		f.packets, f.idle, f.flowing = packets, 0, true
	} else if f.idle++; f.idle >= 2 {
		f.flowing = false
	}
	return was != f.flowing
}

// rateMeter says how much was sent between the last two sweeps, in bits a second.
type rateMeter struct {
	bytes uint64
	at    time.Time
	rate  int64
}

func (r *rateMeter) see(bytes uint64, now time.Time) {
	if took := now.Sub(r.at); !r.at.IsZero() && took > 0 {
		r.rate = int64(float64(bytes-r.bytes) * 8 / took.Seconds())
	}
	r.bytes, r.at = bytes, now
}

func (d *downTrack) watchFlow(st sfu.SlotStats, now time.Time) bool {
	d.mu.Lock()
	changed, flowing := d.flow.see(st.Packets), d.flow.flowing
	d.rate.see(st.Bytes, now)
	d.mu.Unlock()
	if changed {
		d.endpoint.events.emit(MediaFlowInStateChanged{flowing, d.at.media, d.at.description})
	}
	return flowing
}

func (t *upTrack) watchFlow() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	flowing := t.up.Flowing() && !t.gone
	t.tellFlowLocked(flowing)
	return flowing
}

func (t *upTrack) tellFlowLocked(flowing bool) {
	if t.flow.flowing != flowing {
		t.flow.flowing = flowing
		t.endpoint.events.emit(MediaFlowOutStateChanged{flowing, t.at.media, t.at.description})
	}
}

// endFlow tells that nothing comes any more: the browser has ended the track.
func (t *upTrack) endFlow() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gone = true
	t.tellFlowLocked(false)
}
