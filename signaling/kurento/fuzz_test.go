package kurento

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kelas/pipeline"
)

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
	// What they made goes with their sessions, and nothing else.
	eventually(t, "they are gone", func() bool { return r.s.Stats().Connections == 1 })
	r.s.sweep()
	r.s.sweep()
	v.check(t)
	if st, media := r.s.Stats(), r.s.cfg.Media.Stats(); st != (Stats{1, 1, 3}) || media.Pipelines != 1 {
		t.Fatalf("left is %+v, of the media %d pipelines", st, media.Pipelines)
	}
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
