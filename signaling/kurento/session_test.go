package kurento

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// eventually waits for something that another goroutine does.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	pipelinetest.Eventually(t, patience, what, cond)
}

// connect makes a session, or goes on with one, and returns its id.
func (c *client) connect(session string) string {
	c.t.Helper()
	params := obj{}
	if session != "" {
		params["sessionId"] = session
	}
	m := c.call("connect", params)
	id, _ := m.Result["sessionId"].(string)
	if m.Error != nil || !uuidText.MatchString(m.Result["serverId"].(string)) || id == "" || session != "" && id != session {
		c.t.Fatalf("connect: %s", m.raw)
	}
	return id
}

// detached waits until the server has noticed that a connection is closed.
func (r *rig) detached() {
	r.t.Helper()
	eventually(r.t, "the connection is gone", func() bool { return r.s.Stats().Connections == 0 })
}

func TestSessions(t *testing.T) {
	r := newRig(t, Config{})
	a, b := r.dial(), r.dial()
	if m := a.call("ping", nil); m.Result["sessionId"] != nil {
		t.Errorf("a ping made a session: %s", m.raw)
	}
	p := a.pipeline()
	m := a.call("ping", nil)
	id, _ := m.Result["sessionId"].(string)
	if !uuidText.MatchString(id) {
		t.Fatalf("a ping after the first call: %s", m.raw)
	}
	// A call may name any session and so make it; connect and keepAlive may not.
	if m := b.call("describe", obj{"object": managerID, "sessionId": "made up"}); m.Result["sessionId"] != "made up" {
		t.Errorf("describe: %s", m.raw)
	}
	b.must("keepAlive", obj{"sessionId": "made up"})
	b.refuse(codeSession, "keepAlive", obj{"sessionId": "other"})
	b.must("keepAlive", obj{})                                                     // its own
	for _, method := range []string{"ref", "unref", "keepAlive", "closeSession"} { // without one
		if m := r.dial().refuse(codeMissing, method, obj{"object": p}); m.Error.Message != "'sessionId' parameter is required" {
			t.Errorf("%s: %s", method, m.raw)
		}
	}
	b.refuse(codeMissing, "describe", obj{"object": managerID, "sessionId": 5})
	// What one session made another may use, once it has the id.
	e := b.endpoint(p)
	if list := a.invoke(p, "getChildren", nil).([]any); !slices.Equal(list, []any{e}) {
		t.Errorf("children %v", list)
	}
	// Both hold it now: it lives until both let go.
	a.must("unref", obj{"object": p, "sessionId": id})
	b.must("describe", obj{"object": e})
	b.must("closeSession", obj{"sessionId": "made up"})
	eventually(t, "nothing is left", func() bool { return r.s.Stats().Objects == 0 })
	a.refuse(codeNotFound, "describe", obj{"object": p})
	a.must("unref", obj{"object": p, "sessionId": id}) // what is not there is no error
	a.refuse(codeNotFound, "ref", obj{"object": p, "sessionId": id})
}

// TestCloseWithRelease takes away what others hold too.
func TestCloseWithRelease(t *testing.T) {
	r := newRig(t, Config{})
	a, b := r.dial(), r.dial()
	p := a.pipeline()
	b.must("describe", obj{"object": p})
	id := a.connect("")
	a.must("ref", obj{"object": p, "sessionId": id})
	a.must("closeSession", obj{"sessionId": id, "release": true})
	if m := a.call("closeSession", obj{"sessionId": id}); m.Result["sessionId"] != id { // again is no error
		t.Errorf("closed again: %s", m.raw)
	}
	b.refuse(codeNotFound, "describe", obj{"object": p})
}

