package socket

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"kelas/signaling/fault"
	"kelas/signaling/wire"
)

// Close codes of RFC 6455 section 7.4.1.
const (
	closeNormal      = websocket.CloseNormalClosure
	closeGoingAway   = websocket.CloseGoingAway
	closeProtocol    = websocket.CloseProtocolError
	closeUnsupported = websocket.CloseUnsupportedData
	closeNotText     = websocket.CloseInvalidFramePayloadData
	closePolicy      = websocket.ClosePolicyViolation
	closeTooBig      = websocket.CloseMessageTooBig
	closeInternal    = websocket.CloseInternalServerErr
)

const (
	// queueLength is short: what waits for a slow client waits in its outbox,
	// where events are shared with the others.
	queueLength = 16
	// linger is how long a closed connection may go on being read, so that
	// what was said last is not lost to a TCP reset (RFC 9112 section 9.6
	// has the reason), and how much.
	linger      = time.Second
	lingerBytes = 16 << 20
	maxPing     = 125
)

var errShut = errors.New("the connection is being closed")

// conn is one websocket. Whoever reads it (first the handshake, then the
// library) does so from one goroutine; everything that is written goes
// through queue to writeLoop, which owns the websocket's end.
type conn struct {
	ws       *websocket.Conn
	rev      revision
	id       string // told to the client; opens no door
	cfg      *Config
	counters *counters
	request  *http.Request // of the handshake

	opened  bool    // OPEN was sent; for the handshake alone
	visitor visitor // by the handshake, before the library sees conn

	events  *rate.Limiter
	strikes *rate.Limiter // throttled messages that are still answered

	queue    chan []byte
	shutting chan struct{} // closed by shut
	dead     chan struct{} // closed by abort
	readEnd  chan struct{} // closed when nothing is read any more

	mu       sync.Mutex
	isShut   bool
	isDead   bool
	readOver bool
	bye      goodbye // set before shutting is closed
}

func newConn(ws *websocket.Conn, rev revision, id string, r *http.Request, cfg *Config, n *counters) *conn {
	c := &conn{
		ws: ws, rev: rev, id: id, request: r, cfg: cfg, counters: n,
		events:   rate.NewLimiter(rate.Limit(cfg.EventsPerSecond), cfg.EventsBurst),
		strikes:  rate.NewLimiter(rate.Limit(cfg.EventsPerSecond), cfg.EventsBurst),
		queue:    make(chan []byte, queueLength),
		shutting: make(chan struct{}),
		dead:     make(chan struct{}),
		readEnd:  make(chan struct{}),
	}
	ws.SetPingHandler(c.pong)
	return c
}

// pong answers a websocket ping; a flood of them counts as one of messages.
func (c *conn) pong(data string) error {
	if !c.events.Allow() && !c.strikes.Allow() {
		c.counters.throttled.Add(1)
		return fault.ErrTooFast
	}
	err := c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(linger))
	if errors.Is(err, websocket.ErrCloseSent) {
		return nil
	}
	return err
}

// send queues a packet, Engine.IO type byte first. It waits while the queue
// is full, which is never longer than WriteTimeout for each packet before it,
// since then the connection is cut.
func (c *conn) send(p []byte) error {
	select {
	case <-c.shutting:
		return errShut
	default:
	}
	select {
	case c.queue <- p:
		return nil
	case <-c.shutting:
		return errShut
	case <-c.dead:
		return net.ErrClosed
	}
}

// shut ends the connection once what is queued has been written.
func (c *conn) shut(b goodbye) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isShut {
		c.isShut, c.bye = true, b
		close(c.shutting)
	}
}

// abort ends the connection at once and never blocks: it closes the TCP
// connection beneath TLS, whose own Close may wait for a stalled peer.
func (c *conn) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isDead {
		return
	}
	c.isDead = true
	close(c.dead)
	raw := c.ws.NetConn()
	if t, ok := raw.(interface{ NetConn() net.Conn }); ok {
		raw = t.NetConn()
	}
	_ = raw.Close() // nothing can be done about it
}

