package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// APIKey lets a program in. Its secret is shown once.
type APIKey struct {
	ID         string
	Name       string
	Hash       string // SHA-256 of the secret, hex
	Scopes     []string
	OwnerID    string // account that made it, "" from the command line
	CreatedAt  time.Time
	LastUsedAt time.Time
	ExpiresAt  time.Time // zero for never
	RevokedAt  time.Time // zero while it holds
	Rev        int64
}

// APIKeyStore keeps API keys, and which one-time tokens were used.
type APIKeyStore interface {
	PutAPIKey(ctx context.Context, k APIKey) error
	UpdateAPIKey(ctx context.Context, k APIKey) (APIKey, error)
	APIKey(ctx context.Context, id string) (APIKey, error)
	APIKeys(ctx context.Context) ([]APIKey, error)
	TouchAPIKey(ctx context.Context, id string, at time.Time) error
	UseToken(ctx context.Context, id string, expires time.Time) error // ErrExists when it was before
}

// Scope is something that an API key may be allowed to do.
type Scope struct{ Name, Means string }

// Scopes are all there are.
var Scopes = []Scope{
	{"lessons:read", "see lessons"},
	{"lessons:write", "make, change and delete lessons"},
	{"classes:read", "see live classes and their participants"},
	{"classes:write", "lock and end classes, remove participants, change their roles"},
	{"links:write", "make join links, for every role"},
	{"chat:read", "read and export the chat of a class, without private messages of others"},
	{"chat:write", "write into the chat of a class"},
	{"files:read", "see and download files"},
	{"files:write", "share and delete files"},
	{"attendance:read", "see attendance"},
	{"recordings:read", "see recordings"},
	{"users:read", "see accounts"},
	{"users:write", "make, change and delete accounts of teachers and students"},
	{"users:admin", "do the same with accounts of administrators"},
	{"keys:read", "see API keys, never their secrets"},
	{"keys:write", "make keys that may do no more than this one, and revoke keys"},
	{"webhooks:read", "see webhooks and what was sent to them"},
	{"webhooks:write", "make, change and delete webhooks, which are told what happens in classes, chat and files included"},
	{"bots:join", "come into a class as a bot, with a viewer's rights"},
	{"bots:moderate", "come into a class as a bot, with a moderator's rights"},
}

func validScope(name string) bool {
	return slices.ContainsFunc(Scopes, func(s Scope) bool { return s.Name == name })
}

// Has reports whether the key may do what scope stands for.
func (k APIKey) Has(scope string) bool { return slices.Contains(k.Scopes, scope) }

// apiKeyPrefix begins every secret, so that it is known for one where it
// should not be: in a repository, a log, a chat.
const apiKeyPrefix = "kelas_"

// touchEvery is how exactly LastUsedAt is kept.
const touchEvery = time.Minute

// APIKeys makes and checks API keys.
type APIKeys struct {
	store Store
	now   func() time.Time

	mu      sync.Mutex
	touched map[string]time.Time
}

// NewAPIKeys needs the accounts' store: a key falls with its owner.
func NewAPIKeys(store Store, now func() time.Time) *APIKeys {
	if now == nil {
		now = time.Now
	}
	return &APIKeys{store: store, now: now, touched: make(map[string]time.Time)}
}

// NewAPIKey describes a key to be made.
type NewAPIKey struct {
	Name    string
	Scopes  []string
	OwnerID string
	Expires time.Time // zero for never
}

// Create makes a key and returns its secret, which nobody sees again.
func (a *APIKeys) Create(ctx context.Context, n NewAPIKey) (APIKey, string, error) {
	name, err := CleanName(n.Name)
	if err != nil {
		return APIKey{}, "", err
	}
	scopes := slices.Compact(slices.Sorted(slices.Values(n.Scopes)))
	if len(scopes) == 0 {
		return APIKey{}, "", ErrScopeInvalid
	}
	for _, s := range scopes {
		if !validScope(s) {
			return APIKey{}, "", ErrScopeInvalid
		}
	}
	now := a.now().UTC().Truncate(time.Millisecond)
	if !n.Expires.IsZero() && !n.Expires.After(now) {
		return APIKey{}, "", ErrExpiryInvalid
	}
	id := strings.ToLower(rand.Text()[:16])
	secret := apiKeyPrefix + id + "_" + rand.Text()
	k := APIKey{ID: id, Name: name, Hash: tokenID(secret), Scopes: scopes, OwnerID: n.OwnerID, CreatedAt: now, ExpiresAt: n.Expires}
	if err := a.store.PutAPIKey(ctx, k); err != nil {
		return APIKey{}, "", fmt.Errorf("create API key: %w", err)
	}
	return k, secret, nil
}

