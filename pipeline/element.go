package pipeline

import (
	"fmt"

	"kelas/pipeline/sfu"
)

// MediaElement is something that sends media into its pipeline, takes media out
// of it, or both. It is released with its pipeline. The interface can be
// implemented in this package only.
type MediaElement interface {
	// ID is Kurento's: "<pipeline id>/<uuid>_kurento.<type>".
	ID() string
	// Type is Kurento's name of the class, for example "WebRtcEndpoint".
	Type() string
	MediaPipeline() *MediaPipeline
	// Connect makes this element a source of sink. A sink has one source for
	// each media type and sink description; a new one silently replaces it.
	// Without options AUDIO, VIDEO and DATA are connected, default to default.
	// It works before and after negotiation, in any order, and with itself.
	Connect(sink MediaElement, opts ...ConnectOption) error
	// Disconnect undoes Connect with the same options; what is not connected
	// is no error.
	Disconnect(sink MediaElement, opts ...ConnectOption) error
	// Sources are what the element sends into the pipeline at the moment.
	Sources() []SourceInfo
	// MediaFlowingOut tells whether packets come out of the element at that
	// description; ok is false when it has no such source at the moment.
	MediaFlowingOut(m MediaType, description string) (flowing, ok bool)
	// MediaFlowingIn tells whether packets are brought to the element at that
	// description; ok is false when nothing is connected there.
	MediaFlowingIn(m MediaType, description string) (flowing, ok bool)
	// SourceConnections are the connections that feed this element.
	SourceConnections() []ElementConnection
	// SinkConnections are the connections that this element feeds.
	SinkConnections() []ElementConnection
	// Latencies are measured while the pipeline's LatencyStats is on.
	Latencies() (input, through []Latency)
	// Subscribe has f called with each event, one at a time and in order, with
	// no lock held. f must not block for long: events beyond 1024 waiting are
	// lost and counted. After cancel no further call begins.
	Subscribe(f func(Event)) (cancel func())
	// Release disconnects and ends the element, and waits. It may be called
	// again, and from a subscriber.
	Release()

	core() *element
}

// SourceInfo is one source of an element.
type SourceInfo struct {
	MediaType   MediaType
	Description string
	Codec       string // "video/VP8"
	Flowing     bool   // packets came in the last two seconds
}

// ElementConnection is one edge of the pipeline's graph.
type ElementConnection struct {
	Source, Sink                       MediaElement
	MediaType                          MediaType
	SourceDescription, SinkDescription string
}

// ConnectOption narrows what Connect and Disconnect are about.
type ConnectOption func(*connectOptions)

type connectOptions struct {
	media    []MediaType
	from, to string
}

// OnlyMedia connects one media type alone.
func OnlyMedia(t MediaType) ConnectOption {
	return func(o *connectOptions) { o.media = []MediaType{t} }
}

// SourceDescription says which of the source's media is meant.
func SourceDescription(d string) ConnectOption {
	return func(o *connectOptions) { o.from = d }
}

// SinkDescription says which place of the sink is meant.
func SinkDescription(d string) ConnectOption {
	return func(o *connectOptions) { o.to = d }
}

func makeConnectOptions(opts []ConnectOption) (connectOptions, error) {
	o := connectOptions{media: []MediaType{Audio, Video, Data}, from: DefaultDescription, to: DefaultDescription}
	for _, f := range opts {
		f(&o)
	}
	for _, m := range o.media {
		if m != Audio && m != Video && m != Data {
			return o, fmt.Errorf("%w: media type %q", ErrUnknownDescription, m)
		}
	}
	for _, d := range []string{o.from, o.to} {
		if d == "" || len(d) > 64 {
			return o, fmt.Errorf("%w: %d characters", ErrUnknownDescription, len(d))
		}
	}
	return o, nil
}

// pad is one place of an element where media goes in or comes out.
type pad struct {
	media       MediaType
	description string
}

