package record_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kelas/pipeline/record"
	"kelas/pipeline/record/recordtest"
)

func openFile(t *testing.T, path string) *record.Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r, err := record.Open(record.Source{ReadSeeker: f, Size: st.Size(), CanSeek: true, Local: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// readAll reads to the end and counts.
func readAll(t *testing.T, r *record.Reader) (pictures, sounds []record.Sample) {
	t.Helper()
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return pictures, sounds
		} else if err != nil {
			t.Fatal(err)
		}
		if s.Kind == record.Video {
			pictures = append(pictures, s)
		} else {
			sounds = append(sounds, s)
		}
	}
}

// TestReadWhatFFmpegWrites: containers of another hand, read to the end, then sought in.
func TestReadWhatFFmpegWrites(t *testing.T) {
	for _, tt := range []struct {
		name, mime string
		sound      bool
		args       []string
	}{
		{"vp8.webm", "video/VP8", true, []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"}},
		{"vp9.webm", "video/VP9", true, []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"}},
		{"h264.mkv", "video/H264", true, []string{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-c:a", "libopus"}},
		{"live.mkv", "video/VP8", true, []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus", "-live", "1"}},
		{"h264.mp4", "video/H264", true, []string{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-c:a", "libopus"}},
		{"fragments.mp4", "video/H264", true, []string{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-c:a", "libopus", "-movflags", "frag_keyframe+empty_moov+default_base_moof"}},
		{"vp8.ivf", "video/VP8", false, []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"}},
		{"av1.ivf", "video/AV1", false, []string{"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0"}},
		{"opus.ogg", "", true, []string{"-vn", "-c:a", "libopus"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tt.name)
			args := []string{"-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=6", "-f", "lavfi", "-i", "sine=r=48000:d=6", "-ac", "2", "-g", "50", "-pix_fmt", "yuv420p"}
			if filepath.Ext(tt.name) == ".ivf" {
				args = append(args, "-an")
			}
			recordtest.FFmpeg(t, append(append(args, tt.args...), path)...)
			r := openFile(t, path)
			if v := r.Track(record.Video); (v == nil) != (tt.mime == "") || v != nil && v.MimeType != tt.mime {
				t.Fatalf("pictures: %+v", v)
			}
			if a := r.Track(record.Audio); (a != nil) != tt.sound || a != nil && (a.MimeType != "audio/opus" || a.Channels != 2) {
				t.Fatalf("sound: %+v", a)
			}
			pictures, sounds := readAll(t, r)
			if tt.mime != "" && len(pictures) != 150 {
				t.Errorf("%d pictures", len(pictures))
			}
			if tt.sound && (len(sounds) < 300 || len(sounds) > 302) {
				t.Errorf("%d packets of sound", len(sounds))
			}
			checkTimes(t, pictures, 40*time.Millisecond)
			checkTimes(t, sounds, 20*time.Millisecond)
			if d := r.Info().Duration; tt.name != "live.mkv" && (d-6*time.Second).Abs() > 40*time.Millisecond {
				t.Errorf("duration %v", d)
			}
			checkSeek(t, r, tt.mime != "")
		})
	}
}

// TestLeftOut: what would have to be decoded is named, and the rest is read.
func TestLeftOut(t *testing.T) {
	for name, args := range map[string][]string{
		"A_AAC.mkv": {"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "aac"},
		"mp4a.mp4":  {"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-c:a", "aac"},
		"none.webm": {"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"},
	} {
		path := filepath.Join(t.TempDir(), name)
		in := []string{"-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1", "-f", "lavfi", "-i", "sine=r=48000:d=1", "-ac", "2", "-pix_fmt", "yuv420p"}
		recordtest.FFmpeg(t, append(append(in, args...), path)...)
		r := openFile(t, path)
		codec, _, _ := strings.Cut(name, ".")
		if left := strings.Join(r.Info().LeftOut, " "); left != codec && (left != "" || codec != "none") {
			t.Errorf("%s: left out: %q", name, left)
		}
		if pictures, _ := readAll(t, r); len(pictures) != 25 {
			t.Errorf("%s: %d pictures", name, len(pictures))
		}
	}
}

func checkTimes(t *testing.T, list []record.Sample, step time.Duration) {
	t.Helper()
	for i, s := range list {
		// The first packets of sound lie before the start, since encoders need a lead.
		if want := time.Duration(i) * step; (s.At - want).Abs() > 10*time.Millisecond {
			t.Errorf("%s sample %d is at %v", s.Kind, i, s.At)
			return
		}
	}
}

// checkSeek: pictures have a key frame each two seconds.
func checkSeek(t *testing.T, r *record.Reader, pictures bool) {
	t.Helper()
	if !r.Info().Seekable {
		t.Error("not seekable")
		return
	}
	for _, to := range []time.Duration{3500, 100, 4050, 5900, 0, 9000} {
		to *= time.Millisecond
		at, err := r.Seek(to)
		if err != nil {
			t.Fatalf("seeking to %v: %v", to, err)
		}
		want := min(to, 6*time.Second)
		if pictures {
			want = min(to.Truncate(2*time.Second), 4*time.Second)
		}
		if off := want - at; off < -10*time.Millisecond || off > 45*time.Millisecond {
			t.Errorf("seeking to %v went to %v", to, at)
		}
		s, err := r.Next()
		for err == nil && pictures && s.Kind == record.Audio {
			if s.At < at {
				t.Errorf("sound of %v after seeking to %v", s.At, at)
			}
			s, err = r.Next()
		}
		if errors.Is(err, io.EOF) && to == 9*time.Second {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		if !s.Key || s.At != at {
			t.Errorf("after seeking to %v: %v, key %v", to, s.At, s.Key)
		}
	}
}

// smallMP4 is a recording of some packets that look like sound; whole or cut before its table.
func smallMP4(tb testing.TB, whole bool) []byte {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "small.mp4")
	create := func(int) (record.File, error) { return os.Create(path) }
	r := record.New(record.Config{Container: record.MP4, Audio: true, Create: create}, epoch)
	clock := func(now time.Time) (time.Time, uint32, bool) {
		return now, uint32(now.Sub(epoch).Milliseconds() * 48), true
	}
	s, err := r.Open(record.Audio, record.Codec{MimeType: "audio/opus", ClockRate: 48000}, clock, func() {}, epoch)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range 50 {
		at := epoch.Add(time.Duration(i) * 20 * time.Millisecond)
		if err := s.Write(record.Packet{Seq: uint16(i), Timestamp: uint32(i * 960), Payload: []byte{0xfc, 0xff, 0xfe}}, at); err != nil {
			tb.Fatal(err)
		}
	}
	if err := r.Close(epoch.Add(time.Second)); err != nil {
		tb.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if whole {
		return b
	}
	// Before it was closed the cover was a box to skip.
	i := bytes.Index(b, []byte("mdat"))
	copy(b[i-4:], "\x00\x00\x00\x10free\x00\x00\x00\x00\x00\x00\x00\x00")
	return b[:bytes.LastIndex(b, []byte("moov"))-4]
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("DKIF\x00\x00\x20\x00VP80\x40\x01\xb4\x00\x19\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00" +
		"\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x02\x00"))
	f.Add([]byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x13OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff\x16\x54\xae\x6b\x8d\xae\x8b\xd7\x81\x01\x83\x81\x01\x86\x85V_VP8" +
		"\x1f\x43\xb6\x75\xff\xe7\x81\x00\xa3\x86\x81\x00\x00\x80\x10\x02"))
	f.Add(smallMP4(f, true))
	f.Add(smallMP4(f, false))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, seekable := range []bool{true, false} {
			r, err := record.Open(record.Source{ReadSeeker: bytes.NewReader(b), Size: int64(len(b)), CanSeek: seekable, Local: true})
			if err != nil {
				continue
			}
			for range 1000 {
				if _, err := r.Next(); err != nil {
					break
				}
			}
			if _, err := r.Seek(time.Second); err == nil {
				_, _ = r.Next()
			}
		}
	})
}

// TestReadShortTables: a table of offsets that is for fewer pictures than there are, or for more than can be counted.
func TestReadShortTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.mp4")
	recordtest.FFmpeg(t, "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-bf", "2", path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(whole, []byte("ctts"))
	if at < 0 {
		t.Fatal("no table of offsets")
	}
	for name, first := range map[string][]byte{"none": {0, 0, 0, 0}, "too many": {0xff, 0xff, 0xff, 0xf0}} {
		t.Run(name, func(t *testing.T) {
			copy(whole[at+12:], first) // how many samples the first entry is for
			r, err := record.Open(record.Source{ReadSeeker: bytes.NewReader(whole), Size: int64(len(whole)), CanSeek: true, Local: true})
			if err != nil {
				t.Fatal(err)
			}
			if pictures, _ := readAll(t, r); len(pictures) != 25 {
				t.Errorf("%d pictures", len(pictures))
			}
		})
	}
}
