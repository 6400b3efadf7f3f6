package storetest

import (
	"fmt"
	"sync/atomic"
	"time"

	"kelas/classroom"
)

func webhook(id string, created int) classroom.Webhook {
	return classroom.Webhook{ID: id, URL: "https://lms.example/" + id, Secret: "whsec_c2VjcmV0", Events: []string{"chat.message"},
		ClassID: "c1", Active: true, CreatedBy: "u1", CreatedAt: at(created)}
}

func testWebhooks(h *harness) {
	_, err := h.s.Webhook(h.ctx, "w1")
	h.is(err, classroom.ErrNotFound)
	_, err = h.s.UpdateWebhook(h.ctx, webhook("w1", 1))
	h.is(err, classroom.ErrNotFound)
	h.is(h.s.DeleteWebhook(h.ctx, "w1"), classroom.ErrNotFound)

	w2, w1 := webhook("w2", 2), webhook("w1", 1)
	w2.Events = nil
	w1.Door, w1.Terms = "bbb", "kelas[7]"
	for _, w := range []classroom.Webhook{w2, w1} {
		h.ok(h.s.PutWebhook(h.ctx, w))
		same(h, "the webhook", must(h.s.Webhook(h.ctx, w.ID))(h), w)
	}
	h.is(h.s.PutWebhook(h.ctx, w1), classroom.ErrExists)
	sameList(h, "webhooks", must(h.s.Webhooks(h.ctx))(h), []classroom.Webhook{w1, w2})

	change := w1
	change.Active, change.Disabled, change.Events = false, "gone", []string{"a", "b"}
	after := must(h.s.UpdateWebhook(h.ctx, change))(h)
	same(h, "the rev", after.Rev, w1.Rev+1)
	same(h, "the changed webhook", must(h.s.Webhook(h.ctx, "w1"))(h), after)
	_, err = h.s.UpdateWebhook(h.ctx, change)
	h.is(err, classroom.ErrConflict)
	h.ok(h.s.DeleteWebhook(h.ctx, "w1"))
	sameList(h, "webhooks left", must(h.s.Webhooks(h.ctx))(h), []classroom.Webhook{w2})
}

func delivery(queue string, seq int) classroom.Delivery {
	return classroom.Delivery{ID: fmt.Sprintf("%s-%d", queue, seq), Queue: queue, Seq: int64(seq), WebhookID: "w1",
		ClassID: "c1", Event: "chat.message", Method: "POST", URL: "https://lms.example/in?a=1&b=2",
		Header: map[string]string{"Content-Type": "application/json", "X.Dot": "a.b$c"}, Body: []byte("{\"a\":\"\x00\xff\"}"),
		RetryFirst: 1500 * time.Millisecond, RetryMax: time.Hour, GiveUpAfter: 24 * time.Hour,
		State: classroom.DeliveryPending, CreatedAt: at(seq), NextAt: at(seq)}
}

