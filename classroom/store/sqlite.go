package store

import (
	"context"
	"errors"
	"log/slog"

	"kelas/classroom"
)

// OpenSQLite opens (and makes, when absent) the database file at path.
func OpenSQLite(ctx context.Context, path string, log *slog.Logger) (classroom.Store, error) {
	return nil, errors.ErrUnsupported
}
