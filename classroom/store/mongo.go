package store

import (
	"context"
	"errors"
	"log/slog"

	"kelas/classroom"
)

// OpenMongo connects to the MongoDB that uri names.
func OpenMongo(ctx context.Context, uri string, log *slog.Logger) (classroom.Store, error) {
	return nil, errors.ErrUnsupported
}

func mongoDatabaseName(uri string) (string, error) { return "kelas", nil }
