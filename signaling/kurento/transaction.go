package kurento

import (
	"encoding/json"
	"strconv"
	"strings"
)

// maxDepth bounds transactions within transactions.
const maxDepth = 3

// transaction runs the operations in order, each with what earlier ones made
// in place of its newref:N. The first that fails ends the run; what was done
// stays done, as in Kurento. What is malformed is told before the first runs.
func (s *Server) transaction(c *conn, sess *session, r *request, depth int) (map[string]any, error) {
	if depth >= maxDepth {
		return nil, fail(codeTransaction, "Transactions lie too deep in one another")
	}
	if !r.given {
		return nil, fail(codeParams, "'params' is required")
	}
	v, there := r.params["operations"]
	if !there {
		return nil, fail(codeMissing, "'operations' parameter is required")
	}
	ops, ok := v.([]any)
	if !ok {
		return nil, fail(codeMissing, "'operations' parameter should be a list")
	}
	if len(ops) > maxOperations {
		return nil, fail(codeResources, "A transaction has at most %d operations", maxOperations)
	}
	requests, err := readOperations(ops)
	if err != nil {
		return nil, err
	}
	answers := make([]any, 0, len(ops))
	values := make([]any, 0, len(ops))
	for _, op := range requests {
		if op.method != "transaction" { // which counts its own
			op.params, _ = putValues(op.params, values).(map[string]any)
		}
		a := s.dispatch(c, sess, op, depth+1)
		answers = append(answers, a)
		if a.Error != nil {
			break
		}
		values = append(values, a.Result["value"])
	}
	return map[string]any{"value": answers}, nil
}

// readOperations reads all before the first one runs.
func readOperations(ops []any) ([]*request, error) {
	list := make([]*request, len(ops))
	for i, op := range ops {
		m, ok := op.(map[string]any)
		if !ok {
			return nil, fail(codeTransaction, "Request '%d' is no object", i)
		}
		if id := m["id"]; id != json.Number(strconv.Itoa(i)) && id != strconv.Itoa(i) {
			return nil, fail(codeTransaction, "Id of request '%d' should be '%d'", i, i)
		}
		r, refused := asRequest(op)
		if refused != nil || r == nil {
			return nil, fail(codeTransaction, "Request '%d' is no JSON-RPC request", i)
		}
		if r.method != "transaction" {
			if err := checkReferences(r.params, i); err != nil {
				return nil, err
			}
		}
		list[i] = r
	}
	return list, nil
}

// reference is the N of newref:N; ok is false for every other text.
func reference(text string) (n string, ok bool) {
	n, ok = strings.CutPrefix(text, "newref:")
	return n, ok && n != ""
}

// checkReferences refuses what is not the number of an operation before the
// one it stands in.
func checkReferences(v any, before int) error {
	switch v := v.(type) {
	case string:
		ref, ok := reference(v)
		if !ok {
			return nil
		}
		n, err := strconv.Atoi(ref)
		if err != nil || n < 0 {
			return fail(codeTransaction, "Invalid index of newref '%s'", clip(ref))
		}
		if n >= before {
			return fail(codeTransaction, "Result not found on request %d", n)
		}
	case map[string]any:
		for _, item := range v {
			if err := checkReferences(item, before); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range v {
			if err := checkReferences(item, before); err != nil {
				return err
			}
		}
	}
	return nil
}

// putValues puts the values of earlier operations in the place of newref:N.
func putValues(v any, values []any) any {
	switch v := v.(type) {
	case string:
		if ref, ok := reference(v); ok {
			n, _ := strconv.Atoi(ref) // it has been checked
			return values[n]
		}
	case map[string]any:
		for key, item := range v {
			v[key] = putValues(item, values)
		}
	case []any:
		for i, item := range v {
			v[i] = putValues(item, values)
		}
	}
	return v
}
