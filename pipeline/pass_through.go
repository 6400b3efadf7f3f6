package pipeline

import (
	"fmt"
	"sync"
	"time"
)

// PassThrough gives on what it is fed, at the same descriptions: a place in the
// graph to which others can be connected for good while its source changes.
type PassThrough struct {
	element
	flow      relayFlow
	releasing sync.Once
}

var _ MediaElement = (*PassThrough)(nil)

// NewPassThrough makes one.
func (p *MediaPipeline) NewPassThrough() (*PassThrough, error) {
	if err := p.server.takeElement(); err != nil {
		return nil, fmt.Errorf("creating a PassThrough: %w", err)
	}
	t := &PassThrough{}
	t.element.init(p, "PassThrough", t)
	t.relay = t
	if err := p.enter(&t.element); err != nil {
		return nil, fmt.Errorf("creating a PassThrough: %w", err)
	}
	return t, nil
}

func (t *PassThrough) repeatsLocked() *element      { return &t.element }
func (t *PassThrough) repeatedByLocked() []*element { return []*element{&t.element} }
func (t *PassThrough) sweep(time.Time)              { t.pipeline.sweepRelay(&t.element, &t.flow) }

// Release takes it out of the graph.
func (t *PassThrough) Release() {
	t.releasing.Do(func() {
		t.pipeline.detach(&t.element)
		t.events.queue.close()
		t.pipeline.server.returnElement()
	})
}
