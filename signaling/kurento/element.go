package kurento

import (
	"strings"

	"kelas/pipeline"
)

// What pipelines and all MediaElements can do.

// pipelinePart stands behind a MediaPipeline.
type pipelinePart struct{ *pipeline.MediaPipeline }

func makePipeline(c *call) (part, error) {
	p, err := c.s.cfg.Media.NewMediaPipeline()
	if err != nil {
		return nil, err
	}
	return &pipelinePart{MediaPipeline: p}, nil
}

// inPipeline is the pipeline that a constructor was given.
func (c *call) inPipeline() *pipeline.MediaPipeline {
	return c.object("mediaPipeline").part.(*pipelinePart).MediaPipeline
}

// element is the pipeline's own of an object that the table says is one.
func (o *object) element() pipeline.MediaElement { return o.part.(elementPart).element() }

func linkOptions(c *call) []pipeline.ConnectOption {
	opts := []pipeline.ConnectOption{pipeline.SourceDescription(c.description("sourceMediaDescription")), pipeline.SinkDescription(c.description("sinkMediaDescription"))}
	if c.has("mediaType") {
		opts = append(opts, pipeline.OnlyMedia(pipeline.MediaType(c.text("mediaType"))))
	}
	return opts
}

// description is a media description; an empty one is the default, as in Kurento.
func (c *call) description(name string) string {
	if d := c.text(name); d != "" {
		return d
	}
	return pipeline.DefaultDescription
}

func connect(c *call) (any, error) {
	return nil, c.obj.element().Connect(c.object("sink").element(), linkOptions(c)...)
}

func disconnect(c *call) (any, error) {
	return nil, c.obj.element().Disconnect(c.object("sink").element(), linkOptions(c)...)
}

func getSourceConnections(c *call) (any, error) {
	return connections(c, c.obj.element().SourceConnections(), func(e pipeline.ElementConnection) string { return e.SinkDescription }), nil
}

func getSinkConnections(c *call) (any, error) {
	return connections(c, c.obj.element().SinkConnections(), func(e pipeline.ElementConnection) string { return e.SourceDescription }), nil
}

func connections(c *call, list []pipeline.ElementConnection, own func(pipeline.ElementConnection) string) []any {
	out := []any{}
	for _, e := range list {
		if c.has("mediaType") && c.text("mediaType") != string(e.MediaType) || c.text("description") != "" && c.text("description") != own(e) {
			continue
		}
		out = append(out, record("ElementConnectionData", map[string]any{
			"source": e.Source.ID(), "sink": e.Sink.ID(), "type": string(e.MediaType),
			"sourceDescription": e.SourceDescription, "sinkDescription": e.SinkDescription,
		}))
	}
	return out
}

// isMediaFlowingOut: from the element into the pipeline.
func isMediaFlowingOut(c *call) (any, error) {
	if err := c.refuseData("MediaFlowingOut"); err != nil {
		return nil, err
	}
	flowing, _ := c.obj.element().MediaFlowingOut(pipeline.MediaType(c.text("mediaType")), c.description("sourceMediaDescription"))
	return flowing, nil
}

// isMediaFlowingIn: from the pipeline into the element. Where nothing is
// connected, and at a description that is not there, nothing flows.
func isMediaFlowingIn(c *call) (any, error) {
	if err := c.refuseData("MediaFlowingIn"); err != nil {
		return nil, err
	}
	flowing, _ := c.obj.element().MediaFlowingIn(pipeline.MediaType(c.text("mediaType")), c.description("sinkMediaDescription"))
	return flowing, nil
}

// isMediaTranscoding: nothing is.
func isMediaTranscoding(c *call) (any, error) {
	if err := c.refuseData("MediaTranscoding"); err != nil {
		return nil, err
	}
	return false, nil
}

// refuseData: Kurento answers these questions of sound and pictures only.
func (c *call) refuseData(question string) error {
	if c.text("mediaType") == string(pipeline.Data) {
		return fail(codeIllegalParam, "Media type DATA is not supported for %s", question)
	}
	return nil
}

// getDot draws the graph as it is: the whole pipeline's, or what an element is
// connected to.
func getDot(c *call) (any, error) {
	show := dotDetailsOf(c.text("details"))
	if p, ok := c.obj.part.(*pipelinePart); ok {
		return drawDot(p.ID(), p.Elements(), show), nil
	}
	if h, ok := c.obj.part.(hubPart); ok {
		var ports []pipeline.MediaElement
		for _, x := range h.Ports() {
			ports = append(ports, x)
		}
		return drawDot(h.ID(), ports, show), nil
	}
	e := c.obj.element()
	near := []pipeline.MediaElement{e}
	seen := map[string]bool{e.ID(): true}
	add := func(o pipeline.MediaElement) {
		if !seen[o.ID()] {
			seen[o.ID()] = true
			near = append(near, o)
		}
	}
	for _, l := range e.SourceConnections() {
		add(l.Source)
	}
	for _, l := range e.SinkConnections() {
		add(l.Sink)
	}
	return drawDot(e.ID(), near, show), nil
}

// shortName is the last part of an id, for people.
func shortName(id string) string { return id[strings.LastIndex(id, "/")+1:] }
