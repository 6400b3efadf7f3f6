package pipeline

import "sync"

// queue runs functions one after the other. Its goroutine lives only while
// there is work, so an idle endpoint has none. The owner's WaitGroup counts it.
type queue struct {
	limit int
	wg    *sync.WaitGroup

	mu      sync.Mutex
	ops     []func()
	running bool
	closed  bool
	idle    *sync.Cond // made by wait
}

// push queues f; it fails when the queue is full or closed.
func (q *queue) push(f func()) error { return q.add(f, q.limit) }

// pushOwn is for what pion's callbacks report. Their number is bounded by the
// negotiated media, so they need no room kept free.
func (q *queue) pushOwn(f func()) error { return q.add(f, 0) }

func (q *queue) add(f func(), limit int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrReleased
	}
	if limit > 0 && len(q.ops) >= limit {
		return ErrBusy
	}
	q.ops = append(q.ops, f)
	if !q.running {
		q.running = true
		q.wg.Add(1)
		go q.run()
	}
	return nil
}

func (q *queue) run() {
	defer q.wg.Done()
	for {
		q.mu.Lock()
		if len(q.ops) == 0 {
			q.ops = nil
			q.running = false
			if q.idle != nil {
				q.idle.Broadcast()
			}
			q.mu.Unlock()
			return
		}
		f := q.ops[0]
		q.ops[0] = nil
		q.ops = q.ops[1:]
		q.mu.Unlock()
		f()
	}
}

// close refuses further work; what is queued still runs.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
}

// wait returns when nothing runs and nothing is queued. After close that is
// for good.
func (q *queue) wait() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.running {
		if q.idle == nil {
			q.idle = sync.NewCond(&q.mu)
		}
		q.idle.Wait()
	}
}
