package rest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"kelas/classroom"
	"kelas/signaling/fault"
)

const (
	// keepAnswers is how long a request may be repeated.
	keepAnswers = 24 * time.Hour
	// workingTime is how long a request may be worked on; after that the
	// server died over it, and a repetition goes on.
	workingTime = 2 * time.Minute
)

// secretive is an answer with something in it that is shown once. What is
// kept for repetitions is the answer without it.
type secretive interface{ withoutSecret() any }

// once does a request with an idempotency key, or repeats its answer.
func (c *call) once(params, body any) error {
	key := c.gin.GetHeader("Idempotency-Key")
	if len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		return &invalid{[]complaint{{Name: "Idempotency-Key", Detail: "must be at most 255 visible ASCII characters"}}}
	}
	ctx, store := c.gin.Request.Context(), c.door.d.Requests
	now := c.door.cfg.Now().UTC().Truncate(time.Millisecond)
	r := classroom.Idempotent{
		Key: sum(c.key.ID, c.op.id, key), Fingerprint: c.fingerprint(), CreatedAt: now, ExpiresAt: now.Add(keepAnswers),
		Body: []byte(rand.Text()), // the seed, until there is an answer
	}
	err := store.PutIdempotent(ctx, r)
	if err == nil {
		r, err = store.Idempotent(ctx, r.Key)
	} else if errors.Is(err, classroom.ErrExists) {
		var done bool
		if r, done, err = c.before(ctx, r, now); done || err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("idempotency key: %w", err)
	}
	c.seed = r.Body
	return c.first(ctx, r, params, body)
}

// before finds what became of an earlier request with the key. done: its
// answer was sent again.
func (c *call) before(ctx context.Context, mine classroom.Idempotent, now time.Time) (r classroom.Idempotent, done bool, err error) {
	store := c.door.d.Requests
	r, err = store.Idempotent(ctx, mine.Key)
	switch {
	case errors.Is(err, classroom.ErrNotFound):
		return r, false, fault.ErrIdempotencyBusy // it failed in this moment: try again
	case err != nil:
		return r, false, fmt.Errorf("idempotency key: %w", err)
	case r.Fingerprint != mine.Fingerprint:
		return r, false, fault.ErrIdempotencyReused
	case r.Status == 0 && now.Sub(r.CreatedAt) < workingTime:
		return r, false, fault.ErrIdempotencyBusy
	case r.Status == 0:
		r.CreatedAt = now
		r, err = store.UpdateIdempotent(ctx, r)
		if errors.Is(err, classroom.ErrConflict) || errors.Is(err, classroom.ErrNotFound) {
			err = fault.ErrIdempotencyBusy
		}
		return r, false, err
	}
	if c.op.bodyType != "" && !c.sameFile(r.Body) {
		return r, false, fault.ErrIdempotencyReused
	}
	c.gin.Header("Idempotent-Replayed", "true")
	c.send(answered{status: r.Status, kind: r.Type, location: r.Location, etag: r.ETag, body: r.Body})
	return r, true, nil
}

// first does the request and keeps its answer. A request that failed left
// nothing, so its key is free again.
func (c *call) first(ctx context.Context, r classroom.Idempotent, params, body any) error {
	keep := context.WithoutCancel(ctx) // who left will come back and ask
	out, err := c.op.run(c, params, body)
	var a, kept answered
	if err == nil {
		a, err = c.encode(out)
		kept = a
		if s, ok := out.(secretive); ok && err == nil {
			kept, err = c.encode(s.withoutSecret())
		}
	}
	if err != nil {
		if drop := c.door.d.Requests.DeleteIdempotent(keep, r.Key); drop != nil {
			c.door.log.Warn("the key of a failed request stays taken for a while", "error", drop)
		}
		return err
	}
	r.Status, r.Type, r.Location, r.ETag, r.Body = kept.status, kept.kind, kept.location, kept.etag, kept.body
	if _, err := c.door.d.Requests.UpdateIdempotent(keep, r); err != nil {
		// It is done all the same; a repetition finds what it made.
		c.door.log.Warn("the answer to a request could not be kept", "error", err)
	}
	c.send(a)
	return nil
}

// fingerprint tells one request from another under the same key. It is stored
// for a day, and a body may have a password in it: with the API key's secret in
// the hash, which is nowhere stored, it cannot be guessed at.
func (c *call) fingerprint() string {
	r := c.gin.Request
	if c.op.bodyType != "" {
		// The bytes pass once; their number and name must do before.
		return sum(c.secret, r.Method, r.URL.RequestURI(), fmt.Sprint(r.ContentLength))
	}
	return sum(c.secret, r.Method, r.URL.RequestURI(), string(c.body))
}

// sameFile reads the body once more and looks for its hash in the answer that
// the first one got.
func (c *call) sameFile(answer []byte) bool {
	h := sha256.New()
	if _, err := io.Copy(h, c.patientBody()); err != nil {
		return false
	}
	return bytes.Contains(answer, []byte(`"`+hex.EncodeToString(h.Sum(nil))+`"`))
}

func sum(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// newID is an id for what the request makes: of repetitions the same.
func (c *call) newID(what string) string {
	seed := string(c.seed)
	if seed == "" {
		seed = rand.Text()
	}
	h := sha256.Sum256([]byte(what + "\x00" + seed))
	return strings.ToLower(base32.StdEncoding.EncodeToString(h[:10]))
}
