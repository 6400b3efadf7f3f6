package pipeline

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// fileRoot is the one folder in which recorders and players may touch files. os.Root keeps symbolic links from leading
// out of it.
type fileRoot struct {
	root  *os.Root
	names []string // the folder as it may stand in a uri: as configured, and with its own links resolved

	mu      sync.Mutex
	written map[string]bool // what is being recorded
}

// openFileRoot gives nil for "": then there are no files.
func openFileRoot(dir string) (*fileRoot, error) {
	if dir == "" {
		return nil, nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: FileRoot: %v", ErrConfig, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("%w: FileRoot: %v", ErrConfig, err)
	}
	f := &fileRoot{root: root, names: []string{abs}, written: make(map[string]bool)}
	if real, err := filepath.EvalSymlinks(abs); err == nil && real != abs {
		f.names = append(f.names, real)
	}
	return f, nil
}

func (f *fileRoot) close() error {
	if f == nil {
		return nil
	}
	return f.root.Close()
}

// locate turns a file:// uri (RFC 8089) into a name within the root. A uri without a scheme begins in the root, as
// Kurento has it begin in its defaultPath.
func (f *fileRoot) locate(uri string) (string, error) {
	if f == nil {
		return "", ErrNoFileRoot
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || uri == "":
		return "", fmt.Errorf("%w: it does not parse", ErrBadURI)
	case u.Scheme == "":
		u.Path = f.names[0] + "/" + u.Path
	case u.Scheme == "http", u.Scheme == "https":
		return "", fmt.Errorf("%w: nothing is uploaded over HTTP; record to file:///like/this", ErrBadURI)
	case u.Scheme != "file":
		return "", fmt.Errorf("%w: scheme %q; files are file:///like/this", ErrBadURI, u.Scheme)
	}
	switch {
	case u.Host != "" && u.Host != "localhost" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return "", fmt.Errorf("%w: a file's has a path and nothing else, file:///like/this", ErrBadURI)
	case strings.ContainsRune(u.Path, 0):
		return "", fmt.Errorf("%w: zero byte", ErrBadURI)
	case slices.Contains(strings.Split(u.Path, "/"), ".."):
		return "", fmt.Errorf("%w: .. in the path", ErrBadURI)
	}
	path := filepath.Clean(u.Path)
	for _, name := range f.names {
		rel, err := filepath.Rel(name, path)
		if err == nil && rel != "." && filepath.IsLocal(rel) {
			return rel, nil
		}
	}
	return "", ErrOutsideFileRoot
}

// create makes a file anew: one of that name is replaced, and whoever reads the old one may read on. One that is being
// written is not, for what goes into it would be lost.
func (f *fileRoot) create(name string) (*newFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.written[name] {
		return nil, errors.New("another recorder is writing this file")
	}
	if err := f.root.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	file, err := f.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, err
	}
	f.written[name] = true
	return &newFile{file, f, name}, nil
}

// newFile is one that was created; without a byte in it, Close takes it away.
type newFile struct {
	*os.File
	files *fileRoot
	name  string
}

// Close closes the file.
func (f *newFile) Close() error {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	delete(f.files.written, f.name)
	st, err := f.Stat()
	if err == nil && st.Size() == 0 {
		err = f.files.root.Remove(f.name)
	}
	return errors.Join(err, f.File.Close())
}

// checkFolder tells early whether create can work.
func (f *fileRoot) checkFolder(name string) error {
	st, err := f.root.Stat(filepath.Dir(name))
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return fmt.Errorf("%s is not a folder", filepath.Dir(name))
	}
	return nil
}
