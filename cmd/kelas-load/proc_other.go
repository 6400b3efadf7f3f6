//go:build !linux

package main

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"time"
)

// Elsewhere than on Linux, the figures of a server come from its /metrics,
// and what only the kernel knows is left out.

var errNotHere = errors.New("only known on Linux")

func processCPU(int) (time.Duration, error)   { return 0, errNotHere }
func processRSS(int) (uint64, error)          { return 0, errNotHere }
func ownCPU() time.Duration                   { return 0 }
func allowedCores() []int                     { return make([]int, runtime.NumCPU()) }
func moveTo([]int) error                      { return errNotHere }
func dropped(map[uint16]bool) (uint64, error) { return 0, errNotHere }
func machine() string {
	return fmt.Sprintf("%d cores, %s %s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func startOn(cmd *exec.Cmd, cores []int) error {
	if len(cores) > 0 {
		return fmt.Errorf("pinning: %w", errNotHere)
	}
	return cmd.Start()
}
