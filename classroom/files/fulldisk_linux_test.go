package files

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"kelas/classroom"
)

// TestFullDisk needs a disk that is full: a small one in memory.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("SKIPPED, NOT PASSED: a full disk needs a mount, which needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	r := newRoom(t, func(c *Config) { c.Dir = dir })
	r.dir = dir
	want := content(900_000, 9)
	u := r.begin("c1", "a", len(want))
	_, _, err := r.Append(r.ctx, u.ID, 0, bytes.NewReader(want[:300_000]))
	r.ok(err)
	filler := filepath.Join(dir, "filler")
	r.ok(os.WriteFile(filler, make([]byte, 400_000), 0o600))

	n, done, err := r.Append(r.ctx, u.ID, 300_000, bytes.NewReader(want[300_000:]))
	r.is(err, classroom.ErrStoreFull)
	if n != 300_000 || done != nil {
		t.Fatalf("after a full disk the upload is at %d, done %v", n, done)
	}
	_, n, err = r.Offset(r.ctx, u.ID)
	r.ok(err)
	if n != 300_000 {
		t.Fatalf("the offset is %d", n)
	}
	// With room again it goes on where it was.
	r.ok(os.Remove(filler))
	_, done, err = r.Append(r.ctx, u.ID, n, bytes.NewReader(want[n:]))
	r.ok(err)
	r.holds("c1", done.ID, want)
	r.ok(r.Delete(r.ctx, "c1", done.ID))
}
