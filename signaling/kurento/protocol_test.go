package kurento

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

var uuidText = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// TestMessages: what comes back for every sort of text, byte by byte where
// clients look.
func TestMessages(t *testing.T) {
	r := newRig(t, Config{})
	c := r.dial()
	for _, x := range []struct{ name, in, out string }{
		{"ping without a session", `{"jsonrpc":"2.0","id":0,"method":"ping","params":{"interval":5000}}`, `{"jsonrpc":"2.0","id":0,"result":{"value":"pong"}}`},
		{"ping without parameters", `{"jsonrpc":"2.0","id":"a","method":"ping"}`, `{"jsonrpc":"2.0","id":"a","result":{"value":"pong"}}`},
		{"not JSON", `{"jsonrpc`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error."}}`},
		{"two texts", `{} {}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error."}}`},
		{"a batch", `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid JSON-RPC request."}}`},
		{"no version", `{"id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid JSON-RPC request."}}`},
		{"an object as id", `{"jsonrpc":"2.0","id":{},"method":"ping"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid JSON-RPC request."}}`},
		{"a list as id", `{"jsonrpc":"2.0","id":[1],"method":"ping"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid JSON-RPC request."}}`},
		{"a number as method", `{"jsonrpc":"2.0","id":1,"method":1}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid JSON-RPC request."}}`},
		{"an unknown method", `{"jsonrpc":"2.0","id":7,"method":"keepalive","params":{}}`, `{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"Method not found."}}`},
		{"a large id", `{"jsonrpc":"2.0","id":12345678901234567890,"method":"ping"}`, `{"jsonrpc":"2.0","id":12345678901234567890,"result":{"value":"pong"}}`},
		{"an id too long to remember", `{"jsonrpc":"2.0","id":"` + strings.Repeat("x", maxID) + `","method":"ping"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid JSON-RPC request."}}`},
		{"a list as parameters", `{"jsonrpc":"2.0","id":8,"method":"create","params":[]}`, `{"jsonrpc":"2.0","id":8,"error":{"code":-32602,"message":"'params' should be an object","data":{"type":"INVALID_PARAMS"}}}`},
		{"an empty session id is none", `{"jsonrpc":"2.0","id":9,"method":"keepAlive","params":{"sessionId":""}}`, `{"jsonrpc":"2.0","id":9,"error":{"code":-32000,"message":"'sessionId' parameter is required"}}`},
		{"a session that is not there", `{"jsonrpc":"2.0","id":10,"method":"connect","params":{"sessionId":"x"}}`, `{"jsonrpc":"2.0","id":10,"error":{"code":40007,"message":"Invalid session","data":{"type":"INVALID_SESSION"}}}`},
	} {
		c.write(x.in)
		if got := c.answer().raw; got != x.out {
			t.Errorf("%s: %s\n  answered %s\n      want %s", x.name, x.in, got, x.out)
		}
	}
	// Answers and notifications of a client are no requests.
	c.write(`{"jsonrpc":"2.0","id":1,"result":{}}`)
	c.write(`{"jsonrpc":"2.0","method":"ping"}`)
	c.write(`{"jsonrpc":"2.0","id":11,"method":"ping"}`)
	if got := c.answer(); string(got.ID) != "11" {
		t.Errorf("answered %s", got.raw)
	}
}

// TestLimitsAreThoseOfTheREADME: what stands in its table and has no option.
func TestLimitsAreThoseOfTheREADME(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		fmt.Sprintf("| requests of one connection that wait | %d, together as large as one message may be; then it is not read on |", queueLength),
		fmt.Sprintf("| messages to one connection that wait | %d, %d MiB; then it is cut, and its session stays |", outboxLength, outboxBytes>>20),
		fmt.Sprintf("| subscriptions of one event of one object by one session | %d |", maxSubscriptions),
		fmt.Sprintf("| tags of one object, bytes of a tag or a name | %d, %d KiB |", maxTags, maxText>>10),
		fmt.Sprintf("| operations in a transaction, transactions within one another | %d, %d |", maxOperations, maxDepth),
		fmt.Sprintf("| answers remembered for one session | %d, %d MiB, %d s |", memoryEntries, memoryBytes>>20, memoryTime/time.Second),
		fmt.Sprintf("| bytes of a request's id | %d |", maxID),
		fmt.Sprintf("| `getUsedCpu` | %d s |", maxUsedCPU/time.Second),
	} {
		if !strings.Contains(string(text), row) {
			t.Errorf("README.md has not: %s", row)
		}
	}
}

