package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"kelas/signaling/fault"
)

// complaint is one thing wrong with a request.
type complaint struct {
	Pointer string `json:"pointer,omitempty" doc:"JSON pointer into the body"`
	Name    string `json:"parameter,omitempty" doc:"Name of the parameter"`
	Detail  string `json:"detail" doc:"What is wrong with it"`
}

// invalid is a request that can be read and breaks the document.
type invalid struct{ complaints []complaint }

func (e *invalid) Error() string { return fault.ErrInvalid.Error() }
func (e *invalid) Unwrap() error { return fault.ErrInvalid }

// maybe is a member of a patch: absent, null or a value.
type maybe[T any] struct {
	Set   bool
	Value *T // nil for null
}

func (maybe[T]) valueType() reflect.Type { return reflect.TypeFor[T]() }

// IsZero lets omitzero leave an absent one out.
func (m maybe[T]) IsZero() bool { return !m.Set }

// UnmarshalJSON is called for what is there, null included.
func (m *maybe[T]) UnmarshalJSON(b []byte) error {
	m.Set, m.Value = true, nil
	if string(b) == "null" {
		return nil
	}
	m.Value = new(T)
	return json.Unmarshal(b, m.Value)
}

// depthMax bounds the nesting of a body.
const depthMax = 16

// readBody decodes a JSON body into v after holding it to its schema.
func (s *schemas) readBody(raw []byte, t reflect.Type, v any) error {
	if !utf8.Valid(raw) {
		return fault.WithDetail(fault.ErrBadMessage, "the body is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return fault.WithDetail(fault.ErrBadMessage, "the body is not JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fault.WithDetail(fault.ErrBadMessage, "something follows the JSON value of the body")
	}
	var bad invalid
	s.check(s.of(t), doc, "", 0, &bad)
	if len(bad.complaints) > 0 {
		return &bad
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fault.WithDetail(fault.ErrBadMessage, "the body does not fit")
	}
	return nil
}

// complaintsMax is enough for a person; more would only be echo.
const complaintsMax = 20

func (e *invalid) add(pointer, format string, args ...any) {
	if len(e.complaints) < complaintsMax {
		e.complaints = append(e.complaints, complaint{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
	}
}

// check holds a decoded value to a schema.
func (s *schemas) check(m *schema, v any, at string, depth int, bad *invalid) {
	m = s.resolve(m)
	if depth > depthMax {
		bad.add(at, "is nested too deeply")
		return
	}
	switch v := v.(type) {
	case nil:
		if !m.is("null") {
			bad.add(at, "may not be null")
		}
	case string:
		if !m.is("string") {
			bad.add(at, "must be %s", m.kind())
			return
		}
		m.checkText(v, at, bad)
	case json.Number:
		m.checkNumber(v.String(), at, bad)
	case bool:
		if !m.is("boolean") {
			bad.add(at, "must be %s", m.kind())
		}
	case []any:
		if !m.is("array") {
			bad.add(at, "must be %s", m.kind())
			return
		}
		m.checkCount(len(v), at, bad)
		for i, one := range v[:min(len(v), 1000)] {
			s.check(m.Items, one, at+"/"+strconv.Itoa(i), depth+1, bad)
		}
	case map[string]any:
		if !m.is("object") {
			bad.add(at, "must be %s", m.kind())
			return
		}
		s.checkObject(m, v, at, depth, bad)
	}
}

func (m *schema) kind() string {
	switch t := m.Type.(type) {
	case string:
		return "of type " + t
	case []string:
		return "of type " + strings.Join(t, " or ")
	}
	return "something else"
}

func (s *schemas) checkObject(m *schema, v map[string]any, at string, depth int, bad *invalid) {
	for _, name := range m.Required {
		if _, ok := v[name]; !ok {
			bad.add(at+"/"+name, "is missing")
		}
	}
	unknown := 0
	for _, name := range slices.Sorted(maps.Keys(v)) {
		member, ok := m.Properties[name]
		if !ok {
			unknown++
			continue
		}
		s.check(member, v[name], at+"/"+name, depth+1, bad)
	}
	if unknown > 0 { // not named: what a client made up is not sent back
		bad.add(at, "has %d members that are not known; known are %s", unknown, strings.Join(m.order, ", "))
	}
}

func (m *schema) checkText(v, at string, bad *invalid) {
	n := utf8.RuneCountInString(v)
	switch {
	case m.MinLength != nil && n < *m.MinLength:
		bad.add(at, "has fewer than %d characters", *m.MinLength)
	case m.MaxLength != nil && n > *m.MaxLength:
		bad.add(at, "has more than %d characters", *m.MaxLength)
	case len(m.Enum) > 0 && !slices.Contains(m.Enum, v):
		bad.add(at, "must be one of %s", strings.Join(m.Enum, ", "))
	case m.Pattern != "" && !pattern(m.Pattern).MatchString(v):
		bad.add(at, "does not match %s", m.Pattern)
	case m.Format == "date-time":
		if _, err := parseTime(v); err != nil {
			bad.add(at, "must be a time such as 2026-11-25T08:00:00Z (RFC 3339)")
		}
	}
}

// parseTime takes what a store can keep.
func parseTime(v string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, v)
	if err == nil && (t.Year() < 1970 || t.Year() > 9999) {
		err = errors.New("out of range")
	}
	return t, err
}

var patterns sync.Map // string to *regexp.Regexp; as many as the types of this package have

func pattern(p string) *regexp.Regexp {
	if re, ok := patterns.Load(p); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(p)
	patterns.Store(p, re)
	return re
}

func (m *schema) checkNumber(v, at string, bad *invalid) {
	n, err := strconv.ParseInt(v, 10, 64)
	switch {
	case !m.is("integer"):
		bad.add(at, "must be %s", m.kind())
	case err != nil || n > math.MaxInt32<<20 || n < -math.MaxInt32<<20:
		bad.add(at, "must be an integer of at most 52 bits")
	case m.Minimum != nil && n < int64(*m.Minimum):
		bad.add(at, "must be at least %d", *m.Minimum)
	case m.Maximum != nil && n > int64(*m.Maximum):
		bad.add(at, "must be at most %d", *m.Maximum)
	}
}

func (m *schema) checkCount(n int, at string, bad *invalid) {
	switch {
	case m.MinItems != nil && n < *m.MinItems:
		bad.add(at, "has fewer than %d items", *m.MinItems)
	case m.MaxItems != nil && n > *m.MaxItems:
		bad.add(at, "has more than %d items", *m.MaxItems)
	}
}

// param is one parameter of an operation.
type param struct {
	name, in string // path or query
	required bool
	schema   *schema
	index    []int
}

// params reads the fields of a struct with path and query tags.
func (s *schemas) params(t reflect.Type) []param {
	var list []param
	for _, f := range reflect.VisibleFields(t) {
		p := param{name: f.Tag.Get("path"), in: "path", required: true, index: f.Index}
		if p.name == "" {
			p = param{name: f.Tag.Get("query"), in: "query", required: f.Tag.Get("required") == "true", index: f.Index}
		}
		if p.name == "" || f.Anonymous {
			continue
		}
		p.schema = s.of(f.Type)
		p.schema.tags(f.Tag)
		list = append(list, p)
	}
	return list
}

// readParams fills v from a request. Unknown parameters are refused: a filter
// that is mistyped must not show everything.
func (s *schemas) readParams(list []param, path func(string) string, rawQuery string, v reflect.Value) error {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return fault.WithDetail(fault.ErrBadMessage, "the query cannot be read")
	}
	var bad invalid
	for _, p := range list {
		text, ok := "", true
		if p.in == "path" {
			text = path(p.name)
		} else {
			values := query[p.name]
			delete(query, p.name)
			if len(values) > 1 {
				bad.complaints = append(bad.complaints, complaint{Name: p.name, Detail: "is given more than once"})
				continue
			}
			if ok = len(values) == 1; ok {
				text = values[0]
			}
		}
		if !ok && p.schema.Default != nil {
			text, ok = fmt.Sprint(p.schema.Default), true
		}
		if !ok {
			if p.required {
				bad.complaints = append(bad.complaints, complaint{Name: p.name, Detail: "is missing"})
			}
			continue
		}
		if why := p.set(text, v.FieldByIndex(p.index)); why != "" {
			bad.complaints = append(bad.complaints, complaint{Name: p.name, Detail: why})
		}
	}
	if len(query) > 0 {
		bad.complaints = append(bad.complaints, complaint{Detail: fmt.Sprintf("the query has %d parameters that are not known", len(query))})
	}
	if len(bad.complaints) > 0 {
		return &bad
	}
	return nil
}

// set puts a parameter's text into its field, or says why not.
func (p param) set(text string, field reflect.Value) string {
	if !utf8.ValidString(text) {
		return "is not UTF-8"
	}
	var bad invalid
	switch p.schema.Type {
	case "integer":
		p.schema.checkNumber(text, "", &bad)
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			field.SetInt(n)
		}
	case "boolean":
		if text != "true" && text != "false" {
			return "must be true or false"
		}
		field.SetBool(text == "true")
	default:
		p.schema.checkText(text, "", &bad)
		if field.Type() == timeType {
			t, _ := parseTime(text) // checkText has said it if it is none
			field.Set(reflect.ValueOf(t))
		} else {
			field.SetString(text)
		}
	}
	if len(bad.complaints) > 0 {
		return bad.complaints[0].Detail
	}
	return ""
}
