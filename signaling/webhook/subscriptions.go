package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kelas/classroom"
)

// TestEvent is the type of what Test sends.
const TestEvent = "webhook.test"

// List returns the subscriptions, oldest first, as they are now.
func (e *Engine) List() []classroom.Webhook { return slices.Clone(*e.hooks.Load()) }

// Get returns one; classroom.ErrNotFound when there is none.
func (e *Engine) Get(id string) (classroom.Webhook, error) {
	w, ok := e.hook(id)
	if !ok {
		return w, classroom.ErrNotFound
	}
	return w, nil
}

// check says what is wrong with a subscription.
func (e *Engine) check(w classroom.Webhook) error {
	if err := e.caller.CheckURL(w.URL); err != nil {
		return fmt.Errorf("%w: %w", classroom.ErrWebhookInvalid, err)
	}
	for i, name := range w.Events {
		if !slices.Contains(classroom.HappeningTypes(), name) || slices.Contains(w.Events[:i], name) {
			return fmt.Errorf("%w: an event is unknown or named twice", classroom.ErrWebhookInvalid)
		}
	}
	if _, err := secretKey(w.Secret); err != nil {
		return fmt.Errorf("%w: the secret is not whsec_ and base64 of 24 to 64 bytes", classroom.ErrWebhookInvalid)
	}
	if len(w.ClassID) > 64 || len(w.CreatedBy) > 128 {
		return fmt.Errorf("%w: a field is too long", classroom.ErrWebhookInvalid)
	}
	return nil
}

// Create stores a new, active subscription to URL, Events and ClassID, made
// by CreatedBy. Secret is made where it is empty.
func (e *Engine) Create(ctx context.Context, w classroom.Webhook) (classroom.Webhook, error) {
	if w.Secret == "" {
		w.Secret = NewSecret()
	}
	if err := e.check(w); err != nil {
		return classroom.Webhook{}, err
	}
	if len(*e.hooks.Load()) >= e.cfg.MaxWebhooks {
		return classroom.Webhook{}, classroom.ErrTooManyWebhooks
	}
	w.ID, w.Active, w.Disabled, w.CreatedAt, w.Rev = e.newID(), true, "", e.now(), 0
	if err := e.store.PutWebhook(ctx, w); err != nil {
		return classroom.Webhook{}, fmt.Errorf("storing the webhook: %w", err)
	}
	if err := e.readHooks(ctx); err != nil {
		return classroom.Webhook{}, err
	}
	return e.Get(w.ID)
}

// Update changes URL, Secret ("" keeps it), Events, ClassID and Active of the
// subscription with w.ID and w.Rev; classroom.ErrConflict when it is at
// another Rev. Switched on again it sends what waits.
func (e *Engine) Update(ctx context.Context, w classroom.Webhook) (classroom.Webhook, error) {
	old, err := e.store.Webhook(ctx, w.ID)
	if err != nil {
		return classroom.Webhook{}, err
	}
	if w.Secret == "" {
		w.Secret = old.Secret
	}
	w.CreatedAt, w.CreatedBy, w.Disabled = old.CreatedAt, old.CreatedBy, old.Disabled
	if w.Active {
		w.Disabled = ""
	}
	if err := e.check(w); err != nil {
		return classroom.Webhook{}, err
	}
	w, err = e.store.UpdateWebhook(ctx, w)
	if err != nil {
		return classroom.Webhook{}, fmt.Errorf("storing the webhook: %w", err)
	}
	if err := e.readHooks(ctx); err != nil {
		return classroom.Webhook{}, err
	}
	if w.Active {
		e.kick(queueOf(w.ID))
	}
	return w, nil
}

// Delete removes a subscription and all its deliveries.
func (e *Engine) Delete(ctx context.Context, id string) error {
	if err := e.store.DeleteWebhook(ctx, id); err != nil {
		return err
	}
	if err := e.readHooks(ctx); err != nil {
		return err
	}
	e.forgetWaiting(queueOf(id))
	return e.store.DropDeliveries(ctx, queueOf(id))
}

// Test puts a delivery into a subscription's queue that carries nothing but
// greetings, and returns it.
func (e *Engine) Test(ctx context.Context, id string) (classroom.Delivery, error) {
	w, err := e.Get(id)
	if err != nil {
		return classroom.Delivery{}, err
	}
	body, err := json.Marshal(event{TestEvent, stamp(e.now()), data{Class: class{ID: w.ClassID}, Message: "It works."}})
	if err != nil {
		return classroom.Delivery{}, err
	}
	d := e.delivery(w, "msg_"+e.newID(), w.ClassID, TestEvent, body)
	if err := e.put(ctx, []classroom.Delivery{d}); err != nil {
		return classroom.Delivery{}, err
	}
	return e.store.Delivery(ctx, d.ID)
}

// Deliveries lists a subscription's deliveries, newest first; the failed ones
// are its dead letters.
func (e *Engine) Deliveries(ctx context.Context, id string, state classroom.DeliveryState, before int64, limit int) ([]classroom.Delivery, error) {
	if _, err := e.Get(id); err != nil {
		return nil, err
	}
	return e.store.Deliveries(ctx, classroom.DeliveryQuery{Queue: queueOf(id), State: state, Before: before, Limit: limit})
}

// Resend tries a delivery of a subscription once more, before what waits: one
// that was given up has had its day, and gets this one attempt.
func (e *Engine) Resend(ctx context.Context, id, deliveryID string) error {
	d, err := e.store.Delivery(ctx, deliveryID)
	if err == nil && d.WebhookID != id {
		err = classroom.ErrNotFound
	}
	if err != nil {
		return err
	}
	if d.State != classroom.DeliveryPending {
		e.mu.Lock()
		e.waiting[d.Queue]++
		e.mu.Unlock()
	}
	d.State, d.NextAt, d.FinishedAt = classroom.DeliveryPending, e.now(), time.Time{}
	if err := e.store.UpdateDelivery(ctx, d); err != nil {
		return err
	}
	e.hurry(d.Queue)
	return nil
}
