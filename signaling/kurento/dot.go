package kurento

import (
	"fmt"
	"slices"
	"strings"

	"kelas/pipeline"
)

// drawDot is the graph in the language of graphviz: a node for each element
// with what it sends, an edge for each connection that joins two of them.
func drawDot(name string, elements []pipeline.MediaElement) string {
	slices.SortFunc(elements, func(a, b pipeline.MediaElement) int { return strings.Compare(a.ID(), b.ID()) })
	shown := map[string]bool{}
	for _, e := range elements {
		shown[e.ID()] = true
	}
	var b strings.Builder
	fmt.Fprintf(&b, "digraph pipeline {\n  rankdir=LR;\n  label=%s;\n  node [shape=box];\n", dotText(name))
	for _, e := range elements {
		label := e.Type() + "\n" + shortName(e.ID())
		if w, ok := e.(interface {
			ConnectionState() pipeline.ConnectionState
		}); ok {
			label += "\n" + string(w.ConnectionState())
		}
		for _, s := range e.Sources() {
			flowing := "still"
			if s.Flowing {
				flowing = "flowing"
			}
			label += fmt.Sprintf("\n%s %s %s %s", s.MediaType, s.Description, s.Codec, flowing)
		}
		fmt.Fprintf(&b, "  %s [label=%s];\n", dotText(e.ID()), dotText(label))
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

// dotText is a quoted string of dot, where only the quote needs escaping and
// a line ends with \n.
func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
