package kurento

import (
	"crypto/tls"
	"encoding/json"
	"net/netip"
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

	requests *mailbox
	out      *mailbox
	ended    chan struct{} // closed when the other end has said good-bye
	shutting chan struct{} // closed by shut
	dead     chan struct{} // closed by abort

	making *making // the request that is being worked on, if it may make objects; of work alone

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
		requests: newMailbox(queueLength, s.cfg.MaxMessage), out: newMailbox(outboxLength, outboxBytes),
		ended: make(chan struct{}), shutting: make(chan struct{}), dead: make(chan struct{}), sessions: map[*session]struct{}{}}
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
	worked := make(chan struct{})
	wg.Go(func() {
		defer close(worked)
		c.work()
	})
	if c.read() {
		close(c.ended)
		<-worked // to the end of what was asked
	}
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

// abort ends it at once and never blocks: of TLS the connection below is
// closed, since TLS itself would write a farewell first.
func (c *conn) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isDead {
		return
	}
	c.isDead = true
	close(c.dead)
	below := c.ws.NetConn()
	if secure, ok := below.(*tls.Conn); ok {
		below = secure.NetConn()
	}
	_ = below.Close() // the peer learns of it by that
}

// read queues what comes, and reports whether the other end closed the
// connection in order: what it has asked for until then it does not repeat.
func (c *conn) read() (inOrder bool) {
	alive := func() { _ = c.ws.SetReadDeadline(time.Now().Add(silence)) }
	c.ws.SetPongHandler(func(string) error { alive(); return nil })
	for {
		alive()
		kind, msg, err := c.ws.ReadMessage()
		if err != nil {
			return websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived)
		}
		if kind == websocket.TextMessage || kind == websocket.BinaryMessage {
			c.requests.put(letter{msg, c.s.arrivals.Add(1)}, c.dead)
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
		case <-c.out.filled:
			if m, ok := c.out.take(); ok {
				err = c.writeText(m.text)
			}
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
	for m, ok := c.out.take(); ok; m, ok = c.out.take() {
		if c.writeText(m.text) != nil {
			return
		}
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
	if !c.out.offer(letter{text: m}) {
		c.abort()
	}
}

// send queues an answer, and waits while there is no room.
func (c *conn) send(m []byte) { c.out.put(letter{text: m}, c.dead) }

// work handles one request after the other. A connection that was lost leaves
// what was not begun, since a client that comes back asks again; one that was
// closed in order has it done.
func (c *conn) work() {
	for {
		if c.stopped() {
			return
		}
		if msg, ok := c.requests.take(); ok {
			c.handle(msg)
			continue
		}
		select {
		case <-c.requests.filled:
		case <-c.ended:
			if msg, ok := c.requests.take(); ok { // which came just before
				c.handle(msg)
				continue
			}
			return
		case <-c.dead:
		case <-c.shutting:
		}
	}
}

// stopped reports whether nothing more is to be worked on.
func (c *conn) stopped() bool {
	select {
	case <-c.shutting:
		return true
	case <-c.ended:
		return false
	default:
	}
	select {
	case <-c.dead:
		return true
	default:
		return false
	}
}

func (c *conn) handle(msg letter) {
	r, refused := readRequest(msg.text)
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
		if m, mine = c.s.recall(sess, r.id, r.params["sessionId"] == sess.id); !mine {
			c.repeat(sess, m, msg.at)
			return
		}
	}
	if sess != nil && (r.method == "create" || r.method == "transaction") {
		c.making = &making{sess: sess, c: c}
	}
	raw := encode(c.s.dispatch(c, sess, r, 0))
	if sess == nil {
		if r.id != nil {
			c.send(raw)
		}
		return
	}
	c.s.remember(sess, m, raw)
	c.s.attach(sess, c, msg.at)
	if r.id != nil {
		c.send(raw)
	}
	if c.making != nil {
		c.s.told(c.making)
		c.making = nil
	}
}

// repeat answers a request that was sent again, once the first is done.
func (c *conn) repeat(sess *session, m *memo, at uint64) {
	select {
	case <-m.done:
		c.s.attach(sess, c, at)
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
