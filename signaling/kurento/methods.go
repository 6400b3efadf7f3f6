package kurento

import (
	"runtime/debug"
	"strings"
)

// methodRow is one JSON-RPC method. named ones are about a session that is
// there: that of the request, or else that of the connection.
type methodRow struct {
	named bool
	run   func(s *Server, c *conn, sess *session, r *request) (map[string]any, error)
}

// methods are those of the protocol; ping, connect and transaction stand in
// dispatch, since they are not about one session's objects.
var methods = map[string]methodRow{
	"create":       {run: (*Server).create},
	"describe":     {run: (*Server).describe},
	"invoke":       {run: (*Server).invoke},
	"subscribe":    {run: (*Server).subscribe},
	"unsubscribe":  {run: (*Server).unsubscribe},
	"release":      {run: (*Server).releaseCall},
	"ref":          {named: true, run: (*Server).ref},
	"unref":        {named: true, run: (*Server).unref},
	"keepAlive":    {named: true, run: func(*Server, *conn, *session, *request) (map[string]any, error) { return map[string]any{}, nil }},
	"closeSession": {named: true, run: (*Server).closeSession},
}

// enterSession finds the session of a request, or makes it. It is nil for a
// ping of a connection that has none, and where dispatch will refuse the
// method anyway.
func (s *Server) enterSession(c *conn, r *request) (*session, error) {
	row, known := methods[r.method]
	id, err := r.sessionID()
	if err != nil {
		return nil, err
	}
	switch r.method {
	case "ping":
		s.mu.Lock()
		defer s.mu.Unlock()
		if id == "" && c.session != nil && !c.session.closed {
			c.session.inUse = true
			return nil, nil // repeats of a ping need no memory
		}
		if sess := s.sessions[id]; sess != nil {
			sess.inUse = true
			return sess, nil
		}
		return nil, nil
	case "connect":
		if id == "" {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.newSessionLocked(c, newID())
		}
		return s.existing(c, id)
	case "transaction":
	default:
		if !known {
			return nil, nil
		}
		if row.named && id == "" && !s.hasSession(c) {
			return nil, fail(codeMissing, "'sessionId' parameter is required")
		}
		if id != "" && r.method == "keepAlive" {
			return s.existing(c, id)
		}
		if id != "" && r.method == "closeSession" {
			sess, _ := s.existing(c, id) // one that is not there is closed already
			return sess, nil
		}
	}
	if id != "" {
		return s.sessionNamed(c, id)
	}
	return s.sessionOf(c)
}

func (s *Server) existing(c *conn, id string) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sess := s.sessions[id]
	if sess == nil {
		return nil, fail(codeSession, "Invalid session")
	}
	sess.useLocked(c)
	return sess, nil
}

func (s *Server) hasSession(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.session != nil && !c.session.closed
}

func (r *request) sessionID() (string, error) {
	switch id := r.params["sessionId"].(type) {
	case nil:
		return "", nil
	case string:
		if len(id) > 256 {
			return "", fail(codeSession, "Invalid session")
		}
		return id, nil
	}
	return "", fail(codeMissing, "'sessionId' parameter should be a string")
}

// dispatch runs a request, also one inside a transaction, then with depth. A
// panic fails that request alone.
func (s *Server) dispatch(c *conn, sess *session, r *request, depth int) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic in a Kurento request", "method", clip(r.method), "panic", p, "stack", string(debug.Stack()))
			a = failed(r.id, fail(codeInternal, "Internal error"))
		}
	}()
	var result map[string]any
	var err error
	row, known := methods[r.method]
	switch {
	case r.method == "ping":
		result = map[string]any{"value": "pong"}
		if sess == nil {
			s.mu.Lock()
			sess = c.session
			s.mu.Unlock()
		}
	case r.method == "connect":
		result = map[string]any{"serverId": s.id}
	case r.method == "transaction":
		result, err = s.transaction(c, sess, r, depth)
	case !known:
		err = &Error{Code: codeMethod, Message: "Method not found."}
	case !r.given:
		err = fail(codeParams, "'params' is required")
	default:
		result, err = row.run(s, c, sess, r)
	}
	if err != nil {
		e := asError(err)
		if !isKnown(err) {
			s.log.Warn("a Kurento request failed", "method", r.method, "error", err)
		}
		return failed(r.id, e)
	}
	if sess != nil {
		result["sessionId"] = sess.id
	}
	return answer{JSONRPC: "2.0", ID: r.id, Result: result}
}

func (s *Server) create(conn *conn, sess *session, r *request) (map[string]any, error) {
	name, err := r.text("type")
	if err != nil {
		return nil, err
	}
	cl := table.classes[strings.TrimPrefix(name, "kurento.")]
	switch {
	case cl == nil || cl.abstract:
		return nil, fail(codeNotAvailable, "Factory '%s' not found", clip(name))
	case cl.absent != "":
		return nil, notThere(cl.name, cl.absent)
	}
	given, ok := r.params["constructorParams"].(map[string]any)
	if !ok && r.params["constructorParams"] != nil {
		return nil, fail(codeMarshall, "'constructorParams' should be an object")
	}
	args, err := s.arguments(sess, "constructorParams", given, cl.ctor)
	if err != nil {
		return nil, err
	}
	o, err := s.make(conn.making, cl, args)
	if err != nil {
		return nil, err
	}
	return map[string]any{"value": o.id}, nil
}

