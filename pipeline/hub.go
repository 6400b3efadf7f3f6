package pipeline

import (
	"fmt"
	"sync"
	"time"
)

// Hub routes media between its ports without touching it. A port's sink side is
// what goes into the hub there, its source side what comes out.
type Hub interface {
	// ID is Kurento's: "<pipeline id>/<uuid>_kurento.<type>".
	ID() string
	// Type is "Dispatcher" or "DispatcherOneToMany".
	Type() string
	MediaPipeline() *MediaPipeline
	// NewHubPort makes a port. Nothing comes out of it before it is routed.
	NewHubPort() (*HubPort, error)
	// Ports are the hub's ports, in no particular order.
	Ports() []*HubPort
	// Release releases the hub and its ports.
	Release()
}

// hub is what all hubs share. pipeline.mu guards what can change.
type hub struct {
	id       string
	kind     string
	pipeline *MediaPipeline
	routes   routes
	ports    map[*HubPort]struct{}
	released bool

	releasing sync.Once
}

// routes tell which port's sink side comes out of a port. pipeline.mu is held.
type routes interface {
	sourceOfLocked(p *HubPort) *HubPort // nil: nothing comes out
	forgetLocked(p *HubPort)            // p is being released
}

// HubPort is one port of a hub: a media element of the hub's pipeline.
type HubPort struct {
	element
	hub       *hub
	flow      relayFlow
	releasing sync.Once
}

var _ MediaElement = (*HubPort)(nil)

func (p *MediaPipeline) newHub(kind string, r routes) (*hub, error) {
	if err := p.server.takeElement(); err != nil {
		return nil, fmt.Errorf("creating a %s: %w", kind, err)
	}
	h := &hub{id: newID(p.id, kind), kind: kind, pipeline: p, routes: r, ports: make(map[*HubPort]struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.released {
		p.server.returnElement()
		return nil, fmt.Errorf("creating a %s: %w", kind, ErrReleased)
	}
	p.hubs[h] = struct{}{}
	return h, nil
}

func (p *MediaPipeline) allHubs() []*hub {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]*hub, 0, len(p.hubs))
	for h := range p.hubs {
		list = append(list, h)
	}
	return list
}

func (h *hub) ID() string                    { return h.id }
func (h *hub) Type() string                  { return h.kind }
func (h *hub) MediaPipeline() *MediaPipeline { return h.pipeline }

// NewHubPort makes a port.
func (h *hub) NewHubPort() (*HubPort, error) {
	p := h.pipeline
	if err := p.server.takeElement(); err != nil {
		return nil, fmt.Errorf("creating a HubPort: %w", err)
	}
	x := &HubPort{hub: h}
	x.element.init(p, "HubPort", x)
	x.id = newID(h.id, "HubPort")
	x.relay = x
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.released || h.released {
		p.server.returnElement()
		return nil, fmt.Errorf("creating a HubPort: %w", ErrReleased)
	}
	p.elements[&x.element] = struct{}{}
	h.ports[x] = struct{}{}
	p.rerouteLocked(&x.element)
	return x, nil
}

// Ports are the hub's ports.
func (h *hub) Ports() []*HubPort {
	h.pipeline.mu.Lock()
	defer h.pipeline.mu.Unlock()
	list := make([]*HubPort, 0, len(h.ports))
	for x := range h.ports {
		list = append(list, x)
	}
	return list
}

// checkLocked tells whether a port can be routed.
func (h *hub) checkLocked(ports ...*HubPort) error {
	for _, x := range ports {
		switch {
		case x == nil || x.hub != h:
			return ErrNotSameHub
		case x.detached:
			return ErrReleased
		}
	}
	return nil
}

// Release releases the hub and its ports.
func (h *hub) Release() {
	h.releasing.Do(func() {
		h.pipeline.mu.Lock()
		h.released = true
		h.pipeline.mu.Unlock()
		for _, x := range h.Ports() {
			x.Release()
		}
		h.pipeline.mu.Lock()
		delete(h.pipeline.hubs, h)
		h.pipeline.mu.Unlock()
		h.pipeline.server.returnElement()
	})
}

// Hub is the identity of the hub that the port belongs to.
func (x *HubPort) Hub() (id string) { return x.hub.id }

func (x *HubPort) repeatsLocked() *element {
	if from := x.hub.routes.sourceOfLocked(x); from != nil {
		return &from.element
	}
	return nil
}

func (x *HubPort) repeatedByLocked() []*element {
	var list []*element
	for other := range x.hub.ports {
		if x.hub.routes.sourceOfLocked(other) == x {
			list = append(list, &other.element)
		}
	}
	return list
}

func (x *HubPort) sweep(time.Time) { x.pipeline.sweepRelay(&x.element, &x.flow) }

// Release takes the port out of its hub and out of the graph. What it fed is
// fed by nothing.
func (x *HubPort) Release() {
	x.releasing.Do(func() {
		p := x.pipeline
		p.mu.Lock()
		affected := x.repeatedByLocked()
		x.hub.routes.forgetLocked(x)
		delete(x.hub.ports, x)
		for _, e := range affected {
			p.rerouteLocked(e)
		}
		p.mu.Unlock()
		p.detach(&x.element)
		x.events.queue.close()
		p.server.returnElement()
	})
}
