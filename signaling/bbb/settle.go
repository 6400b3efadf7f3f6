package bbb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"kelas/classroom"
	"kelas/signaling/auth"
	"kelas/signaling/outbound"
	"kelas/signaling/webhook"
)

// Outbox carries requests out for certain; webhook.Engine is one.
type Outbox interface {
	Enqueue(ctx context.Context, list ...webhook.Request) error
}

const (
	settleEvery    = time.Minute // besides at each end: what failed is tried again
	settlePatience = 30 * time.Second
	tokenTTL       = 24 * time.Hour
	metaEnded      = noteMeta + "endcallbackurl"
	metaAnalytics  = noteMeta + "analytics-callback-url"
)

// run tells an LMS what it wanted to know of meetings that have ended, until
// ctx is done. What is to be told is stored with the lesson's end.
func (b *Door) run(ctx context.Context) {
	ticker := time.NewTicker(settleEvery)
	defer ticker.Stop()
	for {
		b.settleAll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-b.d.Ended:
		case <-ticker.C:
		}
	}
}

func (b *Door) settleAll(ctx context.Context) {
	list, err := b.d.Classes.Unsettled(ctx)
	for _, l := range list {
		// One that cannot be told must not keep the others from it.
		if lerr := b.settle(ctx, l); lerr != nil {
			err = errors.Join(err, fmt.Errorf("class %s: %w", l.ID, lerr))
		}
		if ctx.Err() != nil {
			return
		}
	}
	if err != nil && ctx.Err() == nil {
		b.log.Warn("an LMS could not be told yet of a meeting's end", "err", err)
	}
}

// settle puts all callbacks of an ended meeting into the outbox. Done twice it
// does no harm: the requests have the names they had.
func (b *Door) settle(ctx context.Context, l classroom.Lesson) error {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	list := b.endCallbacks(l)
	if to := note(l, metaAnalytics); to != "" {
		r, err := b.analytics(ctx, l, to)
		if err != nil {
			return err
		}
		list = append(list, r)
	}
	for _, r := range list {
		err := b.d.Outbox.Enqueue(ctx, r)
		if uncallable(err) {
			b.log.Warn("a callback's address cannot be called", "class", l.ID, "event", r.Event, "err", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	err := b.meetingEnded(ctx, l)
	if err == nil {
		err = b.d.Classes.Settle(ctx, l.ID)
	}
	if errors.Is(err, classroom.ErrClassNotFound) {
		return nil // deleted meanwhile
	}
	return err
}

func uncallable(err error) bool {
	return errors.Is(err, outbound.ErrBadURL) || errors.Is(err, outbound.ErrForbidden)
}

// endCallbacks are plain GETs that say that it is over and whether there will
// be a recording.
func (b *Door) endCallbacks(l classroom.Lesson) []webhook.Request {
	var list []webhook.Request
	for _, name := range []string{noteEndedURL, metaEnded} {
		to := note(l, name)
		if to == "" {
			continue
		}
		sign := "?"
		if strings.Contains(to, "?") {
			sign = "&"
		}
		list = append(list, webhook.Request{ID: "bbb-end:" + name + ":" + l.ID, Queue: "bbb:" + l.ID, ClassID: l.ID,
			Event: "bbb.meetingEnded", Method: http.MethodGet, URL: to + sign + "recordingmarks=false"})
	}
	return list
}

// analytics tells who was there, for how long, and did what.
func (b *Door) analytics(ctx context.Context, l classroom.Lesson, to string) (webhook.Request, error) {
	report, err := b.report(ctx, l)
	if err != nil {
		return webhook.Request{}, err
	}
	body, err := json.Marshal(report)
	if err != nil {
		return webhook.Request{}, err
	}
	token, err := auth.SignShared("HS512", b.cfg.Secrets[0], map[string]int64{"exp": b.cfg.Now().Add(tokenTTL).Unix()})
	if err != nil {
		return webhook.Request{}, err
	}
	return webhook.Request{ID: "bbb-analytics:" + l.ID, Queue: "bbb:" + l.ID, ClassID: l.ID, Event: "bbb.analytics",
		Method: http.MethodPost, URL: to, Body: body,
		Header: map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + token}}, nil
}
