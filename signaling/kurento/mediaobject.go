package kurento

import (
	"slices"
	"strings"
)

// What every object can do. None of it touches the media.

func getMediaPipeline(c *call) (any, error) {
	if p := c.obj.pipeline(); p != nil {
		return p.id, nil
	}
	return nil, nil
}

func getParent(c *call) (any, error) {
	if p := c.obj.parent; p != nil {
		return p.id, nil
	}
	return nil, nil
}

func getChildren(c *call) (any, error) {
	if c.obj == c.s.manager {
		return getPipelines(c)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.idsLocked(c.sess, c.obj.children), nil
}

// idsLocked lists what the session may see; never null, since clients iterate.
func (s *Server) idsLocked(sess *session, list []*object) []string {
	ids := []string{}
	for _, o := range list {
		if s.maySeeLocked(sess, o) {
			ids = append(ids, o.id)
		}
	}
	return ids
}

func getName(c *call) (any, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.obj.name, nil
}

func setName(c *call) error {
	name := c.text("name")
	if len(name) > maxText {
		return fail(codeIllegalParam, "The name is longer than %d bytes", maxText)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.obj.name = name
	return nil
}

func getSendTags(c *call) (any, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.obj.sendTags, nil
}

func setSendTags(c *call) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.obj.sendTags = c.flag("sendTagsInEvents")
	return nil
}

func (o *object) tagAt(key string) int {
	return slices.IndexFunc(o.tags, func(t tag) bool { return t.key == key })
}

func addTag(c *call) (any, error) {
	t := tag{c.text("key"), c.text("value")}
	if len(t.key)+len(t.value) > maxText {
		return nil, fail(codeIllegalParam, "The tag is longer than %d bytes", maxText)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if i := c.obj.tagAt(t.key); i >= 0 {
		c.obj.tags[i] = t
		return nil, nil
	}
	if len(c.obj.tags) >= maxTags {
		return nil, fail(codeResources, "The object has %d tags already", maxTags)
	}
	c.obj.tags = append(c.obj.tags, t)
	return nil, nil
}

func removeTag(c *call) (any, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if i := c.obj.tagAt(c.text("key")); i >= 0 {
		c.obj.tags = slices.Delete(c.obj.tags, i, i+1)
	}
	return nil, nil
}

func getTag(c *call) (any, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if i := c.obj.tagAt(c.text("key")); i >= 0 {
		return c.obj.tags[i].value, nil
	}
	return nil, fail(codeTagKey, "Tag key not found")
}

func getTags(c *call) (any, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return tagList(c.obj.tags), nil
}

// allLocked lists all objects of one type, in the order of their making.
func (s *Server) allLocked(class string) []*object {
	var list []*object
	for _, o := range s.objects {
		if o.class.name == class {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b *object) int {
		if c := a.created.Compare(b.created); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return list
}
