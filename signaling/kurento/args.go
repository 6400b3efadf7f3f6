package kurento

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// arguments checks what a client gave against what the table wants. As in
// Kurento, unknown members are ignored, a parameter that was left out takes
// its default, and an explicit null counts as given.
func (s *Server) arguments(sess *session, container string, given map[string]any, want []param) (map[string]any, error) {
	out := make(map[string]any, len(want))
	for _, p := range want {
		v, ok := given[p.name]
		if !ok {
			if !p.optional {
				if given == nil {
					return nil, fail(codeMarshall, "'%s' is required", container)
				}
				return nil, fail(codeMarshall, "'%s' parameter is required", p.name)
			}
			if p.def != nil {
				out[p.name] = p.def
			}
			continue
		}
		value, err := s.convert(sess, p.name, p.typ, v)
		if err != nil {
			return nil, err
		}
		out[p.name] = value
	}
	return out, nil
}

func wrongType(name, typ string) error {
	article := "a"
	if strings.ContainsRune("aeiouAEIOU", rune(typ[0])) {
		article = "an"
	}
	return fail(codeMarshall, "'%s' parameter should be %s %s", name, article, typ)
}

// convert makes string, int64, float64, bool, *object, map[string]any or
// []any of a JSON value, by the name of its type.
func (s *Server) convert(sess *session, name, typ string, v any) (any, error) {
	if item, ok := strings.CutSuffix(typ, "[]"); ok {
		list, ok := v.([]any)
		if !ok {
			return nil, wrongType(name, typ)
		}
		out := make([]any, len(list))
		for i := range list {
			var err error
			if out[i], err = s.convert(sess, name, item, list[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch typ {
	case "String":
		return asText(name, v)
	case "int":
		return asInt(name, v, math.MinInt32, math.MaxInt32)
	case "int64":
		return asInt(name, v, math.MinInt64, math.MaxInt64)
	case "float", "double":
		return asFloat(name, v)
	case "boolean":
		return asBool(name, v)
	}
	if t := table.types[typ]; t != nil {
		if t.values != nil {
			text, ok := v.(string)
			if !ok || !slices.Contains(t.values, text) {
				return nil, fail(codeMarshall, "Invalid value for '%s'", typ)
			}
			return text, nil
		}
		return s.convertRecord(sess, name, t, v)
	}
	// kurento-client sends an object that was awaited as a record of itself
	// where a parameter has another name than sink, hub or object.
	if m, ok := v.(map[string]any); ok {
		v = m["id"]
	}
	id, ok := v.(string)
	if !ok {
		return nil, wrongType(name, typ)
	}
	o, err := s.find(sess, id)
	if err != nil {
		return nil, err
	}
	if !table.isA(o.class.name, typ) {
		return nil, wrongType(name, typ)
	}
	return o, nil
}

// convertRecord takes a record with or without its __type__.
func (s *Server) convertRecord(sess *session, name string, t *complexType, v any) (any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, wrongType(name, t.name)
	}
	if given, ok := m["__type__"]; ok && given != t.name && given != qualified(t.name) {
		return nil, fail(codeUnexpected, "'%s' parameter should be of the type %s", name, t.name)
	}
	return s.arguments(sess, name, m, t.fields)
}

func asText(name string, v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return nil, wrongType(name, "String")
}

func asInt(name string, v any, low, high int64) (any, error) {
	var n int64
	switch v := v.(type) {
	case nil:
	case bool:
		if v {
			n = 1
		}
	case json.Number:
		i, err := v.Int64()
		if err != nil {
			f, err := v.Float64()
			if err != nil || f < math.MinInt64 || f >= math.MaxInt64 {
				return nil, wrongType(name, "int")
			}
			i = int64(f)
		}
		n = i
	case string:
		if v != "" {
			return nil, wrongType(name, "int")
		}
	default:
		return nil, wrongType(name, "int")
	}
	if n < low || n > high {
		return nil, fail(codeMarshall, "'%s' parameter is out of range", name)
	}
	return n, nil
}

func asFloat(name string, v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return 0.0, nil
	case bool:
		if v {
			return 1.0, nil
		}
		return 0.0, nil
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f, nil
		}
	case string:
		if v == "" {
			return 0.0, nil
		}
	}
	return nil, wrongType(name, "double")
}

func asBool(name string, v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	case json.Number:
		f, err := v.Float64()
		return f != 0, err
	}
	return nil, wrongType(name, "boolean")
}

// call is one run of an operation or a constructor.
type call struct {
	s    *Server
	sess *session
	obj  *object // nil in a constructor
	args map[string]any
}

func (c *call) has(name string) bool { _, ok := c.args[name]; return ok }

func (c *call) text(name string) string { v, _ := c.args[name].(string); return v }

func (c *call) int(name string) int64 { v, _ := c.args[name].(int64); return v }

func (c *call) flag(name string) bool { v, _ := c.args[name].(bool); return v }

func (c *call) object(name string) *object { v, _ := c.args[name].(*object); return v }

func (c *call) record(name string) map[string]any { v, _ := c.args[name].(map[string]any); return v }

// record is a complex value in an answer or an event.
func record(typ string, members map[string]any) map[string]any {
	members["__type__"], members["__module__"] = typ, "kurento"
	return members
}
