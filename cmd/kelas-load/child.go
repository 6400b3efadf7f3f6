package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a server that was started here and is stopped here.
type child struct {
	cmd    *exec.Cmd
	url    string
	said   *lastWords
	ended  chan struct{} // closed when it has
	reason error
	folder string // removed at the end; may be empty
}

// lastWords keeps the end of what a child says.
type lastWords struct {
	mu sync.Mutex
	b  []byte
}

const lastWordsSize = 8 << 10

func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	if extra := len(l.b) - lastWordsSize; extra > 0 {
		l.b = l.b[extra:]
	}
	return len(p), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b)
}

// startTime is how long a server may take to serve.
const startTime = 30 * time.Second

// startChild runs a command on these cores. Where it says its address on its
// first line of output, pass url as "".
func startChild(cores []int, url string, name string, args ...string) (*child, error) {
	c := &child{cmd: exec.Command(name, args...), url: url, said: &lastWords{}, ended: make(chan struct{})}
	c.cmd.Stderr = c.said
	var first io.Reader
	if url == "" {
		out, err := c.cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		first = out
	} else {
		c.cmd.Stdout = c.said
	}
	c.cmd.WaitDelay = 5 * time.Second
	if err := startOn(c.cmd, cores); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	if first != nil {
		line, err := bufio.NewReader(first).ReadString('\n')
		if err != nil {
			_ = c.cmd.Process.Kill()
			_ = c.cmd.Wait()
			return nil, fmt.Errorf("starting %s: it said no address: %w\n%s", name, err, c.said)
		}
		c.url = strings.TrimSpace(line)
	}
	go func() {
		c.reason = c.cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// wait polls an address until it answers 200.
func (c *child) wait(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-c.ended:
			return fmt.Errorf("the server ended: %w\n%s", c.reason, c.said)
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer at %s: %w\n%s", path, ctx.Err(), c.said)
		}
	}
}

// stopTime is how long a server may take to end by itself.
const stopTime = 20 * time.Second

func (c *child) stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	timer := time.NewTimer(stopTime)
	defer timer.Stop()
	var err error
	select {
	case <-c.ended:
	case <-timer.C:
		_ = c.cmd.Process.Kill()
		<-c.ended
		err = errors.New("the server did not stop by itself")
	}
	if c.folder != "" {
		err = errors.Join(err, os.RemoveAll(c.folder))
	}
	return err
}

// startBaseline runs this same program as the plain forwarder.
func startBaseline(ctx context.Context, self string, cores []int) (*child, *plain, error) {
	c, err := startChild(cores, "", self, "baseline-server")
	if err != nil {
		return nil, nil, err
	}
	if err := c.wait(ctx, "/metrics"); err != nil {
		return nil, nil, errors.Join(err, c.stop())
	}
	return c, &plain{url: c.url, http: &http.Client{Timeout: joinTime}}, nil
}

// startKelas runs a server of its own on loopback, with a class in it.
func startKelas(ctx context.Context, binary string, cores []int) (*child, *kelas, error) {
	folder, err := os.MkdirTemp("", "kelas-load-")
	if err != nil {
		return nil, nil, fmt.Errorf("making a data folder: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(folder))
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	// The limits that protect a real server from one address are in the way
	// of a crowd that comes from one.
	c, err := startChild(cores, "http://"+addr, binary, "serve", "--data-dir", folder, "--http", addr,
		"--media-addr", "127.0.0.1:0", "--media-tcp-addr", "off", "--log-level", "warn", "--max-participants", "100000",
		"--max-connections-per-address", "100000", "--max-joins-per-minute", "1000000")
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(folder))
	}
	c.folder = folder
	k := &kelas{url: c.url}
	if err := errors.Join(c.wait(ctx, "/readyz"), k.furnish(ctx, binary, folder)); err != nil {
		return nil, nil, errors.Join(err, c.stop())
	}
	return c, k, nil
}

// furnish makes a class and the tokens, as an administrator would.
func (k *kelas) furnish(ctx context.Context, binary, folder string) error {
	run := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, binary, append(args, "--data-dir", folder)...).Output()
		if err != nil {
			return "", fmt.Errorf("%s %s: %w", filepath.Base(binary), args[0], err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	var err error
	if k.class, err = run("class", "add", "--title", "Load"); err != nil {
		return err
	}
	if k.token, err = run("token", "--class", k.class, "--role", "presenter", "--name", "Presenter"); err != nil {
		return err
	}
	k.viewers, err = run("token", "--class", k.class, "--role", "viewer")
	return err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// findKelas looks for the server's program beside this one, in ./bin, and in
// the path.
func findKelas(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	self, _ := os.Executable()
	for _, p := range []string{filepath.Join(filepath.Dir(self), "kelas"), filepath.Join("bin", "kelas")} {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			return p, nil
		}
	}
	p, err := exec.LookPath("kelas")
	if err != nil {
		return "", errors.New("the program kelas is not beside kelas-load, in ./bin or in the path: build it, or name it with --kelas")
	}
	return p, nil
}
