package store

import (
	"context"
	"fmt"
)

// sqliteMigration is one step of the schema. Steps are never changed once
// released; a new need is a new step.
type sqliteMigration struct {
	name string
	sql  []string
}

// sqliteMigrations are numbered from 1 by their place.
var sqliteMigrations = []sqliteMigration{
	{"the first tables", []string{
		`CREATE TABLE users (
			id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, name_key TEXT NOT NULL, display_name TEXT NOT NULL,
			role TEXT NOT NULL, password_hash TEXT NOT NULL, language TEXT NOT NULL, disabled INTEGER NOT NULL,
			created_at INTEGER NOT NULL, rev INTEGER NOT NULL) STRICT`,
		`CREATE UNIQUE INDEX users_name ON users (name_key)`,
		`CREATE TABLE login_sessions (
			id TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, created_at INTEGER NOT NULL,
			expires_at INTEGER NOT NULL, user_agent TEXT NOT NULL, addr TEXT NOT NULL) STRICT`,
		`CREATE INDEX login_sessions_user ON login_sessions (user_id, created_at, id)`,
		`CREATE TABLE lessons (
			id TEXT NOT NULL PRIMARY KEY, title TEXT NOT NULL, owner_id TEXT NOT NULL, created_at INTEGER NOT NULL,
			starts_at INTEGER NOT NULL, locked INTEGER NOT NULL, ended_at INTEGER NOT NULL, rev INTEGER NOT NULL) STRICT`,
		`CREATE INDEX lessons_owner ON lessons (owner_id, created_at, id)`,
		`CREATE INDEX lessons_created ON lessons (created_at, id)`,
		`CREATE TABLE participants (
			id TEXT NOT NULL PRIMARY KEY, class_id TEXT NOT NULL, key TEXT NOT NULL, user_id TEXT NOT NULL,
			name TEXT NOT NULL, role TEXT NOT NULL, removed INTEGER NOT NULL, first_seen INTEGER NOT NULL,
			last_seen INTEGER NOT NULL, rev INTEGER NOT NULL) STRICT`,
		`CREATE UNIQUE INDEX participants_key ON participants (class_id, key)`,
		`CREATE INDEX participants_class ON participants (class_id, first_seen, id)`,
		`CREATE TABLE chat (
			class_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, from_id TEXT NOT NULL,
			from_name TEXT NOT NULL, from_role TEXT NOT NULL, to_id TEXT NOT NULL, to_name TEXT NOT NULL,
			text TEXT NOT NULL, client_id TEXT NOT NULL, at INTEGER NOT NULL, target INTEGER NOT NULL,
			deleted INTEGER NOT NULL, PRIMARY KEY (class_id, seq)) STRICT`,
		`CREATE UNIQUE INDEX chat_client ON chat (class_id, from_id, client_id) WHERE client_id <> ''`,
		`CREATE TABLE files (
			id TEXT NOT NULL PRIMARY KEY, class_id TEXT NOT NULL, owner_id TEXT NOT NULL, owner_name TEXT NOT NULL,
			name TEXT NOT NULL, size INTEGER NOT NULL, type TEXT NOT NULL, hash TEXT NOT NULL,
			created_at INTEGER NOT NULL) STRICT`,
		`CREATE INDEX files_class ON files (class_id, created_at, id)`,
		`CREATE INDEX files_hash ON files (hash)`,
		`CREATE TABLE uploads (
			id TEXT NOT NULL PRIMARY KEY, class_id TEXT NOT NULL, owner_id TEXT NOT NULL, owner_name TEXT NOT NULL,
			name TEXT NOT NULL, size INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT`,
		`CREATE INDEX uploads_class ON uploads (class_id, created_at, id)`,
		`CREATE TABLE attendance (
			id TEXT NOT NULL PRIMARY KEY, class_id TEXT NOT NULL, participant_id TEXT NOT NULL, name TEXT NOT NULL,
			role TEXT NOT NULL, joined_at INTEGER NOT NULL, last_seen INTEGER NOT NULL, left_at INTEGER NOT NULL) STRICT`,
		`CREATE INDEX attendance_class ON attendance (class_id, joined_at, id)`,
		`CREATE TABLE settings (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT`,
	}},
	{"an index for the classes somebody joined", []string{
		`CREATE INDEX participants_user ON participants (user_id, class_id) WHERE user_id <> ''`,
	}},
	{"indexes for expiry, for stays that a crash left open, and for all uploads", []string{
		`CREATE INDEX login_sessions_expiry ON login_sessions (expires_at)`,
		`CREATE INDEX attendance_open ON attendance (id) WHERE left_at = 0`,
		`CREATE INDEX uploads_created ON uploads (created_at, id)`,
	}},
	{"the role of a participant's identity", []string{
		`ALTER TABLE participants ADD COLUMN base TEXT NOT NULL DEFAULT ''`,
	}},
	{"webhooks and what is to be sent", []string{
		`CREATE TABLE webhooks (
			id TEXT NOT NULL PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL, events TEXT NOT NULL,
			class_id TEXT NOT NULL, active INTEGER NOT NULL, disabled TEXT NOT NULL, created_by TEXT NOT NULL,
			created_at INTEGER NOT NULL, rev INTEGER NOT NULL) STRICT`,
		`CREATE INDEX webhooks_created ON webhooks (created_at, id)`,
		`CREATE TABLE deliveries (
			id TEXT NOT NULL PRIMARY KEY, queue TEXT NOT NULL, seq INTEGER NOT NULL, webhook_id TEXT NOT NULL,
			class_id TEXT NOT NULL, event TEXT NOT NULL, method TEXT NOT NULL, url TEXT NOT NULL, header TEXT NOT NULL,
			body BLOB NOT NULL, retry_first INTEGER NOT NULL, retry_max INTEGER NOT NULL, give_up INTEGER NOT NULL,
			state TEXT NOT NULL, created_at INTEGER NOT NULL, next_at INTEGER NOT NULL, finished_at INTEGER NOT NULL,
			attempts INTEGER NOT NULL, status INTEGER NOT NULL, error TEXT NOT NULL) STRICT`,
		`CREATE INDEX deliveries_pending ON deliveries (queue, seq, id) WHERE state = 'pending'`,
		`CREATE INDEX deliveries_queue ON deliveries (queue, seq, id)`,
		`CREATE INDEX deliveries_seq ON deliveries (seq, id)`,
		`CREATE INDEX deliveries_finished ON deliveries (finished_at) WHERE state <> 'pending'`,
		`CREATE TABLE lesson_marks (
			class_id TEXT NOT NULL PRIMARY KEY, since INTEGER NOT NULL, told INTEGER NOT NULL) STRICT`,
	}},
	{"keys of programs, and what keeps them from doing a thing twice", []string{
		`CREATE TABLE api_keys (
			id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, scopes TEXT NOT NULL,
			owner_id TEXT NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER NOT NULL,
			expires_at INTEGER NOT NULL, revoked_at INTEGER NOT NULL, rev INTEGER NOT NULL) STRICT`,
		`CREATE INDEX api_keys_created ON api_keys (created_at, id)`,
		`CREATE TABLE idempotent (
			key TEXT NOT NULL PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, type TEXT NOT NULL,
			location TEXT NOT NULL, etag TEXT NOT NULL, body BLOB NOT NULL, created_at INTEGER NOT NULL,
			expires_at INTEGER NOT NULL, rev INTEGER NOT NULL) STRICT`,
		`CREATE INDEX idempotent_expiry ON idempotent (expires_at)`,
		`CREATE TABLE token_uses (id TEXT NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT`,
		`CREATE INDEX token_uses_expiry ON token_uses (expires_at)`,
		`CREATE TABLE signing_keys (
			id TEXT NOT NULL PRIMARY KEY, seed BLOB NOT NULL, created_at INTEGER NOT NULL) STRICT`,
		`CREATE INDEX signing_keys_created ON signing_keys (created_at, id)`,
	}},
	{"lessons of other systems", []string{
		`ALTER TABLE lessons ADD COLUMN external TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE lessons ADD COLUMN settings TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE lessons ADD COLUMN unsettled INTEGER NOT NULL DEFAULT 0`,
		`CREATE INDEX lessons_external ON lessons (external, created_at, id) WHERE external <> ''`,
		`CREATE UNIQUE INDEX lessons_open ON lessons (external) WHERE external <> '' AND ended_at = 0`,
		`CREATE INDEX lessons_open_list ON lessons (ended_at, created_at, id) WHERE external <> ''`,
		`CREATE INDEX lessons_unsettled ON lessons (unsettled, created_at, id) WHERE unsettled = 1`,
	}},
	{"webhooks of doors that send in their own words", []string{
		`ALTER TABLE webhooks ADD COLUMN door TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE webhooks ADD COLUMN terms TEXT NOT NULL DEFAULT ''`,
	}},
}