// TestCollection: a session without a connection lives through one sweep and
// goes with the second; one that is used, or has its socket open, stays.
func TestCollection(t *testing.T) {
	r := newRig(t, Config{CollectPeriod: time.Hour})
	open, away := r.dial(), r.dial()
	p, q := open.pipeline(), away.pipeline()
	e := away.endpoint(q)
	id := away.connect("")
	away.must("ref", obj{"object": e, "sessionId": id})
	alone := func() {
		eventually(t, "one connection is left", func() bool { return r.s.Stats().Connections == 1 })
	}
	away.close()
	alone()
	r.s.sweep()
	third := r.dial()
	third.must("keepAlive", obj{"sessionId": id}) // from anywhere
	third.close()
	alone()
	r.s.sweep()
	if st := r.s.Stats(); st != (Stats{1, 2, 3}) {
		t.Fatalf("%+v, want the open session, the one kept alive, and what they hold", st)
	}
	r.s.sweep()
	if st := r.s.Stats(); st != (Stats{1, 1, 1}) {
		t.Fatalf("%+v after another period", st)
	}
	for range 3 {
		r.s.sweep()
	}
	open.must("describe", obj{"object": p})
	open.refuse(codeNotFound, "describe", obj{"object": e})
	open.refuse(codeSession, "connect", obj{"sessionId": id})
}

// TestResume: the socket is lost, media goes on, and whoever comes back finds
// everything as it was.
func TestResume(t *testing.T) {
	r := newRig(t, Config{CollectPeriod: time.Hour})
	c := r.dial()
	session := c.connect("")
	p := c.pipeline()
	presenter, viewer := pipelinetest.NewPresenter(t, pipelinetest.Options{}), pipelinetest.NewViewer(t, pipelinetest.Options{})
	from, to := c.endpoint(p), c.endpoint(p)
	c.negotiate(from, presenter.Negotiate)
	c.negotiate(to, viewer.Negotiate)
	c.invoke(from, "connect", obj{"sink": to})
	c.subscribe(from, "ElementDisconnected")
	c.invoke(to, "addTag", obj{"key": "seat", "value": "3"})
	presenter.Start(pipelinetest.Camera)
	viewer.Slot(pipelinetest.Camera).WaitFrames(t, 5, patience)
	c.close()
	r.detached()
	r.s.sweep() // one period passes
	viewer.Slot(pipelinetest.Camera).WaitFrames(t, 5, patience)

	again := r.dial()
	again.next = c.next // ids go on counting
	again.connect(session)
	if tag := again.invoke(to, "getTag", obj{"key": "seat"}); tag != "3" {
		t.Errorf("the tag is %v", tag)
	}
	if list := again.invoke(p, "getChildren", nil).([]any); !slices.Equal(list, []any{from, to}) {
		t.Errorf("children %v", list)
	}
	viewer.Slot(pipelinetest.Camera).WaitFrames(t, 5, patience)
	again.invoke(from, "disconnect", obj{"sink": to, "mediaType": "AUDIO"})
	if ev := again.event("ElementDisconnected"); ev.Params.Value.Data["mediaType"] != "AUDIO" || ev.Params.Value.Data["sink"] != to {
		t.Errorf("the subscription was lost: %s", ev.raw)
	}
	if st := viewer.Slot(pipelinetest.Camera).Stats(); st.Broken != 0 || st.Lost != 0 {
		t.Errorf("the picture suffered: %+v", st)
	}
	// Who does not come back is collected.
	again.close()
	r.detached()
	r.s.sweep()
	r.s.sweep()
	eventually(t, "all is collected", func() bool { return r.s.Stats() == Stats{} && r.s.cfg.Media.Stats().Pipelines == 0 })
}

// negotiate has a test's browser offer, gather and connect. It is trickled, so
// the answer it is given gets the candidates that the events tell.
func (c *client) negotiate(endpoint string, with func(pipelinetest.Answerer)) {
	c.t.Helper()
	c.subscribe(endpoint, "IceCandidateFound")
	c.subscribe(endpoint, "IceGatheringDone")
	with(func(_ context.Context, offer string) (string, error) {
		answer := c.invoke(endpoint, "processOffer", obj{"offer": offer}).(string)
		c.invoke(endpoint, "gatherCandidates", nil)
		c.event("IceGatheringDone")
		var lines strings.Builder
		for i := 0; i < len(c.events); {
			m := c.events[i]
			if m.Params.Value.Type != "IceCandidateFound" || m.Params.Value.Object != endpoint {
				i++
				continue
			}
			candidate := m.Params.Value.Data["candidate"].(obj)
			fmt.Fprintf(&lines, "a=%s\r\n", candidate["candidate"])
			c.events = append(c.events[:i:i], c.events[i+1:]...)
		}
		if lines.Len() == 0 || strings.Contains(answer, "a=candidate") {
			return "", fmt.Errorf("candidates by events: %q, in the answer: %v", lines.String(), strings.Contains(answer, "a=candidate"))
		}
		return withCandidates(answer, lines.String()), nil
	})
}

