//go:build !unix

package kurento

import "time"

// cpuTime is not known on this system.
func cpuTime() (time.Duration, error) {
	return 0, notThere("getUsedCpu", "this system does not tell the CPU time of a process")
}
