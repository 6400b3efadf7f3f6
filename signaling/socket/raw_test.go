package socket

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kelas/signaling/wire"
)

// raw is a client that speaks the protocols by hand, so that a test sees
// every byte of both directions.
type raw struct {
	t   testing.TB
	rev revision
	ws  *websocket.Conn
	sid string // of OPEN

	frames chan string
	done   chan struct{}
	end    error // why reading ended; after done

	mu     sync.Mutex
	nextID int
}

type dialOptions struct {
	rev    revision
	token  string // in the query for rev3, in CONNECT for rev4
	class  string // "" is the rig's
	name   string
	header http.Header
	query  url.Values // added
	dialer *websocket.Dialer
	silent bool // do not send CONNECT
}

// dial opens a websocket; it does not wait for anything.
func (r *rig) dial(o dialOptions) *raw {
	r.t.Helper()
	c, resp, err := r.tryDial(o)
	if err != nil {
		body := ""
		if resp != nil {
			b, _ := io.ReadAll(resp.Body)
			body = fmt.Sprintf("%d %s", resp.StatusCode, b)
		}
		r.t.Fatalf("dial: %v %s", err, body)
	}
	return c
}

func (r *rig) tryDial(o dialOptions) (*raw, *http.Response, error) {
	if o.rev == 0 {
		o.rev = rev4
	}
	if o.class == "" {
		o.class = r.classID
	}
	if o.dialer == nil {
		o.dialer = &websocket.Dialer{HandshakeTimeout: patience}
	}
	q := url.Values{"EIO": {fmt.Sprint(int(o.rev))}, "transport": {"websocket"}, "class": {o.class}}
	if o.rev == rev3 {
		q.Set("token", o.token)
		q.Set("name", o.name)
	}
	for k, v := range o.query {
		q[k] = v
	}
	ws, resp, err := o.dialer.Dial("ws"+strings.TrimPrefix(r.http.URL, "http")+"/socket.io/?"+q.Encode(), o.header)
	if err != nil {
		return nil, resp, err
	}
	c := &raw{t: r.t, rev: o.rev, ws: ws, frames: make(chan string, 4096), done: make(chan struct{})}
	go c.readLoop()
	r.t.Cleanup(c.close)
	if o.rev == rev4 && !o.silent {
		// One that is turned away at once may hear so before it has asked.
		_ = c.write("40" + string(mustJSON(wire.Handshake{Class: o.class, Token: o.token, Name: o.name})))
	}
	return c, resp, nil
}

func (c *raw) readLoop() {
	defer close(c.done)
	for {
		_, p, err := c.ws.ReadMessage()
		if err != nil {
			c.end = err
			return
		}
		if string(p) == "2" && c.rev == rev4 {
			_ = c.write("3")
			continue
		}
		select {
		case c.frames <- string(p):
		default:
			c.end = errors.New("the test does not read its frames")
			return
		}
	}
}

func (c *raw) close() {
	_ = c.ws.Close()
	<-c.done
}

func (c *raw) write(frame string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ws.WriteMessage(websocket.TextMessage, []byte(frame))
}

func (c *raw) send(frame string) {
	c.t.Helper()
	if err := c.write(frame); err != nil {
		c.t.Fatalf("send %.60q: %v", frame, err)
	}
}

// frame returns the next frame.
func (c *raw) frame() string {
	c.t.Helper()
	select {
	case f := <-c.frames:
		return f
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case f := <-c.frames:
		return f
	case <-c.done:
		select {
		case f := <-c.frames:
			return f
		default:
		}
		c.t.Fatalf("the connection ended: %v", c.end)
	case <-timer.C:
		c.t.Fatal("no frame came")
	}
	return ""
}

// until skips frames up to one with the prefix and returns the rest of it.
func (c *raw) until(prefix string) string {
	c.t.Helper()
	for {
		if rest, ok := strings.CutPrefix(c.frame(), prefix); ok {
			return rest
		}
	}
}

// open reads OPEN.
func (c *raw) open() {
	c.t.Helper()
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(c.until("0")), &open); err != nil || open.SID == "" {
		c.t.Fatalf("OPEN without a sid: %v", err)
	}
	c.sid = open.SID
}

// connect waits until the class's door is open.
func (c *raw) connect() *raw {
	c.t.Helper()
	c.open()
	rest := c.frame()
	if !strings.HasPrefix(rest, "40") || (c.rev == rev3) != (rest == "40") {
		c.t.Fatalf("not connected: %q", rest)
	}
	return c
}

// closed waits for the end and returns the websocket's close code.
func (c *raw) closed() int {
	c.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
		c.t.Fatal("the connection goes on")
	}
	var ce *websocket.CloseError
	if errors.As(c.end, &ce) {
		return ce.Code
	}
	return 0
}

// emit sends an event without asking for an acknowledgement.
func (c *raw) emit(event string, body any) {
	c.t.Helper()
	c.send("42" + string(mustJSON([]any{event, body})))
}

// request sends an event and returns the id of its acknowledgement.
func (c *raw) request(event string, body any) int {
	c.t.Helper()
	c.mu.Lock()
	id := c.nextID
	c.nextID++
	c.mu.Unlock()
	c.send(fmt.Sprintf("42%d%s", id, mustJSON([]any{event, body})))
	return id
}

// ack waits for an acknowledgement and reads it into v.
func (c *raw) ack(id int, v any) {
	c.t.Helper()
	rest := c.until(fmt.Sprintf("43%d[", id))
	if err := json.Unmarshal([]byte(strings.TrimSuffix(rest, "]")), v); err != nil {
		c.t.Fatalf("ack %d: %v: %s", id, err, rest)
	}
}

// ask sends an event and reads its acknowledgement.
func (c *raw) ask(event string, body, v any) {
	c.t.Helper()
	c.ack(c.request(event, body), v)
}

// must asks and expects yes.
func (c *raw) must(event string, body any) {
	c.t.Helper()
	var a wire.Ack
	c.ask(event, body, &a)
	if !a.OK {
		c.t.Fatalf("%s: %+v", event, a.Error)
	}
}

// refusedWith asks and expects no, with a code.
func (c *raw) refusedWith(code, event string, body any) wire.Fault {
	c.t.Helper()
	var a wire.Ack
	c.ask(event, body, &a)
	if a.OK || a.Error == nil || a.Error.Code != code {
		c.t.Fatalf("%s: want the error %s, got %+v %+v", event, code, a, a.Error)
	}
	return *a.Error
}

// event waits for an event and reads its body into v.
func (c *raw) event(name string, v any) {
	c.t.Helper()
	rest := c.until(fmt.Sprintf("42[%q,", name))
	if err := json.Unmarshal([]byte(strings.TrimSuffix(rest, "]")), v); err != nil {
		c.t.Fatalf("event %s: %v: %s", name, err, rest)
	}
}

// join joins and returns the picture.
func (c *raw) join(req wire.JoinRequest) wire.JoinedEvent {
	c.t.Helper()
	c.emit(wire.Join, req)
	var j wire.JoinedEvent
	c.event(wire.Joined, &j)
	return j
}

// come dials, connects and joins.
func (r *rig) come(rev revision, token string) (*raw, wire.JoinedEvent) {
	r.t.Helper()
	c := r.dial(dialOptions{rev: rev, token: token}).connect()
	return c, c.join(wire.JoinRequest{})
}

// revisions runs a test for clients of both revisions.
func revisions(t *testing.T, f func(t *testing.T, rev revision)) {
	for _, rev := range []revision{rev3, rev4} {
		t.Run(fmt.Sprintf("EIO%d", rev), func(t *testing.T) { f(t, rev) })
	}
}
