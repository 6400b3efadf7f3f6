package socket

import (
	"sync"

	"kelas/classroom"
	"kelas/signaling/fault"
)

// outbox is what waits for one client, and the goroutine that emits it: the
// classroom's Outlet. It is bounded: a client that does not read what the
// class says is cut off, comes back and catches up from its last number.
type outbox struct {
	link     link
	shelf    *shelf // set before Deliver is possible
	self     func() string
	limit    int
	counters *counters

	wake chan struct{}

	mu      sync.Mutex
	queue   []item
	head    int
	held    []item // events that came before the client was told that it joined
	holding bool
	closed  bool // takes nothing more; what is queued still goes out
	stopped bool // nothing goes out any more
	full    bool
	// answering: a request is being answered, such as the one that ends the
	// class; last waits for its answer.
	answering bool
	last      []item
}

// item is one thing to say: an event of the class, or one of ours, or an
// acknowledgement, or goodbye.
type item struct {
	event classroom.Event // encoded when its turn comes
	name  string          // ours: the event
	body  rawJSON
	ackID int64 // noAck unless it is one
	bye   *goodbye
}

func newOutbox(l link, limit int, n *counters, self func() string) *outbox {
	return &outbox{link: l, limit: limit, counters: n, self: self, holding: true,
		wake: make(chan struct{}, 1)}
}

var _ classroom.Outlet = (*outbox)(nil)

// Deliver queues an event of the class.
func (o *outbox) Deliver(e classroom.Event) bool { return o.add(item{event: e, ackID: noAck}) }

// Close ends the connection: at once when the client has not kept up, else
// after it has been told everything, the reason included.
func (o *outbox) Close(reason error) {
	o.mu.Lock()
	full := o.full
	o.mu.Unlock()
	if full {
		o.link.Abort()
		return
	}
	o.end(reason)
}

// send queues an event that is ours.
func (o *outbox) send(event string, body rawJSON) {
	o.must(item{name: event, body: body, ackID: noAck})
}

// ack queues an acknowledgement.
func (o *outbox) ack(id int64, body rawJSON) { o.must(item{body: body, ackID: id}) }

// must queues an answer; a client that asks faster than it reads is cut off
// like one that does not keep up with the class.
func (o *outbox) must(it item) {
	if o.add(it) {
		return
	}
	o.mu.Lock()
	full := o.full
	o.mu.Unlock()
	if full {
		o.link.Abort()
	}
}

func (o *outbox) add(it item) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed && (!o.answering || o.full || it.event != nil) {
		return false
	}
	if len(o.queue)-o.head+len(o.held) >= o.limit {
		o.full, o.closed = true, true
		o.counters.evictions.Add(1)
		return false
	}
	// Who waits in the lobby joins because of this one.
	_, admitted := it.event.(classroom.LobbyAdmitted)
	if o.holding && it.event != nil && !admitted {
		o.held = append(o.held, it)
		return true
	}
	o.pushLocked(it)
	return true
}

// joined sends the picture at the moment of joining, and after it the news
// that came meanwhile: the class may deliver before Join has returned.
func (o *outbox) joined(body rawJSON, event string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopped {
		return
	}
	o.holding = false
	held := o.held
	o.held = nil
	o.pushLocked(append([]item{{name: event, body: body, ackID: noAck}}, held...)...)
}

// end lets the client be told why and closes. Errors after which coming back
// by itself would not help are final. A nil reason is the client's own wish.
func (o *outbox) end(reason error) {
	f := fault.Of(reason)
	bye := &goodbye{Code: closeGoingAway, Reason: f.Code, Final: !f.Retry}
	if reason == nil {
		bye.Code = closeNormal
	} else if bye.Final {
		bye.Code = closePolicy
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.closed = true
	if o.holding { // the events cannot be understood without the picture
		o.held = nil
	}
	var last []item
	if reason != nil {
		name, body := failure("", noAck, f)
		last = append(last, item{name: name, body: rawJSON(body), ackID: noAck})
	}
	last = append(last, item{bye: bye, ackID: noAck})
	if o.answering {
		o.last = last
		return
	}
	o.pushLocked(last...)
}

// answer runs one request of the client, whose answer still goes out when
// the request itself, or something else meanwhile, ends the connection.
func (o *outbox) answer(request func()) {
	o.mu.Lock()
	o.answering = true
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.answering = false
		if o.last != nil && !o.stopped {
			o.pushLocked(o.last...)
		}
		o.last = nil
	}()
	request()
}

// stop ends run as soon as the link lets it.
func (o *outbox) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.stopped = true, true
	o.queue, o.held, o.head = nil, nil, 0
	o.signalLocked()
}

func (o *outbox) pushLocked(items ...item) {
	o.queue = append(o.queue, items...)
	o.signalLocked()
}

func (o *outbox) signalLocked() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take returns the next item; ok is false when there is none, over when
// there will be none.
func (o *outbox) take() (it item, ok, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopped {
		return item{}, false, true
	}
	if o.head == len(o.queue) {
		o.queue, o.head = o.queue[:0], 0
		return item{}, false, false
	}
	it = o.queue[o.head]
	o.queue[o.head] = item{} // let the event go
	o.head++
	if o.head > 64 && o.head*2 > len(o.queue) {
		o.queue = append(o.queue[:0], o.queue[o.head:]...)
		o.head = 0
	}
	return it, true, false
}

// run emits until stop. It is the only goroutine that emits to this client.
func (o *outbox) run() {
	for {
		it, ok, over := o.take()
		switch {
		case over:
			return
		case !ok:
			<-o.wake
		case it.bye != nil:
			o.link.Close(*it.bye)
		case it.event != nil:
			if name, body := o.shelf.encode(it.event, o.self()); name != "" {
				o.link.Emit(name, body)
			}
		case it.ackID != noAck:
			o.link.Ack(it.ackID, it.body)
		default:
			o.link.Emit(it.name, it.body)
		}
	}
}
