package kurento

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ServerManager: what a client asks about the server itself.

// protocolVersion is Kurento's, whose protocol this is.
const protocolVersion = "7.3.0"

// tableDate is when the table was last changed against Kurento's.
const tableDate = "Nov 25 2026 00:00:00"

// managerPart stands behind the one ServerManager, which is never released.
type managerPart struct{}

func (managerPart) ID() string { return managerID }
func (managerPart) Release()   {}

func getInfo(c *call) (any, error) {
	modules := []any{}
	for _, m := range table.modules {
		modules = append(modules, record("ModuleInfo", map[string]any{
			"name": m, "version": protocolVersion, "generationTime": tableDate, "factories": table.factories(m),
		}))
	}
	version := protocolVersion
	if v := c.s.cfg.Version; v != "" {
		version += "+" + v
	}
	return record("ServerInfo", map[string]any{
		"version": version, "modules": modules, "type": "KMS", "capabilities": []string{"transactions"},
	}), nil
}

// factories are the types of a module that can be created.
func (k *known) factories(module string) []string {
	list := []string{}
	for name, c := range k.classes {
		if c.module == module && c.make != nil {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func getPipelines(c *call) (any, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.idsLocked(c.sess, c.s.allLocked("MediaPipeline")), nil
}

func getSessions(c *call) (any, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	ids := []string{}
	for id, sess := range c.s.sessions {
		if !c.s.cfg.Strict || sess == c.sess {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func getCPUCount(*call) (any, error) { return runtime.NumCPU(), nil }

// getUsedCPU measures for as long as it was told, and answers in percent of
// all processors.
func getUsedCPU(c *call) (any, error) {
	interval := time.Duration(c.int("interval")) * time.Millisecond
	if interval <= 0 || interval > maxUsedCPU {
		return nil, fail(codeMarshall, "'interval' is not between 1 and %d", maxUsedCPU.Milliseconds())
	}
	before, err := cpuTime()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	select {
	case <-time.After(interval):
	case <-c.s.ctx.Done():
		return nil, fail(codeSession, "The server is being stopped")
	}
	after, err := cpuTime()
	if err != nil {
		return nil, err
	}
	return 100 * (after - before).Seconds() / time.Since(start).Seconds() / float64(runtime.NumCPU()), nil
}

// getUsedMemory is the process's resident memory in KiB.
func getUsedMemory(*call) (any, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.Sys / 1024), nil
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return nil, fail(codeUnexpected, "The system does not say how much memory is used")
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return nil, fail(codeUnexpected, "The system does not say how much memory is used")
	}
	return pages * int64(os.Getpagesize()) / 1024, nil
}