// writeLoop writes until the connection ends; it is the connection's life.
func (c *conn) writeLoop() {
	defer c.abort()
	var ping <-chan time.Time
	if c.rev == rev4 {
		t := time.NewTicker(c.cfg.PingInterval)
		defer t.Stop()
		ping = t.C
	}
	for {
		select {
		case p := <-c.queue:
			if !c.write(p) {
				return
			}
		case <-ping:
			if !c.write([]byte{eioPing}) {
				return
			}
		case <-c.shutting:
			c.finish()
			return
		case <-c.dead:
			return
		case <-c.readEnd:
			// A client that was told why it is cut off may have closed
			// first; what is queued is still tried.
			select {
			case <-c.shutting:
				c.finish()
			default:
			}
			return
		}
	}
}

func (c *conn) write(p []byte) bool {
	if err := c.ws.SetWriteDeadline(time.Now().Add(c.cfg.WriteTimeout)); err != nil {
		return false
	}
	err := c.ws.WriteMessage(websocket.TextMessage, p)
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		c.counters.evictions.Add(1)
	}
	return err == nil
}

// finish writes what is queued, says goodbye and gives the client a moment
// to hear it.
func (c *conn) finish() {
	for more := true; more; {
		select {
		case p := <-c.queue:
			if !c.write(p) {
				return
			}
		default:
			more = false
		}
	}
	if c.bye.Final && !c.write(disconnectPacket) {
		return
	}
	msg := websocket.FormatCloseMessage(c.bye.Code, c.bye.Reason)
	if err := c.ws.WriteControl(websocket.CloseMessage, msg, time.Now().Add(linger)); err != nil {
		return
	}
	t := time.NewTimer(linger)
	defer t.Stop()
	select {
	case <-c.readEnd:
	case <-c.dead:
	case <-t.C:
	}
}

// read returns the next text frame.
func (c *conn) read(deadline time.Time) ([]byte, error) {
	if err := c.ws.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	kind, r, err := c.ws.NextReader()
	if err != nil {
		return nil, err
	}
	if kind != websocket.TextMessage {
		c.counters.malformed.Add(1)
		return nil, c.refuse(fault.ErrBinary, closeUnsupported)
	}
	// The limit is ours rather than the websocket library's, which would
	// close without a word to the page.
	p, err := io.ReadAll(io.LimitReader(r, int64(c.cfg.MaxMessage)+1))
	if err != nil {
		return nil, err
	}
	if len(p) > c.cfg.MaxMessage {
		c.counters.oversized.Add(1)
		return nil, c.refuse(fault.ErrMessageTooLarge, closeTooBig)
	}
	if !utf8.Valid(p) { // RFC 6455 section 8.1
		c.counters.malformed.Add(1)
		return nil, c.refuse(fault.WithDetail(fault.ErrBadMessage, "it is not UTF-8"), closeNotText)
	}
	return p, nil
}

// refuse tells the client why the connection ends, ends it, and reads on for
// a moment so that the words arrive.
func (c *conn) refuse(why error, code int) error {
	f := fault.Of(why)
	_ = c.send(failed("", noAck, f)) // a client that is gone cannot be told
	c.shut(goodbye{Code: code, Reason: f.Code})
	c.discard()
	return why
}

// discard reads on after shut until the client has closed too.
func (c *conn) discard() {
	defer c.endReading()
	if err := c.ws.SetReadDeadline(time.Now().Add(linger)); err != nil {
		return
	}
	for left := int64(lingerBytes); left > 0; {
		_, r, err := c.ws.NextReader()
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, left))
		if err != nil {
			return
		}
		left -= n + 1
	}
}

func (c *conn) endReading() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.readOver {
		c.readOver = true
		close(c.readEnd)
	}
}

// next returns the client's next event as the library is fed with it, and
// answers everything else itself.
func (c *conn) next() ([]byte, error) {
	for {
		p, err := c.read(time.Now().Add(c.cfg.PingInterval + c.cfg.PingTimeout))
		if err != nil {
			c.endReading()
			return nil, err
		}
		select {
		case <-c.shutting:
			c.discard()
			return nil, errShut
		default:
		}
		event, err := c.take(p)
		if event != nil || err != nil {
			return event, err
		}
	}
}

