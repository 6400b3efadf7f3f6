package kurento

import (
	"encoding/json"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	pingEvery = 30 * time.Second
	// silence ends a connection whose other end answers no ping any more; an
	// application that is busy for a while is not cut.
	silence = 2 * time.Minute
	linger  = time.Second
)

// conn is one websocket with three goroutines: one reads, one works, one
// writes. run returns when all have ended.
type conn struct {
	s    *Server
	ws   *websocket.Conn
	addr netip.Prefix

	requests chan []byte
	out      chan []byte
	shutting chan struct{} // closed by shut
	dead     chan struct{} // closed by abort

	mu     sync.Mutex
	isShut bool
	isDead bool
	code   int
	reason string

	// Guarded by Server.mu.
	gone     bool
	session  *session // of the latest answer
	sessions map[*session]struct{}
}

func newConn(s *Server, ws *websocket.Conn, addr netip.Prefix) *conn {
	ws.SetReadLimit(int64(s.cfg.MaxMessage))
	return &conn{s: s, ws: ws, addr: addr,
		requests: make(chan []byte, queueLength), out: make(chan []byte, outboxLength),
		shutting: make(chan struct{}), dead: make(chan struct{}), sessions: map[*session]struct{}{}}
}

func (c *conn) run() {
	s := c.s
	s.mu.Lock()
	if s.closed {
		s.leaveLocked(c.addr, func(a *address) { a.conns-- })
		s.mu.Unlock()
		c.abort()
		return
	}
	s.conns[c] = struct{}{}
	s.wg.Add(1) // under mu: Close waits only after closed is set
	s.mu.Unlock()
	defer s.wg.Done()

	var wg sync.WaitGroup
	wg.Go(c.write)
	wg.Go(c.work)
	c.read()
	c.abort()
	wg.Wait()

	s.mu.Lock()
	defer s.mu.Unlock()
	c.gone = true
	for sess := range c.sessions {
		sess.conn = nil
	}
	delete(s.conns, c)
	s.leaveLocked(c.addr, func(a *address) { a.conns-- })
}

// shut ends the connection once what is queued has been written.
func (c *conn) shut(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isShut {
		c.isShut, c.code, c.reason = true, code, reason
		close(c.shutting)
	}
}

// abort ends it at once and never blocks.
func (c *conn) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isDead {
		c.isDead = true
		close(c.dead)
		_ = c.ws.NetConn().Close() // the peer learns of it by that
	}
}

func (c *conn) read() {
	defer close(c.requests)
	alive := func() { _ = c.ws.SetReadDeadline(time.Now().Add(silence)) }
	c.ws.SetPongHandler(func(string) error { alive(); return nil })
	for {
		alive()
		kind, msg, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		if kind != websocket.TextMessage && kind != websocket.BinaryMessage {
			continue
		}
		select {
		case c.requests <- msg:
		case <-c.dead:
			return
		}
	}
}

func (c *conn) write() {
	defer c.abort()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-c.dead:
			return
		case <-c.shutting:
			c.goodbye()
			return
		case m := <-c.out:
			err = c.writeText(m)
		case <-ping.C:
			err = c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout))
		}
		if err != nil {
			return
		}
	}
}

func (c *conn) writeText(m []byte) error {
	_ = c.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.ws.WriteMessage(websocket.TextMessage, m)
}

// goodbye writes what is queued and the close frame, and gives the other end
// a moment to read them before the connection is cut.
func (c *conn) goodbye() {
	for {
		select {
		case m := <-c.out:
			if c.writeText(m) != nil {
				return
			}
			continue
		default:
		}
		break
	}
	c.mu.Lock()
	text := websocket.FormatCloseMessage(c.code, c.reason)
	c.mu.Unlock()
	if c.ws.WriteControl(websocket.CloseMessage, text, time.Now().Add(linger)) != nil {
		return
	}
	select {
	case <-c.dead:
	case <-time.After(linger):
	}
}

// push queues a message without waiting; it is for events. A client that does
// not read is cut: its session stays and can be resumed.
func (c *conn) push(m []byte) {
	select {
	case c.out <- m:
	default:
		c.abort()
	}
}

// send queues an answer, and waits while there is no room.
func (c *conn) send(m []byte) {
	select {
	case c.out <- m:
	case <-c.dead:
	}
}

func (c *conn) work() {
	for msg := range c.requests {
		select {
		case <-c.dead: // a client that comes back asks again
			return
		case <-c.shutting:
			return
		default:
			c.handle(msg)
		}
	}
}

func (c *conn) handle(msg []byte) {
	r, refused := readRequest(msg)
	if refused != nil {
		c.sendAnswer(*refused)
		return
	}
	if r == nil {
		return
	}
	sess, err := c.s.enterSession(c, r)
	if err != nil {
		if r.id != nil {
			c.sendAnswer(failed(r.id, asError(err)))
		}
		return
	}
	var m *memo
	if sess != nil {
		var mine bool
		if m, mine = c.s.recall(sess, r.id, r.params["sessionId"] != nil); !mine {
			c.repeat(sess, m)
			return
		}
	}
	// What is made here must be known to the client before it speaks.
	making := sess != nil && (r.method == "create" || r.method == "transaction")
	if making {
		c.s.hold(sess)
	}
	raw := c.s.perform(c, sess, r)
	if sess == nil {
		if r.id != nil {
			c.send(raw)
		}
		return
	}
	c.s.remember(sess, m, raw)
	c.s.attach(sess, c)
	if r.id != nil {
		c.send(raw)
	}
	if making {
		c.s.letGo(sess)
	}
}

// repeat answers a request that was sent again, once the first is done.
func (c *conn) repeat(sess *session, m *memo) {
	select {
	case <-m.done:
		c.s.attach(sess, c)
		c.send(m.raw)
	case <-c.dead:
	}
}

func (c *conn) sendAnswer(a answer) { c.send(encode(a)) }

// encode cannot fail: an answer consists of what JSON has.
func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		raw, _ = json.Marshal(failed(nil, &Error{Code: codeInternal, Message: "Internal error"}))
	}
	return raw
}

// perform runs one request. A panic fails that request alone.
func (s *Server) perform(c *conn, sess *session, r *request) (raw []byte) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic in a Kurento request", "method", clip(r.method), "panic", p, "stack", string(debug.Stack()))
			raw = encode(failed(r.id, fail(codeInternal, "Internal error")))
		}
	}()
	return encode(s.dispatch(c, sess, r, 0))
}
