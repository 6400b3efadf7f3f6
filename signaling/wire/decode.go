package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
)

// FieldError says what is wrong with a message without repeating it.
type FieldError struct {
	Field   string // the member, with a dot for each level; "" is the body itself
	Problem string // "is missing", "must be text" ...
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return "the body " + e.Problem
	}
	return "the member " + e.Field + " " + e.Problem
}

// Decode reads the body of a message into v, a pointer to one of this
// package's structs, and checks it. Members it does not know are ignored, so
// that newer clients can talk to an older server; a missing body counts as
// an empty one. Every error is a *FieldError.
func Decode(body []byte, v any) error {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || bytes.Equal(body, []byte("null")) {
		body = []byte("{}")
	}
	if body[0] != '{' {
		return &FieldError{Problem: "must be an object"}
	}
	if err := json.Unmarshal(body, v); err != nil {
		return readable(err)
	}
	if c, ok := v.(interface{ Validate() error }); ok {
		return c.Validate()
	}
	return nil
}

func readable(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return &FieldError{Field: wrong.Field, Problem: "must be " + kindOf(wrong.Type)}
	}
	return &FieldError{Problem: "is not valid JSON"}
}

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Uint16:
		return "a whole number from 0 to 65535"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}
