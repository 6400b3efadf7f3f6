package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"kelas/classroom"
)

const (
	webhookColumns = `id, url, secret, events, class_id, active, disabled, created_by, created_at, rev, door, terms`

	sqlPutWebhook    = `INSERT INTO webhooks (` + webhookColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlUpdateWebhook = `UPDATE webhooks SET url = ?, secret = ?, events = ?, class_id = ?, active = ?, disabled = ?,
		created_by = ?, created_at = ?, door = ?, terms = ?, rev = rev + 1 WHERE id = ? AND rev = ?`
	sqlWebhook       = `SELECT ` + webhookColumns + ` FROM webhooks WHERE id = ?`
	sqlWebhookExists = `SELECT 1 FROM webhooks WHERE id = ?`
	sqlWebhooks      = `SELECT ` + webhookColumns + ` FROM webhooks ORDER BY created_at, id`
	sqlDeleteWebhook = `DELETE FROM webhooks WHERE id = ?`

	deliveryColumns = `id, queue, seq, webhook_id, class_id, event, method, url, header, body, retry_first, retry_max,
		give_up, state, created_at, next_at, finished_at, attempts, status, error`

	sqlPutDelivery = `INSERT INTO deliveries (` + deliveryColumns + `)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`
	sqlUpdateDelivery = `UPDATE deliveries SET state = ?, next_at = ?, finished_at = ?, attempts = ?, status = ?, error = ?
		WHERE id = ?`
	sqlDelivery     = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE id = ?`
	sqlNextDelivery = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE queue = ? AND state = 'pending'
		ORDER BY seq, id LIMIT 1`
	sqlDeliveryQueues = `SELECT queue, count(*) FROM deliveries WHERE state = 'pending' GROUP BY queue`
	sqlDeliveries     = `SELECT ` + deliveryColumns + ` FROM deliveries
		WHERE seq < ? AND (? = '' OR state = ?) ORDER BY seq DESC, id DESC LIMIT ?`
	sqlDeliveriesOf = `SELECT ` + deliveryColumns + ` FROM deliveries
		WHERE queue = ? AND seq < ? AND (? = '' OR state = ?) ORDER BY seq DESC, id DESC LIMIT ?`
	sqlLastDeliverySeq = `SELECT coalesce(max(seq), 0) FROM deliveries`
	sqlDropDeliveries  = `DELETE FROM deliveries WHERE queue = ?`
	sqlFailDeliveries  = `UPDATE deliveries SET state = 'failed', error = ?, finished_at = ?
		WHERE queue = ? AND state = 'pending'`
	sqlSweepDeliveries = `DELETE FROM deliveries WHERE state <> 'pending' AND finished_at < ?`

	sqlPutLessonMark = `INSERT INTO lesson_marks (class_id, since, told) VALUES (?, ?, ?)
		ON CONFLICT (class_id) DO UPDATE SET since = excluded.since, told = excluded.told`
	sqlLessonMarks      = `SELECT class_id, since, told FROM lesson_marks ORDER BY class_id`
	sqlDeleteLessonMark = `DELETE FROM lesson_marks WHERE class_id = ?`
)

func scanWebhook(row scanner) (w classroom.Webhook, err error) {
	var created int64
	var events string
	err = row.Scan(&w.ID, &w.URL, &w.Secret, &events, &w.ClassID, &w.Active, &w.Disabled, &w.CreatedBy, &created, &w.Rev,
		&w.Door, &w.Terms)
	if err != nil {
		return w, err
	}
	w.CreatedAt = fromMillis(created)
	return w, json.Unmarshal([]byte(events), &w.Events)
}

// jsonText is a list or map as both engines' rows keep it.
func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

func (s *sqliteStore) PutWebhook(ctx context.Context, w classroom.Webhook) error {
	events, err := jsonText(w.Events)
	if err != nil {
		return fmt.Errorf("store: put webhook: %w", err)
	}
	_, err = s.exec(ctx, "put webhook", sqlPutWebhook, w.ID, w.URL, w.Secret, events, w.ClassID, w.Active, w.Disabled,
		w.CreatedBy, millis(w.CreatedAt), w.Rev, w.Door, w.Terms)
	return err
}

func (s *sqliteStore) UpdateWebhook(ctx context.Context, w classroom.Webhook) (classroom.Webhook, error) {
	const op = "update webhook"
	events, err := jsonText(w.Events)
	if err != nil {
		return classroom.Webhook{}, fmt.Errorf("store: %s: %w", op, err)
	}
	n, err := s.exec(ctx, op, sqlUpdateWebhook, w.URL, w.Secret, events, w.ClassID, w.Active, w.Disabled, w.CreatedBy,
		millis(w.CreatedAt), w.Door, w.Terms, w.ID, w.Rev)
	if err == nil {
		err = s.updated(ctx, op, n, sqlWebhookExists, w.ID)
	}
	if err != nil {
		return classroom.Webhook{}, err
	}
	w.Rev++
	w.CreatedAt = storedTime(w.CreatedAt)
	return w, nil
}

func (s *sqliteStore) Webhook(ctx context.Context, id string) (classroom.Webhook, error) {
	return queryOne(ctx, s.read, s, "read webhook", scanWebhook, sqlWebhook, id)
}

func (s *sqliteStore) Webhooks(ctx context.Context) ([]classroom.Webhook, error) {
	return queryAll(ctx, s, "list webhooks", scanWebhook, sqlWebhooks)
}

func (s *sqliteStore) DeleteWebhook(ctx context.Context, id string) error {
	n, err := s.exec(ctx, "delete webhook", sqlDeleteWebhook, id)
	if err == nil && n == 0 {
		err = fail(ctx, "delete webhook", classroom.ErrNotFound, classifySQLite)
	}
	return err
}