// take deals with one Engine.IO packet; event is set when it is for the library.
func (c *conn) take(p []byte) (event []byte, err error) {
	allowed := c.events.Allow()
	if !allowed {
		c.counters.throttled.Add(1)
		if !c.strikes.Allow() {
			return nil, c.refuse(fault.ErrTooFast, closePolicy)
		}
	}
	if len(p) == 0 {
		return nil, c.malformed()
	}
	switch body := p[1:]; p[0] {
	case eioMessage:
		return c.message(body, allowed)
	case eioPing: // revision 3; the answer carries what the ping carried
		if c.rev != rev3 || len(body) > maxPing {
			return nil, c.malformed()
		}
		return nil, c.send(append([]byte{eioPong}, body...))
	case eioPong, eioNoop:
		return nil, nil
	case eioClose:
		c.shut(goodbye{Code: closeNormal})
		c.discard()
		return nil, io.EOF
	case eioBase64:
		c.counters.malformed.Add(1)
		return nil, c.refuse(fault.ErrBinary, closeUnsupported)
	default: // open and upgrade are the server's, and need another transport
		return nil, c.malformed()
	}
}

func (c *conn) malformed() error {
	c.counters.malformed.Add(1)
	return c.refuse(fault.ErrBadMessage, closeProtocol)
}

func (c *conn) message(b []byte, allowed bool) (event []byte, err error) {
	p, err := parsePacket(b)
	switch {
	case errors.Is(err, errBinaryIn):
		c.counters.malformed.Add(1)
		return nil, c.refuse(fault.ErrBinary, closeUnsupported)
	case err != nil:
		return nil, c.malformed()
	}
	if p.namespace != "/" {
		if p.kind == sioConnect || p.kind == sioEvent {
			return nil, c.send(c.rev.refused(p.namespace, fault.Of(fault.ErrUnknownNamespace)))
		}
		return nil, nil
	}
	switch p.kind {
	case sioEvent:
		return c.event(p, allowed)
	case sioDisconnect:
		c.shut(goodbye{Code: closeNormal})
		c.discard()
		return nil, io.EOF
	}
	// A second CONNECT changes nothing; nothing is asked that could be
	// acknowledged; errors are the server's to send.
	return nil, nil
}

func (c *conn) event(p packet, allowed bool) ([]byte, error) {
	name, body, err := parseEvent(p.data)
	if err != nil {
		c.counters.malformed.Add(1)
		return nil, c.answer("", p.ackID, fault.WithDetail(fault.ErrBadMessage, "the event "+err.Error()))
	}
	if !c.counters.received(name) {
		return nil, c.answer(shorten(name), p.ackID, fault.ErrUnknownEvent)
	}
	if !allowed {
		return nil, c.answer(name, p.ackID, fault.ErrTooFast)
	}
	return feed(name, body, p.ackID), nil
}

// answer tells the client that a request was refused before the class heard
// of it. An error means that the connection has ended.
func (c *conn) answer(event string, ackID int64, why error) error {
	f := fault.Of(why)
	c.counters.fail(f.Code)
	return c.send(failed(event, ackID, f))
}

// put takes a packet that the library writes.
func (c *conn) put(p []byte) error {
	out, bye := c.rev.outgoing(p, c.id)
	if bye != nil {
		c.shut(*bye)
		return nil
	}
	if out == nil {
		return nil
	}
	c.counters.sent.Add(1)
	return c.send(out)
}

// shorten keeps what a client named in an answer to it within reason.
func shorten(name string) string {
	const most = 64
	if len(name) <= most {
		return name
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut]
}

// failure is the body of an answer that says no, and the event it goes out
// with: none when it goes into an acknowledgement.
func failure(event string, ackID int64, f fault.Fault) (name string, body []byte) {
	if ackID != noAck {
		return "", mustJSON(wire.Ack{Error: &wire.Fault{Code: f.Code, Message: f.Text}})
	}
	return wire.Error, mustJSON(wire.ErrorEvent{Code: f.Code, Message: f.Text, Event: event})
}
