package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kelas/classroom"
)

// The headers of a signed delivery (standardwebhooks.com, 1.0.0).
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// secretPrefix marks a symmetric secret; base64 of 24 to 64 bytes follows.
const secretPrefix = "whsec_"

// NewSecret makes a secret of 32 random bytes.
func NewSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

func secretKey(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, classroom.ErrWebhookInvalid
	}
	return key, nil
}

// Sign puts the three headers on a delivery: v1 is base64 of HMAC-SHA256 over
// "id.timestamp.body", the timestamp in seconds since 1970.
func Sign(h http.Header, secret, id string, at time.Time, body []byte) {
	key, err := secretKey(secret)
	if err != nil {
		return // Create and Update let no such secret in
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, stamp)
	h.Set(HeaderSignature, "v1,"+base64.StdEncoding.EncodeToString(mac(key, id, stamp, body)))
}

func mac(key []byte, id, stamp string, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + stamp + "."))
	m.Write(body)
	return m.Sum(nil)
}

// Verify is what a receiver does, for receivers in Go and for tests.
// tolerance bounds the age of the timestamp, both ways.
func Verify(h http.Header, secret string, body []byte, now time.Time, tolerance time.Duration) bool {
	key, err := secretKey(secret)
	if err != nil {
		return false
	}
	stamp := h.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	want := mac(key, h.Get(HeaderID), stamp, body)
	for sig := range strings.FieldsSeq(h.Get(HeaderSignature)) {
		text, ok := strings.CutPrefix(sig, "v1,")
		got, err := base64.StdEncoding.DecodeString(text)
		if ok && err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}
