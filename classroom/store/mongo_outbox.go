package store

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"kelas/classroom"
)

type webhookDoc struct {
	ID        string   `bson:"_id"`
	URL       string   `bson:"url"`
	Secret    string   `bson:"secret"`
	Events    []string `bson:"events"`
	Class     string   `bson:"class"`
	Active    bool     `bson:"active"`
	Disabled  string   `bson:"disabled"`
	CreatedBy string   `bson:"by"`
	Created   int64    `bson:"created"`
	Rev       int64    `bson:"rev"`
	Door      string   `bson:"door,omitempty"`
	Terms     string   `bson:"terms,omitempty"`
}

func webhookToDoc(w classroom.Webhook) webhookDoc {
	return webhookDoc{w.ID, w.URL, w.Secret, w.Events, w.ClassID, w.Active, w.Disabled, w.CreatedBy, millis(w.CreatedAt), w.Rev,
		w.Door, w.Terms}
}

func (d webhookDoc) webhook() classroom.Webhook {
	return classroom.Webhook{ID: d.ID, URL: d.URL, Secret: d.Secret, Events: d.Events, ClassID: d.Class, Active: d.Active,
		Disabled: d.Disabled, CreatedBy: d.CreatedBy, CreatedAt: fromMillis(d.Created), Rev: d.Rev,
		Door: d.Door, Terms: d.Terms}
}

func (s *mongoStore) PutWebhook(ctx context.Context, w classroom.Webhook) error {
	return s.insert(ctx, "put webhook", mongoWebhooks, webhookToDoc(w))
}

func (s *mongoStore) UpdateWebhook(ctx context.Context, w classroom.Webhook) (classroom.Webhook, error) {
	d := webhookToDoc(w)
	d.Rev++
	if err := s.replace(ctx, "update webhook", mongoWebhooks, byID(w.ID), w.Rev, d); err != nil {
		return classroom.Webhook{}, err
	}
	return d.webhook(), nil
}

func (s *mongoStore) Webhook(ctx context.Context, id string) (classroom.Webhook, error) {
	d, err := findOne[webhookDoc](ctx, s, "read webhook", mongoWebhooks, byID(id))
	return d.webhook(), err
}

func (s *mongoStore) Webhooks(ctx context.Context) ([]classroom.Webhook, error) {
	return findAll(ctx, s, "list webhooks", mongoWebhooks, bson.D{}, webhookDoc.webhook,
		options.Find().SetSort(sorted("created", "_id")))
}

func (s *mongoStore) DeleteWebhook(ctx context.Context, id string) error {
	return s.removeExisting(ctx, "delete webhook", mongoWebhooks, byID(id))
}

type deliveryDoc struct {
	ID       string                  `bson:"_id"`
	Queue    string                  `bson:"queue"`
	Seq      int64                   `bson:"seq"`
	Webhook  string                  `bson:"webhook"`
	Class    string                  `bson:"class"`
	Event    string                  `bson:"event"`
	Method   string                  `bson:"method"`
	URL      string                  `bson:"url"`
	Header   []string                `bson:"header"` // name, value, name ...: a key of a document may not hold a dot
	Body     []byte                  `bson:"body"`
	First    int64                   `bson:"retryFirst"`
	Longest  int64                   `bson:"retryMax"`
	GiveUp   int64                   `bson:"giveUp"`
	State    classroom.DeliveryState `bson:"state"`
	Created  int64                   `bson:"created"`
	Next     int64                   `bson:"next"`
	Finished int64                   `bson:"finished"`
	Attempts int                     `bson:"attempts"`
	Status   int                     `bson:"status"`
	Error    string                  `bson:"error"`
}

