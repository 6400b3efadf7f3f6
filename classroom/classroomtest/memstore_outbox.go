package classroomtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"kelas/classroom"
)

func (m *MemStore) PutWebhook(ctx context.Context, w classroom.Webhook) error {
	w.CreatedAt, w.Events = stamp(w.CreatedAt), slices.Clone(w.Events)
	return put(ctx, m, m.webhooks, w.ID, w)
}

func (m *MemStore) UpdateWebhook(ctx context.Context, w classroom.Webhook) (classroom.Webhook, error) {
	if err := m.enter(ctx); err != nil {
		return classroom.Webhook{}, err
	}
	defer m.mu.Unlock()
	old, ok := m.webhooks[w.ID]
	if !ok {
		return classroom.Webhook{}, classroom.ErrNotFound
	}
	if old.Rev != w.Rev {
		return classroom.Webhook{}, classroom.ErrConflict
	}
	w.Rev++
	w.CreatedAt, w.Events = stamp(w.CreatedAt), slices.Clone(w.Events)
	m.webhooks[w.ID] = w
	return w, nil
}

func (m *MemStore) Webhook(ctx context.Context, id string) (classroom.Webhook, error) {
	return get(ctx, m, m.webhooks, id)
}

func (m *MemStore) Webhooks(ctx context.Context) ([]classroom.Webhook, error) {
	return list(ctx, m, m.webhooks, func(classroom.Webhook) bool { return true }, func(a, b classroom.Webhook) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
}

func (m *MemStore) DeleteWebhook(ctx context.Context, id string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if _, ok := m.webhooks[id]; !ok {
		return classroom.ErrNotFound
	}
	delete(m.webhooks, id)
	return nil
}

func (m *MemStore) PutDeliveries(ctx context.Context, list []classroom.Delivery) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, d := range list {
		if _, ok := m.deliveries[d.ID]; ok {
			continue
		}
		d.CreatedAt, d.NextAt, d.FinishedAt = stamp(d.CreatedAt), stamp(d.NextAt), stamp(d.FinishedAt)
		d.Header, d.Body = maps.Clone(d.Header), slices.Clone(d.Body)
		m.deliveries[d.ID] = d
	}
	return nil
}

func (m *MemStore) UpdateDelivery(ctx context.Context, d classroom.Delivery) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	old, ok := m.deliveries[d.ID]
	if !ok {
		return classroom.ErrNotFound
	}
	old.State, old.Attempts, old.Status, old.Error = d.State, d.Attempts, d.Status, d.Error
	old.NextAt, old.FinishedAt = stamp(d.NextAt), stamp(d.FinishedAt)
	m.deliveries[d.ID] = old
	return nil
}

func (m *MemStore) Delivery(ctx context.Context, id string) (classroom.Delivery, error) {
	return get(ctx, m, m.deliveries, id)
}

func (m *MemStore) NextDelivery(ctx context.Context, queue string) (classroom.Delivery, error) {
	all, err := m.Deliveries(ctx, classroom.DeliveryQuery{Queue: queue, State: classroom.DeliveryPending})
	if err == nil && len(all) == 0 {
		err = classroom.ErrNotFound
	}
	if err != nil {
		return classroom.Delivery{}, err
	}
	return all[len(all)-1], nil
}

func (m *MemStore) DeliveryQueues(ctx context.Context) (map[string]int, error) {
	all, err := m.Deliveries(ctx, classroom.DeliveryQuery{State: classroom.DeliveryPending})
	if err != nil {
		return nil, err
	}
	queues := make(map[string]int)
	for _, d := range all {
		queues[d.Queue]++
	}
	return queues, nil
}

func (m *MemStore) Deliveries(ctx context.Context, q classroom.DeliveryQuery) ([]classroom.Delivery, error) {
	all, err := list(ctx, m, m.deliveries, func(d classroom.Delivery) bool {
		return (q.Queue == "" || d.Queue == q.Queue) && (q.State == "" || d.State == q.State) &&
			(q.Before == 0 || d.Seq < q.Before)
	}, func(a, b classroom.Delivery) int { return -cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.ID, b.ID)) })
	if q.Limit > 0 && len(all) > q.Limit {
		all = all[:q.Limit]
	}
	return all, err
}

func (m *MemStore) LastDeliverySeq(ctx context.Context) (int64, error) {
	all, err := m.Deliveries(ctx, classroom.DeliveryQuery{Limit: 1})
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[0].Seq, nil
}

func (m *MemStore) DropDeliveries(ctx context.Context, queue string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	maps.DeleteFunc(m.deliveries, func(_ string, d classroom.Delivery) bool { return d.Queue == queue })
	return nil
}

func (m *MemStore) FailDeliveries(ctx context.Context, queue, reason string, at time.Time) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for id, d := range m.deliveries {
		if d.Queue == queue && d.State == classroom.DeliveryPending {
			d.State, d.Error, d.FinishedAt = classroom.DeliveryFailed, reason, stamp(at)
			m.deliveries[id] = d
		}
	}
	return nil
}

func (m *MemStore) SweepDeliveries(ctx context.Context, before time.Time) (int, error) {
	if err := m.enter(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	n := len(m.deliveries)
	maps.DeleteFunc(m.deliveries, func(_ string, d classroom.Delivery) bool {
		return d.State != classroom.DeliveryPending && d.FinishedAt.Before(before)
	})
	return n - len(m.deliveries), nil
}

func (m *MemStore) PutLessonMark(ctx context.Context, mark classroom.LessonMark) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	mark.Since, mark.Told = stamp(mark.Since), stamp(mark.Told)
	m.marks[mark.ClassID] = mark
	return nil
}

func (m *MemStore) LessonMarks(ctx context.Context) ([]classroom.LessonMark, error) {
	return list(ctx, m, m.marks, func(classroom.LessonMark) bool { return true }, func(a, b classroom.LessonMark) int {
		return cmp.Compare(a.ClassID, b.ClassID)
	})
}

func (m *MemStore) DeleteLessonMark(ctx context.Context, classID string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	delete(m.marks, classID)
	return nil
}
