package rest

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// schema is the part of JSON Schema 2020-12 that the types of this package
// need. It describes them in the document, and check holds requests to it.
type schema struct {
	Ref         string             `json:"$ref,omitempty"`
	Type        any                `json:"type,omitempty"` // a name, or names where null may stand
	Description string             `json:"description,omitempty"`
	Format      string             `json:"format,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	MinLength   *int               `json:"minLength,omitempty"`
	MaxLength   *int               `json:"maxLength,omitempty"`
	Minimum     *int               `json:"minimum,omitempty"`
	Maximum     *int               `json:"maximum,omitempty"`
	Default     any                `json:"default,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	MinItems    *int               `json:"minItems,omitempty"`
	MaxItems    *int               `json:"maxItems,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	// Additional is false for bodies: a member that nobody knows is refused.
	// Answers may get more.
	Additional *bool `json:"additionalProperties,omitempty"`

	order []string // of Properties, as the type has them; for people
}

// componentRef begins the reference to a type of the document.
const componentRef = "#/components/schemas/"

// schemas collects the named types of the document.
type schemas struct {
	byName map[string]*schema
	types  map[string]reflect.Type
}

func newSchemas() *schemas {
	return &schemas{byName: map[string]*schema{}, types: map[string]reflect.Type{}}
}

var timeType = reflect.TypeFor[time.Time]()

// named is a type whose name in the document is not its Go name.
type named interface{ schemaName() string }

// nullable is a member of a patch; see maybe.
type nullable interface{ valueType() reflect.Type }

// of describes a type. Structs become components, everything else is inline.
// What the document cannot describe is a mistake in this package: it panics.
func (s *schemas) of(t reflect.Type) *schema {
	if t.Kind() == reflect.Pointer {
		return s.of(t.Elem())
	}
	if n, ok := reflect.Zero(t).Interface().(nullable); ok {
		v := *s.of(n.valueType())
		v.Type = []string{v.Type.(string), "null"}
		return &v
	}
	if t == timeType {
		return &schema{Type: "string", Format: "date-time"}
	}
	switch t.Kind() {
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return &schema{Type: "integer"}
	case reflect.Slice:
		return &schema{Type: "array", Items: s.of(t.Elem())}
	case reflect.Struct:
		return &schema{Ref: componentRef + s.component(t)}
	}
	panic(fmt.Sprintf("rest: no schema for %v", t))
}

func (s *schemas) component(t reflect.Type) string {
	name := t.Name()
	if n, ok := reflect.Zero(t).Interface().(named); ok {
		name = n.schemaName()
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	if known, ok := s.types[name]; ok {
		if known != t {
			panic(fmt.Sprintf("rest: %v and %v are both called %s", known, t, name))
		}
		return name
	}
	o := &schema{Type: "object", Properties: map[string]*schema{}}
	s.types[name], s.byName[name] = t, o
	s.members(t, o)
	return name
}

func (s *schemas) members(t reflect.Type, o *schema) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			s.members(f.Type, o)
			continue
		}
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "" || tag == "-" {
			continue
		}
		m := s.of(f.Type)
		m.tags(f.Tag)
		o.Properties[tag] = m
		o.order = append(o.order, tag)
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			o.Required = append(o.Required, tag)
		}
	}
}

// tags takes the limits and the words from a field's tags: min and max count
// characters of a string, items of a list, or bound a number.
func (m *schema) tags(tag reflect.StructTag) {
	m.Description = tag.Get("doc")
	if f := tag.Get("format"); f != "" {
		m.Format = f
	}
	target := m
	if m.Items != nil && tag.Get("enum") != "" {
		target = m.Items
	}
	if e := tag.Get("enum"); e != "" {
		target.Enum = strings.Split(e, ",")
	}
	m.Pattern = tag.Get("pattern")
	bound := func(key string) *int {
		n, err := strconv.Atoi(tag.Get(key))
		if err != nil {
			return nil
		}
		return &n
	}
	least, most := bound("min"), bound("max")
	switch {
	case m.Items != nil:
		m.MinItems, m.MaxItems = least, most
	case m.is("integer"):
		m.Minimum, m.Maximum = least, most
	default:
		m.MinLength, m.MaxLength = least, most
	}
	if d := tag.Get("default"); d != "" {
		if n, err := strconv.Atoi(d); err == nil && m.is("integer") {
			m.Default = n
		} else {
			m.Default = d
		}
	}
}

// is reports whether a value of the type named may stand here.
func (m *schema) is(name string) bool {
	switch t := m.Type.(type) {
	case string:
		return t == name
	case []string:
		for _, one := range t {
			if one == name {
				return true
			}
		}
	}
	return false
}

// shut makes the type of a body refuse members that nobody knows.
func (s *schemas) shut(t reflect.Type) {
	no := false
	s.resolve(s.of(t)).Additional = &no
}

// resolve follows a reference.
func (s *schemas) resolve(m *schema) *schema {
	if name, ok := strings.CutPrefix(m.Ref, componentRef); ok {
		return s.byName[name]
	}
	return m
}