func deliveryToDoc(d classroom.Delivery) deliveryDoc {
	var header []string
	for name, value := range d.Header {
		header = append(header, name, value)
	}
	return deliveryDoc{ID: d.ID, Queue: d.Queue, Seq: d.Seq, Webhook: d.WebhookID, Class: d.ClassID, Event: d.Event,
		Method: d.Method, URL: d.URL, Header: header, Body: d.Body, First: d.RetryFirst.Milliseconds(),
		Longest: d.RetryMax.Milliseconds(), GiveUp: d.GiveUpAfter.Milliseconds(), State: d.State,
		Created: millis(d.CreatedAt), Next: millis(d.NextAt), Finished: millis(d.FinishedAt),
		Attempts: d.Attempts, Status: d.Status, Error: d.Error}
}

func (d deliveryDoc) delivery() classroom.Delivery {
	var header map[string]string
	for i := 0; i+1 < len(d.Header); i += 2 {
		if header == nil {
			header = make(map[string]string)
		}
		header[d.Header[i]] = d.Header[i+1]
	}
	return classroom.Delivery{ID: d.ID, Queue: d.Queue, Seq: d.Seq, WebhookID: d.Webhook, ClassID: d.Class, Event: d.Event,
		Method: d.Method, URL: d.URL, Header: header, Body: d.Body, RetryFirst: fromMs(d.First), RetryMax: fromMs(d.Longest),
		GiveUpAfter: fromMs(d.GiveUp), State: d.State, CreatedAt: fromMillis(d.Created), NextAt: fromMillis(d.Next),
		FinishedAt: fromMillis(d.Finished), Attempts: d.Attempts, Status: d.Status, Error: d.Error}
}

// PutDeliveries inserts without order: one that is there already does not
// keep out the others, and after an unclear failure all may come again.
func (s *mongoStore) PutDeliveries(ctx context.Context, list []classroom.Delivery) error {
	if len(list) == 0 {
		return nil
	}
	docs := make([]any, len(list))
	for i, d := range list {
		docs[i] = deliveryToDoc(d)
	}
	return s.attempt(ctx, "put deliveries", func() error {
		_, err := s.db.Collection(mongoDeliveries).InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
		if onlyDuplicates(err) {
			return nil
		}
		return err
	})
}

// onlyDuplicates reports a bulk write of which all that failed was there.
func onlyDuplicates(err error) bool {
	var bulk mongo.BulkWriteException
	if !errors.As(err, &bulk) || bulk.WriteConcernError != nil || len(bulk.WriteErrors) == 0 {
		return false
	}
	for _, e := range bulk.WriteErrors {
		if !mongo.IsDuplicateKeyError(e.WriteError) {
			return false
		}
	}
	return true
}

func (s *mongoStore) UpdateDelivery(ctx context.Context, d classroom.Delivery) error {
	return s.attempt(ctx, "update delivery", func() error {
		res, err := s.db.Collection(mongoDeliveries).UpdateOne(ctx, byID(d.ID), bson.D{{Key: "$set", Value: bson.D{
			{Key: "state", Value: d.State}, {Key: "next", Value: millis(d.NextAt)},
			{Key: "finished", Value: millis(d.FinishedAt)}, {Key: "attempts", Value: d.Attempts},
			{Key: "status", Value: d.Status}, {Key: "error", Value: d.Error},
		}}})
		if err == nil && res.MatchedCount == 0 {
			return classroom.ErrNotFound
		}
		return err
	})
}

func (s *mongoStore) Delivery(ctx context.Context, id string) (classroom.Delivery, error) {
	d, err := findOne[deliveryDoc](ctx, s, "read delivery", mongoDeliveries, byID(id))
	return d.delivery(), err
}

// pendingIn selects what waits in a queue.
func pendingIn(queue string) bson.D {
	return bson.D{{Key: "queue", Value: queue}, {Key: "state", Value: classroom.DeliveryPending}}
}

func (s *mongoStore) NextDelivery(ctx context.Context, queue string) (classroom.Delivery, error) {
	d, err := findOne[deliveryDoc](ctx, s, "read the next delivery", mongoDeliveries, pendingIn(queue),
		options.FindOne().SetSort(sorted("seq", "_id")))
	return d.delivery(), err
}