// withCandidates puts the lines into the first m-line, which the others are
// bundled with.
func withCandidates(sdp, lines string) string {
	first := strings.Index(sdp, "m=")
	next := strings.Index(sdp[first+2:], "m=")
	if next < 0 {
		return sdp + lines
	}
	at := first + 2 + next
	return sdp[:at] + lines + sdp[at:]
}

// TestMemory: a repeated request is answered from memory for 20 s.
func TestMemory(t *testing.T) {
	now := newClock()
	r := newRig(t, Config{Now: now.Now, CollectPeriod: time.Hour})
	c := r.dial()
	session := c.connect("")
	create := fmt.Sprintf(`{"jsonrpc":"2.0","id":77,"method":"create","params":{"type":"MediaPipeline","sessionId":%q}}`, session)
	c.write(create)
	first := c.answer()
	c.write(create)
	if again := c.answer(); again.raw != first.raw {
		t.Errorf("repeated: %s\nfirst: %s", again.raw, first.raw)
	}
	// Also over another connection, and while the first is still at work.
	slow := fmt.Sprintf(`{"jsonrpc":"2.0","id":78,"method":"invoke","params":{"object":%q,"operation":"getUsedCpu","operationParams":{"interval":50},"sessionId":%q}}`, managerID, session)
	other := r.dial()
	c.write(slow)
	other.write(slow)
	if a, b := c.answer(), other.answer(); a.raw != b.raw {
		t.Errorf("two answers to one request: %s and %s", a.raw, b.raw)
	}
	if n := r.s.Stats().Objects; n != 1 {
		t.Errorf("%d objects by one create", n)
	}
	// Without the session's id in it, none is a repeat.
	c.write(`{"jsonrpc":"2.0","id":77,"method":"describe","params":{"object":"manager_ServerManager"}}`)
	if m := c.answer(); m.Result["type"] != "ServerManager" {
		t.Errorf("answered from memory: %s", m.raw)
	}
	now.turn(memoryTime)
	c.write(create)
	if again := c.answer(); again.raw == first.raw || r.s.Stats().Objects != 2 {
		t.Errorf("after %v: %s", memoryTime, again.raw)
	}
	// Without end, but not without bound.
	for range 3 * memoryEntries {
		c.send("describe", obj{"object": managerID, "sessionId": session})
		c.answer()
	}
	r.s.mu.Lock()
	n := len(r.s.sessions[session].memory)
	r.s.mu.Unlock()
	if n > memoryEntries+1 {
		t.Errorf("%d answers are remembered", n)
	}
}

// TestOrder: one connection is answered in order, another is not held up.
func TestOrder(t *testing.T) {
	r := newRig(t, Config{})
	c, other := r.dial(), r.dial()
	c.send("invoke", obj{"object": managerID, "operation": "getUsedCpu", "operationParams": obj{"interval": 59000}})
	c.send("ping", nil)
	other.must("describe", obj{"object": managerID}) // while the first is at work
	p := other.pipeline()
	other.must("release", obj{"object": p})
	// The test's end closes the server, which ends the slow call.
}

func TestAnswersInOrder(t *testing.T) {
	c := newRig(t, Config{}).dial()
	p := c.pipeline()
	first := c.next
	c.send("invoke", obj{"object": managerID, "operation": "getUsedCpu", "operationParams": obj{"interval": 20}})
	for range 20 {
		c.send("invoke", obj{"object": p, "operation": "getName"})
	}
	for i := range 21 {
		if m := c.answer(); string(m.ID) != fmt.Sprint(first+i) {
			t.Fatalf("answer %s came in the place of %d", m.ID, first+i)
		}
	}
}

