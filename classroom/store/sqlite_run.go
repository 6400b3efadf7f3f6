package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"kelas/classroom"
)

// statementCache prepares each statement once. The texts are constants of
// this package, so the cache is bounded.
type statementCache struct {
	db *sql.DB

	mu         sync.Mutex
	statements map[string]*sql.Stmt // by text; nil once closed
}

func newStatementCache(db *sql.DB) *statementCache {
	return &statementCache{db: db, statements: make(map[string]*sql.Stmt)}
}

func (c *statementCache) get(ctx context.Context, query string) (*sql.Stmt, error) {
	c.mu.Lock()
	st, closed := c.statements[query], c.statements == nil
	c.mu.Unlock()
	if closed {
		return nil, sql.ErrConnDone
	}
	if st != nil {
		return st, nil
	}
	// Not under the lock: the writer's only connection may be busy for long.
	st, err := c.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.statements == nil {
		return nil, errors.Join(sql.ErrConnDone, st.Close())
	}
	if other := c.statements[query]; other != nil {
		return other, st.Close()
	}
	c.statements[query] = st
	return st, nil
}

func (c *statementCache) close() error {
	c.mu.Lock()
	statements := c.statements
	c.statements = nil
	c.mu.Unlock()
	var errs []error
	for _, st := range statements {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, c.db.Close())...)
}

// attempt runs fn again while the database is locked by another process, for
// at most s.patience or as long as ctx allows, and translates its error.
func (s *sqliteStore) attempt(ctx context.Context, op string, fn func() error) error {
	deadline := time.Now().Add(s.patience)
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		err := fn()
		if !isBusy(err) || !time.Now().Before(deadline) {
			return fail(ctx, op, err, classifySQLite)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fail(ctx, op, err, classifySQLite)
		case <-timer.C:
		}
	}
}

// exec runs one writing statement and says how many rows it changed.
func (s *sqliteStore) exec(ctx context.Context, op, query string, args ...any) (n int64, err error) {
	err = s.attempt(ctx, op, func() error {
		st, err := s.write.get(ctx, query)
		if err != nil {
			return err
		}
		res, err := st.ExecContext(ctx, args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// transaction runs fn in one transaction; fn may run more than once.
func (s *sqliteStore) transaction(ctx context.Context, op string, fn func(tx *sqliteTx) error) error {
	return s.attempt(ctx, op, func() error {
		tx, err := s.write.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := fn(&sqliteTx{tx: tx, ctx: ctx}); err != nil {
			// A rollback that fails has nothing to add: the connection is
			// thrown away by the pool and the file's lock goes with it.
			_ = tx.Rollback()
			return err
		}
		return tx.Commit()
	})
}

// sqliteTx is a transaction with its context.
type sqliteTx struct {
	tx  *sql.Tx
	ctx context.Context
}

func (t *sqliteTx) exec(query string, args ...any) (int64, error) {
	res, err := t.tx.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t *sqliteTx) row(query string, args ...any) scanner {
	return t.tx.QueryRowContext(t.ctx, query, args...)
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

func scanInt(row scanner) (n int64, err error) { return n, row.Scan(&n) }

// queryOne returns the one row of query, or ErrNotFound.
func queryOne[T any](ctx context.Context, c *statementCache, s *sqliteStore, op string,
	scan func(scanner) (T, error), query string, args ...any) (v T, err error) {
	err = s.attempt(ctx, op, func() error {
		st, err := c.get(ctx, query)
		if err != nil {
			return err
		}
		v, err = scan(st.QueryRowContext(ctx, args...))
		if errors.Is(err, sql.ErrNoRows) {
			return classroom.ErrNotFound
		}
		return err
	})
	return v, err
}

// queryAll returns all rows of query.
func queryAll[T any](ctx context.Context, s *sqliteStore, op string,
	scan func(scanner) (T, error), query string, args ...any) (all []T, err error) {
	err = s.attempt(ctx, op, func() error {
		all = nil
		st, err := s.read.get(ctx, query)
		if err != nil {
			return err
		}
		rows, err := st.QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			v, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// updated explains an UPDATE ... WHERE rev = ? that changed no row.
func (s *sqliteStore) updated(ctx context.Context, op string, n int64, exists string, args ...any) error {
	if n > 0 {
		return nil
	}
	if _, err := queryOne(ctx, s.write, s, op, scanInt, exists, args...); err != nil {
		return err
	}
	return fail(ctx, op, classroom.ErrConflict, classifySQLite)
}

// primary returns SQLite's primary result code of err, and the extended one.
func resultCode(err error) (primary, extended int, ok bool) {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0, 0, false
	}
	return e.Code() & 0xff, e.Code(), true
}

func isBusy(err error) bool {
	code, _, ok := resultCode(err)
	return ok && (code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED)
}

func classifySQLite(err error) error {
	if errors.Is(err, sql.ErrConnDone) {
		return classroom.ErrStoreUnavailable
	}
	code, extended, ok := resultCode(err)
	if !ok {
		return nil
	}
	switch extended {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return classroom.ErrExists
	case sqlite3.SQLITE_IOERR_SHMSIZE:
		// The index of the write-ahead log cannot grow: the disk is full too.
		return classroom.ErrStoreFull
	}
	switch code {
	case sqlite3.SQLITE_FULL:
		return classroom.ErrStoreFull
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL:
		return classroom.ErrStoreUnavailable
	}
	return nil
}
