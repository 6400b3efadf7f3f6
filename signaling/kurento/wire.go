package kurento

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// request is one JSON-RPC 2.0 request as it came, with its parameters as a
// tree: maps, lists, strings, json.Numbers, booleans and nil.
type request struct {
	id     json.RawMessage // nil in a notification
	method string
	params map[string]any
	given  bool // params was there
}

// answer is one response. Never both members, and result is always an object:
// kurento-client reads result.sessionId without looking.
type answer struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  map[string]any  `json:"result,omitempty"`
	Error   *Error          `json:"error,omitempty"`
}

var nullID = json.RawMessage("null")

func failed(id json.RawMessage, err *Error) answer {
	if id == nil {
		id = nullID
	}
	return answer{JSONRPC: "2.0", ID: id, Error: err}
}

// decodeTree reads one JSON text whole; numbers stay as they were written.
func decodeTree(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON text")
	}
	return tree, nil
}

// readRequest reads a message. Of an answer, which clients should not send,
// nothing is made: both results are nil.
func readRequest(text []byte) (*request, *answer) {
	tree, err := decodeTree(text)
	if err != nil {
		a := failed(nil, &Error{Code: codeParse, Message: "Parse error."})
		return nil, &a
	}
	return asRequest(tree)
}

func asRequest(tree any) (*request, *answer) {
	invalid := func() (*request, *answer) {
		a := failed(nil, &Error{Code: codeInvalidRequest, Message: "Invalid JSON-RPC request."})
		return nil, &a
	}
	m, ok := tree.(map[string]any)
	if !ok {
		return invalid()
	}
	if _, isRequest := m["method"]; !isRequest {
		if _, ok := m["result"]; ok {
			return nil, nil
		}
		if _, ok := m["error"]; ok {
			return nil, nil
		}
		return invalid()
	}
	r := &request{}
	if r.method, ok = m["method"].(string); !ok || m["jsonrpc"] != "2.0" {
		return invalid()
	}
	switch id := m["id"].(type) {
	case nil:
		if _, there := m["id"]; there {
			r.id = nullID
		}
	case string, json.Number, bool:
		r.id, _ = json.Marshal(id)
		if len(r.id) > maxID {
			return invalid()
		}
	default:
		return invalid()
	}
	switch p := m["params"].(type) {
	case nil:
	case map[string]any:
		r.params, r.given = p, true
	default:
		a := failed(r.id, fail(codeParams, "'params' should be an object"))
		return nil, &a
	}
	return r, nil
}

// text is a string parameter of the method itself.
func (r *request) text(name string) (string, error) {
	v, ok := r.params[name]
	if !ok {
		return "", fail(codeMissing, "'%s' parameter is required", name)
	}
	s, ok := v.(string)
	if !ok {
		return "", fail(codeMissing, "'%s' parameter should be a string", name)
	}
	return s, nil
}
