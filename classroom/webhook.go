package classroom

import (
	"context"
	"time"
)

// Webhook is a subscription of somebody outside to what happens in classes.
type Webhook struct {
	ID        string
	URL       string
	Secret    string   // "whsec_" and base64, as Standard Webhooks has it
	Events    []string // types of Happening; empty means all
	ClassID   string   // only this class; "" means all
	Active    bool
	Disabled  string // why it is not active, where the server turned it off
	CreatedBy string // User.ID, or the name of an API key
	CreatedAt time.Time
	Rev       int64

	// Door is "" for the webhooks of signaling/webhook. A door that sends in
	// its own words has its name here, and in Terms what it needs besides.
	Door  string
	Terms string
}

// DeliveryState says what became of a Delivery.
type DeliveryState string

// Pending waits or is tried again; Done was taken; Failed was given up and
// stays to be looked at until it is swept away.
const (
	DeliveryPending DeliveryState = "pending"
	DeliveryDone    DeliveryState = "done"
	DeliveryFailed  DeliveryState = "failed"
)

// Delivery is one HTTP request to somebody outside, kept until it was taken
// or given up, and for a while after. Requests of one Queue go one after
// another, in the order of Seq.
type Delivery struct {
	ID    string // the same again is the same delivery
	Queue string // whose turn it is; "hook:ID" for a webhook's
	Seq   int64  // rising in time

	WebhookID string // "" for a door's own request
	ClassID   string
	Event     string // type of Happening, or what a door calls it
	Method    string
	URL       string
	Header    map[string]string
	Body      []byte

	// Retries begin RetryFirst after the first failure and double up to
	// RetryMax; what fails GiveUpAfter its making is given up.
	RetryFirst, RetryMax, GiveUpAfter time.Duration

	State      DeliveryState
	CreatedAt  time.Time
	NextAt     time.Time // pending: not before
	FinishedAt time.Time // done or failed
	Attempts   int
	Status     int    // HTTP status of the last attempt, 0 when none came
	Error      string // what was wrong with the last attempt
}

// DeliveryQuery selects a page of deliveries, newest first.
type DeliveryQuery struct {
	Queue  string        // "" for all
	State  DeliveryState // "" for all
	Before int64         // only Seq < Before; 0 means no bound
	Limit  int           // 0 means no bound
}

// LessonMark remembers that somebody outside was told that a lesson is on,
// and up to when all that happened was told. A server that starts again goes
// on from there.
type LessonMark struct {
	ClassID string
	Since   time.Time
	Told    time.Time
}

// OutboxStore is the part of a Store that keeps webhooks and what is to be
// sent to them.
type OutboxStore interface {
	PutWebhook(ctx context.Context, w Webhook) error
	UpdateWebhook(ctx context.Context, w Webhook) (Webhook, error)
	Webhook(ctx context.Context, id string) (Webhook, error)
	Webhooks(ctx context.Context) ([]Webhook, error)    // oldest first
	DeleteWebhook(ctx context.Context, id string) error // ErrNotFound when absent

	// PutDeliveries inserts those whose ID is not there yet.
	PutDeliveries(ctx context.Context, list []Delivery) error
	// UpdateDelivery changes NextAt, FinishedAt, State, Attempts, Status and
	// Error; ErrNotFound when it was deleted.
	UpdateDelivery(ctx context.Context, d Delivery) error
	Delivery(ctx context.Context, id string) (Delivery, error)
	// NextDelivery is the pending one of a queue with the lowest Seq.
	NextDelivery(ctx context.Context, queue string) (Delivery, error)
	// DeliveryQueues lists the queues with pending deliveries, and how many.
	DeliveryQueues(ctx context.Context) (map[string]int, error)
	Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error)
	LastDeliverySeq(ctx context.Context) (int64, error) // 0 when there is none
	// DropDeliveries deletes a queue.
	DropDeliveries(ctx context.Context, queue string) error
	// FailDeliveries gives up what is pending in a queue.
	FailDeliveries(ctx context.Context, queue, reason string, at time.Time) error
	// SweepDeliveries deletes what was finished before a time.
	SweepDeliveries(ctx context.Context, before time.Time) (int, error)

	PutLessonMark(ctx context.Context, m LessonMark) error // replaces the class's
	LessonMarks(ctx context.Context) ([]LessonMark, error)
	DeleteLessonMark(ctx context.Context, classID string) error // absent is no error
}
