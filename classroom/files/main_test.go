package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kelas/classroom"
	"kelas/classroom/store"
)

func TestMain(m *testing.M) {
	if uploadAsChild() {
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// room is a shelf on a real store, and what a restart of both needs.
type room struct {
	*testing.T
	*Shelf
	ctx   context.Context
	dir   string
	db    classroom.Store
	clock *clock
	cfg   Config
}

func newRoom(t *testing.T, change ...func(*Config)) *room {
	t.Helper()
	r := &room{T: t, ctx: t.Context(), dir: t.TempDir(), clock: &clock{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}}
	db, err := store.OpenSQLite(r.ctx, filepath.Join(t.TempDir(), "kelas.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	r.db = db
	r.cfg = Config{Dir: r.dir, MaxSize: 10 << 20, ClassQuota: 20 << 20, MinFree: -1, Now: r.clock.Now}
	for _, c := range change {
		c(&r.cfg)
	}
	r.restart()
	return r
}

// restart forgets all that was in memory.
func (r *room) restart() {
	r.Helper()
	s, err := New(r.cfg, r.db, slog.New(slog.DiscardHandler))
	r.ok(err)
	s.busyPatience = 20 * time.Millisecond
	r.Shelf = s
}

func (r *room) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatalf("unexpected error: %v", err)
	}
}

func (r *room) is(err, want error) {
	r.Helper()
	if !errors.Is(err, want) {
		r.Fatalf("error is %v, want %v", err, want)
	}
}

var siti = Owner{ID: "p1", Name: "Siti"}

func (r *room) begin(class, name string, size int) classroom.Upload {
	r.Helper()
	u, err := r.Begin(r.ctx, class, siti, name, int64(size))
	r.ok(err)
	return u
}

// share uploads content in one piece.
func (r *room) share(class, name string, content []byte) classroom.FileInfo {
	r.Helper()
	u := r.begin(class, name, len(content))
	n, done, err := r.Append(r.ctx, u.ID, 0, bytes.NewReader(content))
	r.ok(err)
	if n != int64(len(content)) || done == nil {
		r.Fatalf("the upload ended at %d of %d, file %v", n, len(content), done)
	}
	return *done
}

// holds fails unless the file is there with just these bytes.
func (r *room) holds(class, id string, want []byte) {
	r.Helper()
	info, f, err := r.Open(r.ctx, class, id)
	r.ok(err)
	defer f.Close()
	got, err := io.ReadAll(f)
	r.ok(err)
	if !bytes.Equal(got, want) || info.Size != int64(len(want)) {
		r.Fatalf("the file has %d bytes (described: %d), not the %d that were shared", len(got), info.Size, len(want))
	}
}

// onDisk lists what lies under the shelf's directory, without the nameplate.
func (r *room) onDisk() (uploads, blobs []string) {
	r.Helper()
	err := filepath.WalkDir(r.dir, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() || d.Name() == nameplate:
		case strings.HasPrefix(path, r.uploadsDir()):
			uploads = append(uploads, d.Name())
		default:
			blobs = append(blobs, d.Name())
		}
		return nil
	})
	r.ok(err)
	return uploads, blobs
}

func (r *room) wantOnDisk(uploads, blobs int) {
	r.Helper()
	u, b := r.onDisk()
	if len(u) != uploads || len(b) != blobs {
		r.Fatalf("on disk are uploads %v and blobs %v, want %d and %d", u, b, uploads, blobs)
	}
}

// content returns n bytes that look like nothing in particular.
func content(n int, seed byte) []byte {
	b := make([]byte, n)
	x := uint32(seed) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	b[0] = 0 // binary from the first byte on
	return b
}
