//go:build linux || darwin || freebsd

package files

import (
	"math"
	"syscall"
)

// freeSpace returns how many bytes the disk of dir has left.
func freeSpace(dir string) (free int64, known bool, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, false, err
	}
	blocks, size := uint64(st.Bavail), uint64(st.Bsize)
	if size == 0 || blocks > math.MaxInt64/size {
		return math.MaxInt64, true, nil
	}
	return int64(blocks * size), true, nil
}
