package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"net/http"
	"strings"
	"time"

	"kelas/classroom"
	"kelas/signaling/outbound"
)

// Config of an Engine. The zero value works.
type Config struct {
	Workers     int // queues that are served at once; 16
	QueueMax    int // deliveries that may wait in one queue; 10000
	MaxWebhooks int // subscriptions; 200

	RetryFirst  time.Duration // pause after the first failure; 5 s, doubled each time
	RetryMax    time.Duration // longest pause; 1 h
	GiveUpAfter time.Duration // age at which a delivery that fails is given up; 24 h

	Keep       time.Duration // how long finished deliveries can be looked at; 7 days
	SweepEvery time.Duration // 10 min
}

// Validate names the field that cannot be used.
func (c Config) Validate() error {
	for _, f := range []struct {
		name string
		bad  bool
	}{
		{"Workers", c.Workers < 0}, {"QueueMax", c.QueueMax < 0}, {"MaxWebhooks", c.MaxWebhooks < 0},
		{"RetryFirst", c.RetryFirst < 0}, {"RetryMax", c.RetryMax < 0 || c.RetryMax > 0 && c.RetryMax < c.RetryFirst},
		{"GiveUpAfter", c.GiveUpAfter < 0}, {"Keep", c.Keep < 0}, {"SweepEvery", c.SweepEvery < 0},
	} {
		if f.bad {
			return fmt.Errorf("webhook: %s is out of range", f.name)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	orDefault(&c.Workers, 16)
	orDefault(&c.QueueMax, 10000)
	orDefault(&c.MaxWebhooks, 200)
	orDefault(&c.RetryFirst, 5*time.Second)
	orDefault(&c.RetryMax, max(time.Hour, c.RetryFirst))
	orDefault(&c.GiveUpAfter, 24*time.Hour)
	orDefault(&c.Keep, 7*24*time.Hour)
	orDefault(&c.SweepEvery, 10*time.Minute)
	return c
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Caller makes the requests; outbound.Client is one.
type Caller interface {
	CheckURL(raw string) error
	Do(ctx context.Context, r *http.Request) (outbound.Response, error)
}

// Deps are what an Engine works with. Store and Caller must be given.
type Deps struct {
	Store  classroom.OutboxStore
	Caller Caller
	Log    *slog.Logger     // nil: silent
	Now    func() time.Time // nil: time.Now
	NewID  func() string    // nil: random
	Jitter func() float64   // in [0, 1); nil: random
}

func (d Deps) withDefaults() (Deps, error) {
	if d.Store == nil || d.Caller == nil {
		return d, errors.New("webhook: Deps.Store and Deps.Caller are needed")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.NewID == nil {
		d.NewID = func() string { return strings.ToLower(rand.Text()) }
	}
	if d.Jitter == nil {
		d.Jitter = mrand.Float64
	}
	return d, nil
}
