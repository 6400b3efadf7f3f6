package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// userHZ is the unit of /proc/PID/stat on every Linux that Go runs on.
const userHZ = 100

// processCPU is the user and system time of a process so far.
func processCPU(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the server's CPU time: %w", err)
	}
	// The name in brackets may hold anything; fields count from behind it.
	f := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	if len(f) < 13 {
		return 0, fmt.Errorf("reading the server's CPU time: /proc/%d/stat is too short", pid)
	}
	user, err1 := strconv.ParseUint(string(f[11]), 10, 64)
	system, err2 := strconv.ParseUint(string(f[12]), 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("reading the server's CPU time: /proc/%d/stat holds no numbers", pid)
	}
	return time.Duration(user+system) * time.Second / userHZ, nil
}

// processRSS is the resident memory of a process in kB.
func processRSS(pid int) (uint64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the server's memory: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		}
	}
	return 0, fmt.Errorf("reading the server's memory: /proc/%d/status has no VmRSS", pid)
}

// ownCPU is this process's time so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// allowedCores are the cores that this process may run on.
func allowedCores() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	var cores []int
	for i := range 1024 {
		if set.IsSet(i) {
			cores = append(cores, i)
		}
	}
	return cores
}

func setOf(cores []int) *unix.CPUSet {
	var set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	return &set
}

// startOn starts a command that runs on these cores only, from its first
// instruction on: a child inherits the affinity of the thread that forks.
func startOn(cmd *exec.Cmd, cores []int) error {
	if len(cores) == 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("reading the cores: %w", err)
	}
	if err := unix.SchedSetaffinity(0, setOf(cores)); err != nil {
		return fmt.Errorf("pinning to cores %v: %w", cores, err)
	}
	err := cmd.Start()
	if back := unix.SchedSetaffinity(0, &before); err == nil && back != nil {
		err = fmt.Errorf("unpinning: %w", back)
	}
	return err
}

// moveTo keeps this process on these cores, all its threads.
func moveTo(cores []int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("listing the threads: %w", err)
	}
	for _, t := range tasks {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		// A thread may have ended meanwhile.
		if err := unix.SchedSetaffinity(id, setOf(cores)); err != nil && err != unix.ESRCH {
			return fmt.Errorf("pinning to cores %v: %w", cores, err)
		}
	}
	runtime.GOMAXPROCS(len(cores))
	return nil
}

// dropped counts packets that the kernel threw away at these local UDP ports,
// because their reader was late.
func dropped(ports map[uint16]bool) (uint64, error) {
	raw, err := os.ReadFile("/proc/net/udp")
	if err != nil {
		return 0, fmt.Errorf("reading the sockets: %w", err)
	}
	total := uint64(0)
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) < 13 {
			continue
		}
		_, hexPort, _ := strings.Cut(f[1], ":")
		port, err := strconv.ParseUint(hexPort, 16, 16)
		if err != nil || !ports[uint16(port)] {
			continue
		}
		if n, err := strconv.ParseUint(f[12], 10, 64); err == nil {
			total += n
		}
	}
	return total, nil
}

// machine describes where a measurement was made.
func machine() string {
	model := "unknown processor"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(raw)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	kernel := ""
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		kernel = ", Linux " + unix.ByteSliceToString(u.Release[:])
	}
	return fmt.Sprintf("%d × %s%s, %s", len(allowedCores()), model, kernel, runtime.Version())
}
