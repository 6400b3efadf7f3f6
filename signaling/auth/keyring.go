package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// StoredKey is a signing key as a KeyStore keeps it.
type StoredKey struct {
	ID        string // kid
	Seed      []byte
	CreatedAt time.Time // the newest one signs
}

// KeyStore keeps the signing keys for all processes on one store.
type KeyStore interface {
	PutSigningKey(ctx context.Context, k StoredKey) error
	SigningKeys(ctx context.Context) ([]StoredKey, error) // oldest first
	DeleteSigningKey(ctx context.Context, id string) error
}

// SignerConfig of a signer whose keys change. The zero value works.
type SignerConfig struct {
	// MaxAge is when a new key takes over by itself; 90 days, negative for never.
	MaxAge time.Duration
	// Shared are the secrets by which other systems sign join tokens with
	// HS256: the name is the token's iss, the secret has at least 32 bytes.
	Shared map[string]string
	Now    func() time.Time
}

const (
	// keepKey is how long a former key verifies: no token lives longer.
	keepKey = 367 * 24 * time.Hour
	// ringAge is how late a process learns of another one's rotation.
	ringAge = 30 * time.Second
	// ringLooks are how many looks for keys that are not known may be made at
	// once; then there is one in each ringHaste.
	ringLooks = 8
	ringHaste = 2 * time.Second
	// ringPatience bounds the talk with the store about keys.
	ringPatience = 3 * time.Second
)

func (c SignerConfig) withDefaults() SignerConfig {
	if c.MaxAge == 0 {
		c.MaxAge = 90 * 24 * time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

var sharedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// sharedSecretMin is the least that RFC 7518, 3.2 allows with HS256.
const sharedSecretMin = 32

// Validate names what cannot be used; it never repeats a secret.
func (c SignerConfig) Validate() error {
	for name, secret := range c.Shared {
		switch {
		case !sharedName.MatchString(name) || name == issuer:
			return fmt.Errorf("auth config: Shared: %q cannot be a name (letters, digits, - _ . and not %q)", name, issuer)
		case len(secret) < sharedSecretMin:
			return fmt.Errorf("auth config: Shared: the secret of %q has fewer than %d bytes", name, sharedSecretMin)
		}
	}
	return nil
}

// ring are the keys of a moment. It is never changed.
type ring struct {
	current *signingKey
	byKid   map[string]*signingKey
	at      time.Time // when it was read
}

// OpenSigner makes a signer of all keys in the store; the first process on a
// store puts the first key there.
func OpenSigner(ctx context.Context, cfg SignerConfig, store Store) (*Signer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	first, err := SigningKey(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	s, err := NewSigner(first)
	if err != nil {
		return nil, err
	}
	s.cfg, s.keys = cfg.withDefaults(), store
	stored, err := store.SigningKeys(ctx)
	if err == nil && len(stored) == 0 {
		err = store.PutSigningKey(ctx, StoredKey{ID: s.kid, Seed: first, CreatedAt: s.cfg.Now()})
		if isExists(err) {
			err = nil // another process was faster
		}
	}
	if err == nil {
		err = s.reload(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	return s, nil
}

// reload reads the keys, and makes a new one where the current one is too old.
func (s *Signer) reload(ctx context.Context) error {
	stored, err := s.keys.SigningKeys(ctx)
	if err != nil {
		return err
	}
	now := s.cfg.Now()
	if n := len(stored); s.cfg.MaxAge > 0 && n > 0 && now.Sub(stored[n-1].CreatedAt) > s.cfg.MaxAge {
		if _, err := s.rotate(ctx, stored, false); err != nil {
			return err
		}
		if stored, err = s.keys.SigningKeys(ctx); err != nil {
			return err
		}
	}
	r := &ring{byKid: make(map[string]*signingKey, len(stored)), at: now}
	for i, st := range stored {
		k, err := newSigningKey(st.Seed)
		if err != nil {
			return err
		}
		k.created = st.CreatedAt
		if i+1 < len(stored) {
			k.until = stored[i+1].CreatedAt.Add(keepKey)
			if !now.Before(k.until) {
				continue
			}
		}
		r.byKid[k.kid] = &k
		r.current = &k
	}
	if r.current == nil {
		return errors.New("there is no signing key")
	}
	s.ring.Store(r)
	return nil
}

// keysFor returns the keys, read anew when they may have changed: after a
// while, or at once for a kid that is not among them, but for a flood of
// those. When the store does not answer, the keys of before count.
func (s *Signer) keysFor(kid string) *ring {
	r := s.ring.Load()
	if s.keys == nil {
		return r
	}
	now := s.cfg.Now()
	switch known := kid == "" || r.byKid[kid] != nil; {
	case known && now.Sub(r.at) < ringAge:
		return r
	case known:
		if !s.reloading.TryLock() {
			return r // somebody is reading them
		}
	case s.haste.take("", now) > 0:
		return r
	default:
		s.reloading.Lock()
		if r = s.ring.Load(); r.byKid[kid] != nil {
			s.reloading.Unlock()
			return r // somebody has read it meanwhile
		}
	}
	defer s.reloading.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), ringPatience)
	defer cancel()
	if err := s.reload(ctx); err != nil {
		again := *r
		again.at = now.Add(ringHaste - ringAge)
		s.ring.Store(&again)
	}
	return s.ring.Load()
}

// Rotate makes a new signing key. What former keys signed stays valid until
// it expires, or not at all with dropFormer. Other processes follow within
// half a minute.
func (s *Signer) Rotate(ctx context.Context, dropFormer bool) (kid string, err error) {
	if s.keys == nil {
		return "", errors.New("this signer has one key for good")
	}
	stored, err := s.keys.SigningKeys(ctx)
	if err == nil {
		kid, err = s.rotate(ctx, stored, dropFormer)
	}
	if err == nil {
		err = s.reload(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("rotating the signing key: %w", err)
	}
	return kid, nil
}

func (s *Signer) rotate(ctx context.Context, stored []StoredKey, dropFormer bool) (kid string, err error) {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	k, err := newSigningKey(seed)
	if err != nil {
		return "", err
	}
	now := s.cfg.Now()
	if n := len(stored); n > 0 && !now.After(stored[n-1].CreatedAt) {
		now = stored[n-1].CreatedAt.Add(time.Millisecond) // the newest signs, whatever the clocks say
	}
	if err := s.keys.PutSigningKey(ctx, StoredKey{ID: k.kid, Seed: seed, CreatedAt: now}); err != nil {
		return "", err
	}
	for i, old := range stored {
		replaced := now
		if i+1 < len(stored) {
			replaced = stored[i+1].CreatedAt
		}
		if dropFormer || !now.Before(replaced.Add(keepKey)) {
			if err := s.keys.DeleteSigningKey(ctx, old.ID); err != nil {
				return "", err
			}
		}
	}
	return k.kid, nil
}

// JWKS is the set of public keys (RFC 7517) by which others verify what this
// server signed.
func (s *Signer) JWKS() ([]byte, error) {
	var set jose.JSONWebKeySet
	r := s.keysFor("")
	add := func(k *signingKey) {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.public, KeyID: k.kid, Algorithm: string(jose.EdDSA), Use: "sig"})
	}
	add(r.current)
	for _, k := range r.byKid {
		if k.kid != r.current.kid {
			add(k)
		}
	}
	return json.Marshal(set)
}