func scanDelivery(row scanner) (d classroom.Delivery, err error) {
	var created, next, finished, first, longest, giveUp int64
	var header string
	err = row.Scan(&d.ID, &d.Queue, &d.Seq, &d.WebhookID, &d.ClassID, &d.Event, &d.Method, &d.URL, &header, &d.Body,
		&first, &longest, &giveUp, &d.State, &created, &next, &finished, &d.Attempts, &d.Status, &d.Error)
	if err != nil {
		return d, err
	}
	d.RetryFirst, d.RetryMax, d.GiveUpAfter = fromMs(first), fromMs(longest), fromMs(giveUp)
	d.CreatedAt, d.NextAt, d.FinishedAt = fromMillis(created), fromMillis(next), fromMillis(finished)
	return d, json.Unmarshal([]byte(header), &d.Header)
}

// fromMs is a length of time that was kept as milliseconds.
func fromMs(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

func (s *sqliteStore) PutDeliveries(ctx context.Context, list []classroom.Delivery) error {
	if len(list) == 0 {
		return nil
	}
	return s.transaction(ctx, "put deliveries", func(tx *sqliteTx) error {
		for _, d := range list {
			header, err := jsonText(d.Header)
			if err != nil {
				return err
			}
			body := d.Body
			if body == nil {
				body = []byte{}
			}
			_, err = tx.exec(sqlPutDelivery, d.ID, d.Queue, d.Seq, d.WebhookID, d.ClassID, d.Event, d.Method, d.URL, header,
				body, d.RetryFirst.Milliseconds(), d.RetryMax.Milliseconds(), d.GiveUpAfter.Milliseconds(), d.State,
				millis(d.CreatedAt), millis(d.NextAt), millis(d.FinishedAt), d.Attempts, d.Status, d.Error)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sqliteStore) UpdateDelivery(ctx context.Context, d classroom.Delivery) error {
	n, err := s.exec(ctx, "update delivery", sqlUpdateDelivery, d.State, millis(d.NextAt), millis(d.FinishedAt), d.Attempts,
		d.Status, d.Error, d.ID)
	if err == nil && n == 0 {
		err = fail(ctx, "update delivery", classroom.ErrNotFound, classifySQLite)
	}
	return err
}

func (s *sqliteStore) Delivery(ctx context.Context, id string) (classroom.Delivery, error) {
	return queryOne(ctx, s.read, s, "read delivery", scanDelivery, sqlDelivery, id)
}

func (s *sqliteStore) NextDelivery(ctx context.Context, queue string) (classroom.Delivery, error) {
	return queryOne(ctx, s.read, s, "read the next delivery", scanDelivery, sqlNextDelivery, queue)
}

func (s *sqliteStore) DeliveryQueues(ctx context.Context) (map[string]int, error) {
	type count struct {
		queue string
		n     int
	}
	list, err := queryAll(ctx, s, "list delivery queues", func(row scanner) (c count, err error) {
		return c, row.Scan(&c.queue, &c.n)
	}, sqlDeliveryQueues)
	if err != nil {
		return nil, err
	}
	queues := make(map[string]int, len(list))
	for _, c := range list {
		queues[c.queue] = c.n
	}
	return queues, nil
}

func (s *sqliteStore) Deliveries(ctx context.Context, q classroom.DeliveryQuery) ([]classroom.Delivery, error) {
	before, limit := q.Before, q.Limit
	if before == 0 {
		before = math.MaxInt64
	}
	if limit == 0 {
		limit = -1
	}
	if q.Queue == "" {
		return queryAll(ctx, s, "list deliveries", scanDelivery, sqlDeliveries, before, q.State, q.State, limit)
	}
	return queryAll(ctx, s, "list deliveries", scanDelivery, sqlDeliveriesOf, q.Queue, before, q.State, q.State, limit)
}

func (s *sqliteStore) LastDeliverySeq(ctx context.Context) (int64, error) {
	return queryOne(ctx, s.read, s, "read the last delivery's number", scanInt, sqlLastDeliverySeq)
}

func (s *sqliteStore) DropDeliveries(ctx context.Context, queue string) error {
	_, err := s.exec(ctx, "drop deliveries", sqlDropDeliveries, queue)
	return err
}

func (s *sqliteStore) FailDeliveries(ctx context.Context, queue, reason string, at time.Time) error {
	_, err := s.exec(ctx, "fail deliveries", sqlFailDeliveries, reason, millis(at), queue)
	return err
}

func (s *sqliteStore) SweepDeliveries(ctx context.Context, before time.Time) (int, error) {
	n, err := s.exec(ctx, "sweep deliveries", sqlSweepDeliveries, millis(before))
	return int(n), err
}

func (s *sqliteStore) PutLessonMark(ctx context.Context, m classroom.LessonMark) error {
	_, err := s.exec(ctx, "put lesson mark", sqlPutLessonMark, m.ClassID, millis(m.Since), millis(m.Told))
	return err
}

func (s *sqliteStore) LessonMarks(ctx context.Context) ([]classroom.LessonMark, error) {
	return queryAll(ctx, s, "list lesson marks", func(row scanner) (m classroom.LessonMark, err error) {
		var since, told int64
		err = row.Scan(&m.ClassID, &since, &told)
		m.Since, m.Told = fromMillis(since), fromMillis(told)
		return m, err
	}, sqlLessonMarks)
}

func (s *sqliteStore) DeleteLessonMark(ctx context.Context, classID string) error {
	_, err := s.exec(ctx, "delete lesson mark", sqlDeleteLessonMark, classID)
	return err
}
