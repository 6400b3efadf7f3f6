package files

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"kelas/classroom"
)

// Store is what a Shelf needs of classroom.Store.
type Store interface {
	PutFile(ctx context.Context, f classroom.FileInfo) error
	File(ctx context.Context, classID, id string) (classroom.FileInfo, error)
	Files(ctx context.Context, classID string) ([]classroom.FileInfo, error)
	DeleteFile(ctx context.Context, classID, id string) error
	FilesWithHash(ctx context.Context, hash string) (int, error)
	PutUpload(ctx context.Context, u classroom.Upload) error
	Upload(ctx context.Context, id string) (classroom.Upload, error)
	Uploads(ctx context.Context, classID string) ([]classroom.Upload, error)
	DeleteUpload(ctx context.Context, id string) error
	PutSettingOnce(ctx context.Context, key string, value []byte) ([]byte, error)
}

// Owner is the participant who shares a file.
type Owner struct {
	ID   string // Participant.ID
	Name string
}

// Shelf keeps the files of all classes under one directory. It has no
// goroutines: everything happens in its callers'.
type Shelf struct {
	cfg    Config
	store  Store
	log    *slog.Logger
	locks  keyedLocks
	closed atomic.Bool
	// busyPatience is how long one waits for another request on the same
	// upload that may just be ending.
	busyPatience time.Duration
	// step is called between the steps that a crash may come between; only
	// tests set it.
	step func(name string) error
}

// openPatience bounds New's talk with the store.
const openPatience = 30 * time.Second

// New opens the shelf in cfg.Dir. The directory and the database belong
// together: New refuses one that was filled for another database, since
// Sweep would take all its files for orphans.
func New(cfg Config, store Store, log *slog.Logger) (*Shelf, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Shelf{cfg: cfg.withDefaults(), store: store, log: log, busyPatience: 3 * time.Second,
		step: func(string) error { return nil }}
	for _, dir := range []string{s.uploadsDir(), s.blobsDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, diskError("making the directory", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), openPatience)
	defer cancel()
	if err := s.claim(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends the shelf: later calls, and uploads at their next piece, fail
// with classroom.ErrClosing. It does not wait for them: they are safe to cut
// at any point.
func (s *Shelf) Close() error {
	s.closed.Store(true)
	return nil
}

func (s *Shelf) open() error {
	if s.closed.Load() {
		return classroom.ErrClosing
	}
	return nil
}

// File returns a file's description.
func (s *Shelf) File(ctx context.Context, classID, fileID string) (classroom.FileInfo, error) {
	if err := s.open(); err != nil {
		return classroom.FileInfo{}, err
	}
	f, err := s.store.File(ctx, classID, fileID)
	if err != nil {
		return classroom.FileInfo{}, absentIs(classroom.ErrNoSuchFile, err)
	}
	return f, nil
}

// Open opens a file for reading; the caller closes it. A file that is deleted
// meanwhile can be read to its end.
func (s *Shelf) Open(ctx context.Context, classID, fileID string) (classroom.FileInfo, *os.File, error) {
	info, err := s.File(ctx, classID, fileID)
	if err != nil {
		return classroom.FileInfo{}, nil, err
	}
	path, err := s.blobPath(info.Hash)
	if err != nil {
		return classroom.FileInfo{}, nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		// Deleted between the two looks, or lost.
		if _, again := s.File(ctx, classID, fileID); again != nil {
			return classroom.FileInfo{}, nil, again
		}
		return classroom.FileInfo{}, nil, fmt.Errorf("files: %w: its bytes are missing on disk", classroom.ErrNoSuchFile)
	}
	if err != nil {
		return classroom.FileInfo{}, nil, diskError("opening", err)
	}
	return info, f, nil
}

// List returns a class's files, oldest first.
func (s *Shelf) List(ctx context.Context, classID string) ([]classroom.FileInfo, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	return s.store.Files(ctx, classID)
}

// Delete removes a file; its bytes go with the last file that has them.
func (s *Shelf) Delete(ctx context.Context, classID, fileID string) error {
	info, err := s.File(ctx, classID, fileID)
	if err != nil {
		return err
	}
	// The upload that it came from may be asked for its end once more; under
	// its lock, so that this does not put the file back.
	unlock, err := s.lockUpload(ctx, fileID)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.forget(ctx, fileID); err != nil {
		return err
	}
	if err := s.step("delete: upload forgotten"); err != nil {
		return err
	}
	if err := s.store.DeleteFile(ctx, classID, fileID); err != nil {
		return absentIs(classroom.ErrNoSuchFile, err)
	}
	if err := s.step("delete: file gone"); err != nil {
		return err
	}
	if _, err := s.release(ctx, info.Hash); err != nil {
		// The file is deleted; its bytes are Sweep's to find.
		s.log.Warn("a deleted file's bytes stay until the next sweep", "file", fileID, "error", err)
	}
	return nil
}

// lockUpload waits a little for the lock of an upload: a request whose line
// was cut is often just ending. One that is stuck makes it ErrUploadBusy.
func (s *Shelf) lockUpload(ctx context.Context, id string) (unlock func(), err error) {
	wait, cancel := context.WithTimeout(ctx, s.busyPatience)
	defer cancel()
	unlock, err = s.locks.lock(wait, "upload "+id)
	if err == nil {
		return unlock, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, classroom.ErrUploadBusy
}
