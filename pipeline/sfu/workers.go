package sfu

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxParcels is how many packets may wait for a worker: seconds of one class. A worker that is further behind
	// leaves the newest out, as a full socket would.
	maxParcels = 4096
	// maxBatch is how many packets of a frame are sent to one slot after the other, before the next slot's turn.
	maxBatch = 16
	// flushEvery is after how many slots what was written to them is sent: what one call of the kernel takes.
	flushEvery = 64
)

// Workers send what layers take in, side by side. Each has the slots whose SlotConfig names it, so a slot's packets
// keep their order, and what belongs to a viewer stays in the memory of one core. Sound has a queue of its own and
// waits for no picture.
type Workers struct {
	each    []*worker
	running sync.WaitGroup
	dropped atomic.Uint64
}

// NewWorkers starts n workers. flush is called by a worker when the last packet of a frame, or a packet of sound,
// was written to its slots; it may be nil.
func NewWorkers(n int, flush func(worker int)) *Workers {
	w := &Workers{}
	for i := range n {
		x := &worker{index: i, dropped: &w.dropped, wake: make(chan struct{}, 1), stop: make(chan struct{}), flush: func() {}}
		if flush != nil {
			x.flush = func() { flush(i) }
		}
		w.each = append(w.each, x)
		w.running.Go(x.run)
	}
	return w
}

// Close ends the workers and waits. What they have not sent is left out.
func (w *Workers) Close() {
	for _, x := range w.each {
		close(x.stop)
	}
	w.running.Wait()
}

// Dropped is how many times a worker was so far behind that it left a packet out: its queue was full, or the packet's
// ring had gone on without it.
func (w *Workers) Dropped() uint64 { return w.dropped.Load() }

// send hands a packet of a layer to the workers that have slots for it.
func (w *Workers) send(p parcel) {
	shares := *p.layer.track.shares.Load()
	for i, x := range w.each {
		if i < len(shares) && len(shares[i]) > 0 && !x.add(p) {
			w.dropped.Add(1)
		}
	}
}

// parcel is a packet that lies in its layer's ring.
type parcel struct {
	layer        *Layer
	ext, highest int64
	ends         bool // its frame
}

// backlog is what waits for a worker.
type backlog struct {
	mu      sync.Mutex
	parcels [maxParcels]parcel
	first   int
	count   int
}

func (b *backlog) add(p parcel) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count == maxParcels {
		return false
	}
	b.parcels[(b.first+b.count)%maxParcels] = p
	b.count++
	return true
}

// take takes the next packet, and those behind it that belong to the same track, until the frame's end.
func (b *backlog) take(into []parcel) []parcel {
	into = into[:0]
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.count > 0 && len(into) < cap(into) {
		p := &b.parcels[b.first]
		if len(into) > 0 && p.layer.track != into[0].layer.track {
			break
		}
		into = append(into, *p)
		p.layer = nil
		b.first = (b.first + 1) % maxParcels
		b.count--
		if into[len(into)-1].ends {
			break
		}
	}
	return into
}

type worker struct {
	index   int
	dropped *atomic.Uint64 // of all
	flush   func()
	wake    chan struct{}
	stop    chan struct{}

	pictures, sound backlog
	loud            atomic.Bool // sound waits

	// The goroutine's own.
	batch [maxBatch]parcel
	views [maxBatch]view
	asks  [maxBatch]bool
	note  [1]parcel
	heard view
}

func (w *worker) add(p parcel) bool {
	ok := false
	if p.layer.track.cfg.Kind == Audio {
		ok = w.sound.add(p)
		w.loud.Store(true)
	} else {
		ok = w.pictures.add(p)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return ok
}

func (w *worker) run() {
	for {
		select {
		case <-w.stop:
			return
		case <-w.wake:
		}
		for more := true; more; {
			select {
			case <-w.stop:
				return
			default:
			}
			w.hear()
			more = w.show()
		}
	}
}

// hear sends all sound that waits.
func (w *worker) hear() {
	for w.loud.Swap(false) {
		for {
			list := w.sound.take(w.note[:])
			if len(list) == 0 {
				break
			}
			w.spread(list, w.share(list[0].layer.track))
		}
	}
}

func (w *worker) spread(list []parcel, slots []*Slot) {
	p := list[0]
	if !w.fetch(p, &w.heard) {
		return
	}
	for _, s := range slots {
		s.deliver(p.layer, &w.heard)
	}
	w.flush()
	if len(slots) > 0 {
		p.layer.times.through(time.Unix(0, w.heard.arrival))
	}
}

// fetch takes a packet from its ring; false: the ring has gone over it, which counts as left out, or is no more.
func (w *worker) fetch(p parcel, into *view) bool {
	found, highest, _ := p.layer.read(p.ext, into)
	if !found && highest >= p.ext {
		w.dropped.Add(1)
	}
	return found
}

// show sends the next packets of a frame; false: there are none.
func (w *worker) show() bool {
	list := w.pictures.take(w.batch[:])
	if len(list) == 0 {
		return false
	}
	slots := w.share(list[0].layer.track)
	ends := list[len(list)-1].ends
	for i, p := range list {
		if !w.fetch(p, &w.views[i]) {
			list[i].layer = nil
		}
		w.views[i].highest, w.asks[i] = p.highest, false
	}
	for n, s := range slots {
		for i, p := range list {
			if p.layer != nil && s.deliver(p.layer, &w.views[i]) {
				w.asks[i] = true
			}
		}
		if w.loud.Load() {
			w.hear()
		}
		if ends && n%flushEvery == flushEvery-1 {
			w.flush()
		}
	}
	if ends && len(slots) > 0 {
		w.flush()
	}
	for i, p := range list {
		if p.layer == nil {
			continue
		}
		if w.asks[i] {
			p.layer.askAgain(w.views[i].arrival)
		}
		if len(slots) > 0 {
			p.layer.times.through(time.Unix(0, w.views[i].arrival))
		}
	}
	clear(list)
	return true
}

// share is the worker's part of a track's slots.
func (w *worker) share(u *UpTrack) []*Slot {
	if shares := *u.shares.Load(); w.index < len(shares) {
		return shares[w.index]
	}
	return nil
}
