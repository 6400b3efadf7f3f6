//go:build unix

package pipeline_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"kelas/pipeline"
)

// The class of the benchmark: the browsers live in a process of their own, so
// that this one's CPU is the server's.
const (
	classEnv    = "KELAS_FANOUT_VIEWERS" // set: this process plays the browsers
	classFrames = 30                     // a second
	framePieces = 6                      // packets of about 1200 bytes
	measureFor  = 8                      // seconds of the stream
)

// fanoutMessage is a line between the two processes.
type fanoutMessage struct {
	Viewer int    // 0: the presenter
	SDP    string // offer one way, answer the other
	Ready  bool   // everybody receives
}

// BenchmarkFanOut forwards one presenter's stream to many viewers, packet by
// packet and then together, and reports the CPU for each packet and the ratio.
// Run it with -benchtime 1x; KELAS_FANOUT_COUNT is the number of viewers.
func BenchmarkFanOut(b *testing.B) {
	viewers := 50
	if n, err := strconv.Atoi(os.Getenv("KELAS_FANOUT_COUNT")); err == nil {
		viewers = n
	}
	var plain float64
	b.Run("plain", func(b *testing.B) {
		for range b.N {
			plain = forwarded(b, viewers, true)
		}
		b.ReportMetric(plain, "cpu-ns/packet")
	})
	b.Run("together", func(b *testing.B) {
		var together float64
		for range b.N {
			together = forwarded(b, viewers, false)
		}
		b.ReportMetric(together, "cpu-ns/packet")
		if plain > 0 {
			b.ReportMetric(plain/together, "ratio")
		}
	})
}

// forwarded is the CPU time of this process for each packet sent, in ns.
func forwarded(b *testing.B, viewers int, plain bool) float64 {
	s, err := pipeline.NewServer(pipeline.Config{PlainUDP: plain}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	stop := hostClass(b, s, viewers)
	defer stop()
	before, cpu := s.Stats(), cpuTime(b)
	target := before.PacketsSent + uint64(viewers*measureFor*(classFrames*framePieces+50))
	deadline := time.After(10 * measureFor * time.Second)
	poll := time.NewTicker(250 * time.Millisecond) // it asks all endpoints
	defer poll.Stop()
	for s.Stats().PacketsSent < target {
		select {
		case <-poll.C:
		case <-deadline:
			b.Fatalf("only %d packets were sent of %d", s.Stats().PacketsSent, target)
		}
	}
	used, after := cpuTime(b)-cpu, s.Stats()
	sent := after.PacketsSent - before.PacketsSent
	m, n := after.Socket, before.Socket
	b.Logf("plain=%t viewers=%d packets=%d retransmitted=%d lost=%d; socket: %d messages for %d packets, %d direct, %d timed, %d dropped",
		plain, viewers, sent, after.Retransmitted-before.Retransmitted, after.LostDownstream-before.LostDownstream,
		m.Messages-n.Messages, m.Packets-n.Packets-(m.Direct-n.Direct), m.Direct-n.Direct, m.Timed-n.Timed, m.Dropped)
	return float64(used) / float64(sent)
}

func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// hostClass starts the browsers and answers their offers until all receive.
func hostClass(b *testing.B, s *pipeline.Server, viewers int) (stop func()) {
	fromClass, theirs, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	mine, toClass, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestFanOutClass$", "-test.v")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", classEnv, viewers))
	cmd.ExtraFiles = []*os.File{theirs, mine}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	_, _ = theirs.Close(), mine.Close()
	stop = func() {
		_ = toClass.Close() // which ends the class
		_ = cmd.Wait()
		_ = fromClass.Close()
	}
	if err := answerClass(b, s, fromClass, toClass); err != nil {
		stop()
		b.Fatal(err)
	}
	return stop
}

func answerClass(b *testing.B, s *pipeline.Server, from io.Reader, to io.Writer) error {
	p, err := s.NewMediaPipeline()
	if err != nil {
		return err
	}
	var presenter *pipeline.WebRtcEndpoint
	lines := json.NewDecoder(bufio.NewReader(from))
	for {
		var m fanoutMessage
		if err := lines.Decode(&m); err != nil {
			return fmt.Errorf("the class has gone: %w", err)
		}
		if m.Ready {
			return nil
		}
		e, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{})
		if err != nil {
			return err
		}
		answer, err := e.ProcessOffer(b.Context(), m.SDP)
		if err != nil {
			return err
		}
		if m.Viewer == 0 {
			presenter = e
		} else if err := presenter.Connect(e); err != nil {
			return err
		}
		if err := json.NewEncoder(to).Encode(fanoutMessage{Viewer: m.Viewer, SDP: answer}); err != nil {
			return err
		}
	}
}