func testDeliveries(h *harness) {
	same(h, "the last number", must(h.s.LastDeliverySeq(h.ctx))(h), 0)
	_, err := h.s.NextDelivery(h.ctx, "q")
	h.is(err, classroom.ErrNotFound)
	_, err = h.s.Delivery(h.ctx, "q-1")
	h.is(err, classroom.ErrNotFound)
	h.is(h.s.UpdateDelivery(h.ctx, delivery("q", 1)), classroom.ErrNotFound)
	h.ok(h.s.PutDeliveries(h.ctx, nil))

	d1, d2, d3, other := delivery("q", 1), delivery("q", 2), delivery("q", 3), delivery("other", 4)
	other.Header, other.Body = nil, []byte{}
	h.ok(h.s.PutDeliveries(h.ctx, []classroom.Delivery{d2, d1}))
	changed := d1
	changed.Body = []byte("another")
	h.ok(h.s.PutDeliveries(h.ctx, []classroom.Delivery{changed, d3, d2, other})) // two are there already
	same(h, "the first one stands", must(h.s.Delivery(h.ctx, d1.ID))(h), d1)
	got := must(h.s.Delivery(h.ctx, other.ID))(h)
	if len(got.Header) != 0 || len(got.Body) != 0 {
		h.Fatalf("an empty request came back as %+v", got)
	}
	same(h, "the queues", must(h.s.DeliveryQueues(h.ctx))(h), map[string]int{"q": 3, "other": 1})
	same(h, "the last number", must(h.s.LastDeliverySeq(h.ctx))(h), 4)
	same(h, "the next", must(h.s.NextDelivery(h.ctx, "q"))(h), d1)

	d1.State, d1.Attempts, d1.Status, d1.FinishedAt = classroom.DeliveryDone, 2, 204, at(10)
	h.ok(h.s.UpdateDelivery(h.ctx, d1))
	same(h, "the done one", must(h.s.Delivery(h.ctx, d1.ID))(h), d1)
	d2.Attempts, d2.Error, d2.NextAt = 1, "refused", at(100)
	h.ok(h.s.UpdateDelivery(h.ctx, d2))
	same(h, "the next is in order, though it is not due", must(h.s.NextDelivery(h.ctx, "q"))(h), d2)

	query := func(q classroom.DeliveryQuery) []int64 {
		h.Helper()
		var seqs []int64
		for _, d := range must(h.s.Deliveries(h.ctx, q))(h) {
			seqs = append(seqs, d.Seq)
		}
		return seqs
	}
	sameList(h, "all", query(classroom.DeliveryQuery{}), []int64{4, 3, 2, 1})
	sameList(h, "a queue's", query(classroom.DeliveryQuery{Queue: "q"}), []int64{3, 2, 1})
	sameList(h, "the pending", query(classroom.DeliveryQuery{Queue: "q", State: classroom.DeliveryPending}), []int64{3, 2})
	sameList(h, "a page", query(classroom.DeliveryQuery{Before: 4, Limit: 2}), []int64{3, 2})
	sameList(h, "the done", query(classroom.DeliveryQuery{State: classroom.DeliveryDone}), []int64{1})

	h.ok(h.s.FailDeliveries(h.ctx, "q", "gone", at(20)))
	d3.State, d3.Error, d3.FinishedAt = classroom.DeliveryFailed, "gone", at(20)
	same(h, "the given up one", must(h.s.Delivery(h.ctx, d3.ID))(h), d3)
	same(h, "the done one stays", must(h.s.Delivery(h.ctx, d1.ID))(h), d1)
	same(h, "the queues", must(h.s.DeliveryQueues(h.ctx))(h), map[string]int{"other": 1})

	same(h, "swept", must(h.s.SweepDeliveries(h.ctx, at(15)))(h), 1)
	sameList(h, "left", query(classroom.DeliveryQuery{}), []int64{4, 3, 2})
	same(h, "swept", must(h.s.SweepDeliveries(h.ctx, at(999)))(h), 2)
	h.ok(h.s.DropDeliveries(h.ctx, "other"))
	h.ok(h.s.DropDeliveries(h.ctx, "other"))
	sameList(h, "left", query(classroom.DeliveryQuery{}), nil)
}

func testLessonMarks(h *harness) {
	sameList(h, "marks", must(h.s.LessonMarks(h.ctx))(h), nil)
	b, a := classroom.LessonMark{ClassID: "b", Since: at(1), Told: at(2)}, classroom.LessonMark{ClassID: "a", Since: at(3)}
	h.ok(h.s.PutLessonMark(h.ctx, b))
	h.ok(h.s.PutLessonMark(h.ctx, a))
	b.Told = at(9)
	h.ok(h.s.PutLessonMark(h.ctx, b))
	sameList(h, "marks", must(h.s.LessonMarks(h.ctx))(h), []classroom.LessonMark{a, b})
	h.ok(h.s.DeleteLessonMark(h.ctx, "a"))
	h.ok(h.s.DeleteLessonMark(h.ctx, "a"))
	sameList(h, "marks", must(h.s.LessonMarks(h.ctx))(h), []classroom.LessonMark{b})
}

// raceDeliveries puts overlapping lists at once: each is there once in the end.
func raceDeliveries(h *harness) {
	var failed atomic.Int64
	together(8, func(i int) {
		var list []classroom.Delivery
		for seq := i; seq < i+5; seq++ {
			list = append(list, delivery("q", seq+1))
		}
		if err := h.s.PutDeliveries(h.ctx, list); err != nil {
			h.Errorf("putting: %v", err)
			failed.Add(1)
		}
	})
	same(h, "failures", failed.Load(), 0)
	same(h, "the queue", must(h.s.DeliveryQueues(h.ctx))(h), map[string]int{"q": 12})
}
