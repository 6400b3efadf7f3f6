package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
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

// JoinClaims is what a join token says.
type JoinClaims struct {
	ClassID string
	Role    string
	Name    string // "" makes it an invitation for many, unless there is an ExternalID
	// ExternalID is the person's id in the system that the link is made for:
	// the same id is the same participant, over all links.
	ExternalID string
	Once       bool   // opens one browser only
	ID         string // jti; chosen by Join when empty
	Issuer     string // who signed it, filled in by VerifyJoin: "kelas", or the name of a shared secret
	NotBefore  time.Time
	Expires    time.Time
}

// claims is the JSON of both kinds of token (RFC 7519).
type claims struct {
	Issuer    string   `json:"iss"`
	Audience  audience `json:"aud"`
	ID        string   `json:"jti"`
	NotBefore seconds  `json:"nbf"`
	Expires   seconds  `json:"exp"`
	Class     string   `json:"class"`
	Role      string   `json:"role"`
	Name      string   `json:"name,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Once      bool     `json:"once,omitempty"`
	// Seats only.
	Key    string `json:"key,omitempty"`
	UserID string `json:"user,omitempty"`
	Invite string `json:"invite,omitempty"`
	Guest  bool   `json:"guest,omitempty"`
}

// audience is one string or a list of them (RFC 7519, 4.1.3).
type audience string

// UnmarshalJSON takes the one that matters here from a list.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience(one)
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return err
	}
	for _, m := range many {
		if *a = audience(m); m == audienceJoin {
			return nil
		}
	}
	return nil
}

// seconds is a NumericDate, which may have a fraction (RFC 7519, 2).
type seconds int64

// UnmarshalJSON refuses what no calendar has.
func (s *seconds) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1<<40 {
		return errors.New("not a date")
	}
	*s = seconds(math.Floor(f))
	return nil
}

func (s seconds) time() time.Time { return time.Unix(int64(s), 0).UTC() }

// externalMax bounds ExternalID, in bytes.
const externalMax = 128

func validExternalID(id string) bool {
	if len(id) > externalMax {
		return false
	}
	for _, c := range []byte(id) {
		if c < 0x21 || c == 0x7f {
			return false
		}
	}
	return true
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
	if !validExternalID(c.ExternalID) {
		return "", errors.New("join token: the external id has more than 128 bytes, spaces or control characters")
	}
	if c.ID == "" {
		c.ID = randomID()
	}
	if c.Expires.IsZero() {
		return "", errors.New("join token: no expiry")
	}
	var nbf seconds
	if !c.NotBefore.IsZero() {
		nbf = seconds(c.NotBefore.Unix())
	}
	return s.sign(claims{Issuer: issuer, Audience: audienceJoin, ID: c.ID, NotBefore: nbf, Expires: seconds(c.Expires.Unix()),
		Class: c.ClassID, Role: c.Role, Name: c.Name, Subject: c.ExternalID, Once: c.Once})
}

// VerifyJoin reads a join token. Errors are ErrTokenForged, ErrTokenExpired
// or ErrTokenNotYet; the class is the caller's to compare.
func (s *Signer) VerifyJoin(token string, now time.Time) (JoinClaims, error) {
	c, err := s.verify(token, audienceJoin, now)
	if err != nil {
		return JoinClaims{}, err
	}
	return JoinClaims{ClassID: c.Class, Role: c.Role, Name: c.Name, ExternalID: c.Subject, Once: c.Once, ID: c.ID,
		Issuer: c.Issuer, NotBefore: c.NotBefore.time(), Expires: c.Expires.time()}, nil
}

func (s *Signer) sign(c claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	jws, err := s.keysFor("").current.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return jws.CompactSerialize()
}

// verify accepts one compact signature, by one of our keys with our algorithm
// or by a shared secret with HS256, and nothing that the token's own header
// would rather have (RFC 8725, 3.1): the algorithm decides which keys are
// looked at, so no public key is ever taken for a secret.
func (s *Signer) verify(token, want string, now time.Time) (claims, error) {
	if token == "" || len(token) > tokenMax {
		return claims{}, ErrTokenForged
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA, jose.HS256})
	if err != nil || len(jws.Signatures) != 1 {
		return claims{}, ErrTokenForged
	}
	var payload []byte
	var from string
	switch header := jws.Signatures[0].Protected; {
	case header.Algorithm == string(jose.EdDSA):
		key := s.keysFor(header.KeyID).byKid[header.KeyID]
		if key == nil || !key.until.IsZero() && !now.Before(key.until) {
			return claims{}, ErrTokenForged
		}
		from = issuer
		payload, err = jws.Verify(key.public)
	case header.Algorithm == string(jose.HS256) && want == audienceJoin:
		from, payload, err = s.verifyShared(jws)
	default:
		return claims{}, ErrTokenForged
	}
	if err != nil {
		return claims{}, ErrTokenForged
	}
	return readClaims(payload, from, want, now)
}

// verifyShared finds the secret by the header's kid or, where there is none,
// by what the token says of its issuer, and then believes the signature alone.
func (s *Signer) verifyShared(jws *jose.JSONWebSignature) (name string, payload []byte, err error) {
	name = jws.Signatures[0].Protected.KeyID
	if name == "" {
		var c struct {
			Issuer string `json:"iss"`
		}
		if err := json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &c); err != nil {
			return "", nil, err
		}
		name = c.Issuer
	}
	secret, ok := s.cfg.Shared[name]
	if !ok {
		return "", nil, ErrTokenForged
	}
	payload, err = jws.Verify([]byte(secret))
	return name, payload, err
}

func readClaims(payload []byte, from, want string, now time.Time) (claims, error) {
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return claims{}, ErrTokenForged
	}
	if c.ID == "" && from != issuer {
		// Others need not number their tokens: what was signed is the number.
		// The token itself is none, since one token can be written in many ways
		// (the last letter of its signature has bits that nobody reads).
		sum := sha256.Sum256(payload)
		c.ID = base64.RawURLEncoding.EncodeToString(sum[:15])
	}
	if c.Issuer != from || c.Audience != audience(want) || c.ID == "" || len(c.ID) > externalMax ||
		!validClassRole(c.Role) || !validExternalID(c.Subject) {
		return claims{}, ErrTokenForged
	}
	if c.Name != "" {
		var err error
		if c.Name, err = CleanName(c.Name); err != nil {
			return claims{}, ErrTokenForged
		}
	}
	if !now.Before(c.Expires.time()) {
		return claims{}, ErrTokenExpired
	}
	if now.Add(leeway).Before(c.NotBefore.time()) {
		return claims{}, ErrTokenNotYet
	}
	return c, nil
}
