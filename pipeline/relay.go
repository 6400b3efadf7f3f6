package pipeline

// relay is an element that makes no media: its source pads repeat what sink
// pads of the same name are fed, its own or another's. pipeline.mu is held.
type relay interface {
	// repeatsLocked is the element whose sink pads come out of this one; nil:
	// nothing comes out.
	repeatsLocked() *element
	// repeatedByLocked are the elements out of which this one's sink pads come.
	repeatedByLocked() []*element
}

// originLocked follows what comes out of a relay's pad back to the element that
// makes it; ok is false when nothing comes, or when the relays stand in a
// circle.
func (p *MediaPipeline) originLocked(e *element, at pad) (from port, ok bool) {
	for range len(p.elements) + 1 {
		if e.relay == nil {
			return port{e, at}, true
		}
		feeds := e.relay.repeatsLocked()
		if feeds == nil {
			return port{}, false
		}
		if from, ok = feeds.inputs[at]; !ok {
			return port{}, false
		}
		e, at = from.element, from.pad
	}
	return port{}, false
}

// relayLocked brings up to date what comes out because of a relay's sink pad.
// seen ends a circle.
func (p *MediaPipeline) relayLocked(to port, seen map[port]struct{}) {
	if _, again := seen[to]; again {
		return
	}
	seen[to] = struct{}{}
	for _, e := range to.element.relay.repeatedByLocked() {
		p.repeatLocked(e, to.pad, seen)
	}
}

// repeatLocked brings a relay's source pad up to date, and what it feeds.
func (p *MediaPipeline) repeatLocked(e *element, at pad, seen map[port]struct{}) {
	if e.detached {
		return
	}
	var now source
	if from, ok := p.originLocked(e, at); ok {
		now = from.element.sources[from.pad]
	}
	if e.sources[at] == now {
		return
	}
	e.setSourceLocked(at, now)
	for to := range e.outputs[at] {
		if to.element.relay != nil {
			p.relayLocked(to, seen)
		} else {
			p.feedLocked(to)
		}
	}
}

// rerouteLocked brings all source pads of a relay up to date, after it began to
// repeat another element.
func (p *MediaPipeline) rerouteLocked(e *element) {
	pads := make(map[pad]struct{})
	for at := range e.sources {
		pads[at] = struct{}{}
	}
	if feeds := e.relay.repeatsLocked(); feeds != nil {
		for at := range feeds.inputs {
			pads[at] = struct{}{}
		}
	}
	for at := range pads {
		p.repeatLocked(e, at, make(map[port]struct{}))
	}
}

// relayFlow is what was told of the flow into a relay and out of it; the sweep
// alone touches it.
type relayFlow struct{ in, out map[pad]bool }

// sweepRelay tells when media begins or ceases to flow through a relay.
func (p *MediaPipeline) sweepRelay(e *element, f *relayFlow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[pad]bool, len(e.sources))
	for at, s := range e.sources {
		out[at] = s.flowing()
	}
	in := make(map[pad]bool, len(e.inputs))
	for at, from := range e.inputs {
		in[at] = from.element.sources[from.pad].flowing()
	}
	f.in = tellFlow(f.in, in, func(at pad, flowing bool) {
		e.events.emit(MediaFlowInStateChanged{flowing, at.media, at.description})
	})
	f.out = tellFlow(f.out, out, func(at pad, flowing bool) {
		e.events.emit(MediaFlowOutStateChanged{flowing, at.media, at.description})
	})
}

// tellFlow tells the differences and returns what is now.
func tellFlow(was, now map[pad]bool, tell func(pad, bool)) map[pad]bool {
	for at, flowing := range now {
		if flowing != was[at] {
			tell(at, flowing)
		}
	}
	for at, flowing := range was {
		if _, still := now[at]; !still && flowing {
			tell(at, false)
		}
	}
	return now
}

// MediaFlowingOut tells whether packets come out of the element at that
// description; ok is false when it has no such source at the moment.
func (e *element) MediaFlowingOut(m MediaType, description string) (flowing, ok bool) {
	e.pipeline.mu.Lock()
	defer e.pipeline.mu.Unlock()
	s, ok := e.sources[pad{m, description}]
	return s.flowing(), ok
}

// MediaFlowingIn tells whether packets go into the element at that description;
// ok is false when nothing is connected there.
func (e *element) MediaFlowingIn(m MediaType, description string) (flowing, ok bool) {
	e.pipeline.mu.Lock()
	defer e.pipeline.mu.Unlock()
	from, ok := e.inputs[pad{m, description}]
	if !ok {
		return false, false
	}
	return from.element.sources[from.pad].flowing(), true
}
