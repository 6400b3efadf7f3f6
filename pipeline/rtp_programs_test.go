package pipeline_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"kelas/pipeline"
)

// programTime bounds a program under test; a right one is done in a few seconds.
const programTime = 60 * time.Second

// program starts one and ends it with the test.
func program(t *testing.T, args ...string) (wait func() (string, error)) {
	t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Skipf("%s is not installed (scripts/test installs it)", args[0])
	}
	ctx, cancel := context.WithTimeout(context.Background(), programTime)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- cmd.Wait()
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		for range done {
		}
	})
	return func() (string, error) {
		err := <-done
		return out.String(), err
	}
}

// freePair is a free pair of ports where the system itself gives none.
func freePair(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(4000)*2
		a, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			continue
		}
		b, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port + 1})
		_ = a.Close()
		if err == nil {
			_ = b.Close()
			return port
		}
	}
	t.Fatal("no pair of ports is free")
	return 0
}

type stream struct {
	media, rtpmap, fmtp string
	pt                  int
	encode              []string // for ffmpeg
}

var streams = map[string]stream{
	"VP8":  {"video", "VP8/90000", "", 97, []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k", "-g", "15"}},
	"VP9":  {"video", "VP9/90000", "", 98, []string{"-strict", "experimental", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k", "-g", "15"}},
	"H264": {"video", "H264/90000", "packetization-mode=1;profile-level-id=42c01f", 99, []string{"-pix_fmt", "yuv420p", "-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "15"}},
	"H265": {"video", "H265/90000", "profile-id=1;tier-flag=0", 100, []string{"-pix_fmt", "yuv420p", "-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-x265-params", "keyint=15:repeat-headers=1:log-level=error:pools=1:frame-threads=1"}},
	"opus": {"audio", "opus/48000/2", "", 96, []string{"-c:a", "libopus", "-ac", "2"}},
	"PCMU": {"audio", "PCMU/8000", "", 0, []string{"-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"}},
}

func (s stream) lines(protos, direction string, port int, more ...string) string {
	text := fmt.Sprintf("m=%s %d %s %d\r\na=rtpmap:%d %s\r\n", s.media, port, protos, s.pt, s.pt, s.rtpmap)
	if s.fmtp != "" {
		text += fmt.Sprintf("a=fmtp:%d %s\r\n", s.pt, s.fmtp)
	}
	for _, m := range more {
		text += m + "\r\n"
	}
	return text + "a=" + direction + "\r\n"
}

const sdpHead = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"

var cryptoLine = regexp.MustCompile(`a=crypto:\S+ \S+ inline:([A-Za-z0-9+/=]+)`)

// TestFFmpeg: real encoders and decoders at both ends, in the clear and with keys.
func TestFFmpeg(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		video, audio, protos string
		suite                pipeline.CryptoSuite
	}{
		{"VP8", "opus", "RTP/AVP", ""},
		{"H264", "PCMU", "RTP/SAVP", pipeline.AES128CMSHA80},
		{"VP9", "opus", "RTP/SAVPF", pipeline.AES128CMSHA32},
		{"H264", "opus", "RTP/AVPF", ""},
		{"H265", "opus", "RTP/AVP", ""},
	} {
		t.Run(c.video+" "+c.audio+" "+strings.ReplaceAll(c.protos, "/", " "), func(t *testing.T) {
			p := newPipeline(t, newServer(t, pipeline.Config{}))
			in, out := newRTP(t, p, pipeline.RtpEndpointOptions{}), newRTP(t, p, pipeline.RtpEndpointOptions{})
			connect(t, in, out)
			video, audio := streams[c.video], streams[c.audio]
			vPort, aPort := freePair(t), freePair(t)
			key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{3}, 30))
			var keys []string
			if c.suite != "" {
				keys = []string{"a=crypto:1 " + string(c.suite) + " inline:" + key}
			}
			answer, err := out.ProcessOffer(t.Context(), sdpHead+video.lines(c.protos, "recvonly", vPort, keys...)+audio.lines(c.protos, "recvonly", aPort, keys...))
			if err != nil {
				t.Fatal(err)
			}
			ours := cryptoLine.FindAllString(answer, -1)
			file := filepath.Join(t.TempDir(), "in.sdp")
			text := sdpHead
			for i, s := range []stream{video, audio} {
				var more []string
				if c.suite != "" {
					more = ours[i : i+1]
				}
				text += s.lines(c.protos, "recvonly", []int{vPort, aPort}[i], more...)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			frames, sound := filepath.Join(t.TempDir(), "v"), filepath.Join(t.TempDir(), "a")
			wait := program(t, "ffmpeg", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file,udp,rtp,srtp", "-i", file,
				"-map", "0:v", "-frames:v", "20", "-f", "framecrc", frames, "-map", "0:a", "-frames:a", "30", "-f", "framecrc", sound)
			answer, err = in.ProcessOffer(t.Context(), sdpHead+video.lines(c.protos, "sendonly", freePair(t), keys...)+audio.lines(c.protos, "sendonly", freePair(t), keys...))
			if err != nil {
				t.Fatal(err)
			}
			send := []string{"ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=15",
				"-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "50"}
			for i, s := range []stream{video, audio} {
				scheme := "rtp"
				send = append(send, "-map", fmt.Sprintf("%d:0", i))
				send = append(send, s.encode...)
				send = append(send, "-payload_type", strconv.Itoa(s.pt))
				if c.suite != "" {
					scheme = "srtp"
					send = append(send, "-srtp_out_suite", string(c.suite), "-srtp_out_params", key)
				}
				send = append(send, "-f", "rtp", fmt.Sprintf("%s://%s?pkt_size=1200", scheme, target(t, answer, i)))
			}
			program(t, send...)
			if text, err := wait(); err != nil {
				t.Fatalf("the receiver: %v\n%s\n%+v\n%+v", err, text, in.Stats(), out.Stats())
			}
			checkFrames(t, frames, 20)
			checkFrames(t, sound, 30)
		})
	}
}

// checkFrames: so many frames were decoded, and not all alike.
func checkFrames(t *testing.T, file string, want int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	n := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		if f := strings.Split(line, ","); !strings.HasPrefix(line, "#") && len(f) == 6 {
			n++
			seen[f[5]] = true
		}
	}
	if n < want || len(seen) < want/2 {
		t.Errorf("%d frames, %d of them different, want %d", n, len(seen), want)
	}
}

// TestGStreamer: the same with GStreamer, which knows AES-256 too. H264 is
// parsed only: its decoder there hangs without any server in between.
func TestGStreamer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stream         string
		suite          pipeline.CryptoSuite
		cipher         string
		source, decode []string
	}{
		"opus": {"opus", "", "", []string{"audiotestsrc", "is-live=true", "!", "opusenc", "!", "rtpopuspay", "pt=96"},
			[]string{"rtpopusdepay", "!", "opusdec"}},
		"VP8 AES-256": {"VP8", pipeline.AES256CMSHA80, "aes-256-icm", []string{"videotestsrc", "is-live=true", "!", "video/x-raw,width=320,height=240,framerate=15/1", "!",
			"vp8enc", "deadline=1", "keyframe-max-dist=15", "!", "rtpvp8pay", "pt=97", "mtu=1200"}, []string{"rtpvp8depay", "!", "vp8dec"}},
		"H264 AES-128": {"H264", pipeline.AES128CMSHA80, "aes-128-icm", []string{"videotestsrc", "is-live=true", "!", "video/x-raw,width=320,height=240,framerate=15/1", "!",
			"x264enc", "tune=zerolatency", "speed-preset=ultrafast", "key-int-max=15", "!", "video/x-h264,profile=constrained-baseline", "!",
			"rtph264pay", "pt=99", "mtu=1200", "config-interval=-1"}, []string{"rtph264depay", "!", "h264parse"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := streams[c.stream]
			p := newPipeline(t, newServer(t, pipeline.Config{}))
			in, out := newRTP(t, p, pipeline.RtpEndpointOptions{}), newRTP(t, p, pipeline.RtpEndpointOptions{})
			connect(t, in, out)
			protos := "RTP/AVPF"
			var theirs []string
			key := bytes.Repeat([]byte{5}, 46)
			if c.cipher == "aes-128-icm" {
				key = key[:30]
			}
			if c.suite != "" {
				protos = "RTP/SAVPF"
				theirs = []string{"a=crypto:1 " + string(c.suite) + " inline:" + base64.StdEncoding.EncodeToString(key)}
			}
			port := freePair(t)
			answer, err := out.ProcessOffer(t.Context(), sdpHead+s.lines(protos, "recvonly", port, theirs...))
			if err != nil {
				t.Fatal(err)
			}
			name, clock, _ := strings.Cut(s.rtpmap, "/")
			clock, _, _ = strings.Cut(clock, "/")
			caps := fmt.Sprintf("media=%s,encoding-name=%s,payload=%d,clock-rate=%s", s.media, strings.ToUpper(name), s.pt, clock)
			take := []string{"gst-launch-1.0", "-q", "udpsrc", "address=127.0.0.1", fmt.Sprint("port=", port)}
			if c.suite == "" {
				take = append(take, "caps=application/x-rtp,"+caps)
			} else {
				ssrc := regexp.MustCompile(`a=ssrc:(\d+) `).FindStringSubmatch(answer)
				ours, err := base64.StdEncoding.DecodeString(cryptoLine.FindStringSubmatch(answer)[1])
				if err != nil {
					t.Fatal(err)
				}
				take = append(take, fmt.Sprintf("caps=application/x-srtp,%s,ssrc=(uint)%s,roc=(uint)0,srtp-key=(buffer)%s,srtp-cipher=(string)%s,"+
					"srtp-auth=(string)hmac-sha1-80,srtcp-cipher=(string)%s,srtcp-auth=(string)hmac-sha1-80",
					caps, ssrc[1], hex.EncodeToString(ours), c.cipher, c.cipher), "!", "srtpdec")
			}
			take = append(append(append(take, "!"), c.decode...), "!", "fakesink", "num-buffers=20", "sync=false")
			wait := program(t, take...)
			answer, err = in.ProcessOffer(t.Context(), sdpHead+s.lines(protos, "sendonly", freePair(t), theirs...))
			if err != nil {
				t.Fatal(err)
			}
			send := append([]string{"gst-launch-1.0", "-q"}, c.source...)
			if c.suite != "" {
				send = append(send, "!", "srtpenc", "key="+hex.EncodeToString(key), "rtp-cipher="+c.cipher, "rtp-auth=hmac-sha1-80",
					"rtcp-cipher="+c.cipher, "rtcp-auth=hmac-sha1-80")
			}
			program(t, append(send, "!", "udpsink", "host=127.0.0.1", fmt.Sprint("port=", target(t, answer, 0).Port()))...)
			if text, err := wait(); err != nil {
				t.Fatalf("the receiver: %v\n%s\n%+v\n%+v", err, text, in.Stats(), out.Stats())
			}
		})
	}
}