func (s *mongoStore) DeliveryQueues(ctx context.Context) (map[string]int, error) {
	list, err := findAll(ctx, s, "list delivery queues", mongoDeliveries,
		bson.D{{Key: "state", Value: classroom.DeliveryPending}}, func(d deliveryDoc) string { return d.Queue },
		options.Find().SetProjection(bson.D{{Key: "queue", Value: 1}}))
	if err != nil {
		return nil, err
	}
	queues := make(map[string]int)
	for _, queue := range list {
		queues[queue]++
	}
	return queues, nil
}

func (s *mongoStore) Deliveries(ctx context.Context, q classroom.DeliveryQuery) ([]classroom.Delivery, error) {
	filter := bson.D{}
	if q.Queue != "" {
		filter = append(filter, bson.E{Key: "queue", Value: q.Queue})
	}
	if q.State != "" {
		filter = append(filter, bson.E{Key: "state", Value: q.State})
	}
	if q.Before != 0 {
		filter = append(filter, bson.E{Key: "seq", Value: bson.D{{Key: "$lt", Value: q.Before}}})
	}
	return findAll(ctx, s, "list deliveries", mongoDeliveries, filter, deliveryDoc.delivery,
		options.Find().SetSort(sorted("-seq", "-_id")).SetLimit(int64(q.Limit)))
}

func (s *mongoStore) LastDeliverySeq(ctx context.Context) (int64, error) {
	d, err := findAll(ctx, s, "read the last delivery's number", mongoDeliveries, bson.D{},
		func(d deliveryDoc) int64 { return d.Seq },
		options.Find().SetSort(sorted("-seq", "-_id")).SetLimit(1).SetProjection(bson.D{{Key: "seq", Value: 1}}))
	if err != nil || len(d) == 0 {
		return 0, err
	}
	return d[0], nil
}

func (s *mongoStore) DropDeliveries(ctx context.Context, queue string) error {
	_, err := s.removeAll(ctx, "drop deliveries", mongoDeliveries, bson.D{{Key: "queue", Value: queue}})
	return err
}

func (s *mongoStore) FailDeliveries(ctx context.Context, queue, reason string, at time.Time) error {
	return s.attempt(ctx, "fail deliveries", func() error {
		_, err := s.db.Collection(mongoDeliveries).UpdateMany(ctx, pendingIn(queue), bson.D{{Key: "$set", Value: bson.D{
			{Key: "state", Value: classroom.DeliveryFailed}, {Key: "error", Value: reason},
			{Key: "finished", Value: millis(at)}}}})
		return err
	})
}

func (s *mongoStore) SweepDeliveries(ctx context.Context, before time.Time) (int, error) {
	finished := bson.A{classroom.DeliveryDone, classroom.DeliveryFailed}
	return s.removeAll(ctx, "sweep deliveries", mongoDeliveries, bson.D{
		{Key: "state", Value: bson.D{{Key: "$in", Value: finished}}},
		{Key: "finished", Value: bson.D{{Key: "$lt", Value: millis(before)}}}})
}

type markDoc struct {
	Class string `bson:"_id"`
	Since int64  `bson:"since"`
	Told  int64  `bson:"told"`
}

func (s *mongoStore) PutLessonMark(ctx context.Context, m classroom.LessonMark) error {
	return s.attempt(ctx, "put lesson mark", func() error {
		_, err := s.db.Collection(mongoMarks).ReplaceOne(ctx, byID(m.ClassID),
			markDoc{m.ClassID, millis(m.Since), millis(m.Told)}, options.Replace().SetUpsert(true))
		return err
	})
}

func (s *mongoStore) LessonMarks(ctx context.Context) ([]classroom.LessonMark, error) {
	return findAll(ctx, s, "list lesson marks", mongoMarks, bson.D{}, func(d markDoc) classroom.LessonMark {
		return classroom.LessonMark{ClassID: d.Class, Since: fromMillis(d.Since), Told: fromMillis(d.Told)}
	}, options.Find().SetSort(sorted("_id")))
}

func (s *mongoStore) DeleteLessonMark(ctx context.Context, classID string) error {
	_, err := s.remove(ctx, "delete lesson mark", mongoMarks, byID(classID))
	return err
}
