package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"kelas/classroom"
)

// finish makes a file of a complete upload, whose lock is held. Each step may
// be repeated, so that after a crash anywhere the next call completes it:
//
//  1. the marker ID.hash names the content address (from here on Sweep and
//     Delete leave that address alone),
//  2. the bytes move there, unless they are there already,
//  3. the file is described in the store under the upload's ID,
//  4. the marker and, where step 2 left it, the part are removed.
//
// A client that goes away in the middle does not stop it.
func (s *Shelf) finish(ctx context.Context, u classroom.Upload) (*classroom.FileInfo, error) {
	ctx = context.WithoutCancel(ctx)
	hash, head, err := s.examine(u)
	if err != nil {
		return nil, err
	}
	mediaType := sniff(head, u.Name)
	if err := errors.Join(s.cfg.checkName(u.Name), s.cfg.checkContent(head, mediaType)); err != nil {
		return nil, errors.Join(classroom.ErrFileTypeNotAllowed, s.discard(ctx, u.ID))
	}
	unlock, err := s.locks.lock(ctx, "hash "+hash)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := s.move(u, hash); err != nil {
		return nil, err
	}
	info := classroom.FileInfo{ID: u.ID, ClassID: u.ClassID, OwnerID: u.OwnerID, OwnerName: u.OwnerName, Name: u.Name,
		Size: u.Size, Type: mediaType, Hash: hash, CreatedAt: s.cfg.Now()}
	if err := s.describe(ctx, &info); err != nil {
		return nil, err
	}
	if err := s.step("finish: described"); err != nil {
		return nil, err
	}
	if err := s.removeParts(u.ID); err != nil {
		s.log.Warn("what an upload left stays until the next sweep", "upload", u.ID, "error", err)
	}
	return &info, nil
}

// examine returns the hash and the first bytes of a complete upload, wherever
// a crash left them.
func (s *Shelf) examine(u classroom.Upload) (hash string, head []byte, err error) {
	f, err := os.Open(s.partPath(u.ID))
	if err == nil {
		defer f.Close()
		return digest(f, u.Size)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", nil, diskError("reading the upload", err)
	}
	if hash, err = s.readMarker(u.ID); err != nil {
		return "", nil, err
	}
	if hash == "" {
		return "", nil, classroom.ErrNoSuchUpload
	}
	path, err := s.blobPath(hash)
	if err != nil {
		return "", nil, err
	}
	blob, err := os.Open(path)
	if err != nil {
		return "", nil, diskError("reading the moved upload", err)
	}
	defer blob.Close()
	head = make([]byte, sniffSize)
	n, err := io.ReadFull(blob, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", nil, diskError("reading the moved upload", err)
	}
	return hash, head[:n], nil
}

// digest reads all of r. The bytes are hashed as they lie on disk, not as
// they came: what is hashed is what will be served.
func digest(r io.Reader, size int64) (hash string, head []byte, err error) {
	piece := pieces.Get().(*[]byte)
	defer pieces.Put(piece)
	sum, total := sha256.New(), int64(0)
	for {
		n, err := io.ReadFull(r, *piece)
		if head == nil {
			head = append([]byte{}, (*piece)[:min(n, sniffSize)]...)
		}
		sum.Write((*piece)[:n])
		total += int64(n)
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return "", nil, diskError("reading the upload", err)
		}
	}
	if total != size {
		return "", nil, fmt.Errorf("files: the upload has %d bytes instead of %d", total, size)
	}
	return hex.EncodeToString(sum.Sum(nil)), head, nil
}

// move does steps 1 and 2. The lock of hash is held.
func (s *Shelf) move(u classroom.Upload, hash string) error {
	part, err := fileSize(s.partPath(u.ID))
	if err != nil {
		return err
	}
	path, err := s.blobPath(hash)
	if err != nil {
		return err
	}
	if part >= 0 {
		if err := writeDurably(s.markerPath(u.ID), []byte(hash)); err != nil {
			return diskError("marking the upload", err)
		}
		if err := s.step("finish: marked"); err != nil {
			return err
		}
	}
	there, err := fileSize(path)
	if err != nil {
		return err
	}
	switch {
	case there == u.Size: // shared before, or moved by a try that was cut off
	case part < 0:
		return fmt.Errorf("files: the moved upload %s has %d bytes instead of %d", u.ID, there, u.Size)
	default:
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return diskError("making a directory", err)
		}
		if err := os.Rename(s.partPath(u.ID), path); err != nil {
			return diskError("moving the upload", err)
		}
	}
	if err := s.step("finish: moved"); err != nil {
		return err
	}
	// In every case: the try that moved it may have been cut off before this.
	if err := errors.Join(syncDir(filepath.Dir(path)), syncDir(s.blobsDir()), syncDir(s.uploadsDir())); err != nil {
		return diskError("moving the upload", err)
	}
	return s.step("finish: moved for good")
}

// describe puts info into the store, or takes over what an earlier try of
// unclear end put there.
func (s *Shelf) describe(ctx context.Context, info *classroom.FileInfo) error {
	err := s.store.PutFile(ctx, *info)
	if !errors.Is(err, classroom.ErrExists) {
		return err
	}
	*info, err = s.store.File(ctx, info.ClassID, info.ID)
	return absentIs(classroom.ErrNoSuchFile, err)
}

// readMarker returns the content address an upload is being moved to, or ""
// (also for a marker that a power cut left torn: the part is still there).
func (s *Shelf) readMarker(id string) (string, error) {
	b, err := os.ReadFile(s.markerPath(id))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", diskError("reading the marker", err)
	}
	if hash := strings.TrimSpace(string(b)); validHash(hash) {
		return hash, nil
	}
	return "", nil
}

// release removes the bytes of hash when neither a file nor an unfinished
// upload needs them, and reports whether it did.
func (s *Shelf) release(ctx context.Context, hash string) (bool, error) {
	path, err := s.blobPath(hash)
	if err != nil {
		return false, err
	}
	unlock, err := s.locks.lock(ctx, "hash "+hash)
	if err != nil {
		return false, err
	}
	defer unlock()
	n, err := s.store.FilesWithHash(ctx, hash)
	if err != nil || n > 0 {
		return false, err
	}
	marked, err := s.isMarked(hash)
	if err != nil || marked {
		return false, err
	}
	if err := remove(path); err != nil {
		return false, err
	}
	return true, nil
}

// isMarked reports whether an unfinished upload moves to hash. Markers live
// for moments, so there are few to read.
func (s *Shelf) isMarked(hash string) (bool, error) {
	entries, err := os.ReadDir(s.uploadsDir())
	if err != nil {
		return false, diskError("looking for markers", err)
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), markerSuffix)
		if !ok || !validID(id) {
			continue
		}
		if h, err := s.readMarker(id); err != nil || h == hash {
			return true, err
		}
	}
	return false, nil
}