func TestMissingParameters(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	for _, x := range []struct {
		method string
		params any
		code   int
		text   string
	}{
		{"create", nil, codeParams, "'params' is required"},
		{"create", obj{}, codeMissing, "'type' parameter is required"},
		{"create", obj{"type": 1}, codeMissing, "'type' parameter should be a string"},
		{"create", obj{"type": "Nothing"}, codeNotAvailable, "Factory 'Nothing' not found"},
		{"create", obj{"type": "chroma.ChromaFilter"}, codeNotAvailable, "Factory 'chroma.ChromaFilter' not found"},
		{"create", obj{"type": "kurento.Nothing"}, codeNotAvailable, "Factory 'kurento.Nothing' not found"},
		{"create", obj{"type": "MediaPipeline", "constructorParams": []any{}}, codeMarshall, "'constructorParams' should be an object"},
		{"create", obj{"type": "MediaElement"}, codeNotAvailable, "Factory 'MediaElement' not found"},
		{"create", obj{"type": "ServerManager"}, codeNotAvailable, "Factory 'ServerManager' not found"},
		{"create", obj{"type": "Composite", "constructorParams": obj{"mediaPipeline": p}}, codeNotImplemented, "Composite is not there: it decodes and mixes, and nothing is decoded on the server"},
		{"create", obj{"type": "WebRtcEndpoint"}, codeMarshall, "'constructorParams' is required"},
		{"create", obj{"type": "WebRtcEndpoint", "constructorParams": obj{}}, codeMarshall, "'mediaPipeline' parameter is required"},
		{"create", obj{"type": "WebRtcEndpoint", "constructorParams": obj{"mediaPipeline": 7}}, codeMarshall, "'mediaPipeline' parameter should be a MediaPipeline"},
		{"create", obj{"type": "WebRtcEndpoint", "constructorParams": obj{"mediaPipeline": managerID}}, codeMarshall, "'mediaPipeline' parameter should be a MediaPipeline"},
		{"create", obj{"type": "WebRtcEndpoint", "constructorParams": obj{"mediaPipeline": "gone"}}, codeNotFound, "Object 'gone' not found"},
		{"create", obj{"type": "WebRtcEndpoint", "constructorParams": obj{"mediaPipeline": "newref:0"}}, codeNoCommit,
			"Object 'newref:0' not found. Possibly using a transactional object without committing the transaction."},
		{"create", obj{"type": "WebRtcEndpoint", "constructorParams": obj{"mediaPipeline": p, "certificateKeyType": nil}}, codeMarshall, "Invalid value for 'CertificateKeyType'"},
		{"describe", obj{}, codeMissing, "'object' parameter is required"},
		{"describe", obj{"object": "x"}, codeNotFound, "Object 'x' not found"},
		{"invoke", obj{"object": p}, codeMissing, "'operation' parameter is required"},
		{"invoke", obj{"object": p, "operation": "fly", "operationParams": obj{"a": 1, "b": 2}}, codeTransaction, "Method 'fly' with 2 parameters not found"},
		{"invoke", obj{"object": p, "operation": "addTag"}, codeMarshall, "'operationParams' is required"},
		{"invoke", obj{"object": p, "operation": "addTag", "operationParams": []any{}}, codeMarshall, "'operationParams' is required"},
		{"invoke", obj{"object": p, "operation": "addTag", "operationParams": obj{"key": "k"}}, codeMarshall, "'value' parameter is required"},
		{"invoke", obj{"object": p, "operation": "getTag", "operationParams": obj{"key": "k"}}, codeTagKey, "Tag key not found"},
		{"invoke", obj{"object": managerID, "operation": "getKmd", "operationParams": obj{"moduleName": "x"}}, codeNoKMD, "Requested kmd module doesn't exist"},
		{"invoke", obj{"object": managerID, "operation": "getUsedCpu", "operationParams": obj{"interval": "ten"}}, codeMarshall, "'interval' parameter should be an int"},
		{"subscribe", obj{"object": p}, codeMissing, "'type' parameter is required"},
		{"subscribe", obj{"object": p, "type": "OnIceCandidate"}, codeEvent, "Event 'OnIceCandidate' not supported"},
		{"unsubscribe", obj{"object": p}, codeMissing, "'subscription' parameter is required"},
		{"release", obj{"object": managerID}, codeNotSupported, "The ServerManager cannot be released"},
	} {
		if m := c.refuse(x.code, x.method, x.params); m.Error.Message != x.text {
			t.Errorf("%s %v: %q, want %q", x.method, x.params, m.Error.Message, x.text)
		}
	}
}