func TestStrict(t *testing.T) {
	r := newRig(t, Config{Strict: true})
	a, b := r.dial(), r.dial()
	b.subscribe(managerID, "ObjectCreated")
	p := a.pipeline()
	e := a.endpoint(p)
	for _, x := range []struct {
		method string
		params obj
	}{
		{"describe", obj{"object": p}},
		{"invoke", obj{"object": e, "operation": "getName"}},
		{"subscribe", obj{"object": e, "type": "Error"}},
		{"create", obj{"type": "WebRtcEndpoint", "constructorParams": obj{"mediaPipeline": p}}},
	} {
		b.refuse(codeNotFound, x.method, x.params)
	}
	b.must("release", obj{"object": p}) // as if it were not there
	a.must("describe", obj{"object": p})
	if list := b.invoke(managerID, "getPipelines", nil).([]any); len(list) != 0 {
		t.Errorf("the other sees %v", list)
	}
	if list := b.invoke(managerID, "getSessions", nil).([]any); len(list) != 1 {
		t.Errorf("the other sees the sessions %v", list)
	}
	own := b.call("describe", obj{"object": managerID}).Result["sessionId"]
	for _, id := range []string{"made up", newID()} { // none but the server's own
		if m := b.call("describe", obj{"object": managerID, "sessionId": id}); m.Result["sessionId"] != own {
			t.Errorf("with a session it was not given: %s", m.raw)
		}
		b.refuse(codeSession, "connect", obj{"sessionId": id})
		b.refuse(codeSession, "keepAlive", obj{"sessionId": id})
	}
	q := b.pipeline()
	if ev := b.event("ObjectCreated"); ev.Params.Value.Data["object"] != q {
		t.Errorf("the other heard of %s", ev.raw)
	}
	mine := b.endpoint(q)
	b.refuse(codeNotFound, "invoke", obj{"object": mine, "operation": "connect", "operationParams": obj{"sink": e}})
}

func TestLimits(t *testing.T) {
	r := newRig(t, Config{MaxObjects: 3, MaxMessage: 4096, MaxSessions: 2})
	c := r.dial()
	p := c.pipeline()
	e := c.endpoint(p)
	c.endpoint(p)
	c.refuse(codeResources, "create", obj{"type": "MediaPipeline"})
	c.must("release", obj{"object": e})
	c.endpoint(p)
	for range maxSubscriptions {
		c.subscribe(p, "Error")
	}
	c.refuse(codeResources, "subscribe", obj{"object": p, "type": "Error"})
	for i := range maxTags {
		c.invoke(p, "addTag", obj{"key": fmt.Sprint(i), "value": ""})
	}
	c.refuse(codeResources, "invoke", obj{"object": p, "operation": "addTag", "operationParams": obj{"key": "one more", "value": ""}})
	c.must("describe", obj{"object": managerID, "sessionId": "a second"})
	c.refuse(codeResources, "describe", obj{"object": managerID, "sessionId": "a third"})

	big := r.dial()
	big.write(`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", 5000) + `"}`)
	if _, _, err := big.ws.ReadMessage(); err == nil {
		t.Error("a message that is too long was answered")
	}
	c.must("describe", obj{"object": managerID, "sessionId": "a second"}) // the others go on
}

// TestMediaLimits: what the pipeline has no room for is told by number.
func TestMediaLimits(t *testing.T) {
	r := newMediaRig(t, Config{}, pipeline.Config{MaxPipelines: 1, MaxElements: 1})
	c := r.dial()
	p := c.pipeline()
	c.endpoint(p)
	c.refuse(codeResources, "create", obj{"type": "MediaPipeline"})
	c.refuse(codeResources, "create", obj{"type": "WebRtcEndpoint", "constructorParams": obj{"mediaPipeline": p}})
}
