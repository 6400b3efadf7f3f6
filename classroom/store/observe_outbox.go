package store

import (
	"context"
	"time"

	"kelas/classroom"
)

func (o *observed) PutWebhook(ctx context.Context, w classroom.Webhook) (err error) {
	defer o.time("PutWebhook", time.Now(), &err)
	return o.next.PutWebhook(ctx, w)
}

func (o *observed) UpdateWebhook(ctx context.Context, w classroom.Webhook) (_ classroom.Webhook, err error) {
	defer o.time("UpdateWebhook", time.Now(), &err)
	return o.next.UpdateWebhook(ctx, w)
}

func (o *observed) Webhook(ctx context.Context, id string) (_ classroom.Webhook, err error) {
	defer o.time("Webhook", time.Now(), &err)
	return o.next.Webhook(ctx, id)
}

func (o *observed) Webhooks(ctx context.Context) (_ []classroom.Webhook, err error) {
	defer o.time("Webhooks", time.Now(), &err)
	return o.next.Webhooks(ctx)
}

func (o *observed) DeleteWebhook(ctx context.Context, id string) (err error) {
	defer o.time("DeleteWebhook", time.Now(), &err)
	return o.next.DeleteWebhook(ctx, id)
}

func (o *observed) PutDeliveries(ctx context.Context, list []classroom.Delivery) (err error) {
	defer o.time("PutDeliveries", time.Now(), &err)
	return o.next.PutDeliveries(ctx, list)
}

func (o *observed) UpdateDelivery(ctx context.Context, d classroom.Delivery) (err error) {
	defer o.time("UpdateDelivery", time.Now(), &err)
	return o.next.UpdateDelivery(ctx, d)
}

func (o *observed) Delivery(ctx context.Context, id string) (_ classroom.Delivery, err error) {
	defer o.time("Delivery", time.Now(), &err)
	return o.next.Delivery(ctx, id)
}

func (o *observed) NextDelivery(ctx context.Context, queue string) (_ classroom.Delivery, err error) {
	defer o.time("NextDelivery", time.Now(), &err)
	return o.next.NextDelivery(ctx, queue)
}

func (o *observed) DeliveryQueues(ctx context.Context) (_ map[string]int, err error) {
	defer o.time("DeliveryQueues", time.Now(), &err)
	return o.next.DeliveryQueues(ctx)
}

func (o *observed) Deliveries(ctx context.Context, q classroom.DeliveryQuery) (_ []classroom.Delivery, err error) {
	defer o.time("Deliveries", time.Now(), &err)
	return o.next.Deliveries(ctx, q)
}

func (o *observed) LastDeliverySeq(ctx context.Context) (_ int64, err error) {
	defer o.time("LastDeliverySeq", time.Now(), &err)
	return o.next.LastDeliverySeq(ctx)
}

func (o *observed) DropDeliveries(ctx context.Context, queue string) (err error) {
	defer o.time("DropDeliveries", time.Now(), &err)
	return o.next.DropDeliveries(ctx, queue)
}

func (o *observed) FailDeliveries(ctx context.Context, queue, reason string, at time.Time) (err error) {
	defer o.time("FailDeliveries", time.Now(), &err)
	return o.next.FailDeliveries(ctx, queue, reason, at)
}

func (o *observed) SweepDeliveries(ctx context.Context, before time.Time) (_ int, err error) {
	defer o.time("SweepDeliveries", time.Now(), &err)
	return o.next.SweepDeliveries(ctx, before)
}

func (o *observed) PutLessonMark(ctx context.Context, m classroom.LessonMark) (err error) {
	defer o.time("PutLessonMark", time.Now(), &err)
	return o.next.PutLessonMark(ctx, m)
}

func (o *observed) LessonMarks(ctx context.Context) (_ []classroom.LessonMark, err error) {
	defer o.time("LessonMarks", time.Now(), &err)
	return o.next.LessonMarks(ctx)
}

func (o *observed) DeleteLessonMark(ctx context.Context, classID string) (err error) {
	defer o.time("DeleteLessonMark", time.Now(), &err)
	return o.next.DeleteLessonMark(ctx, classID)
}
