package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"strings"
	"testing"

	"kelas/signaling/auth"
)

// TestSignShared: what another implementation makes of header and payload,
// whatever the secret's length.
func TestSignShared(t *testing.T) {
	for alg, make := range map[string]func() hash.Hash{"HS256": sha256.New, "HS512": sha512.New} {
		for _, secret := range []string{"x", "639259d4-9dd8-4b25-bf01-95f9567eaf4b", strings.Repeat("long", 50)} {
			token, err := auth.SignShared(alg, secret, map[string]any{"exp": 1})
			if err != nil {
				t.Fatal(alg, err)
			}
			parts := strings.Split(token, ".")
			mac := hmac.New(make, []byte(secret))
			mac.Write([]byte(parts[0] + "." + parts[1]))
			if want := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)); parts[2] != want {
				t.Errorf("%s with %d bytes: %s, want %s", alg, len(secret), parts[2], want)
			}
			header, _ := base64.RawURLEncoding.DecodeString(parts[0])
			if !strings.Contains(string(header), `"alg":"`+alg+`"`) || !strings.Contains(string(header), `"typ":"JWT"`) {
				t.Error(string(header))
			}
		}
	}
	for _, bad := range [][2]string{{"none", "secret"}, {"HS384", "secret"}, {"HS256", ""}} {
		if _, err := auth.SignShared(bad[0], bad[1], nil); err == nil {
			t.Error(bad)
		}
	}
}
