package kurento

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"kelas/pipeline"
)

const managerID = "manager_ServerManager"

// part is what stands behind an object. Release is called once, with no lock
// held, and waits for the end.
type part interface {
	ID() string
	Release()
}

// elementPart stands behind every MediaElement.
type elementPart interface {
	part
	element() pipeline.MediaElement
}

// object is what a client has an id of. Server.mu guards all but the first two
// blocks, the first of which is constant.
type object struct {
	id      string
	class   *class
	parent  *object // nil of a pipeline and of the manager
	created time.Time
	part    part

	// untouched are the sources of which it was told that they are not transcoded;
	// the goroutine's that brings the element's events.
	untouched map[string]bool

	released bool
	maker    *making // the request that made it, while that is not answered
	children []*object
	name     string
	sendTags bool
	tags     []tag
	refs     map[*session]struct{}
	holders  map[*session]struct{}            // of a released one: who held it
	subs     map[string]map[*session][]string // by event: the subscriptions' ids
}

type tag struct{ key, value string }

func newID() string { return uuid.NewString() }

// pipeline is the object's pipeline, itself for a pipeline, nil of the manager.
func (o *object) pipeline() *object {
	for p := o; p != nil; p = p.parent {
		if p.class.name == "MediaPipeline" {
			return p
		}
	}
	return nil
}

// find is an object by its id, for a session that may have it.
func (s *Server) find(sess *session, id string) (*object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findLocked(sess, id)
}

func (s *Server) findLocked(sess *session, id string) (*object, error) {
	o := s.objects[id]
	if o == nil || !s.maySeeLocked(sess, o) {
		if _, ok := reference(id); ok {
			return nil, fail(codeNoCommit, "Object '%s' not found. Possibly using a transactional object without committing the transaction.", clip(id))
		}
		return nil, notFound(id)
	}
	return o, nil
}

// maySeeLocked: in strict mode a session has its own objects and the manager.
func (s *Server) maySeeLocked(sess *session, o *object) bool {
	if !s.cfg.Strict || o == s.manager {
		return true
	}
	_, ok := o.refs[sess]
	return ok
}

// referLocked has the session hold o and what o lives in.
func (s *Server) referLocked(sess *session, o *object) {
	if sess.closed {
		return
	}
	for p := o; p != nil && p != s.manager; p = p.parent {
		if _, ok := p.refs[sess]; ok {
			return // whoever holds a child holds its parents
		}
		p.refs[sess] = struct{}{}
		sess.refs[p] = struct{}{}
	}
}

// add makes a new object known. The part must be released by the caller when
// it fails.
func (s *Server) add(m *making, o *object) error {
	sess := m.sess
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || sess.closed:
		return fail(codeSession, "Invalid session")
	case o.parent != nil && o.parent.released:
		return notFound(o.parent.id)
	case len(sess.refs) >= s.cfg.MaxObjects:
		return fail(codeResources, "The session holds as many objects as it may: %d", s.cfg.MaxObjects)
	}
	o.name = o.id
	o.refs = map[*session]struct{}{}
	s.objects[o.id] = o
	if o.parent != nil {
		o.parent.children = append(o.parent.children, o)
		for other := range o.parent.refs {
			s.referLocked(other, o)
		}
	}
	s.referLocked(sess, o)
	o.maker = m
	m.objects = append(m.objects, o)
	return nil
}

// make creates an object and what stands behind it.
func (s *Server) make(m *making, cl *class, args map[string]any) (*object, error) {
	c := &call{s: s, sess: m.sess, args: args}
	p, err := cl.make(c)
	if err != nil {
		return nil, err
	}
	o := &object{id: p.ID(), class: cl, created: s.cfg.Now(), part: p}
	for _, in := range []string{"hub", "mediaPipeline"} {
		if parent := c.object(in); parent != nil {
			o.parent = parent
			break
		}
	}
	if err := s.add(m, o); err != nil {
		p.Release()
		return nil, err
	}
	if w, ok := p.(watched); ok {
		w.Subscribe(func(ev pipeline.Event) { s.happened(o, ev) })
	}
	s.announce(o, "ObjectCreated", map[*session]struct{}{m.sess: {}}, map[string]any{"object": o.id})
	return o, nil
}

// watched is a part with events.
type watched interface {
	Subscribe(f func(pipeline.Event)) (cancel func())
}

// release takes o and all that lives in it away: at once from what clients
// see, then from the media.
func (s *Server) release(o *object) {
	s.mu.Lock()
	gone := s.unlinkLocked(o)
	s.mu.Unlock()
	s.end(gone)
}

// unlinkLocked returns what went, parents before their children.
func (s *Server) unlinkLocked(o *object) []*object {
	if o.released || o == s.manager {
		return nil
	}
	gone := []*object{o}
	for i := 0; i < len(gone); i++ {
		gone = append(gone, gone[i].children...)
	}
	for _, g := range gone {
		g.released = true
		delete(s.objects, g.id)
		for sess := range g.refs {
			delete(sess.refs, g)
		}
		g.holders, g.refs, g.subs, g.children = g.refs, nil, nil, nil
	}
	if o.parent != nil {
		o.parent.children = slices.DeleteFunc(o.parent.children, func(c *object) bool { return c == o })
	}
	return gone
}

// end releases the parts of unlinked objects; it may wait for their ends.
func (s *Server) end(gone []*object) {
	for _, o := range slices.Backward(gone) {
		o.part.Release()
		s.announce(o, "ObjectDestroyed", o.holders, map[string]any{"objectId": o.id})
	}
}

// unrefLocked drops the session's hold on o and on what lives in it, and
// unlinks what nobody holds any more.
func (s *Server) unrefLocked(sess *session, o *object) []*object {
	if _, ok := o.refs[sess]; !ok {
		return nil
	}
	tree := []*object{o}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, tree[i].children...)
	}
	var gone []*object
	for _, t := range tree {
		delete(t.refs, sess)
		delete(sess.refs, t)
		for name, by := range t.subs {
			delete(by, sess)
			if len(by) == 0 {
				delete(t.subs, name)
			}
		}
	}
	for _, t := range tree { // parents first: they take their children along
		if !t.released && len(t.refs) == 0 {
			gone = append(gone, s.unlinkLocked(t)...)
		}
	}
	return gone
}
