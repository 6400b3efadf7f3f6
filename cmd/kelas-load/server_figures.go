package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// serverFigures are what is known of a server at one moment.
type serverFigures struct {
	cpu        time.Duration
	rss        uint64 // kB
	goroutines int    // 0: not known
}

// gauge reads a server: from /proc where its process is on this machine, else
// from its /metrics.
type gauge struct {
	pid     int    // 0: elsewhere
	metrics string // address of /metrics; "" none
	token   string // bearer token for it
}

var errNoFigures = errors.New("nothing is known of the server's process: give --pid on its machine, or make /metrics reachable (--metrics-token)")

// read reads a server at an end of a window. /metrics is asked outside of the
// window, since answering costs the server a few milliseconds of CPU.
func (g gauge) read(ctx context.Context, begins bool) (serverFigures, error) {
	if begins {
		m, _ := g.scrape(ctx) // /proc may be enough
		return g.figures(m)
	}
	cpu, err := g.cpu()
	m, _ := g.scrape(ctx)
	f, ferr := g.figures(m)
	if err == nil && g.pid != 0 {
		f.cpu = cpu
	}
	return f, ferr
}

func (g gauge) cpu() (time.Duration, error) {
	if g.pid == 0 {
		return 0, nil
	}
	return processCPU(g.pid)
}

// figures are those of /metrics, and where there is a process its own.
func (g gauge) figures(m map[string]float64) (serverFigures, error) {
	f := serverFigures{goroutines: int(m["go_goroutines"]), cpu: time.Duration(m["process_cpu_seconds_total"] * float64(time.Second)),
		rss: uint64(m["process_resident_memory_bytes"] / 1024)}
	if g.pid != 0 {
		var err error
		if f.rss, err = processRSS(g.pid); err != nil {
			return f, err
		}
		if f.cpu, err = g.cpu(); err != nil {
			return f, err
		}
	}
	if f.rss == 0 {
		return f, errNoFigures
	}
	return f, nil
}

// scrape reads the plain gauges and counters of the Prometheus text format.
func (g gauge) scrape(ctx context.Context) (map[string]float64, error) {
	if g.metrics == "" {
		return nil, errNoFigures
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.metrics, nil)
	if err != nil {
		return nil, err
	}
	if g.token != "" {
		req.Header.Set("Authorization", "Bearer "+g.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reading /metrics: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("reading /metrics: %s", resp.Status)
	}
	values := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if x, err := strconv.ParseFloat(value, 64); ok && err == nil {
			values[name] = x
		}
	}
	return values, lines.Err()
}
