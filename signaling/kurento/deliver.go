package kurento

import (
	"maps"
	"strconv"
)

// deliver sends an event of o to every session that subscribed to it: one
// message each, however often it did, for each name that it used.
func (s *Server) deliver(o *object, name string, members map[string]any) {
	s.deliverTo(nil, o, o, name, name, members)
	for _, former := range table.events[name].former {
		s.deliverTo(nil, o, o, former, former, members)
	}
}

// announce has the manager tell of an object that came or went. In strict
// mode only its holders hear of it.
func (s *Server) announce(o *object, name string, holders map[*session]struct{}, members map[string]any) {
	if !s.cfg.Strict {
		holders = nil
	} else if holders == nil {
		return
	}
	s.deliverTo(holders, s.manager, o, name, name, members)
}

// deliverTo sends an event of o that is about another object or itself, to
// some sessions only unless only is nil. typ is the type in the data, which of
// the event Error is that of the error.
func (s *Server) deliverTo(only map[*session]struct{}, o, about *object, name, typ string, members map[string]any) {
	s.mu.Lock()
	if o.released || len(o.subs[name]) == 0 {
		s.mu.Unlock()
		return
	}
	tags := []any{}
	if o.sendTags {
		tags = tagList(o.tags)
	}
	s.mu.Unlock()

	data := maps.Clone(members)
	if data == nil {
		data = map[string]any{}
	}
	data["source"], data["type"], data["tags"] = o.id, typ, tags
	data["timestampMillis"] = strconv.FormatInt(s.cfg.Now().UnixMilli(), 10)
	raw := encode(notification{"2.0", "onEvent", map[string]any{"value": map[string]any{"object": o.id, "type": name, "data": data}}})

	s.mu.Lock()
	defer s.mu.Unlock()
	for sess := range o.subs[name] {
		if _, ok := only[sess]; ok || only == nil {
			s.passLocked(about.maker, sess, raw)
		}
	}
}

type notification struct {
	JSONRPC string         `json:"jsonrpc"`
	Method  string         `json:"method"`
	Params  map[string]any `json:"params"`
}

// making is a request that may make objects. Until its answer is on its way
// its session hears nothing of them: kurento-client drops an event whose
// object it does not know. Server.mu guards it.
type making struct {
	sess *session
	c    *conn // that the answer goes to

	objects []*object
	held    [][]byte // their events
	bytes   int
	lost    bool // there were too many, and the connection was cut
}

// passLocked queues an event, behind the answer that makes its object known
// if that is still to come. Without a connection it is lost, as in Kurento.
func (s *Server) passLocked(m *making, sess *session, raw []byte) {
	if m != nil && m.sess == sess {
		m.holdLocked(raw)
		return
	}
	if sess.conn != nil {
		sess.conn.push(raw)
	}
}

// holdLocked keeps an event back. What is held is bounded like what waits for
// the writer, and with the same end.
func (m *making) holdLocked(raw []byte) {
	if m.lost {
		return
	}
	if len(m.held) >= outboxLength || m.bytes+len(raw) > outboxBytes {
		m.lost, m.held = true, nil
		m.c.abort()
		return
	}
	m.held = append(m.held, raw)
	m.bytes += len(raw)
}

// told sends what was held, once the answer is queued.
func (s *Server) told(m *making) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range m.objects {
		o.maker = nil
	}
	if m.sess.conn == nil {
		return
	}
	for _, raw := range m.held {
		m.sess.conn.push(raw)
	}
}

func tagList(tags []tag) []any {
	list := make([]any, len(tags))
	for i, t := range tags {
		list[i] = record("Tag", map[string]any{"key": t.key, "value": t.value})
	}
	return list
}
