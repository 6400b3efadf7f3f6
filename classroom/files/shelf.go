package files

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"kelas/classroom"
)

// DefaultBlockedExt are extensions that a double click runs.
var DefaultBlockedExt = []string{"exe"}

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
}

// Owner is the participant who shares a file.
type Owner struct {
	ID   string // Participant.ID
	Name string
}

// Swept says what a Sweep removed.
type Swept struct {
	Uploads int // expired or abandoned ones
	Blobs   int // contents that no file refers to
}

// Shelf keeps the files of all classes under one directory.
type Shelf struct{}

// New opens the shelf in cfg.Dir.
func New(cfg Config, store Store, log *slog.Logger) (*Shelf, error) {
	return nil, errors.ErrUnsupported
}

// Begin announces an upload. name is cleaned; the cleaned one is in the result.
func (s *Shelf) Begin(ctx context.Context, classID string, owner Owner, name string, size int64) (classroom.Upload, error) {
	return classroom.Upload{}, errors.ErrUnsupported
}

// Offset says how many bytes of an upload are safe on disk. An upload that
// is complete but was not made a file (a crash came between) is made one
// now. A finished upload is still known until it expires, its offset being
// its size, so that a client which lost the last answer does not send twice.
func (s *Shelf) Offset(ctx context.Context, uploadID string) (classroom.Upload, int64, error) {
	return classroom.Upload{}, 0, errors.ErrUnsupported
}

// Append goes on with an upload at offset, which must be the one Offset
// says. It returns the new offset, also beside an error; done is the file
// once the last byte is in. The file's ID is the upload's.
func (s *Shelf) Append(ctx context.Context, uploadID string, offset int64, r io.Reader) (newOffset int64, done *classroom.FileInfo, err error) {
	return 0, nil, errors.ErrUnsupported
}

// Abort forgets an upload and its bytes.
func (s *Shelf) Abort(ctx context.Context, uploadID string) error { return errors.ErrUnsupported }

// File returns a file's description.
func (s *Shelf) File(ctx context.Context, classID, fileID string) (classroom.FileInfo, error) {
	return classroom.FileInfo{}, errors.ErrUnsupported
}

// Open opens a file for reading; the caller closes it.
func (s *Shelf) Open(ctx context.Context, classID, fileID string) (classroom.FileInfo, *os.File, error) {
	return classroom.FileInfo{}, nil, errors.ErrUnsupported
}

// Delete removes a file; its bytes go with the last file that has them.
func (s *Shelf) Delete(ctx context.Context, classID, fileID string) error {
	return errors.ErrUnsupported
}

// List returns a class's files, oldest first.
func (s *Shelf) List(ctx context.Context, classID string) ([]classroom.FileInfo, error) {
	return nil, errors.ErrUnsupported
}

// Sweep removes expired uploads and contents without a file.
func (s *Shelf) Sweep(ctx context.Context) (Swept, error) { return Swept{}, errors.ErrUnsupported }

// Close ends the shelf: later calls fail with classroom.ErrClosing.
func (s *Shelf) Close() error { return nil }
