package kurento

import (
	"fmt"
	"slices"
	"strings"

	"kelas/pipeline"
)

// dotDetails are what a picture shows beside elements and connections.
type dotDetails struct{ codecs, states, params bool }

// dotDetailsOf is GStreamer's meaning of the names, as far as there is something
// to show; SHOW_VERBOSE, with everything, is the default.
func dotDetailsOf(name string) dotDetails {
	switch name {
	case "SHOW_MEDIA_TYPE":
		return dotDetails{}
	case "SHOW_CAPS_DETAILS":
		return dotDetails{codecs: true}
	case "SHOW_STATES":
		return dotDetails{states: true}
	case "SHOW_NON_DEFAULT_PARAMS", "SHOW_FULL_PARAMS":
		return dotDetails{params: true}
	}
	return dotDetails{true, true, true}
}

// drawDot is the graph in the language of graphviz: a node for each element
// with what it sends, an edge for each connection that joins two of them.
func drawDot(name string, elements []pipeline.MediaElement, show dotDetails) string {
	slices.SortFunc(elements, func(a, b pipeline.MediaElement) int { return strings.Compare(a.ID(), b.ID()) })
	shown := map[string]bool{}
	for _, e := range elements {
		shown[e.ID()] = true
	}
	var b strings.Builder
	fmt.Fprintf(&b, "digraph pipeline {\n  rankdir=LR;\n  label=%s;\n  node [shape=box];\n", dotText(name))
	for _, e := range elements {
		fmt.Fprintf(&b, "  %s [label=%s];\n", dotText(e.ID()), dotText(dotLabel(e, show)))
	}
	for _, e := range elements {
		for _, l := range e.SinkConnections() {
			if shown[l.Sink.ID()] {
				label := string(l.MediaType)
				if l.SourceDescription != pipeline.DefaultDescription || l.SinkDescription != pipeline.DefaultDescription {
					label += "\n" + l.SourceDescription + " to " + l.SinkDescription
				}
				fmt.Fprintf(&b, "  %s -> %s [label=%s];\n", dotText(l.Source.ID()), dotText(l.Sink.ID()), dotText(label))
			}
		}
	}
	b.WriteString("}\n")
	return b.String()
}

func dotLabel(e pipeline.MediaElement, show dotDetails) string {
	label := e.Type() + "\n" + shortName(e.ID())
	if w, ok := e.(interface {
		ConnectionState() pipeline.ConnectionState
	}); ok && show.states {
		label += "\n" + string(w.ConnectionState())
	}
	if b, ok := e.(bandwidthElement); ok && show.params {
		now := b.Bandwidth()
		for _, bound := range []struct {
			name string
			kbit int
		}{{"maxVideoRecv", now.MaxVideoRecv}, {"maxAudioRecv", now.MaxAudioRecv}, {"minVideoRecv", now.MinVideoRecv},
			{"maxVideoSend", now.MaxVideoSend}, {"minVideoSend", now.MinVideoSend}} {
			if bound.kbit != 0 {
				label += fmt.Sprintf("\n%sBandwidth=%d", bound.name, bound.kbit)
			}
		}
	}
	for _, s := range e.Sources() {
		label += fmt.Sprintf("\n%s %s", s.MediaType, s.Description)
		if show.codecs {
			label += " " + s.Codec
		}
		if show.states && s.Flowing {
			label += " flowing"
		} else if show.states {
			label += " still"
		}
	}
	return label
}

// dotText is a quoted string of dot, where only the quote needs escaping and
// a line ends with \n.
func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
