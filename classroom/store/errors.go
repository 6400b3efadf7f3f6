package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"kelas/classroom"
)

// ErrNewerSchema is the answer to a database that a newer Kelas has written.
// Going on would lose what the older program does not know of.
var ErrNewerSchema = errors.New("the database was written by a newer Kelas; install that version or a later one")

// errMixedClasses is a caller's mistake: AppendChat takes one class's entries.
var errMixedClasses = errors.New("the entries are of more than one class")

// fail wraps err with what was being done. classify turns an engine's error
// into one of classroom's, or returns nil for one it does not know.
func fail(ctx context.Context, op string, err error, classify func(error) error) error {
	switch {
	case err == nil:
		return nil
	case isSentinel(err):
		return fmt.Errorf("store: %s: %w", op, err)
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("store: %s: %w", op, context.Canceled)
	case ctx.Err() != nil:
		return fmt.Errorf("store: %s: %w: %w", op, classroom.ErrStoreUnavailable, ctx.Err())
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("store: %s: %w: %w", op, classroom.ErrStoreFull, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("store: %s: %w: %w", op, classroom.ErrStoreUnavailable, err)
	}
	if kind := classify(err); kind != nil {
		return fmt.Errorf("store: %s: %w: %w", op, kind, err)
	}
	return fmt.Errorf("store: %s: %w", op, err)
}

func isSentinel(err error) bool {
	for _, s := range []error{classroom.ErrNotFound, classroom.ErrExists, classroom.ErrConflict,
		classroom.ErrStoreUnavailable, classroom.ErrStoreFull} {
		if errors.Is(err, s) {
			return true
		}
	}
	return false
}
