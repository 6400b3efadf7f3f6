package store

import (
	"context"
	"math"
	"strings"
	"time"

	"kelas/classroom"
)

const (
	apiKeyColumns = `id, name, hash, scopes, owner_id, created_at, used_at, expires_at, revoked_at, rev`

	sqlPutAPIKey = `INSERT INTO api_keys (` + apiKeyColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlSetAPIKey = `UPDATE api_keys SET name = ?, hash = ?, scopes = ?, owner_id = ?, created_at = ?, used_at = ?,
		expires_at = ?, revoked_at = ?, rev = rev + 1 WHERE id = ? AND rev = ?`
	sqlHasAPIKey   = `SELECT 1 FROM api_keys WHERE id = ?`
	sqlAPIKey      = `SELECT ` + apiKeyColumns + ` FROM api_keys WHERE id = ?`
	sqlAPIKeys     = `SELECT ` + apiKeyColumns + ` FROM api_keys ORDER BY created_at DESC, id DESC`
	sqlTouchAPIKey = `UPDATE api_keys SET used_at = ? WHERE id = ? AND used_at < ?`

	idempotentColumns = `key, fingerprint, status, type, location, etag, body, created_at, expires_at, rev`

	sqlPutIdempotent = `INSERT INTO idempotent (` + idempotentColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlSetIdempotent = `UPDATE idempotent SET fingerprint = ?, status = ?, type = ?, location = ?, etag = ?, body = ?,
		created_at = ?, expires_at = ?, rev = rev + 1 WHERE key = ? AND rev = ?`
	sqlHasIdempotent     = `SELECT 1 FROM idempotent WHERE key = ?`
	sqlIdempotent        = `SELECT ` + idempotentColumns + ` FROM idempotent WHERE key = ?`
	sqlDeleteIdempotent  = `DELETE FROM idempotent WHERE key = ?`
	sqlReplaceIdempotent = `DELETE FROM idempotent WHERE key = ? AND expires_at <= ?`
	sqlExpiredIdempotent = `DELETE FROM idempotent WHERE expires_at <= ?`

	sqlUseToken         = `INSERT INTO token_uses (id, expires_at) VALUES (?, ?)`
	sqlExpiredTokenUses = `DELETE FROM token_uses WHERE expires_at <= ?`

	sqlPutSigningKey    = `INSERT INTO signing_keys (id, seed, created_at) VALUES (?, ?, ?)`
	sqlSigningKeys      = `SELECT id, seed, created_at FROM signing_keys ORDER BY created_at, id`
	sqlDeleteSigningKey = `DELETE FROM signing_keys WHERE id = ?`

	sqlLessonsPage = `SELECT ` + lessonColumns + ` FROM lessons WHERE (created_at, id) < (?, ?)
		ORDER BY created_at DESC, id DESC LIMIT ?`
	sqlLessonsPageOf = `SELECT ` + lessonColumns + ` FROM lessons WHERE owner_id = ? AND (created_at, id) < (?, ?)
		ORDER BY created_at DESC, id DESC LIMIT ?`

	sqlDeleteChatOf         = `DELETE FROM chat WHERE class_id = ?`
	sqlDeleteParticipantsOf = `DELETE FROM participants WHERE class_id = ?`
	sqlDeleteAttendanceOf   = `DELETE FROM attendance WHERE class_id = ?`
	sqlDeleteLesson         = `DELETE FROM lessons WHERE id = ?`
	sqlDeleteLoginsOf       = `DELETE FROM login_sessions WHERE user_id = ?`
	sqlDeleteUser           = `DELETE FROM users WHERE id = ?`
)

func scanAPIKey(row scanner) (k classroom.APIKey, err error) {
	var created, used, expires, revoked int64
	var scopes string
	err = row.Scan(&k.ID, &k.Name, &k.Hash, &scopes, &k.OwnerID, &created, &used, &expires, &revoked, &k.Rev)
	k.Scopes = strings.Fields(scopes)
	k.CreatedAt, k.LastUsedAt = fromMillis(created), fromMillis(used)
	k.ExpiresAt, k.RevokedAt = fromMillis(expires), fromMillis(revoked)
	return k, err
}

func (s *sqliteStore) PutAPIKey(ctx context.Context, k classroom.APIKey) error {
	_, err := s.exec(ctx, "put api key", sqlPutAPIKey, k.ID, k.Name, k.Hash, strings.Join(k.Scopes, " "), k.OwnerID,
		millis(k.CreatedAt), millis(k.LastUsedAt), millis(k.ExpiresAt), millis(k.RevokedAt), k.Rev)
	return err
}

func (s *sqliteStore) UpdateAPIKey(ctx context.Context, k classroom.APIKey) (classroom.APIKey, error) {
	n, err := s.exec(ctx, "update api key", sqlSetAPIKey, k.Name, k.Hash, strings.Join(k.Scopes, " "), k.OwnerID,
		millis(k.CreatedAt), millis(k.LastUsedAt), millis(k.ExpiresAt), millis(k.RevokedAt), k.ID, k.Rev)
	if err == nil {
		err = s.updated(ctx, "update api key", n, sqlHasAPIKey, k.ID)
	}
	if err != nil {
		return classroom.APIKey{}, err
	}
	return storedAPIKey(k), nil
}

func (s *sqliteStore) APIKey(ctx context.Context, id string) (classroom.APIKey, error) {
	return queryOne(ctx, s.read, s, "read api key", scanAPIKey, sqlAPIKey, id)
}

