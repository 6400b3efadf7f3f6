package auth

import (
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// SignShared makes a JWT for a system that knows secret: alg is "HS256" or
// "HS512". The other side decides how long a secret is; RFC 7518 section 3.2
// wants as many bytes as the hash has, and the library insists. HMAC itself
// fills a shorter key with zeros (RFC 2104 section 2), so that is done here:
// the signature is the one the other side expects.
func SignShared(alg, secret string, claims any) (string, error) {
	sizes := map[string]int{"HS256": 32, "HS512": 64}
	size, ok := sizes[alg]
	if !ok || secret == "" {
		return "", fmt.Errorf("shared token: no secret, or %q is neither HS256 nor HS512", alg)
	}
	key := []byte(secret)
	if len(key) < size {
		key = append(key, make([]byte, size-len(key))...)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("shared token: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("shared token: %w", err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("shared token: %w", err)
	}
	return jws.CompactSerialize()
}