// IsAPIKey reports whether s has the shape of a key's secret.
func IsAPIKey(s string) bool {
	_, ok := apiKeyID(s)
	return ok
}

func apiKeyID(secret string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(secret, apiKeyPrefix)
	if !ok || len(rest) != 16+1+26 || rest[16] != '_' {
		return "", false
	}
	return rest[:16], true
}

// Check returns the key of a secret, or ErrKeyInvalid: unknown, revoked,
// expired, or made by somebody who is no administrator any more.
func (a *APIKeys) Check(ctx context.Context, secret string) (APIKey, error) {
	id, ok := apiKeyID(secret)
	if !ok {
		return APIKey{}, ErrKeyInvalid
	}
	k, err := a.store.APIKey(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return APIKey{}, ErrKeyInvalid
	}
	if err != nil {
		return APIKey{}, fmt.Errorf("API key: %w", err)
	}
	now := a.now()
	if subtle.ConstantTimeCompare([]byte(k.Hash), []byte(tokenID(secret))) != 1 || !k.valid(now) {
		return APIKey{}, ErrKeyInvalid
	}
	if err := a.checkOwner(ctx, k); err != nil {
		return APIKey{}, err
	}
	a.touch(ctx, id, now)
	return k, nil
}

// checkOwner: only administrators make keys, and a key may do what they may, so
// it falls with the account that made it and with that account's role. Given
// back the role, it holds again.
func (a *APIKeys) checkOwner(ctx context.Context, k APIKey) error {
	if k.OwnerID == "" {
		return nil
	}
	owner, err := a.store.Account(ctx, k.OwnerID)
	if errors.Is(err, ErrNotFound) || err == nil && (owner.Disabled || owner.Role != AccountAdmin) {
		return ErrKeyInvalid
	}
	if err != nil {
		return fmt.Errorf("API key: %w", err)
	}
	return nil
}

// holds says why what a key was given before no longer counts, nil when it
// does; ErrKeyInvalid as in Check.
func (a *APIKeys) holds(ctx context.Context, id string) error {
	k, err := a.store.APIKey(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && !k.valid(a.now()) {
		return ErrKeyInvalid
	}
	if err != nil {
		return fmt.Errorf("API key: %w", err)
	}
	return a.checkOwner(ctx, k)
}

// State is holds, revoked or expired.
func (k APIKey) State(now time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !k.valid(now):
		return "expired"
	}
	return "holds"
}

func (k APIKey) valid(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// touch notes the use, once a minute for each key. A store that will not have
// it must not shut the key out: the next use tries again.
func (a *APIKeys) touch(ctx context.Context, id string, now time.Time) {
	a.mu.Lock()
	last, known := a.touched[id]
	due := !known || now.Sub(last) >= touchEvery
	if due {
		a.touched[id] = now
	}
	a.mu.Unlock()
	if due && a.store.TouchAPIKey(ctx, id, now) != nil {
		a.mu.Lock()
		delete(a.touched, id)
		a.mu.Unlock()
	}
}

// List returns all keys, the newest first, revoked ones too.
func (a *APIKeys) List(ctx context.Context) ([]APIKey, error) { return a.store.APIKeys(ctx) }

// ByID returns one key.
func (a *APIKeys) ByID(ctx context.Context, id string) (APIKey, error) {
	return a.store.APIKey(ctx, id)
}

// Revoke ends a key at once and for good; once more changes nothing.
func (a *APIKeys) Revoke(ctx context.Context, id string) (APIKey, error) {
	for {
		k, err := a.store.APIKey(ctx, id)
		if err != nil || !k.RevokedAt.IsZero() {
			return k, err
		}
		k.RevokedAt = a.now().UTC().Truncate(time.Millisecond)
		if k, err = a.store.UpdateAPIKey(ctx, k); !errors.Is(err, ErrConflict) {
			return k, err
		}
	}
}
