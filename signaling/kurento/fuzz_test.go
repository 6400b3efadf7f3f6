package kurento

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"kelas/pipeline"
)

// plausible is a value of a type as a client would write it; @Name stands for
// an object of that class.
func plausible(typ string) any {
	if item, ok := strings.CutSuffix(typ, "[]"); ok {
		return []any{plausible(item)}
	}
	switch typ {
	case "String":
		return "text"
	case "int", "int64", "float", "double":
		return 5
	case "boolean":
		return true
	}
	if t := table.types[typ]; t != nil {
		if t.values != nil {
			return t.values[0]
		}
		m := obj{"__type__": typ, "__module__": "kurento"}
		for _, f := range t.fields {
			m[f.name] = plausible(f.typ)
		}
		return m
	}
	if c := table.classes[typ]; c == nil || c.make == nil {
		typ = "PassThrough"
	}
	return "@" + typ
}

// everyOperation is one message for each that the table has; those that would
// reach out to other machines are left out.
func everyOperation() []string {
	var list []string
	for _, c := range sorted(table.classes) {
		if c.make == nil && c.name != "ServerManager" {
			continue
		}
		ops := table.operations[c.name]
		for _, name := range slices.Sorted(maps.Keys(ops)) {
			params := obj{}
			for _, p := range ops[name].params {
				params[p.name] = plausible(p.typ)
			}
			text, err := json.Marshal(obj{"jsonrpc": "2.0", "id": len(list), "method": "invoke",
				"params": obj{"object": "@" + c.name, "operation": name, "operationParams": params}})
			if err == nil && !outward(string(text)) {
				list = append(list, string(text))
			}
		}
	}
	return list
}

// outward reports whether a message could have the server speak to another
// machine, which no test may.
func outward(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "stun") || strings.Contains(text, "turn") || strings.Contains(text, "://")
}

// objects makes those that a text names as @Class, and puts their ids in.
func (c *client) objects(text, p, dir string) string {
	made := map[string]string{"MediaPipeline": p, "ServerManager": managerID}
	var object func(class string) string
	object = func(class string) string {
		if id := made[class]; id != "" {
			return id
		}
		params := obj{"mediaPipeline": p}
		switch class {
		case "HubPort":
			params = obj{"hub": object("Dispatcher")}
		case "PlayerEndpoint", "RecorderEndpoint":
			params["uri"] = "file://" + dir + "/file.webm"
		case "WebRtcEndpoint":
			params["useDataChannels"] = true
		}
		made[class] = c.mustText("create", obj{"type": class, "constructorParams": params})
		return made[class]
	}
	for name, class := range table.classes {
		if at := "@" + name; (class.make != nil || name == "ServerManager") && strings.Contains(text, at+`"`) {
			text = strings.ReplaceAll(text, at+`"`, object(name)+`"`)
		}
	}
	return text
}

