package webhook

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"kelas/classroom"
	"kelas/signaling/outbound"
)

// attempt sends one delivery and stores what became of it. An error says
// that it could not be stored.
func (e *Engine) attempt(d classroom.Delivery) error {
	var hook classroom.Webhook
	if d.WebhookID != "" {
		var ok bool
		if hook, ok = e.hook(d.WebhookID); !ok {
			return e.orphan(d)
		}
		if !hook.Active {
			return errParked
		}
		d.URL = hook.URL // where it is now
	}
	resp, err := e.send(d, hook)
	if e.ctx.Err() != nil {
		return e.ctx.Err() // as if it had not been tried
	}
	d.Attempts++
	d.Status, d.Error = resp.Status, ""
	now := e.now()
	switch {
	case err == nil && resp.Status >= 200 && resp.Status < 300:
		return e.finish(d, classroom.DeliveryDone, now)
	case err == nil && resp.Status == http.StatusGone:
		d.Error = "the receiver is gone"
		if err := e.finish(d, classroom.DeliveryFailed, now); err != nil || d.WebhookID == "" {
			return err
		}
		return e.disable(d.WebhookID, now)
	case err != nil:
		d.Error = reason(err)
	default:
		d.Error = "the receiver answered " + strconv.Itoa(resp.Status)
	}
	pause := e.pause(d, resp)
	if now.Add(pause).After(d.CreatedAt.Add(d.GiveUpAfter)) {
		e.log.Warn("a delivery was given up", "queue", d.Queue, "event", d.Event, "attempts", d.Attempts, "why", d.Error)
		return e.finish(d, classroom.DeliveryFailed, now)
	}
	e.counts.retries.Add(1)
	d.NextAt = now.Add(pause)
	return e.store.UpdateDelivery(e.ctx, d)
}

// orphan drops what waits for a subscription that was deleted. One that
// another process has just made is not known here yet, and keeps it.
func (e *Engine) orphan(d classroom.Delivery) error {
	switch _, err := e.store.Webhook(e.ctx, d.WebhookID); {
	case errors.Is(err, classroom.ErrNotFound):
		e.forgetWaiting(d.Queue)
		return e.store.DropDeliveries(e.ctx, d.Queue)
	case err != nil:
		return err
	}
	if err := e.readHooks(e.ctx); err != nil {
		return err
	}
	if _, ok := e.hook(d.WebhookID); !ok {
		return errParked // a door's own
	}
	return nil // the queue's next turn is this delivery again
}

func (e *Engine) send(d classroom.Delivery, hook classroom.Webhook) (outbound.Response, error) {
	r, err := http.NewRequestWithContext(e.ctx, d.Method, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return outbound.Response{}, outbound.ErrBadURL
	}
	for name, value := range d.Header {
		r.Header.Set(name, value)
	}
	r.Header.Set("User-Agent", "Kelas-Webhook")
	if hook.ID != "" {
		Sign(r.Header, hook.Secret, d.ID, e.now(), d.Body)
	}
	return e.caller.Do(e.ctx, r)
}

func (e *Engine) finish(d classroom.Delivery, state classroom.DeliveryState, now time.Time) error {
	d.State, d.FinishedAt = state, now
	if err := e.store.UpdateDelivery(e.ctx, d); err != nil && !errors.Is(err, classroom.ErrNotFound) {
		return err
	}
	if state == classroom.DeliveryDone {
		e.counts.done.Add(1)
	} else {
		e.counts.failed.Add(1)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting[d.Queue]--; e.waiting[d.Queue] <= 0 {
		delete(e.waiting, d.Queue)
	}
	return nil
}

func (e *Engine) forgetWaiting(queue string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.waiting, queue)
}

// disable switches a subscription off whose receiver is gone for good, and
// gives up what waits for it.
func (e *Engine) disable(id string, now time.Time) error {
	const why = "the receiver answered 410 Gone"
	for range 10 {
		w, err := e.store.Webhook(e.ctx, id)
		if errors.Is(err, classroom.ErrNotFound) {
			break
		}
		if err != nil {
			return err
		}
		w.Active, w.Disabled = false, why
		if _, err = e.store.UpdateWebhook(e.ctx, w); errors.Is(err, classroom.ErrConflict) {
			continue
		} else if err != nil && !errors.Is(err, classroom.ErrNotFound) {
			return err
		}
		break
	}
	if err := e.readHooks(e.ctx); err != nil {
		return err
	}
	e.log.Warn("a webhook was switched off", "webhook", id, "why", why)
	e.forgetWaiting(queueOf(id))
	return e.store.FailDeliveries(e.ctx, queueOf(id), why, now)
}

// pause is how long to wait after a failure: twice as long each time, up to
// the longest, a fifth more or less so that many queues do not come at once.
// A receiver that names a time itself is given it.
func (e *Engine) pause(d classroom.Delivery, resp outbound.Response) time.Duration {
	pause := d.RetryMax
	if n := d.Attempts - 1; n < 32 && d.RetryFirst<<n > 0 {
		pause = min(d.RetryFirst<<n, d.RetryMax)
	}
	pause = time.Duration(float64(pause) * (0.8 + 0.4*e.jitter()))
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		pause = max(pause, min(time.Duration(s)*time.Second, d.RetryMax))
	}
	return max(pause, time.Millisecond)
}

// reason is an error in words that may be shown to whoever owns the webhook:
// no address of this network, no part of an answer.
func reason(err error) string {
	switch {
	case errors.Is(err, outbound.ErrForbidden):
		return outbound.ErrForbidden.Error()
	case errors.Is(err, outbound.ErrBadURL):
		return outbound.ErrBadURL.Error()
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "the receiver did not answer in time"
	}
	return "the receiver could not be reached"
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
