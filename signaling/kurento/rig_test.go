package kurento

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"kelas/pipeline"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is one that the test turns.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is a whole server behind a real listener.
type rig struct {
	t   testing.TB
	s   *Server
	url string
}

func newRig(t testing.TB, cfg Config) *rig {
	t.Helper()
	return newMediaRig(t, cfg, pipeline.Config{})
}

func newMediaRig(t testing.TB, cfg Config, mediaCfg pipeline.Config) *rig {
	t.Helper()
	media, err := pipeline.NewServer(mediaCfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Media = media
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Listener())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("closing: %v", err)
		}
		web.Close()
		if err := media.Close(); err != nil {
			t.Errorf("closing the media: %v", err)
		}
	})
	return &rig{t, s, "ws" + strings.TrimPrefix(web.URL, "http") + Path}
}

// client is one connection that says what a test tells it to.
type client struct {
	t      testing.TB
	ws     *websocket.Conn
	next   int
	events []message // that came while an answer was awaited
}

type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Result map[string]any  `json:"result"`
	Error  *struct {
		Code    int
		Message string
		Data    struct{ Type string }
	} `json:"error"`
	Params struct {
		Value struct {
			Object, Type string
			Data         map[string]any
		}
	} `json:"params"`
	raw string
}

func (r *rig) dial() *client {
	r.t.Helper()
	ws, res, err := websocket.DefaultDialer.Dial(r.url, nil)
	if err != nil {
		r.t.Fatalf("dialling: %v", err)
	}
	_ = res.Body.Close()
	c := &client{t: r.t, ws: ws}
	r.t.Cleanup(c.close)
	return c
}

func (c *client) close() { _ = c.ws.Close() }

func (c *client) write(text string) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatalf("writing: %v", err)
	}
}

func (c *client) read() message {
	c.t.Helper()
	_ = c.ws.SetReadDeadline(time.Now().Add(patience))
	_, text, err := c.ws.ReadMessage()
	if err != nil {
		c.t.Fatalf("reading: %v", err)
	}
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		c.t.Fatalf("reading %s: %v", text, err)
	}
	m.raw = string(text)
	return m
}

// answer reads up to the next answer; events on the way are kept.
func (c *client) answer() message {
	c.t.Helper()
	for {
		m := c.read()
		if m.Method == "" {
			return m
		}
		c.events = append(c.events, m)
	}
}

// event waits for the next event of that type.
func (c *client) event(typ string) message {
	c.t.Helper()
	for i, m := range c.events {
		if m.Params.Value.Type == typ {
			c.events = append(c.events[:i:i], c.events[i+1:]...)
			return m
		}
	}
	for {
		m := c.read()
		if m.Method == "onEvent" && m.Params.Value.Type == typ {
			return m
		}
		if m.Method == "" {
			c.t.Fatalf("an answer instead of the event %s: %s", typ, m.raw)
		}
		c.events = append(c.events, m)
	}
}

type obj = map[string]any

// send makes a request of the next id.
func (c *client) send(method string, params any) int {
	c.t.Helper()
	id := c.next
	c.next++
	req := obj{"jsonrpc": "2.0", "id": id, "method": method}
	if params != nil {
		req["params"] = params
	}
	text, err := json.Marshal(req)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(string(text))
	return id
}

func (c *client) call(method string, params any) message {
	c.t.Helper()
	c.send(method, params)
	return c.answer()
}

// must is a call that succeeds; it returns result.value.
func (c *client) must(method string, params any) any {
	c.t.Helper()
	m := c.call(method, params)
	if m.Error != nil || m.Result == nil {
		c.t.Fatalf("%s: %s", method, m.raw)
	}
	return m.Result["value"]
}

func (c *client) mustText(method string, params any) string {
	c.t.Helper()
	s, ok := c.must(method, params).(string)
	if !ok {
		c.t.Fatalf("%s: the value is no text", method)
	}
	return s
}

// refuse is a call that fails with that code.
func (c *client) refuse(code int, method string, params any) message {
	c.t.Helper()
	m := c.call(method, params)
	if m.Error == nil || m.Error.Code != code || m.Result != nil {
		c.t.Fatalf("%s %v: %s; want the error %d", method, params, m.raw, code)
	}
	if m.Error.Data.Type != typeOf[code] {
		c.t.Errorf("%s: data.type %q, want %q", method, m.Error.Data.Type, typeOf[code])
	}
	return m
}

func (c *client) pipeline() string {
	c.t.Helper()
	return c.mustText("create", obj{"type": "MediaPipeline", "constructorParams": obj{}, "properties": obj{}})
}

func (c *client) endpoint(p string) string {
	c.t.Helper()
	return c.mustText("create", obj{"type": "WebRtcEndpoint", "constructorParams": obj{"mediaPipeline": p}, "properties": obj{}})
}

func (c *client) create(typ string, params obj) string {
	c.t.Helper()
	return c.mustText("create", obj{"type": typ, "constructorParams": params})
}

func (c *client) invoke(object, operation string, params any) any {
	c.t.Helper()
	p := obj{"object": object, "operation": operation}
	if params != nil {
		p["operationParams"] = params
	}
	return c.must("invoke", p)
}

func (c *client) subscribe(object, typ string) string {
	c.t.Helper()
	return c.mustText("subscribe", obj{"object": object, "type": typ})
}
