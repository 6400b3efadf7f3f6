package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"kelas/classroom"
)

// millis is how both engines keep a time: UTC milliseconds, 0 for never.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMillis is the way back.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// storedTime is t as it comes back from the database.
func storedTime(t time.Time) time.Time { return fromMillis(millis(t)) }

// nameKey is what a login name is unique by. Two names have one key exactly
// when strings.EqualFold holds: each letter is replaced by the least one of
// its case-folding circle. SQLite's NOCASE knows ASCII only, and MongoDB's
// collations are not there on every compatible server.
func nameKey(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}

// storedAPIKey is k as it comes back from the database after an update.
func storedAPIKey(k classroom.APIKey) classroom.APIKey {
	k.CreatedAt, k.LastUsedAt = storedTime(k.CreatedAt), storedTime(k.LastUsedAt)
	k.ExpiresAt, k.RevokedAt = storedTime(k.ExpiresAt), storedTime(k.RevokedAt)
	k.Rev++
	return k
}

// settingsText is how both engines keep the settings of a lesson: JSON, ""
// for none. Nothing is searched by them.
func settingsText(s *classroom.Settings) (string, error) {
	if s == nil {
		return "", nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("store: the settings of a lesson: %w", err)
	}
	return string(text), nil
}

// settingsFrom is the way back.
func settingsFrom(text string) (*classroom.Settings, error) {
	if text == "" {
		return nil, nil
	}
	s := new(classroom.Settings)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, fmt.Errorf("store: the settings of a lesson: %w", err)
	}
	return s, nil
}
