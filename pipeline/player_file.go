package pipeline

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"

	"kelas/pipeline/record"
)

// playerFile is what a player reads from.
type playerFile struct {
	reader *record.Reader
	closer io.Closer
	remote bool
}

func (f *playerFile) close() { _ = f.closer.Close() } // it was only read

// openFile opens what the uri names; ctx ends all reading.
func (e *PlayerEndpoint) openFile(ctx context.Context) (*playerFile, error) {
	f, src, err := e.openSource(ctx)
	if err != nil {
		return nil, err
	}
	if f.reader, err = record.Open(src); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (e *PlayerEndpoint) openSource(ctx context.Context) (*playerFile, record.Source, error) {
	if e.name == "" {
		body, err := e.server.playFrom.open(ctx, e.url)
		if err != nil {
			return nil, record.Source{}, err
		}
		return &playerFile{closer: body, remote: true}, body.source(), nil
	}
	// A pipe would have us wait for its other end.
	f, err := e.server.files.root.OpenFile(e.name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, record.Source{}, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", e.name)
	}
	if err != nil {
		_ = f.Close()
		return nil, record.Source{}, err
	}
	src := record.Source{ReadSeeker: f, Size: st.Size(), CanSeek: true, Local: true}
	return &playerFile{closer: f}, src, nil
}