// FuzzMessages: whatever one client sends, about whatever sort of object, the
// server goes on, answers the next request, and leaves another session's
// objects alone. Each line is a message.
func FuzzMessages(f *testing.F) {
	for _, text := range everyOperation() {
		f.Add(text)
	}
	sending, receiving := offers(f)
	say := func(operation string, params obj) string {
		return encodeText(f, obj{"jsonrpc": "2.0", "id": operation, "method": "invoke", "params": obj{"object": "@WebRtcEndpoint", "operation": operation, "operationParams": params}})
	}
	candidate := say("addIceCandidate", obj{"candidate": obj{"__type__": "IceCandidate", "candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": -7}})
	for _, offer := range []string{sending, receiving, "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"} {
		f.Add(say("processOffer", obj{"offer": offer}) + "\n" + say("gatherCandidates", nil) + "\n" + candidate + "\n" +
			say("connect", obj{"sink": "@RtpEndpoint"}) + "\n" + say("connect", obj{"sink": "@RecorderEndpoint"}) + "\n" + say("getStats", nil))
		f.Add(strings.ReplaceAll(say("processOffer", obj{"offer": offer}), "@WebRtcEndpoint", "@RtpEndpoint"))
	}
	f.Add(say("generateOffer", nil) + "\n" + say("processAnswer", obj{"answer": sending}) + "\n" + say("createDataChannel", obj{"label": "x"}))
	for _, text := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"method":"connect","params":{"sessionId":"x"}}`,
		`{"jsonrpc":"2.0","id":2,"method":"create","params":{"type":"MediaPipeline","constructorParams":{},"properties":{}}}`,
		`{"jsonrpc":"2.0","id":"3","method":"create","params":{"type":"WebRtcEndpoint","constructorParams":{"mediaPipeline":"@MediaPipeline","useDataChannels":null}}}`,
		`{"jsonrpc":"2.0","id":7,"method":"subscribe","params":{"object":"@WebRtcEndpoint","type":"IceCandidateFound","sessionId":"mine"}}`,
		`{"jsonrpc":"2.0","id":8,"method":"transaction","params":{"operations":[{"jsonrpc":"2.0","id":0,"method":"create","params":{"type":"MediaPipeline"}},{"jsonrpc":"2.0","id":1,"method":"release","params":{"object":"newref:0"}}]}}`,
		`{"jsonrpc":"2.0","id":11,"method":"closeSession","params":{"sessionId":"mine","release":"yes"}}`,
		`{"jsonrpc":"2.0","id":12,"method":"unref","params":{"object":"@MediaPipeline","sessionId":"mine"}}`,
		`[]`, `{"jsonrpc":"2.0","method":7}`, `nonsense`,
	} {
		f.Add(text)
	}
	dir := f.TempDir()
	r := newMediaRig(f, Config{Strict: true, CollectPeriod: time.Hour}, pipeline.Config{FileRoot: dir})
	v := newVictim(r)
	f.Fuzz(func(t *testing.T, text string) {
		if outward(text) {
			return
		}
		c := (&rig{t, r.s, r.url}).dial()
		c.connect("")
		text = c.objects(text, c.pipeline(), dir)
		text = strings.NewReplacer("VICTIM", v.pipeline, "getUsedCpu", "getCpuCount").Replace(text) // which would really wait
		for _, line := range slices.Collect(strings.SplitSeq(text, "\n"))[:min(strings.Count(text, "\n")+1, 20)] {
			c.write(line)
		}
		c.write(`{"jsonrpc":"2.0","id":"the end","method":"ping"}`)
		for string(c.answer().ID) != `"the end"` {
		}
		v.check(t)
		c.close()
		r.nothingLeft(t)
	})
}

// nothingLeft: what came in a fuzzer's turn goes with its sessions, and
// nothing else does.
func (r *rig) nothingLeft(t *testing.T) {
	t.Helper()
	eventually(t, "they are gone", func() bool { return r.s.Stats().Connections == 1 })
	r.s.sweep()
	r.s.sweep()
	if st, media := r.s.Stats(), r.s.cfg.Media.Stats(); st != (Stats{1, 1, 3}) || media.Pipelines != 1 {
		t.Fatalf("left is %+v, of the media %d pipelines", st, media.Pipelines)
	}
}

// victim is a session that does nothing wrong while others do.
type victim struct {
	*client
	pipeline, a, b string
	sub            string
}

func newVictim(r *rig) *victim {
	v := &victim{client: r.dial()}
	v.pipeline = v.client.pipeline()
	make := func() string {
		return v.mustText("create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": v.pipeline}})
	}
	v.a, v.b = make(), make()
	v.invoke(v.a, "addTag", obj{"key": "seat", "value": "3"})
	v.invoke(v.a, "connect", obj{"sink": v.b, "mediaType": "VIDEO"})
	v.sub = v.subscribe(v.a, "ElementConnected")
	return v
}

// check asks for everything that others might have touched.
func (v *victim) check(t *testing.T) {
	t.Helper()
	v.t = t
	if list := v.invoke(v.pipeline, "getChildren", nil).([]any); !slices.Equal(list, []any{v.a, v.b}) {
		t.Fatalf("the children are %v", list)
	}
	if tags := v.invoke(v.a, "getTags", nil).([]any); len(tags) != 1 || tags[0].(obj)["value"] != "3" {
		t.Fatalf("the tags are %v", tags)
	}
	if links := v.invoke(v.b, "getSourceConnections", nil).([]any); len(links) != 1 || links[0].(obj)["source"] != v.a {
		t.Fatalf("the connections are %v", links)
	}
	if name := v.invoke(v.b, "getName", nil); name != v.b {
		t.Fatalf("the name is %v", name)
	}
	if len(v.events) != 0 {
		t.Fatalf("it was told %v", v.events)
	}
	v.invoke(v.a, "connect", obj{"sink": v.b, "mediaType": "AUDIO"})
	v.event("ElementConnected")
	v.invoke(v.a, "disconnect", obj{"sink": v.b, "mediaType": "AUDIO"})
}

// talk runs one conversation. Each line begins with the number of a client:
// 0 and 1 are of one session, 2 of another. What follows is a message, "cut",
// "bye" or "back" (with its session). A line "sweep" has the collector go by.
// P0, E0 and S0 are a client's pipeline, endpoint and session, VICTIM is the
// other's pipeline.
func (r *rig) talk(t *testing.T, v *victim, text string) {
	dial := func() *client { return (&rig{t, r.s, r.url}).dial() }
	var cs [3]*client
	var ids [3]string
	names := []string{"getUsedCpu", "getCpuCount"} // it would really wait
	if r.s.cfg.Strict {
		names = append(names, "VICTIM", v.pipeline)
	}
	for i := range cs {
		cs[i] = dial()
		if ids[i] = ids[0]; i != 1 {
			ids[i] = ""
		}
		ids[i] = cs[i].connect(ids[i])
		p := cs[i].pipeline()
		n := string(rune('0' + i))
		names = append(names, "P"+n, p, "E"+n, cs[i].endpoint(p), "S"+n, ids[i])
	}
	fill := strings.NewReplacer(names...)
	lines := strings.Split(text, "\n")
	for _, line := range lines[:min(len(lines), 40)] {
		if line == "sweep" {
			r.s.sweep()
			continue
		}
		if line == "" || line[0] < '0' || line[0] > '2' {
			continue
		}
		i, say := line[0]-'0', line[1:]
		switch say {
		case "cut":
			_ = cs[i].ws.NetConn().Close()
			cs[i] = dial()
		case "bye":
			cs[i].close()
			cs[i] = dial()
		case "back":
			cs[i].send("connect", obj{"sessionId": ids[i]})
		default:
			cs[i].write(fill.Replace(say))
		}
	}
	for _, c := range cs {
		c.write(`{"jsonrpc":"2.0","id":"the end","method":"ping"}`)
		for string(c.answer().ID) != `"the end"` {
		}
	}
	v.check(t)
	for _, c := range cs {
		c.close()
	}
	r.nothingLeft(t)
	v.check(t)
}

// FuzzConversation: whatever several clients say in several sessions, and
// however they come and go, another session finds its objects as they were and
// nothing of theirs is left behind; in strict mode even if they know its ids.
func FuzzConversation(f *testing.F) {
	create := `{"jsonrpc":"2.0","id":50,"method":"create","params":{"type":"PassThrough","constructorParams":{"mediaPipeline":"P0"},"sessionId":"S0"}}`
	for _, text := range []string{
		"0" + create + "\n1" + create + "\n2" + create,
		"0" + create + "\n0cut\n0back\n0" + create + "\nsweep\nsweep\n1back",
		"0{\"jsonrpc\":\"2.0\",\"id\":51,\"method\":\"release\",\"params\":{\"object\":\"VICTIM\"}}\n2{\"jsonrpc\":\"2.0\",\"id\":52,\"method\":\"release\",\"params\":{\"object\":\"P0\"}}\n0bye",
		"2{\"jsonrpc\":\"2.0\",\"id\":53,\"method\":\"closeSession\",\"params\":{\"sessionId\":\"S0\",\"release\":true}}\n0{\"jsonrpc\":\"2.0\",\"id\":54,\"method\":\"describe\",\"params\":{\"object\":\"E0\"}}",
		"1{\"jsonrpc\":\"2.0\",\"id\":55,\"method\":\"subscribe\",\"params\":{\"object\":\"manager_ServerManager\",\"type\":\"ObjectCreated\",\"sessionId\":\"new\"}}\n0" + create,
		"0{\"jsonrpc\":\"2.0\",\"id\":56,\"method\":\"transaction\",\"params\":{\"operations\":[{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"create\",\"params\":{\"type\":\"MediaPipeline\"}}," +
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"create\",\"params\":{\"type\":\"Dispatcher\",\"constructorParams\":{\"mediaPipeline\":\"newref:0\"}}}," +
			"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"create\",\"params\":{\"type\":\"HubPort\",\"constructorParams\":{\"hub\":\"newref:1\"}}}," +
			"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"invoke\",\"params\":{\"object\":\"E0\",\"operation\":\"connect\",\"operationParams\":{\"sink\":\"newref:2\"}}}]}}\n0cut",
		"2{\"jsonrpc\":\"2.0\",\"id\":57,\"method\":\"invoke\",\"params\":{\"object\":\"E2\",\"operation\":\"generateOffer\"}}\n2{\"jsonrpc\":\"2.0\",\"id\":58,\"method\":\"invoke\",\"params\":{\"object\":\"E2\",\"operation\":\"gatherCandidates\"}}\n2bye\n2back",
		"0{\"jsonrpc\":\"2.0\",\"id\":59,\"method\":\"unref\",\"params\":{\"object\":\"P0\"}}\n1{\"jsonrpc\":\"2.0\",\"id\":60,\"method\":\"ref\",\"params\":{\"object\":\"P2\",\"sessionId\":\"S2\"}}\nsweep",
		"0nonsense\n1[]\n2{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}\n0{\"id\":{}}",
	} {
		f.Add(text, false)
		f.Add(text, true)
	}
	rigs := map[bool]*rig{}
	victims := map[bool]*victim{}
	for _, strict := range []bool{false, true} {
		rigs[strict] = newMediaRig(f, Config{Strict: strict, CollectPeriod: time.Hour}, pipeline.Config{})
		victims[strict] = newVictim(rigs[strict])
	}
	f.Fuzz(func(t *testing.T, text string, strict bool) { rigs[strict].talk(t, victims[strict], text) })
}
