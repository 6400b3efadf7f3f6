package store

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"kelas/classroom"
)

// DatabaseFile is the name of the SQLite database in the data directory.
const DatabaseFile = "kelas.db"

// Config chooses the engine. The zero value is SQLite in ./data.
type Config struct {
	// DataDir holds the SQLite database; "" means "data". It is not touched
	// when MongoURI is given.
	DataDir string
	// MongoURI chooses MongoDB, e.g. mongodb://host:27017/kelas.
	MongoURI string
	// Observe, when given, is told of every operation on the store: its
	// method's name, how long it took and how it ended. It is called from
	// many goroutines and must not block.
	Observe func(op string, d time.Duration, err error)
}

// Validate names the field that cannot be used.
func (c Config) Validate() error {
	if c.MongoURI == "" {
		return nil
	}
	if _, err := mongoDatabaseName(c.MongoURI); err != nil {
		return fmt.Errorf("store: MongoURI: %w", err)
	}
	return nil
}

// Open opens the store that cfg chooses and brings it to the newest schema.
// A MongoDB that does not answer is an error: there is no fall-back to
// SQLite, since that would split the data in two.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (classroom.Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	var (
		s   classroom.Store
		err error
	)
	if cfg.MongoURI != "" {
		s, err = OpenMongo(ctx, cfg.MongoURI, log)
	} else {
		s, err = openDataDir(ctx, cfg.DataDir, log)
	}
	if err != nil {
		return nil, err
	}
	if cfg.Observe != nil {
		s = Observe(s, cfg.Observe)
	}
	return s, nil
}

func openDataDir(ctx context.Context, dir string, log *slog.Logger) (classroom.Store, error) {
	if dir == "" {
		dir = "data"
	}
	// Password hashes and signing keys lie in it: nobody else may read.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: making the data directory: %w", err)
	}
	return OpenSQLite(ctx, filepath.Join(dir, DatabaseFile), log)
}
