package recordtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Frame is a picture, or a packet of sound.
type Frame struct {
	At   time.Duration
	Data []byte // H264 with start codes, AV1 with temporal delimiters: as encoders give it
}

// Tool finds ffmpeg or ffprobe. A machine of somebody who changes something else may lack it; where everything is
// tested it must be there.
func Tool(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatalf("%s is missing: install Debian's ffmpeg", name)
		}
		tb.Skipf("%s is missing: install Debian's ffmpeg", name)
	}
	return path
}

// FFmpeg runs ffmpeg, which overwrites and says only what is wrong.
func FFmpeg(tb testing.TB, args ...string) {
	tb.Helper()
	args = append([]string{"-nostdin", "-hide_banner", "-v", "error", "-y", "-threads", "1"}, args...)
	out, err := exec.CommandContext(tb.Context(), Tool(tb, "ffmpeg"), args...).CombinedOutput()
	if err != nil {
		tb.Fatalf("ffmpeg %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Encoders by MIME type, at the speed that a test has patience for.
var encoders = map[string][]string{
	"video/VP8":  {"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-f", "ivf"},
	"video/VP9":  {"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-f", "ivf"},
	"video/AV1":  {"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-f", "ivf"},
	"video/H264": {"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline", "-f", "h264"},
}

var cache sync.Map // of what was made, by its description

// Video makes pictures, 25 a second with a key frame each second, of size WxH.
func Video(tb testing.TB, mimeType, size string, length time.Duration) []Frame {
	tb.Helper()
	key := fmt.Sprint(mimeType, size, length)
	if v, ok := cache.Load(key); ok {
		return v.([]Frame)
	}
	out := filepath.Join(tb.TempDir(), "video")
	args := []string{"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=s=%s:r=25:d=%g", size, length.Seconds()), "-g", "25", "-b:v", "300k", "-pix_fmt", "yuv420p"}
	FFmpeg(tb, append(append(args, encoders[mimeType]...), out)...)
	b, err := os.ReadFile(out)
	if err != nil {
		tb.Fatal(err)
	}
	var frames []Frame
	if mimeType == "video/H264" {
		frames = accessUnits(b)
	} else {
		frames = ivf(b)
	}
	for i := range frames {
		frames[i].At = time.Duration(i) * 40 * time.Millisecond
	}
	cache.Store(key, frames)
	return frames
}

// ivf reads the frames of an IVF file.
func ivf(b []byte) (frames []Frame) {
	for b = b[32:]; len(b) > 12; {
		n := int(binary.LittleEndian.Uint32(b))
		frames = append(frames, Frame{Data: b[12 : 12+n]})
		b = b[12+n:]
	}
	return frames
}

// accessUnits cuts H264 with start codes before each first slice or set.
func accessUnits(b []byte) (frames []Frame) {
	var unit []byte
	slices := false
	for _, nal := range bytes.Split(b, []byte{0, 0, 1})[1:] {
		nal = bytes.TrimRight(nal, "\x00")
		kind := nal[0] & 0x1f
		first := kind == 7 || kind == 6 || kind <= 5 && nal[1]&0x80 != 0
		if slices && first {
			frames = append(frames, Frame{Data: unit})
			unit, slices = nil, false
		}
		slices = slices || kind <= 5
		unit = append(append(unit, 0, 0, 0, 1), nal...)
	}
	return append(frames, Frame{Data: unit})
}

// Sound makes Opus packets of 20 ms.
func Sound(tb testing.TB, length time.Duration) []Frame {
	tb.Helper()
	key := fmt.Sprint("sound", length)
	if v, ok := cache.Load(key); ok {
		return v.([]Frame)
	}
	out := filepath.Join(tb.TempDir(), "sound.ogg")
	FFmpeg(tb, "-f", "lavfi", "-i", fmt.Sprintf("sine=f=440:r=48000:d=%g", length.Seconds()), "-ac", "2", "-c:a", "libopus", "-b:a", "32k", out)
	b, err := os.ReadFile(out)
	if err != nil {
		tb.Fatal(err)
	}
	var frames []Frame
	for _, p := range oggPackets(b)[2:] {
		frames = append(frames, Frame{At: time.Duration(len(frames)) * 20 * time.Millisecond, Data: p})
	}
	cache.Store(key, frames)
	return frames
}

// oggPackets reads the packets of an Ogg file with one stream.
func oggPackets(b []byte) (packets [][]byte) {
	var packet []byte
	for len(b) > 27 {
		n := int(b[26])
		lacing, body := b[27:27+n], b[27+n:]
		for _, l := range lacing {
			packet = append(packet, body[:l]...)
			body = body[l:]
			if l < 255 {
				packets = append(packets, packet)
				packet = nil
			}
		}
		b = body
	}
	return packets
}
