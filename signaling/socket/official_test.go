package socket

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOfficialClients runs socket.io-client 2.5.0 and 4.8.4 under Node
// through connecting, refusal, joining, chat, order, resuming and misuse.
func TestOfficialClients(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("SKIPPED: node is not installed, so the official clients were not tried")
	}
	for _, dir := range []string{"socket.io-client", "socket.io-client-2"} {
		if _, err := os.Stat(filepath.Join("..", "..", "node_modules", dir)); err != nil {
			t.Skip("SKIPPED: node_modules/" + dir + " is missing (npm ci), so the official clients were not tried")
		}
	}
	for _, version := range []string{"2", "4"} {
		t.Run(version+".x", func(t *testing.T) {
			r := newRig(t, rigOptions{socket: func(c *Config) {
				c.PingInterval, c.PingTimeout = 200*time.Millisecond, 5*time.Second
			}})
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, node, "testdata/official.mjs", version, r.http.URL, r.classID)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			passed, done := 0, false
			for lines := bufio.NewScanner(out); lines.Scan(); {
				switch line := lines.Text(); {
				case line == "done":
					done = true
				case strings.HasPrefix(line, "ok "):
					passed++
				default:
					t.Error(line)
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			if !done || passed < 11 {
				t.Errorf("%d checks passed, finished: %v", passed, done)
			}
		})
	}
}
