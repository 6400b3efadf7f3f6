package pipeline

import (
	"time"

	"kelas/pipeline/sfu"
)

// Latency is how long packets take from the wire to a place of an element, or
// through it and out of the server, a running mean.
type Latency struct {
	MediaType   MediaType
	Description string
	Mean        time.Duration
}

// latencySlot is a sink that sends, or hands on, by a slot; nil: not now.
type latencySlot interface{ timedSlot() *sfu.Slot }

func (d *downTrack) timedSlot() *sfu.Slot { return d.get() }
func (x *rtpMedia) timedSlot() *sfu.Slot  { return x.slot }

func (s recorderSink) timedSlot() *sfu.Slot {
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	if s.e.loop == nil || s.e.loop.taps[s.media] == nil {
		return nil
	}
	return s.e.loop.taps[s.media].slot
}

// Latencies are measured while the pipeline's LatencyStats is on: input until a
// packet was at a place of the element, through until it was written out (given
// to the socket's queue, or to the recording). What only gives on has it when it
// is there for all, and has nothing that goes out.
func (e *element) Latencies() (input, through []Latency) {
	p := e.pipeline
	if !p.timed.Load() {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, from := range e.inputs {
		if e.relay != nil {
			if mean := takenBy(from.element.sources[from.pad].up); mean > 0 {
				input = append(input, Latency{at.media, at.description, mean})
			}
			continue
		}
		s, ok := e.sinks[at].(latencySlot)
		if !ok {
			continue
		}
		slot := s.timedSlot()
		if slot == nil {
			continue
		}
		if st := slot.Stats(); st.Through > 0 {
			input = append(input, Latency{at.media, at.description, st.Input})
			through = append(through, Latency{at.media, at.description, st.Through})
		}
	}
	return input, through
}

// takenBy is the slowest of a source's layers; 0: none, or not measured.
func takenBy(u *sfu.UpTrack) (most time.Duration) {
	if u == nil {
		return 0
	}
	for _, l := range u.Stats().Layers {
		most = max(most, l.Taken)
	}
	return most
}
