package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"kelas/classroom"
)

const (
	// SQLite itself waits this long for another process's write; beyond it
	// the wait is ours, since only ours can be cut short by a context.
	sqliteBusyTimeout = 500 * time.Millisecond
	// How long an operation without a deadline waits for a locked database.
	sqlitePatience = 10 * time.Second
	// Readers never wait for the writer in WAL mode; four are enough to keep
	// as many cores busy, and each costs a page cache.
	sqliteReaders = 4
)

// sqliteStore is classroom.Store on one SQLite file. All writes go through
// one connection: SQLite has one writer anyway, and waiting for it in Go is
// fair and obeys contexts.
type sqliteStore struct {
	log      *slog.Logger
	write    *statementCache
	read     *statementCache
	now      func() time.Time
	patience time.Duration
}

// OpenSQLite opens (and makes, when absent) the database file at path and
// brings it to the newest schema. Other processes may have it open too.
func OpenSQLite(ctx context.Context, path string, log *slog.Logger) (classroom.Store, error) {
	s, err := openSQLite(ctx, path, log)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func openSQLite(ctx context.Context, path string, log *slog.Logger) (*sqliteStore, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := createPrivate(path); err != nil {
		return nil, fail(ctx, "creating the database", err, classifySQLite)
	}
	write, err := sql.Open("sqlite", dataSource(path, "journal_mode(WAL)", "synchronous(FULL)"))
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", dataSource(path, "query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: %w", err), write.Close())
	}
	read.SetMaxOpenConns(sqliteReaders)
	read.SetMaxIdleConns(sqliteReaders)
	s := &sqliteStore{log: log, write: newStatementCache(write), read: newStatementCache(read),
		now: time.Now, patience: sqlitePatience}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare makes sure of the journal mode and migrates.
func (s *sqliteStore) prepare(ctx context.Context) error {
	var mode string
	err := s.attempt(ctx, "opening the database", func() error {
		return s.write.db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode)
	})
	if err != nil {
		return err
	}
	// A file system without shared memory (some network shares) refuses WAL,
	// and without it a reader would block the writer.
	if mode != "wal" {
		return fmt.Errorf("store: the database's journal mode is %q where it must be wal; "+
			"is the data directory on a network share?", mode)
	}
	return s.migrate(ctx)
}

// createPrivate makes the file for the owner alone; SQLite gives its
// companions (-wal, -shm) the same mode. The directory is synced so that a
// power cut right after the first start does not lose the file's name.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// dataSource names the file as a URI, since a plain path with a question
// mark in it would be cut there. Transactions take the write lock at once:
// one that reads first and then cannot upgrade would fail without waiting.
func dataSource(path string, pragmas ...string) string {
	q := url.Values{"_txlock": {"immediate"}}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", sqliteBusyTimeout.Milliseconds()))
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	return u.String()
}

func (s *sqliteStore) Ping(ctx context.Context) error {
	// A read of a real page: a pool's own ping would not touch the file.
	_, err := queryOne(ctx, s.read, s, "ping", scanInt, "SELECT max(version) FROM migrations")
	return err
}

func (s *sqliteStore) Close() error {
	return errors.Join(s.read.close(), s.write.close())
}
