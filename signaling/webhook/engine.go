package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kelas/classroom"
)

// Engine keeps subscriptions and sends what waits.
type Engine struct {
	cfg    Config
	store  classroom.OutboxStore
	caller Caller
	log    *slog.Logger
	now    func() time.Time
	newID  func() string
	jitter func() float64

	hooks   atomic.Pointer[[]classroom.Webhook] // never changed in place
	reading sync.Mutex                          // held over one reading of them: an older one must not come last

	putMu sync.Mutex // numbers and inserts deliveries in one order
	last  int64      // the newest number

	mu      sync.Mutex
	queues  map[string]*queue
	waiting map[string]int // pending deliveries, nearly
	working int
	closed  bool

	wake    chan struct{}
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	counts  counters
}

// queue is one that has pending deliveries, or had a moment ago.
type queue struct {
	at    time.Time // when it is to be looked at
	busy  bool
	again bool // something came while it was busy
}

// New reads what an earlier process left and begins to send it.
func New(ctx context.Context, cfg Config, d Deps) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d, err := d.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg.withDefaults(), store: d.Store, caller: d.Caller, log: d.Log, now: d.Now, newID: d.NewID, jitter: d.Jitter,
		queues: make(map[string]*queue), waiting: make(map[string]int), wake: make(chan struct{}, 1),
	}
	if e.last, err = e.store.LastDeliverySeq(ctx); err != nil {
		return nil, fmt.Errorf("webhook: reading the last number: %w", err)
	}
	if err := e.reload(ctx); err != nil {
		return nil, err
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.running.Go(e.schedule)
	e.running.Go(e.tend)
	return e, nil
}

// Close ends all sending and waits. What was not answered is sent again by
// the next process.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.running.Wait()
}

// reload reads the subscriptions and which queues have something to send.
func (e *Engine) reload(ctx context.Context) error {
	if err := e.readHooks(ctx); err != nil {
		return err
	}
	waiting, err := e.store.DeliveryQueues(ctx)
	if err != nil {
		return fmt.Errorf("webhook: reading the queues: %w", err)
	}
	e.mu.Lock()
	names := slices.Collect(maps.Keys(waiting))
	e.waiting = waiting
	e.mu.Unlock()
	for _, name := range names {
		e.kick(name)
	}
	return nil
}

func (e *Engine) readHooks(ctx context.Context) error {
	e.reading.Lock()
	defer e.reading.Unlock()
	hooks, err := e.store.Webhooks(ctx)
	if err != nil {
		return fmt.Errorf("webhook: reading the webhooks: %w", err)
	}
	hooks = slices.DeleteFunc(hooks, func(w classroom.Webhook) bool { return w.Door != "" }) // a door's own
	e.hooks.Store(&hooks)
	return nil
}

// kick has a queue looked at now. One that waits for its next try goes on
// waiting: what is behind it must not overtake.
func (e *Engine) kick(name string) {
	e.mu.Lock()
	q := e.queues[name]
	switch {
	case q == nil:
		e.queues[name] = &queue{at: e.now()}
	case q.busy:
		q.again = true
	}
	e.mu.Unlock()
	e.poke()
}

// hurry is kick for somebody who has changed what the queue waits for.
func (e *Engine) hurry(name string) {
	e.mu.Lock()
	if q := e.queues[name]; q != nil && !q.busy {
		q.at = e.now()
	}
	e.mu.Unlock()
	e.kick(name)
}

func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// schedule starts a worker for each queue that is due.
func (e *Engine) schedule() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-e.wake:
		case <-timer.C:
		}
		timer.Reset(e.startDue())
	}
}

// startDue returns how long until the next queue is due.
func (e *Engine) startDue() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	next := now.Add(time.Hour)
	for name, q := range e.queues {
		switch {
		case q.busy || e.closed:
		case q.at.After(now):
			if q.at.Before(next) {
				next = q.at
			}
		case e.working < e.cfg.Workers: // otherwise whoever ends wakes us
			q.busy = true
			e.working++
			e.running.Go(func() { e.work(name) })
		}
	}
	return max(next.Sub(now), time.Millisecond)
}

// turn is how many deliveries a queue may send before another has its turn.
const turn = 50

// work sends what is due in a queue.
func (e *Engine) work(name string) {
	at, idle := e.drain(name)
	e.mu.Lock()
	q := e.queues[name]
	q.busy = false
	e.working--
	switch {
	case q.again:
		q.again = false
		q.at = e.now()
	case idle:
		delete(e.queues, name)
	default:
		q.at = at
	}
	e.mu.Unlock()
	e.poke()
}

// drain returns when the queue is due again; idle when nothing is left.
func (e *Engine) drain(name string) (at time.Time, idle bool) {
	for range turn {
		d, err := e.store.NextDelivery(e.ctx, name)
		switch {
		case e.ctx.Err() != nil:
			return time.Time{}, true
		case errors.Is(err, classroom.ErrNotFound):
			return time.Time{}, true
		case err != nil:
			e.log.Warn("a delivery could not be read; trying again", "queue", name, "err", err)
			return e.now().Add(e.cfg.RetryFirst), false
		}
		if d.NextAt.After(e.now()) {
			return d.NextAt, false
		}
		err = e.attempt(d)
		switch {
		case e.ctx.Err() != nil, errors.Is(err, errParked):
			return time.Time{}, true // switching it on kicks the queue
		case err != nil:
			e.log.Warn("what became of a delivery could not be stored; it may be sent again", "queue", name, "err", err)
			return e.now().Add(e.cfg.RetryFirst), false
		}
	}
	return e.now(), false
}

// tend removes what is old, and reads anew what another process may have
// changed.
func (e *Engine) tend() {
	ticker := time.NewTicker(e.cfg.SweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-ticker.C:
		}
		_, err := e.store.SweepDeliveries(e.ctx, e.now().Add(-e.cfg.Keep))
		if err == nil {
			err = e.reload(e.ctx)
		}
		if err != nil && e.ctx.Err() == nil {
			e.log.Warn("looking after the webhooks", "err", err)
		}
	}
}

// hookPrefix begins the queues of subscriptions.
const hookPrefix = "hook:"

func queueOf(hookID string) string { return hookPrefix + hookID }

func isHookQueue(name string) bool { return strings.HasPrefix(name, hookPrefix) }

// hook finds a subscription among those known now.
func (e *Engine) hook(id string) (classroom.Webhook, bool) {
	for _, w := range *e.hooks.Load() {
		if w.ID == id {
			return w, true
		}
	}
	return classroom.Webhook{}, false
}
