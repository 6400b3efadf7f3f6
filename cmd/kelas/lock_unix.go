//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockDataDir keeps a second server away from a data directory. Two of them
// would number the same chat, sweep each other's uploads and serve classes
// that do not hear of one another. The kernel lets go of the lock when the
// process ends, however it ends; the commands beside a server take none.
func lockDataDir(dir string) (unlock func() error, err error) {
	name := filepath.Join(dir, "server.lock")
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of --data-dir: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		pid := make([]byte, 20)
		n, _ := file.ReadAt(pid, 0) // for the sentence only
		_ = file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking --data-dir: %w", err)
		}
		return nil, fmt.Errorf("%w %s (process %s); stop it, or give this one a folder of its own", errDataDirInUse, dir, bytes.TrimSpace(pid[:n]))
	}
	if err := file.Truncate(0); err == nil {
		// On a full disk the lock still holds, only its sentence is poorer.
		_, _ = fmt.Fprintln(file, os.Getpid())
	}
	return file.Close, nil
}
