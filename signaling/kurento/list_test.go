package kurento

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the table's lists into README.md")

const (
	listBegins = "<!-- made from the table by: go test ./signaling/kurento -run TestReadme -rewrite -->\n"
	listEnds   = "<!-- the end of what is made -->\n"
)

// TestReadme: what the README lists and what the table has cannot differ.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), listBegins)
	list, after, ok2 := strings.Cut(rest, listEnds)
	if !ok || !ok2 {
		t.Fatal("README.md has lost the marks of the list")
	}
	want := "\n" + table.supported() + "\n"
	if *rewrite {
		if err := os.WriteFile("README.md", []byte(before+listBegins+want+listEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if list != want {
		t.Error("README.md lists something else than the table has; run go test ./signaling/kurento -run TestReadme -rewrite")
	}
}

// TestKMD: the documents have what can be invoked, and nothing else.
func TestKMD(t *testing.T) {
	c := newRig(t, Config{}).dial()
	listed := map[string]map[string]bool{}
	for _, module := range []string{"core", "elements", "filters"} {
		var doc kmdDoc
		if err := json.Unmarshal([]byte(c.invoke(managerID, "getKmd", obj{"moduleName": module}).(string)), &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Name != module || doc.Version == "" || len(doc.RemoteClasses) == 0 {
			t.Errorf("the document of %s: %+v", module, doc)
		}
		for _, cl := range doc.RemoteClasses {
			ops := map[string]bool{}
			for _, m := range cl.Methods {
				ops[m.Name] = true
			}
			for _, p := range cl.Properties {
				title := strings.ToUpper(p.Name[:1]) + p.Name[1:]
				ops["get"+title] = true
				if !p.ReadOnly && !p.Final {
					ops["set"+title] = true
				}
			}
			listed[cl.Name] = ops
		}
	}
	for name, ops := range table.operations {
		cl := table.classes[name]
		if (cl.absent != "") == (listed[name] != nil) {
			t.Errorf("%s: absent for %q, yet listed %v", name, cl.absent, listed[name])
		}
		for opName, op := range ops {
			in := false
			for _, at := range append([]string{name}, table.ancestors[name]...) {
				in = in || listed[at][opName]
			}
			if cl.absent == "" && in != (op.absent == "" && !op.former) {
				t.Errorf("%s.%s: listed %v, absent for %q", name, opName, in, op.absent)
			}
		}
	}
}

// TestKMDResolves: every name in a document is in it or in one before it, and
// what generators ask for is there.
func TestKMDResolves(t *testing.T) {
	known := map[string]bool{"String": true, "boolean": true, "int": true, "float": true, "double": true, "int64": true}
	events := map[string]bool{}
	for _, module := range []string{"core", "elements", "filters"} {
		doc := table.kmd(module)
		for _, c := range doc.RemoteClasses {
			known[c.Name] = true
		}
		for _, x := range doc.ComplexTypes {
			known[x.Name] = true
		}
		for _, e := range doc.Events {
			events[e.Name] = true
		}
		uses := func(at string, fields ...kmdField) {
			for _, f := range fields {
				if name := strings.TrimSuffix(strings.TrimSuffix(f.Type, "[]"), "<>"); !known[name] {
					t.Errorf("%s: %s.%s has the type %s, which is not there", module, at, f.Name, f.Type)
				}
			}
		}
		for _, c := range doc.RemoteClasses {
			if c.Extends != "" && !known[c.Extends] {
				t.Errorf("%s comes from %s", c.Name, c.Extends)
			}
			uses(c.Name, c.Properties...)
			for _, m := range c.Methods {
				uses(c.Name+"."+m.Name, m.Params...)
				if m.Return != nil {
					uses(c.Name+"."+m.Name, kmdField{Name: "return", Type: m.Return.Type})
				}
			}
			if c.Constructor != nil {
				uses(c.Name, c.Constructor.Params...)
				for _, p := range c.Constructor.Params {
					if p.Optional && p.Default == nil {
						t.Errorf("%s: the optional parameter %s of its constructor has no default", c.Name, p.Name)
					}
				}
			}
			for _, e := range c.Events {
				if !events[e] {
					t.Errorf("%s has the event %s", c.Name, e)
				}
			}
		}
		for _, x := range doc.ComplexTypes {
			uses(x.Name, x.Properties...)
			if x.Extends != "" && !known[x.Extends] || (x.TypeFormat == "ENUM") != (len(x.Values) > 0) {
				t.Errorf("%+v", x)
			}
		}
		for _, e := range doc.Events {
			uses(e.Name, e.Properties...)
			if e.Extends != "" && !events[e.Extends] {
				t.Errorf("%s comes from %s", e.Name, e.Extends)
			}
		}
	}
}
