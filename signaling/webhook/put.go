package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"kelas/classroom"
)

// Retry says how long a request is tried again.
type Retry struct {
	First time.Duration // pause after the first failure, doubled each time
	Max   time.Duration // longest pause
	For   time.Duration // age at which it is given up
}

// Request is something that a door must send out for certain, in its own
// words: a callback of a protocol, not a webhook of ours. It is not signed.
type Request struct {
	ID      string // the same again is the same request; "" makes one
	Queue   string // requests of one queue go one after another
	ClassID string
	Event   string // for whoever looks at the list
	Method  string
	URL     string
	Header  map[string]string
	Body    []byte
	Retry   Retry // the zero value is as for webhooks
}

// bodyMax bounds a request's body. The largest are a big meeting's attendance
// with every coming and going, which must not be lost for its size.
const bodyMax = 8 << 20

// Enqueue stores requests and returns; they are sent from then on whatever
// happens to the process. It is all or nothing.
func (e *Engine) Enqueue(ctx context.Context, list ...Request) error {
	out := make([]classroom.Delivery, 0, len(list))
	for _, r := range list {
		if err := e.caller.CheckURL(r.URL); err != nil {
			return err
		}
		if r.Queue == "" || isHookQueue(r.Queue) || len(r.Queue) > 256 || len(r.Body) > bodyMax {
			return fmt.Errorf("webhook: the queue or body of a request: %w", classroom.ErrWebhookInvalid)
		}
		if r.ID == "" {
			r.ID = e.newID()
		}
		if r.Method == "" {
			r.Method = http.MethodPost
		}
		orDefault(&r.Retry, Retry{e.cfg.RetryFirst, e.cfg.RetryMax, e.cfg.GiveUpAfter})
		out = append(out, classroom.Delivery{ID: r.ID, Queue: r.Queue, ClassID: r.ClassID, Event: r.Event, Method: r.Method,
			URL: r.URL, Header: r.Header, Body: r.Body, RetryFirst: r.Retry.First, RetryMax: r.Retry.Max, GiveUpAfter: r.Retry.For})
	}
	return e.put(ctx, out)
}

// put numbers deliveries and stores them. What finds its queue full is
// stored as failed, so that it can be seen.
func (e *Engine) put(ctx context.Context, list []classroom.Delivery) error {
	if len(list) == 0 {
		return nil
	}
	e.putMu.Lock()
	defer e.putMu.Unlock()
	now := e.now().UTC().Truncate(time.Millisecond)
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return ErrClosed
	}
	extra := make(map[string]int)
	full := 0
	for i := range list {
		d := &list[i]
		e.last = max(e.last+1, now.UnixMicro())
		d.Seq, d.State, d.CreatedAt, d.NextAt = e.last, classroom.DeliveryPending, now, now
		if e.waiting[d.Queue]+extra[d.Queue] >= e.cfg.QueueMax {
			d.State, d.FinishedAt, d.Error = classroom.DeliveryFailed, now, "too many deliveries wait"
			full++
			continue
		}
		extra[d.Queue]++
	}
	e.mu.Unlock()
	if err := e.store.PutDeliveries(ctx, list); err != nil {
		return fmt.Errorf("webhook: storing what is to be sent: %w", err)
	}
	e.counts.queued.Add(uint64(len(list)))
	e.counts.overflowed.Add(uint64(full))
	e.mu.Lock()
	for name, n := range extra {
		e.waiting[name] += n
	}
	e.mu.Unlock()
	for name := range extra {
		e.kick(name)
	}
	return nil
}

// Wants is part of classroom.Observer.
func (e *Engine) Wants(classID string) bool {
	for _, w := range *e.hooks.Load() {
		if w.Active && (w.ClassID == "" || w.ClassID == classID) {
			return true
		}
	}
	return false
}

// Happened is part of classroom.Observer: it stores a delivery for each
// subscription that wants a happening. One that is told again is the same
// delivery.
func (e *Engine) Happened(ctx context.Context, list []classroom.Happening) error {
	var out []classroom.Delivery
	for _, h := range list {
		var body []byte
		for _, w := range *e.hooks.Load() {
			if !wants(w, h) {
				continue
			}
			if body == nil {
				var err error
				if body, err = payload(h); err != nil {
					return fmt.Errorf("webhook: writing %s: %w", h.Type, err)
				}
			}
			out = append(out, e.delivery(w, messageID(h.ID, w.ID), h.ClassID, h.Type, body))
		}
	}
	return e.put(ctx, out)
}

// wants: what happened before somebody subscribed is not for them.
func wants(w classroom.Webhook, h classroom.Happening) bool {
	return w.Active && (w.ClassID == "" || w.ClassID == h.ClassID) &&
		(len(w.Events) == 0 || slices.Contains(w.Events, h.Type)) && !h.At.Before(w.CreatedAt)
}

func (e *Engine) delivery(w classroom.Webhook, id, classID, event string, body []byte) classroom.Delivery {
	return classroom.Delivery{ID: id, Queue: queueOf(w.ID), WebhookID: w.ID, ClassID: classID, Event: event,
		Method: http.MethodPost, URL: w.URL, Header: map[string]string{"Content-Type": "application/json"}, Body: body,
		RetryFirst: e.cfg.RetryFirst, RetryMax: e.cfg.RetryMax, GiveUpAfter: e.cfg.GiveUpAfter}
}

// messageID is one for each happening and subscription, without showing
// either.
func messageID(happening, hook string) string {
	sum := sha256.Sum256([]byte(happening + "\x00" + hook))
	return "msg_" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}
