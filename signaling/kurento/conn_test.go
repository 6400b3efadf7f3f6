package kurento

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestMailbox(t *testing.T) {
	b := newMailbox(3, 100)
	for i := range 3 {
		if !b.offer(letter{text: []byte{byte(i)}}) {
			t.Fatalf("no room for message %d", i)
		}
	}
	if b.offer(letter{}) {
		t.Error("a fourth found room")
	}
	for i := range 3 {
		if m, ok := b.take(); !ok || m.text[0] != byte(i) {
			t.Errorf("%v in the place of %d", m.text, i)
		}
	}
	if m, ok := b.take(); ok {
		t.Errorf("an empty one gave %v", m.text)
	}
	if !b.offer(letter{text: make([]byte, 1000)}) || b.offer(letter{}) {
		t.Error("one that is large goes in alone")
	}
	// Whoever waits gets room, and nothing is lost or turned round.
	b.take()
	gone := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 1000 {
			b.put(letter{text: fmt.Append(nil, i)}, gone)
		}
	})
	for i := 0; i < 1000; {
		<-b.filled
		if m, ok := b.take(); ok {
			if string(m.text) != fmt.Sprint(i) {
				t.Fatalf("%s in the place of %d", m.text, i)
			}
			i++
		}
	}
	wg.Wait()
	for b.offer(letter{}) {
	}
	close(gone)
	b.put(letter{}, gone) // waits no more
}

// TestFrames: binary frames are taken, answers are text; one message may come
// in several frames.
func TestFrames(t *testing.T) {
	c := newRig(t, Config{}).dial()
	if err := c.ws.WriteMessage(websocket.BinaryMessage, []byte(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	kind, text, err := c.ws.ReadMessage()
	if err != nil || kind != websocket.TextMessage || string(text) != `{"jsonrpc":"2.0","id":1,"result":{"value":"pong"}}` {
		t.Errorf("answered %d %s, %v", kind, text, err)
	}
	w, err := c.ws.NextWriter(websocket.TextMessage)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range bytes.SplitAfter([]byte(`{"jsonrpc":"2.0","id":"`+strings.Repeat("x", 900)+`","method":"ping","x":"`+strings.Repeat("y", 9000)+`"}`), []byte(",")) {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if m := c.answer(); len(m.ID) != 902 || m.Error != nil {
		t.Errorf("answered %s", m.raw)
	}
}

// TestGoodbye: what was asked before the connection was closed in order is
// done, though nobody hears the answer.
func TestGoodbye(t *testing.T) {
	r := newRig(t, Config{})
	c := r.dial()
	p := c.pipeline()
	c.send("invoke", obj{"object": managerID, "operation": "getUsedCpu", "operationParams": obj{"interval": 100}})
	c.send("release", obj{"object": p})
	if err := c.ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")); err != nil {
		t.Fatal(err)
	}
	r.detached()
	if n := r.s.Stats().Objects; n != 0 {
		t.Errorf("%d objects are left", n)
	}
}

// TestManyEvents: an answer and more events than anything of them has room
// for elsewhere come whole, in order, the answer first.
func TestManyEvents(t *testing.T) {
	c := newRig(t, Config{}).dial()
	c.subscribe(managerID, "ObjectCreated")
	c.subscribe(managerID, "ObjectDestroyed")
	ops := []obj{op(0, "create", obj{"type": "MediaPipeline"})}
	for i := 1; i < maxOperations; i++ {
		ops = append(ops, op(i, "create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": "newref:0"}}))
		if i++; i < maxOperations {
			ops = append(ops, op(i, "subscribe", obj{"object": fmt.Sprintf("newref:%d", i-1), "type": "ElementConnected"}))
		}
		if i++; i < maxOperations {
			ops = append(ops, op(i, "invoke", obj{"object": fmt.Sprintf("newref:%d", i-2), "operation": "connect", "operationParams": obj{"sink": fmt.Sprintf("newref:%d", i-2)}}))
		}
	}
	c.send("transaction", obj{"operations": ops})
	m := c.read()
	if m.Method != "" || m.Error != nil {
		t.Fatalf("first came %.300s", m.raw)
	}
	list := m.Result["value"].([]any)
	if len(list) != maxOperations {
		t.Fatalf("%d answers", len(list))
	}
	made := map[any]bool{}
	for _, a := range list {
		if a.(obj)["error"] != nil {
			t.Fatalf("%v", a)
		}
		made[a.(obj)["result"].(obj)["value"]] = true
	}
	created, connected := 0, 0
	for created < 334 || connected < 3*333 {
		ev := c.read().Params.Value
		switch ev.Type {
		case "ObjectCreated":
			created++
			if !made[ev.Data["object"]] {
				t.Fatalf("%v is not in the answer", ev.Data)
			}
		case "ElementConnected":
			connected++
			if !made[ev.Object] {
				t.Fatalf("%v is not in the answer", ev.Object)
			}
		default:
			t.Fatalf("%+v", ev)
		}
	}
	// And thousands at once by one release.
	c.send("release", obj{"object": list[0].(obj)["result"].(obj)["value"]})
	for range 334 {
		c.event("ObjectDestroyed")
	}
	if m := c.answer(); m.Error != nil {
		t.Errorf("answered %s", m.raw)
	}
}

