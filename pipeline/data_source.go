package pipeline

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// dataMessage is one message of a data channel on its way through the graph.
type dataMessage struct {
	label string // of the channel it came by
	text  bool
	body  []byte // never changed
}

// dataReceiver takes messages. It must not block: what it cannot take it drops.
type dataReceiver interface{ receive(m dataMessage) }

// dataSource is what an element's data channels bring into the graph.
type dataSource struct {
	receivers atomic.Pointer[[]dataReceiver] // a snapshot: replaced, never changed
	last      atomic.Int64                   // when a message came, Unix ns

	mu sync.Mutex // replaces the snapshot
}

func newDataSource() *dataSource {
	d := &dataSource{}
	d.receivers.Store(new([]dataReceiver))
	return d
}

func (d *dataSource) attach(r dataReceiver) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := append(slices.Clone(*d.receivers.Load()), r)
	d.receivers.Store(&next)
}

func (d *dataSource) detach(r dataReceiver) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := slices.DeleteFunc(slices.Clone(*d.receivers.Load()), func(o dataReceiver) bool { return o == r })
	d.receivers.Store(&next)
}

// send hands a message to whatever is connected.
func (d *dataSource) send(m dataMessage) {
	d.last.Store(time.Now().UnixNano())
	for _, r := range *d.receivers.Load() {
		r.receive(m)
	}
}

// dataSilence is how long a data source may be silent and still be said to flow.
const dataSilence = 2 * time.Second

func (d *dataSource) flowing() bool {
	return time.Since(time.Unix(0, d.last.Load())) < dataSilence
}
