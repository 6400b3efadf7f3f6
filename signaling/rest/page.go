package rest

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"reflect"
	"slices"
	"strings"

	"kelas/signaling/auth"
	"kelas/signaling/fault"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// pageData is the document as people read it.
type pageData struct {
	About    string
	Prefix   string
	Scopes   []auth.Scope
	Chapters []pageChapter
	Types    []pageType
	Codes    []fault.Fault
}

type pageChapter struct {
	Name, About string
	Operations  []pageOperation
}

type pageOperation struct {
	ID, Method, Path, Summary, About, Scope string
	Params                                  []pageMember
	Body, Answer                            string // name of a type, or a media type
	BodyType, AnswerType                    bool   // it is the name of a type
	Status                                  int
	Edits, Creates                          bool
}

type pageType struct {
	Name    string
	Members []pageMember
}

type pageMember struct {
	Name, Kind, Type, Words string // Type: name of a type to link to, or ""
	Required                bool
}

// describeForPeople makes the page from what the document is made from.
func (d *Door) describeForPeople() ([]byte, error) {
	p := pageData{About: strings.ReplaceAll(aboutAPI, "`", ""), Prefix: Prefix, Scopes: auth.Scopes, Codes: fault.All()}
	for _, t := range tagWords {
		c := pageChapter{Name: t.name, About: t.about}
		for i := range d.ops {
			if d.ops[i].tag == t.name {
				c.Operations = append(c.Operations, d.pageOperation(&d.ops[i]))
			}
		}
		if len(c.Operations) > 0 {
			p.Chapters = append(p.Chapters, c)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.schemas.byName)) {
		t := pageType{Name: name}
		s := d.schemas.byName[name]
		for _, member := range s.order {
			m := pageMemberOf(member, s.Properties[member])
			for _, r := range s.Required {
				m.Required = m.Required || r == member
			}
			t.Members = append(t.Members, m)
		}
		p.Types = append(p.Types, t)
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("rest: the page: %w", err)
	}
	return b.Bytes(), nil
}

func (d *Door) pageOperation(o *operation) pageOperation {
	p := pageOperation{ID: o.id, Method: o.method, Path: Prefix + o.path, Summary: o.summary, About: o.about, Scope: o.scope,
		Status: o.status, Edits: o.edits, Creates: o.creates}
	for _, one := range o.params {
		m := pageMemberOf(one.name, one.schema)
		m.Required = one.required
		p.Params = append(p.Params, m)
	}
	typeName := func(t reflect.Type) string { return strings.TrimPrefix(d.schemas.of(t).Ref, componentRef) }
	switch {
	case o.bodyType != "":
		p.Body = o.bodyType
	case o.body != noneType:
		p.Body, p.BodyType = typeName(o.body), true
	}
	switch {
	case o.answerType != "":
		p.Answer = o.answerType
	case o.answer != noneType:
		p.Answer, p.AnswerType = typeName(o.answer), true
	}
	return p
}

func pageMemberOf(name string, s *schema) pageMember {
	m := pageMember{Name: name, Words: s.Description}
	of := s
	if s.Items != nil {
		m.Kind, of = "list of ", s.Items
	}
	switch t := of.Type.(type) {
	case string:
		m.Kind += t
	case []string:
		m.Kind += strings.Join(t, " or ")
	}
	m.Type = strings.TrimPrefix(of.Ref, componentRef)
	if s.Format != "" {
		m.Kind += ", " + s.Format
	}
	if len(of.Enum) > 0 {
		m.Kind += ": " + strings.Join(of.Enum, ", ")
	}
	bounds := func(what string, least, most *int) {
		if least != nil && *least > 0 {
			m.Kind += fmt.Sprintf(", from %d%s", *least, what)
		}
		if most != nil {
			m.Kind += fmt.Sprintf(", up to %d%s", *most, what)
		}
	}
	bounds(" characters", s.MinLength, s.MaxLength)
	bounds("", s.Minimum, s.Maximum)
	bounds(" items", s.MinItems, s.MaxItems)
	if s.Default != nil {
		m.Kind += fmt.Sprintf(", %v when absent", s.Default)
	}
	return m
}
