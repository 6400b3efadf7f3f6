package pipeline

import "fmt"

// Dispatcher routes each port's media to any other ports: Connect says what
// comes out of a port.
type Dispatcher struct {
	*hub
	table map[*HubPort]*HubPort // by sink; pipeline.mu guards it
}

var _ Hub = (*Dispatcher)(nil)

// NewDispatcher makes a hub in which nothing is routed.
func (p *MediaPipeline) NewDispatcher() (*Dispatcher, error) {
	d := &Dispatcher{table: make(map[*HubPort]*HubPort)}
	h, err := p.newHub("Dispatcher", d)
	if err != nil {
		return nil, err
	}
	d.hub = h
	return d, nil
}

// Connect has what goes into source come out of sink, instead of what came out
// of it before. A viewer there gets the newest key frame, or one is asked for.
// A port may be connected to itself, and one source to many sinks.
func (d *Dispatcher) Connect(source, sink *HubPort) error {
	d.pipeline.mu.Lock()
	defer d.pipeline.mu.Unlock()
	if err := d.checkLocked(source, sink); err != nil {
		return fmt.Errorf("connecting ports of a Dispatcher: %w", err)
	}
	d.table[sink] = source
	d.pipeline.rerouteLocked(&sink.element)
	return nil
}

func (d *Dispatcher) sourceOfLocked(p *HubPort) *HubPort { return d.table[p] }

func (d *Dispatcher) forgetLocked(p *HubPort) {
	delete(d.table, p)
	for sink, source := range d.table {
		if source == p {
			delete(d.table, sink)
		}
	}
}

// DispatcherOneToMany has one port's media come out of all ports, its own
// included, as in Kurento.
type DispatcherOneToMany struct {
	*hub
	source *HubPort // pipeline.mu guards it
}

var _ Hub = (*DispatcherOneToMany)(nil)

// NewDispatcherOneToMany makes a hub without a source.
func (p *MediaPipeline) NewDispatcherOneToMany() (*DispatcherOneToMany, error) {
	d := &DispatcherOneToMany{}
	h, err := p.newHub("DispatcherOneToMany", d)
	if err != nil {
		return nil, err
	}
	d.hub = h
	return d, nil
}

// SetSource has what goes into source come out of all ports. Viewers there get
// the newest key frame, or one is asked for.
func (d *DispatcherOneToMany) SetSource(source *HubPort) error {
	d.pipeline.mu.Lock()
	defer d.pipeline.mu.Unlock()
	if err := d.checkLocked(source); err != nil {
		return fmt.Errorf("setting the source of a DispatcherOneToMany: %w", err)
	}
	d.setLocked(source)
	return nil
}

// RemoveSource has nothing come out any more; without a source it does nothing.
func (d *DispatcherOneToMany) RemoveSource() {
	d.pipeline.mu.Lock()
	defer d.pipeline.mu.Unlock()
	d.setLocked(nil)
}

func (d *DispatcherOneToMany) setLocked(source *HubPort) {
	d.source = source
	for x := range d.ports {
		d.pipeline.rerouteLocked(&x.element)
	}
}

func (d *DispatcherOneToMany) sourceOfLocked(*HubPort) *HubPort { return d.source }

func (d *DispatcherOneToMany) forgetLocked(p *HubPort) {
	if d.source == p {
		d.source = nil
	}
}
