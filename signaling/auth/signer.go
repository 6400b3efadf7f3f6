package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Audiences keep the kinds of tokens apart: a seat is no invitation.
const (
	issuer       = "kelas"
	audienceJoin = "join"
	audienceSeat = "seat"
)

// tokenMax bounds a compact JWS before anything is decoded.
const tokenMax = 4096

// leeway is how far the clocks of two servers that share a key may differ.
const leeway = time.Minute

const settingSigningKey = "signing-key"

// SigningKey returns the server's signing key, made on first use. Several
// processes on one store get the same key.
func SigningKey(ctx context.Context, s Store) ([]byte, error) {
	if key, err := s.Setting(ctx, settingSigningKey); err == nil || !errors.Is(err, ErrNotFound) {
		return key, err
	}
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	return s.PutSettingOnce(ctx, settingSigningKey, seed)
}

// Signer signs and verifies join tokens and seats (RFC 7515, EdDSA as in RFC 8037).
type Signer struct {
	private ed25519.PrivateKey
	public  ed25519.PublicKey
	kid     string
	signer  jose.Signer
	form    []byte // key of the form tokens
	device  []byte // key of the known-browser cookies
}

// NewSigner takes the 32 bytes of SigningKey.
func NewSigner(key []byte) (*Signer, error) {
	if len(key) != ed25519.SeedSize {
		return nil, fmt.Errorf("signing key: %d bytes instead of %d", len(key), ed25519.SeedSize)
	}
	s := &Signer{private: ed25519.NewKeyFromSeed(key)}
	s.public = s.private.Public().(ed25519.PublicKey)
	sum := sha256.Sum256(s.public)
	s.kid = base64.RawURLEncoding.EncodeToString(sum[:9])
	opts := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", s.kid)
	var err error
	if s.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: s.private}, opts); err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	if s.form, err = hkdf.Key(sha256.New, key, nil, "kelas form", 32); err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	if s.device, err = hkdf.Key(sha256.New, key, nil, "kelas device", 32); err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	return s, nil
}

// JoinClaims is what a join token says.
type JoinClaims struct {
	ClassID   string
	Role      string
	Name      string // "" makes it an invitation for many
	ID        string // jti; chosen by Join when empty
	NotBefore time.Time
	Expires   time.Time
}

// claims is the JSON of both kinds of token (RFC 7519).
type claims struct {
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	ID        string `json:"jti"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	Class     string `json:"class"`
	Role      string `json:"role"`
	Name      string `json:"name,omitempty"`
	// Seats only.
	Key    string `json:"key,omitempty"`
	UserID string `json:"user,omitempty"`
	Invite string `json:"invite,omitempty"`
	Guest  bool   `json:"guest,omitempty"`
}

// Join signs a join token.
func (s *Signer) Join(c JoinClaims) (string, error) {
	if !ValidClassID(c.ClassID) {
		return "", fmt.Errorf("join token: class id %q is not usable", c.ClassID)
	}
	if !validClassRole(c.Role) {
		return "", fmt.Errorf("join token: role %q is not presenter, moderator or viewer", c.Role)
	}
	if c.Name != "" {
		var err error
		if c.Name, err = CleanName(c.Name); err != nil {
			return "", err
		}
	}
	if c.ID == "" {
		c.ID = randomID()
	}
	if c.Expires.IsZero() {
		return "", errors.New("join token: no expiry")
	}
	nbf := int64(0)
	if !c.NotBefore.IsZero() {
		nbf = c.NotBefore.Unix()
	}
	return s.sign(claims{Issuer: issuer, Audience: audienceJoin, ID: c.ID, NotBefore: nbf,
		Expires: c.Expires.Unix(), Class: c.ClassID, Role: c.Role, Name: c.Name})
}

// VerifyJoin reads a join token. Errors are ErrTokenForged, ErrTokenExpired
// or ErrTokenNotYet; the class is the caller's to compare.
func (s *Signer) VerifyJoin(token string, now time.Time) (JoinClaims, error) {
	c, err := s.verify(token, audienceJoin, now)
	if err != nil {
		return JoinClaims{}, err
	}
	return JoinClaims{ClassID: c.Class, Role: c.Role, Name: c.Name, ID: c.ID,
		NotBefore: time.Unix(c.NotBefore, 0).UTC(), Expires: time.Unix(c.Expires, 0).UTC()}, nil
}

func (s *Signer) sign(c claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	jws, err := s.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return jws.CompactSerialize()
}

// verify accepts one compact signature by our key with our algorithm, and
// nothing that the token's own header would rather have (RFC 8725, 3.1).
func (s *Signer) verify(token, audience string, now time.Time) (claims, error) {
	var c claims
	if token == "" || len(token) > tokenMax {
		return c, ErrTokenForged
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(jws.Signatures) != 1 || jws.Signatures[0].Protected.KeyID != s.kid {
		return c, ErrTokenForged
	}
	payload, err := jws.Verify(s.public)
	if err != nil {
		return c, ErrTokenForged
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return claims{}, ErrTokenForged
	}
	if c.Issuer != issuer || c.Audience != audience || c.ID == "" || !validClassRole(c.Role) {
		return claims{}, ErrTokenForged
	}
	if !now.Before(time.Unix(c.Expires, 0)) {
		return claims{}, ErrTokenExpired
	}
	if now.Add(leeway).Before(time.Unix(c.NotBefore, 0)) {
		return claims{}, ErrTokenNotYet
	}
	return c, nil
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
