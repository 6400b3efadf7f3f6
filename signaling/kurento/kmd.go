package kurento

import (
	"encoding/json"
	"slices"
)

// getKmd writes a module of the table as Kurento's module descriptors are
// written: what is in the table and there, and nothing else.
func getKmd(c *call) (any, error) {
	name := c.text("moduleName")
	if !slices.Contains(table.modules, name) {
		return nil, fail(codeNoKMD, "Requested kmd module doesn't exist")
	}
	text, err := json.MarshalIndent(table.kmd(name), "", "  ")
	if err != nil {
		return nil, err
	}
	return string(text), nil
}

type kmdDoc struct {
	Name          string     `json:"name"`
	Version       string     `json:"version"`
	KurentoVer    string     `json:"kurentoVersion"`
	Imports       []kmdRef   `json:"imports,omitempty"`
	RemoteClasses []kmdClass `json:"remoteClasses"`
	ComplexTypes  []kmdType  `json:"complexTypes,omitempty"`
	Events        []kmdEvent `json:"events,omitempty"`
}

type kmdRef struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type kmdClass struct {
	Name        string     `json:"name"`
	Abstract    bool       `json:"abstract,omitempty"`
	Extends     string     `json:"extends,omitempty"`
	Constructor *kmdMethod `json:"constructor,omitempty"`
	Properties  []kmdField `json:"properties,omitempty"`
	Methods     []kmdNamed `json:"methods,omitempty"`
	Events      []string   `json:"events,omitempty"`
}

type kmdMethod struct {
	Params []kmdField `json:"params"`
	Return *kmdReturn `json:"return,omitempty"`
}

type kmdNamed struct {
	Name string `json:"name"`
	kmdMethod
}

type kmdReturn struct {
	Type string `json:"type"`
}

type kmdField struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Optional bool   `json:"optional,omitempty"`
	Default  any    `json:"defaultValue,omitempty"`
	ReadOnly bool   `json:"readOnly,omitempty"`
	Final    bool   `json:"final,omitempty"`
}

type kmdType struct {
	TypeFormat string     `json:"typeFormat"` // REGISTER or ENUM
	Name       string     `json:"name"`
	Extends    string     `json:"extends,omitempty"`
	Values     []string   `json:"values,omitempty"`
	Properties []kmdField `json:"properties,omitempty"`
}

type kmdEvent struct {
	Name       string     `json:"name"`
	Extends    string     `json:"extends,omitempty"`
	Properties []kmdField `json:"properties"`
}

func (k *known) kmd(module string) kmdDoc {
	doc := kmdDoc{Name: module, Version: protocolVersion, KurentoVer: protocolVersion}
	if module != "core" {
		doc.Imports = []kmdRef{{"core", protocolVersion}}
	}
	for _, c := range sorted(k.classes) {
		if c.module == module && (c.abstract || c.make != nil) {
			doc.RemoteClasses = append(doc.RemoteClasses, c.kmd())
		}
	}
	for _, t := range sorted(k.types) {
		if t.module != module {
			continue
		}
		if t.values != nil {
			doc.ComplexTypes = append(doc.ComplexTypes, kmdType{TypeFormat: "ENUM", Name: t.name, Values: t.values})
			continue
		}
		doc.ComplexTypes = append(doc.ComplexTypes, kmdType{TypeFormat: "REGISTER", Name: t.name, Extends: t.parent, Properties: kmdFields(t.fields)})
	}
	for _, e := range sorted(k.events) {
		if e.module == module {
			doc.Events = append(doc.Events, kmdEvent{e.name, e.parent, kmdFields(e.fields)})
		}
	}
	return doc
}

func sorted[T any](m map[string]*T) []*T {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	list := make([]*T, len(names))
	for i, name := range names {
		list[i] = m[name]
	}
	return list
}

func kmdFields(params []param) []kmdField {
	list := []kmdField{}
	for _, p := range params {
		list = append(list, kmdField{Name: p.name, Type: p.typ, Optional: p.optional, Default: p.def})
	}
	return list
}

func (c *class) kmd() kmdClass {
	out := kmdClass{Name: c.name, Abstract: c.abstract, Extends: c.parent, Events: c.events}
	if c.make != nil {
		out.Constructor = &kmdMethod{Params: kmdFields(c.ctor)}
	}
	for _, p := range c.props {
		if p.absent == "" && !p.former {
			out.Properties = append(out.Properties, kmdField{Name: p.name, Type: p.typ, ReadOnly: p.readOnly(), Final: p.final})
		}
	}
	for _, m := range c.methods {
		if m.absent != "" {
			continue
		}
		named := kmdNamed{m.name, kmdMethod{Params: kmdFields(m.params)}}
		if m.result != "" {
			named.Return = &kmdReturn{m.result}
		}
		out.Methods = append(out.Methods, named)
	}
	return out
}
