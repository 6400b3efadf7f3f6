package files

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"kelas/classroom"
)

// Swept says what a Sweep removed.
type Swept struct {
	Uploads int // expired or abandoned ones
	Blobs   int // contents that no file refers to
}

// Sweep removes expired uploads, and contents that a crash left without a
// file. It may run at any time beside everything else; when the store does
// not answer, it stops and removes nothing on suspicion.
func (s *Shelf) Sweep(ctx context.Context) (Swept, error) {
	var swept Swept
	if err := s.open(); err != nil {
		return swept, err
	}
	uploads, err := s.store.Uploads(ctx, "")
	if err != nil {
		return swept, err
	}
	for _, u := range uploads {
		gone, err := s.sweepUpload(ctx, u)
		if err != nil {
			return swept, err
		}
		if gone {
			swept.Uploads++
		}
	}
	if err := s.sweepStrays(ctx); err != nil {
		return swept, err
	}
	swept.Blobs, err = s.sweepBlobs(ctx)
	return swept, err
}

// sweepUpload removes u when it has expired, or has no bytes, which means
// that Begin or an end of it was cut off by a crash.
func (s *Shelf) sweepUpload(ctx context.Context, u classroom.Upload) (gone bool, err error) {
	// A first look without the lock, which a client would find taken.
	if wanted, err := s.sweepable(ctx, u); err != nil || !wanted {
		return false, err
	}
	unlock, ok := s.locks.tryLock("upload " + u.ID)
	if !ok {
		return false, nil // in use
	}
	defer unlock()
	_, done, err := s.progress(ctx, u)
	if err != nil && !errors.Is(err, classroom.ErrNoSuchUpload) {
		return false, err
	}
	abandoned := err != nil
	switch {
	case !s.cfg.Now().Before(u.ExpiresAt), abandoned:
		if done != nil {
			return false, s.forget(ctx, u.ID) // only its memory goes
		}
		return true, s.discard(ctx, u.ID)
	case done != nil:
		return false, s.removeParts(u.ID) // what finish could not remove
	}
	return false, nil
}

// sweepable reports whether there may be something to sweep of u.
func (s *Shelf) sweepable(ctx context.Context, u classroom.Upload) (bool, error) {
	_, done, err := s.progress(ctx, u)
	switch {
	case errors.Is(err, classroom.ErrNoSuchUpload):
		return true, nil
	case err != nil:
		return false, err
	case !s.cfg.Now().Before(u.ExpiresAt):
		return true, nil
	case done == nil:
		return false, nil
	}
	part, err := fileSize(s.partPath(u.ID))
	if err != nil {
		return false, err
	}
	marker, err := fileSize(s.markerPath(u.ID))
	return part >= 0 || marker >= 0, err
}

// sweepStrays removes files of uploads that are not described.
func (s *Shelf) sweepStrays(ctx context.Context) error {
	entries, err := os.ReadDir(s.uploadsDir())
	if err != nil {
		return diskError("sweeping uploads", err)
	}
	for _, e := range entries {
		id, isPart := strings.CutSuffix(e.Name(), partSuffix)
		if !isPart {
			id, isPart = strings.CutSuffix(e.Name(), markerSuffix)
		}
		if !isPart || !validID(id) {
			continue
		}
		if err := s.sweepStray(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *Shelf) sweepStray(ctx context.Context, id string) error {
	_, err := s.store.Upload(ctx, id)
	if !errors.Is(err, classroom.ErrNotFound) {
		return err
	}
	unlock, ok := s.locks.tryLock("upload " + id)
	if !ok {
		return nil
	}
	defer unlock()
	_, err = s.store.Upload(ctx, id)
	if errors.Is(err, classroom.ErrNotFound) {
		return s.removeParts(id)
	}
	return err
}

func (s *Shelf) sweepBlobs(ctx context.Context) (removed int, err error) {
	dirs, err := os.ReadDir(s.blobsDir())
	if err != nil {
		return 0, diskError("sweeping contents", err)
	}
	for _, dir := range dirs {
		blobs, err := os.ReadDir(filepath.Join(s.blobsDir(), dir.Name()))
		if err != nil {
			return removed, diskError("sweeping contents", err)
		}
		for _, blob := range blobs {
			hash := blob.Name()
			if !validHash(hash) || hash[:2] != dir.Name() {
				continue
			}
			// First without the lock: almost every content has its file.
			if n, err := s.store.FilesWithHash(ctx, hash); err != nil {
				return removed, err
			} else if n > 0 {
				continue
			}
			gone, err := s.release(ctx, hash)
			if err != nil {
				return removed, err
			}
			if gone {
				removed++
			}
		}
	}
	return removed, nil
}
