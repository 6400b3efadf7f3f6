package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// newDevice makes the cookie of a browser that has logged in to an account:
// a random part and its HMAC together with the account. It opens nothing; it
// only says which counter of failed attempts a browser has.
func (s *Signer) newDevice(accountID string) string {
	nonce := randomID()
	return nonce + "." + mac(s.device, nonce, accountID)
}

func (s *Signer) knowsDevice(cookie, accountID string) bool {
	nonce, sum, ok := strings.Cut(cookie, ".")
	return ok && len(cookie) < 128 && hmac.Equal([]byte(sum), []byte(mac(s.device, nonce, accountID)))
}

// mac is the HMAC-SHA256 of parts that do not hold a zero byte.
func mac(key []byte, parts ...string) string {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
