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
// stays done, as in Kurento.
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
			if op.params, err = resolve(op.params, values); err != nil {
				return nil, err
			}
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
		list[i] = r
	}
	return list, nil
}

// resolve puts the values of earlier operations in the place of newref:N.
func resolve(params map[string]any, values []any) (map[string]any, error) {
	out, err := resolveTree(params, values)
	if err != nil || out == nil {
		return nil, err
	}
	return out.(map[string]any), nil
}

func resolveTree(v any, values []any) (any, error) {
	var err error
	switch v := v.(type) {
	case string:
		ref, ok := strings.CutPrefix(v, "newref:")
		if !ok {
			return v, nil
		}
		n, err := strconv.Atoi(ref)
		if err != nil || n < 0 {
			return nil, fail(codeTransaction, "Invalid index of newref '%s'", clip(ref))
		}
		if n >= len(values) {
			return nil, fail(codeTransaction, "Result not found on request %d", n)
		}
		return values[n], nil
	case map[string]any:
		if v == nil {
			return nil, nil
		}
		for key, item := range v {
			if v[key], err = resolveTree(item, values); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, item := range v {
			if v[i], err = resolveTree(item, values); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