// TestObjects: names, tags, children, describe, and what release takes along.
func TestObjects(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	if id, ok := strings.CutSuffix(p, "_kurento.MediaPipeline"); !ok || !uuidText.MatchString(id) {
		t.Errorf("the pipeline's id is %q", p)
	}
	e := c.mustText("create", obj{"type": "kurento.WebRtcEndpoint", "constructorParams": obj{"mediaPipeline": p}})
	hub := c.mustText("create", obj{"type": "Dispatcher", "constructorParams": obj{"mediaPipeline": p}})
	port := c.mustText("create", obj{"type": "HubPort", "constructorParams": obj{"hub": hub}})
	if !strings.HasPrefix(e, p+"/") || !strings.HasPrefix(port, hub+"/") {
		t.Errorf("ids %q and %q", e, port)
	}
	many := c.mustText("create", obj{"type": "DispatcherOneToMany", "constructorParams": obj{"mediaPipeline": obj{"id": p, "_events": obj{}}}})
	c.must("release", obj{"object": many})
	d := c.call("describe", obj{"object": e}).Result
	want := []any{"kurento.BaseRtpEndpoint", "kurento.SdpEndpoint", "kurento.SessionEndpoint", "kurento.Endpoint", "kurento.MediaElement", "kurento.MediaObject"}
	if h, _ := d["hierarchy"].([]any); d["type"] != "WebRtcEndpoint" || d["qualifiedType"] != "kurento.WebRtcEndpoint" || !slices.Equal(h, want) {
		t.Errorf("described as %v", d)
	}
	for _, x := range []struct {
		object, operation string
		value             any
	}{
		{p, "getParent", nil}, {p, "getMediaPipeline", p}, {e, "getParent", p}, {e, "getMediaPipeline", p}, {port, "getParent", hub}, {port, "getMediaPipeline", p},
		{e, "getId", e}, {e, "getName", e}, {e, "getSendTagsInEvents", false}, {managerID, "getMediaPipeline", nil},
	} {
		if got := c.invoke(x.object, x.operation, nil); got != x.value {
			t.Errorf("%s of %s is %v, want %v", x.operation, x.object, got, x.value)
		}
	}
	c.invoke(e, "setName", obj{"name": "camera"})
	if got := c.invoke(e, "getName", nil); got != "camera" {
		t.Errorf("the name is %v", got)
	}
	c.invoke(e, "addTag", obj{"key": "room", "value": 8})
	c.invoke(e, "addTag", obj{"key": "seat", "value": true})
	c.invoke(e, "removeTag", obj{"key": "seat"})
	c.invoke(e, "removeTag", obj{"key": "seat"})
	if tags, _ := c.invoke(e, "getTags", nil).([]any); len(tags) != 1 || tags[0].(obj)["value"] != "8" || tags[0].(obj)["__type__"] != "Tag" || tags[0].(obj)["__module__"] != "kurento" {
		t.Errorf("tags %v", tags)
	}
	if list, _ := c.invoke(p, "getChildren", nil).([]any); len(list) != 2 {
		t.Errorf("children %v", list)
	}
	if dot := c.invoke(p, "getGstreamerDot", nil).(string); !strings.HasPrefix(dot, "digraph ") || !strings.Contains(dot, e) {
		t.Errorf("dot: %s", dot)
	}
	sub := c.subscribe(e, "IceCandidateFound")
	c.must("release", obj{"object": p})
	for _, id := range []string{p, e, hub, port} {
		c.refuse(codeNotFound, "describe", obj{"object": id})
		c.must("release", obj{"object": id}) // again is no error
	}
	c.must("unsubscribe", obj{"object": e, "subscription": sub})
	c.must("unsubscribe", obj{"object": e, "subscription": "never was"})
}

