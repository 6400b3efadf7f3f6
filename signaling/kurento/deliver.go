package kurento

import (
	"encoding/json"
	"maps"
	"strconv"
)

// deliver sends an event of o to every session that subscribed to it: one
// message each, however often it did.
func (s *Server) deliver(o *object, name string, members map[string]any) {
	s.deliverTo(nil, o, name, name, members)
}

// announce has the manager tell of an object that came or went. In strict
// mode only its holders hear of it.
func (s *Server) announce(name string, holders map[*session]struct{}, members map[string]any) {
	if !s.cfg.Strict {
		holders = nil
	} else if holders == nil {
		return
	}
	s.deliverTo(holders, s.manager, name, name, members)
}

// deliverTo sends to some sessions only, unless only is nil. typ is the type
// in the data, which of the event Error is that of the error.
func (s *Server) deliverTo(only map[*session]struct{}, o *object, name, typ string, members map[string]any) {
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
			s.passLocked(sess, raw)
		}
	}
}

type notification struct {
	JSONRPC string         `json:"jsonrpc"`
	Method  string         `json:"method"`
	Params  map[string]any `json:"params"`
}

// passLocked queues an event, behind the answer that is being made if there
// is one. Without a connection it is lost, as in Kurento.
func (s *Server) passLocked(sess *session, raw json.RawMessage) {
	switch {
	case sess.holding > 0 && len(sess.held) < heldEvents:
		sess.held = append(sess.held, raw)
	case sess.conn != nil:
		sess.conn.push(raw)
	}
}

// hold keeps the session's events back until letGo: an event must not come
// before the answer that makes its object known.
func (s *Server) hold(sess *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sess.holding++
}

func (s *Server) letGo(sess *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess.holding--; sess.holding > 0 {
		return
	}
	held := sess.held
	sess.held = nil
	if sess.conn == nil {
		return
	}
	for _, raw := range held {
		sess.conn.push(raw)
	}
}

func tagList(tags []tag) []any {
	list := make([]any, len(tags))
	for i, t := range tags {
		list[i] = record("Tag", map[string]any{"key": t.key, "value": t.value})
	}
	return list
}
