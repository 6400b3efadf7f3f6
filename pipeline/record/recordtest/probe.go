package recordtest

import (
	"encoding/json"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// File is what ffprobe read in a file.
type File struct {
	Duration time.Duration
	Streams  []Stream
}

// Stream is one track.
type Stream struct {
	Codec         string // "vp8", "opus"
	Kind          string // "video", "audio"
	Width, Height int
	Packets       []Packet
}

// Packet is one frame of a track.
type Packet struct {
	At, Duration time.Duration
	Size         int
	Key          bool
}

// Probe reads a file to its end. Complaints of ffprobe fail the test.
func Probe(tb testing.TB, path string) File {
	tb.Helper()
	f, complaints := ProbeCut(tb, path)
	if complaints != "" {
		tb.Errorf("ffprobe complains of %s:\n%s", path, complaints)
	}
	return f
}

// ProbeCut reads a file that may be cut.
func ProbeCut(tb testing.TB, path string) (f File, complaints string) {
	tb.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(tb.Context(), Tool(tb, "ffprobe"), "-v", "error", "-show_format", "-show_streams", "-show_packets", "-of", "json", path)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		tb.Fatalf("ffprobe %s: %v\n%s", path, err, stderr.String())
	}
	var raw struct {
		Format  struct{ Duration string }
		Streams []struct {
			Codec  string `json:"codec_name"`
			Kind   string `json:"codec_type"`
			Width  int
			Height int
		}
		Packets []struct {
			Stream   int    `json:"stream_index"`
			PTS      string `json:"pts_time"`
			Duration string `json:"duration_time"`
			Size     string
			Flags    string
		}
	}
	if err := json.Unmarshal([]byte(stdout.String()), &raw); err != nil {
		tb.Fatalf("reading ffprobe's answer: %v", err)
	}
	f.Duration = seconds(raw.Format.Duration)
	for _, s := range raw.Streams {
		f.Streams = append(f.Streams, Stream{Codec: s.Codec, Kind: s.Kind, Width: s.Width, Height: s.Height})
	}
	for _, p := range raw.Packets {
		s := &f.Streams[p.Stream]
		size, _ := strconv.Atoi(p.Size)
		s.Packets = append(s.Packets, Packet{seconds(p.PTS), seconds(p.Duration), size, strings.HasPrefix(p.Flags, "K")})
	}
	return f, stderr.String()
}

func seconds(s string) time.Duration {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return time.Duration(math.Round(v*1e6)) * time.Microsecond
}

// Stream is the first stream of a kind, nil without one.
func (f File) Stream(kind string) *Stream {
	for i := range f.Streams {
		if f.Streams[i].Kind == kind {
			return &f.Streams[i]
		}
	}
	return nil
}

// CheckOrder fails the test when times do not grow.
func (s *Stream) CheckOrder(tb testing.TB) {
	tb.Helper()
	for i := 1; i < len(s.Packets); i++ {
		if s.Packets[i].At <= s.Packets[i-1].At {
			tb.Errorf("%s packet %d is at %v, the one before it at %v", s.Codec, i, s.Packets[i].At, s.Packets[i-1].At)
		}
	}
}

// Decode has ffmpeg decode a file and gives the number of pictures; complaints fail the test.
func Decode(tb testing.TB, path string) (pictures int) {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), Tool(tb, "ffmpeg"), "-nostdin", "-v", "error", "-threads", "1", "-i", path,
		"-f", "null", "-stats", "-").CombinedOutput()
	text := string(out)
	if err != nil {
		tb.Fatalf("decoding %s: %v\n%s", path, err, text)
	}
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if i := strings.Index(line, "frame="); i >= 0 {
			pictures, _ = strconv.Atoi(strings.Fields(line[i+len("frame="):])[0])
		} else if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "size=") && !strings.HasPrefix(line, "[null @") {
			// The null muxer counts in units of a frame rate that it has guessed; it is not what is tested.
			tb.Errorf("ffmpeg complains of %s: %s", path, line)
		}
	}
	return pictures
}
