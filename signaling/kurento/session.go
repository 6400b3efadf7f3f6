package kurento

import (
	"encoding/json"
	"maps"
	"net/netip"
	"time"
)

// session holds what a client made. It outlives its connection until it is
// collected or closed. Server.mu guards it.
type session struct {
	id     string
	addr   netip.Prefix // that made it
	conn   *conn        // that used it last; nil without one
	usedAt uint64       // when the request came by which that connection has it
	inUse  bool         // since the last sweep
	closed bool
	refs   map[*object]struct{}

	memory map[string]*memo // by request id
	order  []string         // its keys, oldest first
	bytes  int
}

// memo is the answer to one request, or the promise of it.
type memo struct {
	done chan struct{} // closed when raw is there
	raw  []byte
	at   time.Time
}

// sessionNamed finds a session by its id. One that is not there is made, as
// Kurento does; in strict mode the id is as good as none, and the answer tells
// the right one: kurento-client goes on with an id that was collected.
func (s *Server) sessionNamed(c *conn, id string) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess := s.sessions[id]; sess != nil {
		sess.useLocked(c)
		return sess, nil
	}
	if s.cfg.Strict {
		return s.sessionOfLocked(c)
	}
	return s.newSessionLocked(c, id)
}

// sessionOf is the session of the connection, a new one the first time.
func (s *Server) sessionOf(c *conn) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessionOfLocked(c)
}

func (s *Server) sessionOfLocked(c *conn) (*session, error) {
	if sess := c.session; sess != nil && !sess.closed {
		sess.useLocked(c)
		return sess, nil
	}
	return s.newSessionLocked(c, newID())
}

// useLocked keeps it from the collector. One without a connection gets this
// one at once, not with the answer, since a request may take longer than the
// collector waits.
func (sess *session) useLocked(c *conn) {
	sess.inUse = true
	if sess.conn == nil && !c.gone {
		sess.conn = c
		c.sessions[sess] = struct{}{}
	}
}

func (s *Server) newSessionLocked(c *conn, id string) (*session, error) {
	if s.closed {
		return nil, fail(codeSession, "Invalid session")
	}
	a := s.addresses[c.addr]
	if a == nil || a.sessions >= s.cfg.MaxSessions {
		return nil, fail(codeResources, "There are too many sessions of this address: %d", s.cfg.MaxSessions)
	}
	a.sessions++
	sess := &session{id: id, addr: c.addr, refs: map[*object]struct{}{}, memory: map[string]*memo{}}
	sess.useLocked(c)
	s.sessions[id] = sess
	return sess, nil
}

// attach has the session's events go to c from now on, unless a request that
// came after this one has moved it to another: the late answer to a slow
// request on a lost connection must not take it back.
func (s *Server) attach(sess *session, c *conn, at uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess.closed || c.gone {
		return
	}
	c.session = sess
	if at < sess.usedAt {
		return
	}
	sess.usedAt = at
	if sess.conn != c {
		if sess.conn != nil {
			delete(sess.conn.sessions, sess)
		}
		sess.conn = c
		c.sessions[sess] = struct{}{}
	}
}

// closeSessionLocked drops all that it holds and returns what nobody holds
// any more.
func (s *Server) closeSessionLocked(sess *session) []*object {
	if sess.closed {
		return nil
	}
	var gone []*object
	for len(sess.refs) > 0 {
		for o := range sess.refs {
			gone = append(gone, s.unrefLocked(sess, o)...)
			break
		}
	}
	s.dropSubscriptionsLocked(s.manager, sess)
	sess.closed = true
	delete(s.sessions, sess.id)
	if sess.conn != nil {
		delete(sess.conn.sessions, sess)
		sess.conn = nil
	}
	sess.memory, sess.order = nil, nil
	s.leaveLocked(sess.addr, func(a *address) { a.sessions-- })
	return gone
}

func (s *Server) dropSubscriptionsLocked(o *object, sess *session) {
	for name, by := range o.subs {
		delete(by, sess)
		if len(by) == 0 {
			delete(o.subs, name)
		}
	}
}

// sweep collects the sessions that neither were used since the last sweep nor
// have an open connection: here any that used them last, in Kurento only one
// whose latest answer was theirs.
func (s *Server) sweep() {
	s.mu.Lock()
	now := s.cfg.Now()
	var gone []*object
	for _, sess := range s.sessions {
		if !sess.inUse && sess.conn == nil {
			gone = append(gone, s.closeSessionLocked(sess)...)
			continue
		}
		sess.inUse = false
		sess.forgetLocked(now)
	}
	if len(gone) > shrinkFrom {
		s.sessions, s.objects = shrunk(s.sessions), shrunk(s.objects)
	}
	s.mu.Unlock()
	s.end(gone)
}

// shrinkFrom is how many objects have to be collected at once before the maps
// are made anew.
const shrinkFrom = 1000

// shrunk is the same map without the room for what was in it once: a map of Go
// keeps that for ever.
func shrunk[T any](m map[string]T) map[string]T {
	out := make(map[string]T, len(m))
	maps.Copy(out, m)
	return out
}

// forgetLocked drops answers that are too old, and the oldest where they are
// too many. Those that are still to come stay, and keep no other one.
func (sess *session) forgetLocked(now time.Time) {
	keep := 0
	for i, key := range sess.order {
		m := sess.memory[key]
		if m.raw == nil {
			sess.order[keep] = key
			keep++
			continue
		}
		if now.Sub(m.at) < memoryTime && len(sess.memory) <= memoryEntries && sess.bytes <= memoryBytes {
			if keep < i {
				keep += copy(sess.order[keep:], sess.order[i:])
				break
			}
			return
		}
		sess.bytes -= len(m.raw)
		delete(sess.memory, key)
	}
	clear(sess.order[keep:])
	sess.order = sess.order[:keep]
}

// recall looks for an earlier request with that id. The first to ask gets a
// memo of its own to fill, and mine is true. A request that does not name its
// session is never a repeat: clients of one connection may use one id for all.
func (s *Server) recall(sess *session, id json.RawMessage, named bool) (m *memo, mine bool) {
	if id == nil || string(id) == "null" {
		return nil, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess.closed {
		return nil, true
	}
	sess.forgetLocked(s.cfg.Now())
	if m := sess.memory[string(id)]; m != nil {
		if !named {
			return nil, true
		}
		return m, false
	}
	m = &memo{done: make(chan struct{})}
	sess.memory[string(id)] = m
	sess.order = append(sess.order, string(id))
	return m, true
}

// remember fills a memo. It does so also for a session that was closed in the
// meantime, since somebody may wait for it.
func (s *Server) remember(sess *session, m *memo, raw []byte) {
	if m == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.raw, m.at = raw, s.cfg.Now()
	if !sess.closed {
		sess.bytes += len(raw)
	}
	close(m.done)
}