// port is a pad of a certain element.
type port struct {
	element *element
	pad     pad
}

// sink takes what a connection brings; nil means that there is nothing. It is
// called with the pipeline's lock held and must not call back into the graph.
type sink interface{ feed(u *sfu.UpTrack) }

// dataSink is the same for messages of data channels.
type dataSink interface{ feedData(d *dataSource) }

// source is what comes out of a pad: a track, or messages. The zero value is
// nothing.
type source struct {
	up   *sfu.UpTrack
	data *dataSource
}

func (s source) codec() string {
	if s.up == nil {
		return ""
	}
	return s.up.Codec().MimeType
}

func (s source) flowing() bool {
	if s.up == nil {
		return s.data != nil && s.data.flowing()
	}
	return s.up.Flowing()
}

// element is the part that all media elements share. The maps belong to the
// graph: pipeline.mu guards them.
type element struct {
	id       string
	kind     string
	self     MediaElement
	pipeline *MediaPipeline
	events   notifier

	detached  bool
	relay     relay // nil: the element makes and takes media itself
	sources   map[pad]source
	sinks     map[pad]sink
	dataSinks map[pad]dataSink
	inputs    map[pad]port              // by sink pad: where it comes from
	outputs   map[pad]map[port]struct{} // by source pad: where it goes
}

func (e *element) init(p *MediaPipeline, kind string, self MediaElement) {
	e.id = newID(p.id, kind)
	e.kind = kind
	e.self = self
	e.pipeline = p
	e.events.queue = queue{limit: maxEvents, wg: &p.server.deliveries}
	e.events.dropped = &p.server.eventsDropped
	e.sources = make(map[pad]source)
	e.sinks = make(map[pad]sink)
	e.dataSinks = make(map[pad]dataSink)
	e.inputs = make(map[pad]port)
	e.outputs = make(map[pad]map[port]struct{})
}

func (e *element) core() *element                          { return e }
func (e *element) ID() string                              { return e.id }
func (e *element) Type() string                            { return e.kind }
func (e *element) MediaPipeline() *MediaPipeline           { return e.pipeline }
func (e *element) Subscribe(f func(Event)) (cancel func()) { return e.events.subscribe(f) }

// Connect makes e a source of sink.
func (e *element) Connect(sink MediaElement, opts ...ConnectOption) error {
	o, err := makeConnectOptions(opts)
	if err != nil {
		return fmt.Errorf("connecting %s: %w", e.id, err)
	}
	if err := e.pipeline.connect(e, sink.core(), o); err != nil {
		return fmt.Errorf("connecting %s to %s: %w", e.id, sink.ID(), err)
	}
	return nil
}

// Disconnect undoes Connect.
func (e *element) Disconnect(sink MediaElement, opts ...ConnectOption) error {
	o, err := makeConnectOptions(opts)
	if err != nil {
		return fmt.Errorf("disconnecting %s: %w", e.id, err)
	}
	if err := e.pipeline.disconnect(e, sink.core(), o); err != nil {
		return fmt.Errorf("disconnecting %s from %s: %w", e.id, sink.ID(), err)
	}
	return nil
}

// setSourceLocked changes what comes out of a pad; the caller feeds the sinks.
func (e *element) setSourceLocked(at pad, s source) {
	if _, had := e.sources[at]; had {
		delete(e.sources, at)
		e.events.emit(SourceRemoved{at.media, at.description})
	}
	if s != (source{}) {
		e.sources[at] = s
		e.events.emit(SourceAdded{at.media, at.description, s.codec()})
	}
}

// Sources are what the element sends into the pipeline.
func (e *element) Sources() []SourceInfo { return e.pipeline.sourcesOf(e) }

// SourceConnections are the connections that feed e.
func (e *element) SourceConnections() []ElementConnection { return e.pipeline.into(e) }

// SinkConnections are the connections that e feeds.
func (e *element) SinkConnections() []ElementConnection { return e.pipeline.outOf(e) }
