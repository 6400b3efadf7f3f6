package files

import (
	"errors"
	"fmt"
	"syscall"

	"kelas/classroom"
)

// ErrForeignDirectory is New's answer to a directory that holds the files of
// another database. All other errors are classroom's.
var ErrForeignDirectory = errors.New("the files directory belongs to another database")

// diskError says what was being done; a full disk is classroom.ErrStoreFull.
func diskError(op string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("files: %s: %w: %w", op, classroom.ErrStoreFull, err)
	}
	return fmt.Errorf("files: %s: %w", op, err)
}

// absentIs turns the store's ErrNotFound into the shelf's own word for it.
func absentIs(sentinel, err error) error {
	if errors.Is(err, classroom.ErrNotFound) {
		return sentinel
	}
	return err
}
