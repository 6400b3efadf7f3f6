package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"kelas/classroom"
)

// pieceSize is how much of an upload is in memory at once.
const pieceSize = 128 << 10

var pieces = sync.Pool{New: func() any { b := make([]byte, pieceSize); return &b }}

// Begin announces an upload of size bytes. name is cleaned; the cleaned one
// is in the result. The whole size counts against the quota from now on.
func (s *Shelf) Begin(ctx context.Context, classID string, owner Owner, name string, size int64) (classroom.Upload, error) {
	none := classroom.Upload{}
	if err := s.open(); err != nil {
		return none, err
	}
	name, err := CleanName(name)
	if err != nil {
		return none, err
	}
	switch {
	case size <= 0:
		return none, classroom.ErrFileEmpty
	case size > s.cfg.MaxSize:
		return none, classroom.ErrFileTooLarge
	}
	if err := s.cfg.checkName(name); err != nil {
		return none, err
	}
	// One at a time in a class, or two would take the same last room.
	unlock, err := s.locks.lock(ctx, "class "+classID)
	if err != nil {
		return none, err
	}
	defer unlock()
	if err := s.admit(ctx, classID, owner.ID, size); err != nil {
		return none, err
	}
	now := s.cfg.Now()
	u := classroom.Upload{ID: s.cfg.NewID(), ClassID: classID, OwnerID: owner.ID, OwnerName: owner.Name, Name: name,
		Size: size, CreatedAt: now, ExpiresAt: now.Add(s.cfg.UploadTTL)}
	if !validID(u.ID) {
		return none, fmt.Errorf("files: NewID made the unusable id %q", u.ID)
	}
	// Sweep takes a description without bytes for abandoned, unless locked.
	unlockUpload, err := s.locks.lock(ctx, "upload "+u.ID)
	if err != nil {
		return none, err
	}
	defer unlockUpload()
	if err := s.store.PutUpload(ctx, u); err != nil {
		return none, err
	}
	if err := s.step("begin: described"); err != nil {
		return none, err
	}
	if err := s.createPart(u.ID); err != nil {
		if undo := s.forget(context.WithoutCancel(ctx), u.ID); undo != nil {
			s.log.Warn("an upload that could not begin stays until the next sweep", "upload", u.ID, "error", undo)
		}
		return none, err
	}
	return u, nil
}

// admit checks the limits that depend on what is there already.
func (s *Shelf) admit(ctx context.Context, classID, ownerID string, size int64) error {
	// Uploads first: one that ends between the two questions is in both
	// answers and counted once, rather than in neither.
	uploads, err := s.store.Uploads(ctx, classID)
	if err != nil {
		return err
	}
	files, err := s.store.Files(ctx, classID)
	if err != nil {
		return err
	}
	used, finished := int64(0), make(map[string]bool, len(files))
	for _, f := range files {
		used += f.Size
		finished[f.ID] = true
	}
	own, now := 0, s.cfg.Now()
	for _, u := range uploads {
		if finished[u.ID] || !now.Before(u.ExpiresAt) {
			continue
		}
		used += u.Size
		if u.OwnerID == ownerID {
			own++
		}
	}
	switch {
	case own >= s.cfg.MaxUploadsEach:
		return classroom.ErrTooManyUploads
	case used+size > s.cfg.ClassQuota:
		return classroom.ErrQuotaExceeded
	}
	return s.room(size)
}

func (s *Shelf) createPart(id string) error {
	f, err := os.OpenFile(s.partPath(id), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return diskError("creating the upload", err)
	}
	if err := errors.Join(f.Close(), syncDir(s.uploadsDir())); err != nil {
		return diskError("creating the upload", err)
	}
	return nil
}

// Upload returns an upload's description, whose it is among other things.
func (s *Shelf) Upload(ctx context.Context, uploadID string) (classroom.Upload, error) {
	if err := s.open(); err != nil {
		return classroom.Upload{}, err
	}
	if !validID(uploadID) {
		return classroom.Upload{}, classroom.ErrNoSuchUpload
	}
	u, err := s.store.Upload(ctx, uploadID)
	if err != nil {
		return classroom.Upload{}, absentIs(classroom.ErrNoSuchUpload, err)
	}
	if !s.cfg.Now().Before(u.ExpiresAt) {
		return classroom.Upload{}, classroom.ErrNoSuchUpload
	}
	return u, nil
}

// progress says how far u has come; done is the file once it is one. The
// upload's lock is held.
func (s *Shelf) progress(ctx context.Context, u classroom.Upload) (offset int64, done *classroom.FileInfo, err error) {
	offset, err = fileSize(s.partPath(u.ID))
	if err != nil {
		return 0, nil, err
	}
	if offset >= 0 && offset < u.Size {
		return offset, nil, nil
	}
	f, err := s.store.File(ctx, u.ClassID, u.ID)
	switch {
	case err == nil:
		return u.Size, &f, nil
	case !errors.Is(err, classroom.ErrNotFound):
		return 0, nil, err
	case offset == u.Size:
		return offset, nil, nil
	case offset > u.Size:
		return 0, nil, fmt.Errorf("files: %w: it has more bytes than it may", classroom.ErrNoSuchUpload)
	}
	// Its bytes were moved, but the file was not described yet.
	marker, err := fileSize(s.markerPath(u.ID))
	if err != nil {
		return 0, nil, err
	}
	if marker < 0 {
		return 0, nil, classroom.ErrNoSuchUpload
	}
	return u.Size, nil, nil
}