// TestTooManyEvents: whoever makes more events than are held is cut, hears
// none of them, and finds its answer when it comes back.
func TestTooManyEvents(t *testing.T) {
	r := newRig(t, Config{})
	c := r.dial()
	id := c.connect("")
	p := c.pipeline()
	m := &making{sess: r.session(id)}
	r.s.mu.Lock()
	for cc := range r.s.conns {
		m.c = cc
	}
	m.objects = []*object{r.s.objects[p]}
	r.s.objects[p].maker = m
	r.s.mu.Unlock()
	c.subscribe(p, "Error")
	for range outboxLength + 2 {
		r.s.trouble(r.object(p), codeUnexpected, "UNEXPECTED_PIPELINE_ERROR", "of the test")
	}
	if _, text, err := c.ws.ReadMessage(); err == nil {
		t.Errorf("it heard %.200s", text)
	}
	r.detached()
	r.s.told(m)
	again := r.dial()
	again.connect(id)
	again.must("describe", obj{"object": p})
	r.s.trouble(r.object(p), codeUnexpected, "UNEXPECTED_PIPELINE_ERROR", "of the test")
	again.event("Error")
}

func (r *rig) session(id string) *session {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.s.sessions[id]
}

func (r *rig) object(id string) *object {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.s.objects[id]
}

// TestOthersEventsPass: while a transaction of a session is at work, events
// of what the session knows are not held up.
func TestOthersEventsPass(t *testing.T) {
	r := newRig(t, Config{})
	c, other := r.dial(), r.dial()
	e := c.mustText("create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": c.pipeline()}})
	c.subscribe(e, "ElementConnected")
	c.send("transaction", obj{"operations": []obj{
		op(0, "invoke", obj{"object": managerID, "operation": "getUsedCpu", "operationParams": obj{"interval": 59000}})}})
	other.invoke(e, "connect", obj{"sink": e, "mediaType": "VIDEO"})
	if m := c.read(); m.Params.Value.Type != "ElementConnected" {
		t.Errorf("first came %s", m.raw)
	}
}

// TestMemoryIsBounded: an answer that is still to come keeps none of those
// that are due to be forgotten.
func TestMemoryIsBounded(t *testing.T) {
	r := newRig(t, Config{})
	slow, c := r.dial(), r.dial()
	id := c.connect("")
	slow.next = 100000
	slow.send("invoke", obj{"sessionId": id, "object": managerID, "operation": "getUsedCpu", "operationParams": obj{"interval": 59000}})
	eventually(t, "it is at work", func() bool {
		r.s.mu.Lock()
		defer r.s.mu.Unlock()
		return r.s.sessions[id].memory["100000"] != nil
	})
	for range memoryEntries + 500 {
		c.must("describe", obj{"object": managerID, "sessionId": id})
	}
	for range 200 { // some 50 KiB each
		c.must("invoke", obj{"object": managerID, "operation": "getKmd", "operationParams": obj{"moduleName": "core"}, "sessionId": id})
	}
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	sess := r.s.sessions[id]
	if n := len(sess.memory); n > memoryEntries+2 || n != len(sess.order) || sess.bytes > memoryBytes+memoryBytes/4 || sess.order[0] != "100000" {
		t.Errorf("%d answers, %d keys, %d bytes, first %s", n, len(sess.order), sess.bytes, sess.order[0])
	}
}

// TestWorkIsNotCollected: a session whose first request takes longer than the
// collector waits is there when the answer comes.
func TestWorkIsNotCollected(t *testing.T) {
	r := newRig(t, Config{CollectPeriod: time.Hour})
	c := r.dial()
	c.send("invoke", obj{"object": managerID, "operation": "getUsedCpu", "operationParams": obj{"interval": 59000}})
	eventually(t, "it is at work", func() bool { return r.s.Stats().Sessions == 1 })
	for range 3 {
		r.s.sweep()
	}
	if n := r.s.Stats().Sessions; n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// TestLateAnswer: a session that was moved while its first connection was at
// work stays where it is, though that one answers later.
func TestLateAnswer(t *testing.T) {
	r := newRig(t, Config{})
	a, b := r.dial(), r.dial()
	id := a.connect("")
	e := a.mustText("create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": a.pipeline()}})
	a.subscribe(e, "ElementConnected")
	a.send("invoke", obj{"object": managerID, "operation": "getUsedCpu", "operationParams": obj{"interval": 300}, "sessionId": id})
	a.send("invoke", obj{"object": e, "operation": "getName", "sessionId": id})
	eventually(t, "both have come", func() bool { return r.s.arrivals.Load() == 6 })
	b.next = 1000
	b.connect(id)
	a.answer()
	a.answer()
	other := r.dial()
	other.invoke(e, "connect", obj{"sink": e, "mediaType": "VIDEO"})
	b.event("ElementConnected")
	if len(a.events) != 0 {
		t.Errorf("the first heard %v", a.events)
	}
	a.must("describe", obj{"object": e, "sessionId": id}) // what comes now takes it back
	other.invoke(e, "connect", obj{"sink": e, "mediaType": "AUDIO"})
	a.event("ElementConnected")
}
