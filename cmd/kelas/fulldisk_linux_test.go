package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The disk of the data directory is full, and somebody makes room on it. That
// uploads are refused and go on then is tested beside the files.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("SKIPPED, NOT PASSED: a full disk needs a mount, which needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	r := run(t, dir)
	filler := filepath.Join(dir, "filler")
	fill := func() {
		t.Helper()
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	room := func() {
		t.Helper()
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
	outage(t, r, nil, "storeFull", fill, room)

	// A server that starts on a full disk says so, or serves; it spoils nothing.
	fill()
	_, err := runCommand(t, "", "class", "add", "--title", "Penuh", "--data-dir", dir)
	if err == nil {
		t.Error("a class was called added on a full disk")
	}
	room()
	if err := run(t, dir).finish(); err != nil {
		t.Error(err)
	}
}
