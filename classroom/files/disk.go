package files

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kelas/classroom"
)

const (
	partSuffix   = ".part" // the bytes so far
	markerSuffix = ".hash" // the content address that they are moved to
	nameplate    = "database"
	settingShelf = "files.shelf"
)

func (s *Shelf) uploadsDir() string { return filepath.Join(s.cfg.Dir, "uploads") }
func (s *Shelf) blobsDir() string   { return filepath.Join(s.cfg.Dir, "blobs") }

// partPath and markerPath take an id that validID has passed.
func (s *Shelf) partPath(id string) string   { return filepath.Join(s.uploadsDir(), id+partSuffix) }
func (s *Shelf) markerPath(id string) string { return filepath.Join(s.uploadsDir(), id+markerSuffix) }

func (s *Shelf) blobPath(hash string) (string, error) {
	if !validHash(hash) {
		return "", fmt.Errorf("files: %q is no content address", hash)
	}
	return filepath.Join(s.blobsDir(), hash[:2], hash), nil
}

// validID accepts what NewID makes; an id comes out of a URL and becomes a
// file's name.
func validID(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func validHash(hash string) bool {
	return len(hash) == 64 && strings.Trim(hash, "0123456789abcdef") == ""
}

// syncDir makes the names in a directory survive a power cut.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// writeDurably writes a small file that is whole after a power cut, or not
// there.
func writeDurably(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return syncDir(filepath.Dir(path))
}

// remove deletes a file that may be gone already.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return diskError("removing", err)
	}
	return nil
}

// fileSize returns the size of a file, or -1 when there is none.
func fileSize(path string) (int64, error) {
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return -1, nil
	case err != nil:
		return 0, diskError("looking", err)
	case !fi.Mode().IsRegular():
		return 0, fmt.Errorf("files: %s is no regular file", filepath.Base(path))
	}
	return fi.Size(), nil
}

// claim compares the directory's nameplate with the database's, and puts both
// up in a new house.
func (s *Shelf) claim(ctx context.Context) error {
	path := filepath.Join(s.cfg.Dir, nameplate)
	here, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return diskError("reading the nameplate", err)
	}
	// A fresh name, never the one that hangs here: a new database must not
	// take over a directory that was filled for another.
	stored, err := s.store.PutSettingOnce(ctx, settingShelf, []byte(strings.ToLower(rand.Text())))
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	if string(stored) == string(here) {
		return nil
	}
	empty, err := s.isEmpty()
	if err != nil {
		return err
	}
	if !empty {
		return fmt.Errorf("files: %w: %s", ErrForeignDirectory, s.cfg.Dir)
	}
	if err := writeDurably(path, stored); err != nil {
		return diskError("writing the nameplate", err)
	}
	return nil
}

func (s *Shelf) isEmpty() (bool, error) {
	for _, dir := range []string{s.uploadsDir(), s.blobsDir()} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return false, diskError("looking", err)
		}
		if len(entries) > 0 {
			return false, nil
		}
	}
	return true, nil
}

// room refuses what would leave less than MinFree on the disk: the database
// may lie on it, and a class without chat is worse than one without a file.
func (s *Shelf) room(need int64) error {
	if s.cfg.MinFree < 0 {
		return nil
	}
	free, known, err := freeSpace(s.cfg.Dir)
	if err != nil {
		return diskError("looking for room", err)
	}
	if known && free-need < s.cfg.MinFree {
		return fmt.Errorf("files: %w: %d bytes are free, %d are wanted and %d kept for the database",
			classroom.ErrStoreFull, free, need, s.cfg.MinFree)
	}
	return nil
}
