package socket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"kelas/classroom"
	"kelas/signaling/fault"
	"kelas/signaling/wire"
)

// laneLength is how many media messages of one client may wait: an offer's
// candidates come in a burst.
const laneLength = 128

// client is one connected client in the hub: its outbox, its session once it
// has joined, and its media lane, where negotiations wait for each other
// while chat goes on.
type client struct {
	server *Server
	link   link
	out    *outbox
	log    *slog.Logger
	ctx    context.Context // done when the connection is
	cancel context.CancelFunc

	lane chan func()

	mu       sync.Mutex
	session  *classroom.Session
	self     string // participant id
	left     bool   // by choice
	waits    bool   // in the lobby
	gone     bool   // disconnected
	laneRuns bool
}

// connected takes a client in; its goroutines are the server's to wait for.
func (s *Server) connected(l link) (c *client, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.panicked(s.log, "connect", r)
			err = errPanic
		}
	}()
	ctx, cancel := context.WithCancel(s.ctx)
	v := l.Auth()
	c = &client{server: s, link: l, ctx: ctx, cancel: cancel, lane: make(chan func(), laneLength),
		log: s.log.With("connection", l.ID(), "class", v.classID)}
	c.out = newOutbox(l, s.cfg.Outbox, s.counters, c.participantID)
	c.out.shelf = s.shelves.of(v.classID)
	s.clients.Add(1)
	go func() {
		defer s.clients.Done()
		defer func() {
			if r := recover(); r != nil {
				s.panicked(c.log, "emit", r)
				l.Abort()
			}
		}()
		c.out.run()
	}()
	s.seat(c)
	return c, nil
}

// disconnected is told once for each connected client.
func (s *Server) disconnected(c *client) {
	defer func() {
		if r := recover(); r != nil {
			s.panicked(c.log, "disconnect", r)
		}
	}()
	c.cancel()
	c.out.stop()
	c.mu.Lock()
	session, left, waits := c.session, c.left, c.waits
	c.gone = true
	c.mu.Unlock()
	if session == nil {
		if waits {
			s.cfg.Registry.LeaveLobby(c.link.Auth().classID, c.out)
		}
		return
	}
	s.counters.joined.Add(-1)
	if !left {
		session.Disconnected()
	}
}

// received runs the handler of an event, in the media lane where it belongs
// there.
func (s *Server) received(c *client, event string, body []byte, ackID int64) {
	if !c.begin() {
		return
	}
	defer s.clients.Done()
	h := handlers[event]
	if !h.lane {
		c.out.answer(func() { c.run(h, event, body, ackID) })
		return
	}
	if !c.enqueue(func() { c.run(h, event, body, ackID) }) {
		c.fail(event, ackID, fault.ErrTooFast)
	}
}

// begin counts a handler among what the server waits for. The library may
// still deliver an event while the connection ends.
func (c *client) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return false
	}
	c.server.clients.Add(1)
	return true
}

// enqueue puts work into the lane, whose goroutine lives while there is some:
// most of a class sits there without a word about media for an hour.
func (c *client) enqueue(work func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return true // nobody is left to be told
	}
	select {
	case c.lane <- work:
	default:
		return false
	}
	if !c.laneRuns {
		c.laneRuns = true
		c.server.clients.Add(1)
		go c.runLane()
	}
	return true
}

func (c *client) runLane() {
	defer c.server.clients.Done()
	for {
		c.mu.Lock()
		select {
		case work := <-c.lane:
			c.mu.Unlock()
			if c.ctx.Err() != nil {
				return
			}
			work()
		default:
			c.laneRuns = false
			c.mu.Unlock()
			return
		}
	}
}

// run runs one handler and answers.
func (c *client) run(h handler, event string, body []byte, ackID int64) {
	defer func() {
		if r := recover(); r != nil {
			c.server.panicked(c.log, event, r)
			c.fail(event, ackID, errPanic)
		}
	}()
	ctx, cancel := context.WithTimeout(c.ctx, c.server.cfg.RequestTimeout)
	defer cancel()
	answer, err := h.run(ctx, c, event, body)
	if err != nil {
		if c.ctx.Err() != nil {
			return // the connection has ended, and with it the request
		}
		c.note(event, err)
		if h.fail != nil {
			h.fail(c, event, err)
			if ackID == noAck {
				c.server.counters.fail(fault.Of(err).Code)
				return
			}
		}
		c.fail(event, ackID, err)
		return
	}
	if ackID != noAck {
		if answer == nil {
			answer = wire.Ack{OK: true}
		}
		c.out.ack(ackID, rawJSON(mustJSON(answer)))
	}
	if h.last {
		c.out.end(nil)
	}
}

var errPanic = errors.New("a handler panicked")

// note logs what the client is not told.
func (c *client) note(event string, err error) {
	if fault.Known(err) {
		c.log.Debug("request refused", "event", event, "error", err)
		return
	}
	c.log.Error("request failed", "event", event, "error", err)
}

// fail answers a request with an error.
func (c *client) fail(event string, ackID int64, err error) {
	f := fault.Of(err)
	c.server.counters.fail(f.Code)
	name, body := failure(event, ackID, f)
	if name == "" {
		c.out.ack(ackID, rawJSON(body))
		return
	}
	c.out.send(name, rawJSON(body))
}

func (c *client) joinedSession() (*classroom.Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil || c.left {
		return nil, fault.ErrNotJoined
	}
	return c.session, nil
}

func (c *client) participantID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.self
}

// panicked counts and logs a panic of a handler. A runtime error says no more
// than what went wrong; any other value could hold what a client sent, and
// only its type is told.
func (s *Server) panicked(log *slog.Logger, event string, value any) {
	s.counters.panics.Add(1)
	what := fmt.Sprintf("a value of type %T", value)
	if e, ok := value.(interface {
		error
		RuntimeError()
	}); ok {
		what = e.Error()
	}
	log.Error("handler panicked", "event", event, "panic", what, "stack", string(debug.Stack()))
}
