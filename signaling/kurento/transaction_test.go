package kurento

import (
	"testing"
)

func op(id any, method string, params obj) obj {
	return obj{"jsonrpc": "2.0", "id": id, "method": method, "params": params}
}

// TestTransaction: objects made, joined and spoken of in one message; their
// events come behind its answer.
func TestTransaction(t *testing.T) {
	c := newRig(t, Config{}).dial()
	c.send("transaction", obj{"object": obj{"_events": obj{}}, "operations": []obj{
		op(0, "create", obj{"type": "MediaPipeline"}),
		op(1, "create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": "newref:0"}}),
		op(2, "create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": "newref:0"}}),
		op(3, "subscribe", obj{"object": "newref:1", "type": "ElementConnected"}),
		op(4, "invoke", obj{"object": "newref:1", "operation": "connect", "operationParams": obj{"sink": "newref:2"}}),
		op(5, "invoke", obj{"object": "newref:2", "operation": "getName"}),
	}})
	m := c.read()
	if m.Method != "" || m.Error != nil {
		t.Fatalf("first came %s", m.raw)
	}
	list, _ := m.Result["value"].([]any)
	if len(list) != 6 || m.Result["sessionId"] == nil {
		t.Fatalf("answered %s", m.raw)
	}
	for i, a := range list {
		a := a.(obj)
		if a["jsonrpc"] != "2.0" || a["id"] != float64(i) || a["error"] != nil || a["result"].(obj)["sessionId"] != m.Result["sessionId"] {
			t.Errorf("answer %d: %v", i, a)
		}
	}
	value := func(i int) any { return list[i].(obj)["result"].(obj)["value"] }
	if value(5) != value(2) {
		t.Errorf("the name is %v, the id %v", value(5), value(2))
	}
	for range 3 { // AUDIO, VIDEO and DATA
		if ev := c.event("ElementConnected"); ev.Params.Value.Data["sink"] != value(2) || ev.Params.Value.Object != value(1) {
			t.Errorf("event %s", ev.raw)
		}
	}
}

func TestTransactionFailures(t *testing.T) {
	r := newRig(t, Config{})
	c := r.dial()
	// The first that fails ends the run, and what was done stays.
	list := c.must("transaction", obj{"operations": []obj{
		op(0, "create", obj{"type": "MediaPipeline"}),
		op(1, "invoke", obj{"object": "newref:0", "operation": "fly"}),
		op(2, "create", obj{"type": "MediaPipeline"}),
	}}).([]any)
	if len(list) != 2 || list[1].(obj)["error"].(obj)["code"] != float64(codeTransaction) || list[1].(obj)["result"] != nil {
		t.Errorf("answered %v", list)
	}
	if n := r.s.Stats().Objects; n != 1 {
		t.Errorf("%d objects", n)
	}
	for _, x := range []struct {
		ops  any
		code int
		text string
	}{
		{nil, codeMissing, "'operations' parameter is required"},
		{"x", codeMissing, "'operations' parameter should be a list"},
		{[]any{1}, codeTransaction, "Request '0' is no object"},
		{[]obj{op(1, "ping", obj{})}, codeTransaction, "Id of request '0' should be '0'"},
		{[]obj{{"jsonrpc": "2.0", "id": 0}}, codeTransaction, "Request '0' is no JSON-RPC request"},
		{[]obj{op(0, "describe", obj{"object": "newref:0"})}, codeTransaction, "Result not found on request 0"},
		{[]obj{op(0, "describe", obj{"object": "newref:x"})}, codeTransaction, "Invalid index of newref 'x'"},
		{[]obj{op(0, "describe", obj{"object": "newref:-1"})}, codeTransaction, "Invalid index of newref '-1'"},
	} {
		params := obj{"operations": x.ops}
		if x.ops == nil {
			params = obj{}
		}
		if m := c.refuse(x.code, "transaction", params); m.Error.Message != x.text {
			t.Errorf("%v: %q, want %q", x.ops, m.Error.Message, x.text)
		}
	}
	c.refuse(codeParams, "transaction", nil)
	// What is malformed anywhere is told before anything is done.
	for _, bad := range []obj{
		op(1, "describe", obj{"object": "newref:1"}), op(1, "describe", obj{"object": obj{"deep": []any{"newref:7"}}}),
		op(1, "describe", obj{"object": "newref:0x"}), op(2, "ping", obj{}), {"id": 1}} {
		m := c.call("transaction", obj{"operations": []obj{op(0, "create", obj{"type": "MediaPipeline"}), bad}})
		if n := r.s.Stats().Objects; m.Error == nil || m.Error.Code != codeTransaction || n != 1 {
			t.Errorf("%v: %s; %d objects", bad, m.raw, n)
		}
	}
	// A prefix without a number is an ordinary text.
	if m := c.call("transaction", obj{"operations": []obj{op(0, "describe", obj{"object": "newref:"})}}); m.Error != nil ||
		m.Result["value"].([]any)[0].(obj)["error"].(obj)["code"] != float64(codeNotFound) {
		t.Errorf("answered %s", m.raw)
	}
	// One within another counts its own; too many within one another are refused.
	inner := op(0, "transaction", obj{"operations": []obj{op(0, "create", obj{"type": "MediaPipeline"}), op(1, "describe", obj{"object": "newref:0"})}})
	list = c.must("transaction", obj{"operations": []obj{inner}}).([]any)
	if in := list[0].(obj)["result"].(obj)["value"].([]any); len(in) != 2 || in[1].(obj)["error"] != nil {
		t.Errorf("answered %v", list)
	}
	deep := op(0, "ping", obj{})
	for range 6 {
		deep = op(0, "transaction", obj{"operations": []obj{deep}})
	}
	c.write(encodeText(t, deep))
	if m := c.answer(); m.Error != nil {
		t.Errorf("answered %s", m.raw)
	}
	many := make([]obj, maxOperations+1)
	for i := range many {
		many[i] = op(i, "ping", obj{})
	}
	c.refuse(codeResources, "transaction", obj{"operations": many})
}
