package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const settingSigningKey = "signing-key"

// SigningKey returns the server's first key, made on first use. Several
// processes on one store get the same key. Form tokens and known browsers
// hang on it for good; join tokens and seats only until the first rotation.
func SigningKey(ctx context.Context, s Store) ([]byte, error) {
	if key, err := s.Setting(ctx, settingSigningKey); err == nil || !errors.Is(err, ErrNotFound) {
		return key, err
	}
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	return s.PutSettingOnce(ctx, settingSigningKey, seed)
}

// signingKey is one key that tokens are signed with.
type signingKey struct {
	public  ed25519.PublicKey
	kid     string
	signer  jose.Signer
	created time.Time
	until   time.Time // when nothing that it signed can be valid any more; zero while it signs
}

func newSigningKey(seed []byte) (signingKey, error) {
	if len(seed) != ed25519.SeedSize {
		return signingKey{}, fmt.Errorf("signing key: %d bytes instead of %d", len(seed), ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	k := signingKey{public: private.Public().(ed25519.PublicKey)}
	sum := sha256.Sum256(k.public)
	k.kid = base64.RawURLEncoding.EncodeToString(sum[:9])
	opts := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", k.kid)
	var err error
	if k.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: private}, opts); err != nil {
		return signingKey{}, fmt.Errorf("signing key: %w", err)
	}
	return k, nil
}

// Signer signs and verifies join tokens and seats (RFC 7515, EdDSA as in RFC
// 8037), and verifies the join tokens of systems that share a secret.
type Signer struct {
	signingKey        // the first key
	form       []byte // key of the form tokens
	device     []byte // key of the known-browser cookies
	cfg        SignerConfig
	keys       KeyStore // nil for a signer of one key

	ring      atomic.Pointer[ring]
	reloading sync.Mutex // held over one reading of the keys
	haste     *limiter   // of looks for keys that are not known
}

// NewSigner makes a signer of one key, the 32 bytes of SigningKey.
func NewSigner(key []byte) (*Signer, error) {
	first, err := newSigningKey(key)
	if err != nil {
		return nil, err
	}
	s := &Signer{signingKey: first, cfg: SignerConfig{}.withDefaults(), haste: newLimiter(ringLooks, ringHaste, 1)}
	if s.form, err = hkdf.Key(sha256.New, key, nil, "kelas form", 32); err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	if s.device, err = hkdf.Key(sha256.New, key, nil, "kelas device", 32); err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	s.ring.Store(&ring{current: &s.signingKey, byKid: map[string]*signingKey{first.kid: &s.signingKey}})
	return s, nil
}

// ValidClassID reports whether id can stand in a path and a cookie's name.
func ValidClassID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// randomID is 120 random bits in the alphabet of URLs.
func randomID() string {
	b := make([]byte, 15)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
