package kurento

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"kelas/pipeline/pipelinetest"
)

// dotGraph is what a picture says: labels of nodes, and edges "from -> to".
type dotGraph struct {
	nodes map[string]string
	edges map[string]int
}

var dotTokens = regexp.MustCompile(`\s+|[A-Za-z_][A-Za-z_0-9]*|-?[0-9]+(?:\.[0-9]+)?|"(?:[^"\\]|\\(?s:.))*"|->|[{}\[\];,=]`)

// parseDot reads the language of graphviz (its grammar, as far as digraphs
// without ports and subgraphs go) and refuses all else.
func parseDot(text string) (g dotGraph, err error) {
	g = dotGraph{map[string]string{}, map[string]int{}}
	var tokens []string
	for at := 0; at < len(text); {
		m := dotTokens.FindStringIndex(text[at:])
		if m == nil || m[0] != 0 {
			return g, fmt.Errorf("no token at %q", text[at:min(len(text), at+20)])
		}
		if s := text[at : at+m[1]]; strings.TrimSpace(s) != "" {
			tokens = append(tokens, s)
		}
		at += m[1]
	}
	next := func() (s string) {
		if len(tokens) == 0 {
			return ""
		}
		s, tokens = tokens[0], tokens[1:]
		return s
	}
	id := func(s string) bool { return s != "" && !strings.ContainsAny(s[:1], "{}[];,=-") }
	want := func(s string) error {
		if got := next(); got != s {
			return fmt.Errorf("%q instead of %q", got, s)
		}
		return nil
	}
	if next() != "digraph" || !id(next()) || next() != "{" {
		return g, fmt.Errorf("it does not begin with digraph ID {")
	}
	for {
		from := next()
		switch {
		case from == "}":
			if len(tokens) > 0 {
				return g, fmt.Errorf("%q stands behind the end", tokens)
			}
			return g, nil
		case !id(from):
			return g, fmt.Errorf("a statement begins with %q", from)
		}
		to := ""
		if tokens[0] == "=" { // an attribute of the graph
			next()
			if v := next(); !id(v) {
				return g, fmt.Errorf("%s is %q", from, v)
			}
		} else if tokens[0] == "->" {
			next()
			if to = next(); !id(to) {
				return g, fmt.Errorf("an edge leads to %q", to)
			}
		}
		label := ""
		if tokens[0] == "[" {
			for sep := next(); sep != "]"; {
				key := next()
				if err := want("="); !id(key) || err != nil {
					return g, fmt.Errorf("attribute %q: %v", key, err)
				}
				if v := next(); key == "label" {
					label = v
				}
				if sep = next(); sep != "]" && sep != "," && sep != ";" {
					return g, fmt.Errorf("%q between attributes", sep)
				}
			}
		}
		if err := want(";"); err != nil {
			return g, err
		}
		switch {
		case to != "":
			g.edges[from+" -> "+to]++
		case label != "" && from != "node":
			g.nodes[from] = label
		}
	}
}

// TestDot: the picture is one that graphviz takes, and shows what is there.
func TestDot(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	e, pass := c.endpoint(p), c.make("PassThrough", obj{"mediaPipeline": p})
	hub := c.make("Dispatcher", obj{"mediaPipeline": p})
	port := c.make("HubPort", obj{"hub": hub})
	c.invoke(e, "connect", obj{"sink": pass})
	c.invoke(e, "connect", obj{"sink": pass, "mediaType": "VIDEO", "sourceMediaDescription": `a "quoted\" [one];`, "sinkMediaDescription": "\n->{"})
	c.invoke(pass, "connect", obj{"sink": port, "mediaType": "AUDIO"})
	page := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	c.negotiate(e, page.Negotiate)
	page.Start(pipelinetest.Camera)
	q := func(id string) string { return `"` + id + `"` }
	eventually(t, "the camera is in the picture", func() bool {
		g, err := parseDot(c.invoke(p, "getGstreamerDot", nil).(string))
		if err != nil {
			t.Fatal(err)
		}
		if len(g.nodes) != 3 || g.edges[q(e)+" -> "+q(pass)] != 4 || g.edges[q(pass)+" -> "+q(port)] != 1 || len(g.edges) != 2 {
			t.Fatalf("%+v", g)
		}
		return strings.Contains(g.nodes[q(e)], "VIDEO default video/VP8 flowing") && strings.Contains(g.nodes[q(e)], "connected")
	})
	for _, details := range table.types["GstreamerDotDetails"].values {
		for object, nodes := range map[string]int{p: 3, hub: 1, pass: 3, port: 2} {
			g, err := parseDot(c.invoke(object, "getGstreamerDot", obj{"details": details}).(string))
			if err != nil || len(g.nodes) != nodes {
				t.Errorf("%s of %s: %v, %d nodes, want %d", details, object, err, len(g.nodes), nodes)
			}
		}
	}
	c.invoke(e, "setMaxVideoRecvBandwidth", obj{"maxVideoRecvBandwidth": 700})
	for details, want := range map[string][3]bool{ // codecs, states, bounds
		"SHOW_MEDIA_TYPE": {}, "SHOW_CAPS_DETAILS": {true, false, false}, "SHOW_STATES": {false, true, false},
		"SHOW_NON_DEFAULT_PARAMS": {false, false, true}, "SHOW_ALL": {true, true, true}, "SHOW_VERBOSE": {true, true, true},
	} {
		g, err := parseDot(c.invoke(p, "getGstreamerDot", obj{"details": details}).(string))
		label := g.nodes[q(e)]
		got := [3]bool{strings.Contains(label, "video/VP8"), strings.Contains(label, "flowing"), strings.Contains(label, "maxVideoRecvBandwidth=700")}
		if err != nil || got != want || !strings.Contains(label, "VIDEO default") {
			t.Errorf("%s: %v, shows %v of %v in %s", details, err, got, want, label)
		}
	}
	c.refuse(codeMarshall, "invoke", on(p, "getGstreamerDot", obj{"details": "SHOW_NOTHING"}))
	c.refuse(codeNotImplemented, "invoke", on(p, "dumpGstreamerDot", nil))
	for _, bad := range []string{"", "graph x {}", "digraph x { a -> ; }", "digraph x { a [label=\"b]; }", "digraph x {} }", "digraph x { a b; }"} {
		if _, err := parseDot(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