func TestManager(t *testing.T) {
	c := newRig(t, Config{Version: "1.2.3"}).dial()
	info := c.invoke(managerID, "getInfo", nil).(obj)
	names := map[string]any{}
	for _, m := range info["modules"].([]any) {
		names[m.(obj)["name"].(string)] = m.(obj)["factories"]
	}
	if info["version"] != "7.3.0+1.2.3" || info["type"] != "KMS" || names["core"] == nil || names["elements"] == nil || names["filters"] == nil {
		t.Errorf("info %v", info)
	}
	created, destroyed := c.subscribe(managerID, "ObjectCreated"), c.subscribe(managerID, "ObjectDestroyed")
	c.send("create", obj{"type": "MediaPipeline"})
	m := c.read()
	if m.Method != "" {
		t.Fatalf("an event came before the answer: %s", m.raw)
	}
	p, _ := m.Result["value"].(string)
	if ev := c.event("ObjectCreated"); ev.Params.Value.Data["object"] != p || ev.Params.Value.Object != managerID || ev.Params.Value.Data["source"] != managerID {
		t.Errorf("event %s", ev.raw)
	}
	if list := c.invoke(managerID, "getPipelines", nil).([]any); !slices.Equal(list, []any{p}) {
		t.Errorf("pipelines %v", list)
	}
	if list := c.invoke(managerID, "getSessions", nil).([]any); len(list) != 1 || !uuidText.MatchString(list[0].(string)) {
		t.Errorf("sessions %v", list)
	}
	if n := c.invoke(managerID, "getCpuCount", nil).(float64); n < 1 {
		t.Errorf("%v processors", n)
	}
	if n := c.invoke(managerID, "getUsedMemory", nil).(float64); n < 1000 {
		t.Errorf("%v KiB used", n)
	}
	if n := c.invoke(managerID, "getUsedCpu", obj{"interval": 10}).(float64); n < 0 {
		t.Errorf("%v %% used", n)
	}
	c.must("unsubscribe", obj{"object": managerID, "subscription": created})
	c.must("release", obj{"object": p})
	if ev := c.event("ObjectDestroyed"); ev.Params.Value.Data["objectId"] != p {
		t.Errorf("event %s", ev.raw)
	}
	c.must("unsubscribe", obj{"object": managerID, "subscription": destroyed})
}

func TestDoor(t *testing.T) {
	r := newRig(t, Config{})
	host := strings.TrimSuffix(strings.TrimPrefix(r.url, "ws://"), Path)
	for _, x := range []struct {
		origin, host string
		in           bool
	}{
		{"http://evil.example", host, false}, {"null", host, false}, {"file://", host, false},
		{"http://127.0.0.1.evil.example:1", host, false}, {"http://localhost.evil.example", host, false}, {"http://10.0.0.7:8443", host, false},
		{"http://evil.example:8888", "evil.example:8888", false}, // a name turned to this machine
		{host, host, true}, {"http://" + host, host, true}, {"http://localhost:8888", "localhost:8888", true},
		{"https://localhost:8443", host, true}, {"http://127.0.0.1", host, true}, {"http://[::1]:8080", host, true}, // this machine's own pages
	} {
		ws, res, err := websocket.DefaultDialer.Dial(r.url, http.Header{"Origin": {x.origin}, "Host": {x.host}})
		if (err == nil) != x.in {
			t.Errorf("origin %q at %q: %v", x.origin, x.host, err)
		}
		if err == nil {
			_ = res.Body.Close()
			_ = ws.Close()
		} else if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("origin %q: status %d", x.origin, res.StatusCode)
		}
	}
	ws, res, err := websocket.DefaultDialer.Dial(strings.TrimSuffix(r.url, Path)+"/other", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	defer ws.Close()
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseProtocolError) || !strings.Contains(err.Error(), "Invalid path") {
		t.Errorf("another path: %v", err)
	}

	closed := newRig(t, Config{Token: "a-token-that-is-long"})
	for _, x := range []struct {
		query, bearer string
		in            bool
	}{
		{"", "", false}, {"?access_token=wrong", "", false}, {"", "Bearer wrong", false},
		{"?access_token=a-token-that-is-long", "", true}, {"", "Bearer a-token-that-is-long", true},
	} {
		h := http.Header{"Origin": {"http://page.example"}}
		if x.bearer != "" {
			h.Set("Authorization", x.bearer)
		}
		ws, res, err := websocket.DefaultDialer.Dial(closed.url+x.query, h)
		if (err == nil) != x.in {
			t.Errorf("%q, %q: %v", x.query, x.bearer, err)
		}
		if err == nil {
			_ = res.Body.Close()
			_ = ws.Close()
		} else if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q, %q: status %d", x.query, x.bearer, res.StatusCode)
		}
	}
}