// Offset says how many bytes of an upload are safe on disk. An upload that
// is complete but was not made a file (a crash came between) is made one
// now. A finished upload is still known until it expires, its offset being
// its size, so that a client which lost the last answer does not send twice.
func (s *Shelf) Offset(ctx context.Context, uploadID string) (classroom.Upload, int64, error) {
	u, err := s.Upload(ctx, uploadID)
	if err != nil {
		return u, 0, err
	}
	unlock, err := s.lockUpload(ctx, uploadID)
	if err != nil {
		return u, 0, err
	}
	defer unlock()
	offset, done, err := s.progress(ctx, u)
	if err != nil {
		return u, 0, err
	}
	if offset == u.Size && done == nil {
		_, err = s.finish(ctx, u)
		return u, offset, err
	}
	if done == nil && offset > 0 {
		// Bytes of a request that a crash cut off were never synced.
		err = s.syncPart(uploadID)
	}
	return u, offset, err
}

func (s *Shelf) syncPart(id string) error {
	f, err := os.OpenFile(s.partPath(id), os.O_WRONLY, 0)
	if err != nil {
		return diskError("syncing the upload", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return diskError("syncing the upload", err)
	}
	return nil
}

// Append goes on with an upload at offset, which must be the one Offset
// says. It returns the new offset, also beside an error: what came before a
// cut line is kept. done is the file once the last byte is in; its ID is the
// upload's. A read from r that never returns holds the upload: the caller
// bounds it.
func (s *Shelf) Append(ctx context.Context, uploadID string, offset int64, r io.Reader) (newOffset int64, done *classroom.FileInfo, err error) {
	u, err := s.Upload(ctx, uploadID)
	if err != nil {
		return 0, nil, err
	}
	unlock, ok := s.locks.tryLock("upload " + uploadID)
	if !ok {
		return 0, nil, classroom.ErrUploadBusy
	}
	defer unlock()
	at, done, err := s.progress(ctx, u)
	switch {
	case err != nil:
		return 0, nil, err
	case at != offset:
		return at, nil, classroom.ErrUploadOffset
	case done != nil:
		return at, done, nil
	}
	if at < u.Size {
		if at, err = s.receive(ctx, u, at, r); err != nil || at < u.Size {
			return at, nil, err
		}
	}
	done, err = s.finish(ctx, u)
	return at, done, err
}

// receive writes r behind the first start bytes and syncs. When writing or
// syncing fails, the upload is as long as before, which also gives the room
// on a full disk back.
func (s *Shelf) receive(ctx context.Context, u classroom.Upload, start int64, r io.Reader) (int64, error) {
	if err := s.room(u.Size - start); err != nil {
		return start, err
	}
	f, err := os.OpenFile(s.partPath(u.ID), os.O_WRONLY, 0)
	if err != nil {
		return start, diskError("opening the upload", err)
	}
	at, readErr, err := s.copyPieces(ctx, f, start, u.Size, r)
	if err == nil {
		if err = f.Sync(); err != nil {
			err = diskError("syncing the upload", err)
		}
	}
	if err != nil {
		if undo := f.Truncate(start); undo != nil {
			s.log.Error("an upload could not be put back", "upload", u.ID, "error", undo)
		}
		return start, errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return start, diskError("closing the upload", err)
	}
	return at, readErr
}

// copyPieces returns where it came to, what ended the reading, and what makes
// all of it void.
func (s *Shelf) copyPieces(ctx context.Context, f io.WriterAt, at, size int64, r io.Reader) (int64, error, error) {
	piece := pieces.Get().(*[]byte)
	defer pieces.Put(piece)
	for {
		if err := s.open(); err != nil {
			return at, err, nil
		}
		if err := ctx.Err(); err != nil {
			return at, err, nil
		}
		// One byte more than is wanted shows a sender that has too much.
		n, readErr := r.Read((*piece)[:min(pieceSize, size-at+1)])
		if at+int64(n) > size {
			return at, nil, fmt.Errorf("files: %w: more bytes than were announced", classroom.ErrFileTooLarge)
		}
		if n > 0 {
			if _, err := f.WriteAt((*piece)[:n], at); err != nil {
				return at, nil, diskError("writing the upload", err)
			}
			at += int64(n)
		}
		switch {
		case readErr == io.EOF:
			return at, nil, nil
		case readErr != nil:
			return at, fmt.Errorf("files: reading the upload: %w", readErr), nil
		}
	}
}

// Abort forgets an upload and its bytes. One that became a file is no upload
// any more.
func (s *Shelf) Abort(ctx context.Context, uploadID string) error {
	u, err := s.Upload(ctx, uploadID)
	if err != nil {
		return err
	}
	unlock, err := s.lockUpload(ctx, uploadID)
	if err != nil {
		return err
	}
	defer unlock()
	_, done, err := s.progress(ctx, u)
	if err != nil {
		return err
	}
	if done != nil {
		return classroom.ErrNoSuchUpload
	}
	return s.discard(ctx, uploadID)
}

// discard forgets an upload that is no file, with bytes that were moved
// already. The upload's lock is held.
func (s *Shelf) discard(ctx context.Context, id string) error {
	hash, err := s.readMarker(id)
	if err != nil {
		return err
	}
	if err := s.forget(ctx, id); err != nil || hash == "" {
		return err
	}
	_, err = s.release(ctx, hash)
	return err
}

// forget removes an upload's description, then its own files: a crash
// between leaves files that Sweep knows for strays. The upload's lock is held.
func (s *Shelf) forget(ctx context.Context, id string) error {
	if !validID(id) {
		return nil // it never was an upload of ours
	}
	if err := s.store.DeleteUpload(ctx, id); err != nil {
		return err
	}
	return s.removeParts(id)
}

func (s *Shelf) removeParts(id string) error {
	return errors.Join(remove(s.partPath(id)), remove(s.markerPath(id)))
}