func (s *sqliteStore) APIKeys(ctx context.Context) ([]classroom.APIKey, error) {
	return queryAll(ctx, s, "list api keys", scanAPIKey, sqlAPIKeys)
}

func (s *sqliteStore) TouchAPIKey(ctx context.Context, id string, at time.Time) error {
	_, err := s.exec(ctx, "touch api key", sqlTouchAPIKey, millis(at), id, millis(at))
	return err
}

func scanIdempotent(row scanner) (r classroom.Idempotent, err error) {
	var created, expires int64
	err = row.Scan(&r.Key, &r.Fingerprint, &r.Status, &r.Type, &r.Location, &r.ETag, &r.Body, &created, &expires, &r.Rev)
	r.CreatedAt, r.ExpiresAt = fromMillis(created), fromMillis(expires)
	return r, err
}

func (s *sqliteStore) PutIdempotent(ctx context.Context, r classroom.Idempotent) error {
	return s.transaction(ctx, "put idempotent", func(tx *sqliteTx) error {
		if _, err := tx.exec(sqlReplaceIdempotent, r.Key, millis(r.CreatedAt)); err != nil {
			return err
		}
		_, err := tx.exec(sqlPutIdempotent, r.Key, r.Fingerprint, r.Status, r.Type, r.Location, r.ETag, notNull(r.Body),
			millis(r.CreatedAt), millis(r.ExpiresAt), r.Rev)
		return err
	})
}

// notNull: nil would be NULL.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (s *sqliteStore) UpdateIdempotent(ctx context.Context, r classroom.Idempotent) (classroom.Idempotent, error) {
	n, err := s.exec(ctx, "update idempotent", sqlSetIdempotent, r.Fingerprint, r.Status, r.Type, r.Location, r.ETag,
		notNull(r.Body), millis(r.CreatedAt), millis(r.ExpiresAt), r.Key, r.Rev)
	if err == nil {
		err = s.updated(ctx, "update idempotent", n, sqlHasIdempotent, r.Key)
	}
	if err != nil {
		return classroom.Idempotent{}, err
	}
	r.CreatedAt, r.ExpiresAt = storedTime(r.CreatedAt), storedTime(r.ExpiresAt)
	r.Rev++
	return r, nil
}

func (s *sqliteStore) Idempotent(ctx context.Context, key string) (classroom.Idempotent, error) {
	return queryOne(ctx, s.read, s, "read idempotent", scanIdempotent, sqlIdempotent, key)
}

func (s *sqliteStore) DeleteIdempotent(ctx context.Context, key string) error {
	_, err := s.exec(ctx, "delete idempotent", sqlDeleteIdempotent, key)
	return err
}

func (s *sqliteStore) UseToken(ctx context.Context, id string, expires time.Time) error {
	_, err := s.exec(ctx, "use token", sqlUseToken, id, millis(expires))
	return err
}

func scanSigningKey(row scanner) (k classroom.SigningKey, err error) {
	var created int64
	err = row.Scan(&k.ID, &k.Seed, &created)
	k.CreatedAt = fromMillis(created)
	return k, err
}

func (s *sqliteStore) PutSigningKey(ctx context.Context, k classroom.SigningKey) error {
	_, err := s.exec(ctx, "put signing key", sqlPutSigningKey, k.ID, notNull(k.Seed), millis(k.CreatedAt))
	return err
}

func (s *sqliteStore) SigningKeys(ctx context.Context) ([]classroom.SigningKey, error) {
	return queryAll(ctx, s, "list signing keys", scanSigningKey, sqlSigningKeys)
}

func (s *sqliteStore) DeleteSigningKey(ctx context.Context, id string) error {
	_, err := s.exec(ctx, "delete signing key", sqlDeleteSigningKey, id)
	return err
}

func (s *sqliteStore) LessonsPage(ctx context.Context, q classroom.LessonQuery) ([]classroom.Lesson, error) {
	before, id := int64(math.MaxInt64), ""
	if !q.BeforeAt.IsZero() {
		before, id = millis(q.BeforeAt), q.BeforeID
	}
	if q.OwnerID != "" {
		return queryAll(ctx, s, "list lessons", scanLesson, sqlLessonsPageOf, q.OwnerID, before, id, q.Limit)
	}
	return queryAll(ctx, s, "list lessons", scanLesson, sqlLessonsPage, before, id, q.Limit)
}

func (s *sqliteStore) DeleteLesson(ctx context.Context, id string) error {
	return s.deleteWith(ctx, "delete lesson", id, sqlDeleteLesson, sqlDeleteChatOf, sqlDeleteParticipantsOf, sqlDeleteAttendanceOf)
}

func (s *sqliteStore) DeleteUser(ctx context.Context, id string) error {
	return s.deleteWith(ctx, "delete user", id, sqlDeleteUser, sqlDeleteLoginsOf)
}

// deleteWith deletes one thing and what hangs on it, or finds it absent.
func (s *sqliteStore) deleteWith(ctx context.Context, op, id, thing string, parts ...string) error {
	return s.transaction(ctx, op, func(tx *sqliteTx) error {
		n, err := tx.exec(thing, id)
		if err == nil && n == 0 {
			return classroom.ErrNotFound
		}
		for _, part := range parts {
			if err == nil {
				_, err = tx.exec(part, id)
			}
		}
		return err
	})
}
