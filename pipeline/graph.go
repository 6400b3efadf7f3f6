package pipeline

import (
	"cmp"
	"slices"

	"kelas/pipeline/sfu"
)

// The graph of a pipeline: which pad feeds which. All of it happens under
// pipeline.mu, and feeding happens under it too, so that the last change is
// also the last thing that a sink is told.

func (p *MediaPipeline) connect(src, dst *element, o connectOptions) error {
	if dst.pipeline != p {
		return ErrNotSamePipeline
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if src.detached || dst.detached {
		return ErrReleased
	}
	for _, m := range o.media {
		from, to := port{src, pad{m, o.from}}, port{dst, pad{m, o.to}}
		if old, ok := dst.inputs[to.pad]; ok {
			if old == from {
				continue
			}
			p.unlinkLocked(old, to)
		}
		dst.inputs[to.pad] = from
		if src.outputs[from.pad] == nil {
			src.outputs[from.pad] = make(map[port]struct{})
		}
		src.outputs[from.pad][to] = struct{}{}
		src.events.emit(ElementConnected{dst.self, m, o.from, o.to})
		p.feedLocked(to)
	}
	return nil
}

func (p *MediaPipeline) disconnect(src, dst *element, o connectOptions) error {
	if dst.pipeline != p {
		return ErrNotSamePipeline
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if src.detached || dst.detached {
		return nil // nothing is connected to it any more
	}
	for _, m := range o.media {
		from, to := port{src, pad{m, o.from}}, port{dst, pad{m, o.to}}
		if dst.inputs[to.pad] == from {
			p.unlinkLocked(from, to)
			p.feedLocked(to)
		}
	}
	return nil
}

// unlinkLocked takes the edge away; the caller feeds the sink.
func (p *MediaPipeline) unlinkLocked(from, to port) {
	delete(to.element.inputs, to.pad)
	outs := from.element.outputs[from.pad]
	delete(outs, to)
	if len(outs) == 0 {
		delete(from.element.outputs, from.pad)
	}
	from.element.events.emit(ElementDisconnected{
		to.element.self, to.pad.media, from.pad.description, to.pad.description,
	})
}

// feedLocked tells a sink what its connection brings now.
func (p *MediaPipeline) feedLocked(to port) {
	if to.element.relay != nil {
		p.relayLocked(to, make(map[port]struct{}))
		return
	}
	var now source
	if from, ok := to.element.inputs[to.pad]; ok {
		now = from.element.sources[from.pad]
	}
	if s := to.element.sinks[to.pad]; s != nil {
		s.feed(now.up)
	}
	if s := to.element.dataSinks[to.pad]; s != nil {
		s.feedData(now.data)
	}
}

// publish makes u what comes out of that pad of e.
func (p *MediaPipeline) publish(e *element, at pad, u *sfu.UpTrack) error {
	return p.publishSource(e, at, source{up: u})
}

func (p *MediaPipeline) publishSource(e *element, at pad, s source) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.detached {
		return ErrReleased
	}
	e.setSourceLocked(at, s)
	for to := range e.outputs[at] {
		p.feedLocked(to)
	}
	return nil
}

// unpublish takes u away, unless something else has taken its place.
func (p *MediaPipeline) unpublish(e *element, at pad, u *sfu.UpTrack) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.sources[at].up != u {
		return
	}
	p.dropSourceLocked(e, at)
}

func (p *MediaPipeline) dropSourceLocked(e *element, at pad) {
	e.setSourceLocked(at, source{})
	for to := range e.outputs[at] {
		p.feedLocked(to)
	}
}

// addSink lets s take what is, or will be, connected to that pad of e.
func (p *MediaPipeline) addSink(e *element, at pad, s sink) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.detached {
		return ErrReleased
	}
	if old := e.sinks[at]; old != nil && old != s {
		old.feed(nil)
	}
	e.sinks[at] = s
	p.feedLocked(port{e, at})
	return nil
}

// addDataSink is the same for messages.
func (p *MediaPipeline) addDataSink(e *element, at pad, s dataSink) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.detached {
		return ErrReleased
	}
	e.dataSinks[at] = s
	p.feedLocked(port{e, at})
	return nil
}

// detach takes e out of the graph for good.
func (p *MediaPipeline) detach(e *element) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.detached {
		return
	}
	for at := range e.sources {
		p.dropSourceLocked(e, at)
	}
	for at, outs := range e.outputs {
		for to := range outs {
			p.unlinkLocked(port{e, at}, to)
			p.feedLocked(to)
		}
	}
	for at, from := range e.inputs {
		to := port{e, at}
		p.unlinkLocked(from, to)
		p.feedLocked(to)
	}
	clear(e.sinks)
	clear(e.dataSinks)
	e.detached = true
	delete(p.elements, e)
}

func (p *MediaPipeline) sourcesOf(e *element) []SourceInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]SourceInfo, 0, len(e.sources))
	for at, s := range e.sources {
		list = append(list, SourceInfo{at.media, at.description, s.codec(), s.flowing()})
	}
	slices.SortFunc(list, func(a, b SourceInfo) int {
		return cmp.Or(cmp.Compare(a.MediaType, b.MediaType), cmp.Compare(a.Description, b.Description))
	})
	return list
}

func (p *MediaPipeline) into(e *element) []ElementConnection {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]ElementConnection, 0, len(e.inputs))
	for at, from := range e.inputs {
		list = append(list, connection(from, port{e, at}))
	}
	sortConnections(list)
	return list
}

func (p *MediaPipeline) outOf(e *element) []ElementConnection {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []ElementConnection
	for at, outs := range e.outputs {
		for to := range outs {
			list = append(list, connection(port{e, at}, to))
		}
	}
	sortConnections(list)
	return list
}

func connection(from, to port) ElementConnection {
	return ElementConnection{from.element.self, to.element.self, to.pad.media, from.pad.description, to.pad.description}
}

func sortConnections(list []ElementConnection) {
	slices.SortFunc(list, func(a, b ElementConnection) int {
		return cmp.Or(
			cmp.Compare(a.MediaType, b.MediaType),
			cmp.Compare(a.SourceDescription, b.SourceDescription),
			cmp.Compare(a.SinkDescription, b.SinkDescription),
			cmp.Compare(a.Source.ID(), b.Source.ID()),
			cmp.Compare(a.Sink.ID(), b.Sink.ID()),
		)
	})
}