const (
	sqlCreateMigrations = `CREATE TABLE IF NOT EXISTS migrations (
		version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT`
	sqlVersion         = `SELECT coalesce(max(version), 0) FROM migrations`
	sqlRecordMigration = `INSERT INTO migrations (version, name, applied_at) VALUES (?, ?, ?)`
)

// migrate brings the database to the newest version, all steps in one
// transaction: it succeeds whole or changes nothing, and of two programs that
// start together the second finds the work done.
func (s *sqliteStore) migrate(ctx context.Context) error {
	return s.migrateTo(ctx, len(sqliteMigrations))
}

func (s *sqliteStore) migrateTo(ctx context.Context, target int) error {
	var from int64
	err := s.transaction(ctx, "migrating", func(tx *sqliteTx) error {
		if _, err := tx.exec(sqlCreateMigrations); err != nil {
			return err
		}
		var err error
		if from, err = scanInt(tx.row(sqlVersion)); err != nil {
			return err
		}
		if from > int64(len(sqliteMigrations)) {
			return fmt.Errorf("%w (its schema is version %d, this program's is %d)",
				ErrNewerSchema, from, len(sqliteMigrations))
		}
		for v := int(from) + 1; v <= target; v++ {
			if err := s.step(tx, v, sqliteMigrations[v-1]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if int(from) < target {
		s.log.Info("database migrated", "engine", "sqlite", "from", from, "to", target)
	}
	return nil
}

func (s *sqliteStore) step(tx *sqliteTx, version int, m sqliteMigration) error {
	for _, statement := range m.sql {
		if _, err := tx.exec(statement); err != nil {
			return fmt.Errorf("step %d (%s): %w", version, m.name, err)
		}
	}
	_, err := tx.exec(sqlRecordMigration, version, m.name, millis(s.now()))
	return err
}