func (s *Server) describe(_ *conn, sess *session, r *request) (map[string]any, error) {
	o, err := s.touched(sess, r)
	if err != nil {
		return nil, err
	}
	hierarchy := []string{}
	for _, a := range table.ancestors[o.class.name] {
		hierarchy = append(hierarchy, qualified(a))
	}
	return map[string]any{"type": o.class.name, "qualifiedType": qualified(o.class.name), "hierarchy": hierarchy}, nil
}

func (s *Server) invoke(_ *conn, sess *session, r *request) (map[string]any, error) {
	o, err := s.touched(sess, r)
	if err != nil {
		return nil, err
	}
	name, err := r.text("operation")
	if err != nil {
		return nil, err
	}
	// As in Kurento, what is no object is none: PHP writes an empty one as a list.
	given, _ := r.params["operationParams"].(map[string]any)
	op := table.operations[o.class.name][name]
	if op == nil {
		return nil, fail(codeTransaction, "Method '%s' with %d parameters not found", clip(name), len(given))
	}
	if op.absent != "" {
		return nil, notThere(o.class.name+"."+name, op.absent)
	}
	args, err := s.arguments(sess, "operationParams", given, op.params)
	if err != nil {
		return nil, err
	}
	value, err := op.run(&call{s: s, sess: sess, obj: o, args: args})
	if err != nil {
		return nil, err
	}
	return map[string]any{"value": value}, nil
}

// touched is the object that a request names; whoever touches one holds it.
func (s *Server) touched(sess *session, r *request) (*object, error) {
	id, err := r.text("object")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.findLocked(sess, id)
	if err == nil && o != s.manager {
		s.referLocked(sess, o)
	}
	return o, err
}

func (s *Server) subscribe(_ *conn, sess *session, r *request) (map[string]any, error) {
	o, err := s.touched(sess, r)
	if err != nil {
		return nil, err
	}
	name, err := r.text("type")
	if err != nil {
		return nil, err
	}
	if !table.eventsOf[o.class.name][name] {
		return nil, fail(codeEvent, "Event '%s' not supported", clip(name))
	}
	id := newID()
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.released || sess.closed {
		return nil, notFound(o.id)
	}
	if o.subs == nil {
		o.subs = map[string]map[*session][]string{}
	}
	if o.subs[name] == nil {
		o.subs[name] = map[*session][]string{}
	}
	if len(o.subs[name][sess]) >= maxSubscriptions {
		return nil, fail(codeResources, "There are too many subscriptions of this event: %d", maxSubscriptions)
	}
	o.subs[name][sess] = append(o.subs[name][sess], id)
	return map[string]any{"value": id}, nil
}

// unsubscribe never fails for an object that is gone: kurento-client sends
// one for each listener after a release, and an error would end the
// application.
func (s *Server) unsubscribe(_ *conn, sess *session, r *request) (map[string]any, error) {
	id, err := r.text("object")
	if err != nil {
		return nil, err
	}
	sub, err := r.text("subscription")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.objects[id]; o != nil {
		o.unsubscribeLocked(sess, sub)
	}
	return map[string]any{}, nil
}

func (o *object) unsubscribeLocked(sess *session, sub string) {
	for name, by := range o.subs {
		for i, have := range by[sess] {
			if have != sub {
				continue
			}
			if by[sess] = append(by[sess][:i:i], by[sess][i+1:]...); len(by[sess]) == 0 {
				delete(by, sess)
			}
			if len(by) == 0 {
				delete(o.subs, name)
			}
			return
		}
	}
}

// releaseCall: what is not there is released already.
func (s *Server) releaseCall(_ *conn, sess *session, r *request) (map[string]any, error) {
	id, err := r.text("object")
	if err != nil {
		return nil, err
	}
	o, err := s.find(sess, id)
	switch {
	case err != nil && asError(err).Code == codeNoCommit:
		return nil, err
	case o == s.manager:
		return nil, fail(codeNotSupported, "The ServerManager cannot be released")
	case err == nil:
		s.release(o)
	}
	return map[string]any{}, nil
}

func (s *Server) ref(_ *conn, sess *session, r *request) (map[string]any, error) {
	_, err := s.touched(sess, r)
	return map[string]any{}, err
}

func (s *Server) unref(_ *conn, sess *session, r *request) (map[string]any, error) {
	id, err := r.text("object")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	var gone []*object
	if o := s.objects[id]; o != nil && o != s.manager {
		gone = s.unrefLocked(sess, o)
	}
	s.mu.Unlock()
	s.end(gone)
	return map[string]any{}, nil
}

// closeSession ends a session at once; with release also what others hold of
// its objects.
func (s *Server) closeSession(_ *conn, sess *session, r *request) (map[string]any, error) {
	all, err := asBool("release", r.params["release"])
	if err != nil {
		return nil, err
	}
	if sess == nil {
		return map[string]any{"sessionId": r.params["sessionId"]}, nil
	}
	s.mu.Lock()
	var gone []*object
	if all.(bool) {
		for len(sess.refs) > 0 {
			for o := range sess.refs {
				gone = append(gone, s.unlinkLocked(o)...)
				break
			}
		}
	}
	gone = append(gone, s.closeSessionLocked(sess)...)
	s.mu.Unlock()
	s.end(gone)
	return map[string]any{}, nil
}
