package record_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kelas/pipeline/record"
	"kelas/pipeline/record/recordtest"
)

// diary is a file that remembers what was written when, so that every moment can be looked at as a crash leaves it.
type diary struct {
	now    time.Time
	writes []diaryWrite
}

type diaryWrite struct {
	when time.Time
	at   int64
	data []byte
}

func (d *diary) WriteAt(b []byte, at int64) (int, error) {
	d.writes = append(d.writes, diaryWrite{d.now, at, append([]byte(nil), b...)})
	return len(b), nil
}

func (d *diary) Truncate(int64) error { return nil }
func (d *diary) Sync() error          { return nil }
func (d *diary) Close() error         { return nil }

// leave writes what was there after n writes, the last of which is cut to a part.
func (d *diary) leave(t *testing.T, path string, n int, part float64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, w := range d.writes[:n] {
		data := w.data
		// A few bytes at one place are one sector of a disk: they are there or not.
		if i == n-1 && len(data) > 512 {
			data = data[:int(float64(len(data))*part)]
		}
		if _, err := f.WriteAt(data, w.at); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCrash cuts recordings at random writes, and within them: all but the last second is there, for ffprobe and for our
// own player.
func TestCrash(t *testing.T) {
	for _, tt := range []struct {
		container record.Container
		mime      string
	}{{record.WebM, "video/VP8"}, {record.MKV, "video/H264"}, {record.MP4, "video/H264"}} {
		t.Run(tt.container.String(), func(t *testing.T) {
			d := &diary{now: epoch}
			r := record.New(record.Config{
				Container: tt.container, Audio: true, Video: true,
				Create: func(int) (record.File, error) { return d, nil },
			}, epoch)
			pictures := newSource(t, tt.mime, recordtest.Video(t, tt.mime, "320x180", length), epoch)
			sound := newSource(t, "audio/opus", recordtest.Sound(t, length), epoch)
			pictures.open(t, r, epoch)
			sound.open(t, r, epoch)
			end := play(t, r, epoch, func(now time.Time) { d.now = now }, pictures, sound)
			closeAll(t, r, end)
			random := rand.New(rand.NewPCG(3, 4))
			for range 16 {
				// From the first fragment on, and into closing.
				n := 3 + random.IntN(len(d.writes)-2)
				path := filepath.Join(t.TempDir(), "cut")
				d.leave(t, path, n, random.Float64())
				checkCut(t, path, d.writes[n-1].when.Sub(epoch))
			}
		})
	}
}

// checkCut: what was sent more than a second before the crash is in the file.
func checkCut(t *testing.T, path string, crash time.Duration) {
	t.Helper()
	if crash < time.Second {
		return // nothing need be there
	}
	f, _ := recordtest.ProbeCut(t, path)
	for _, kind := range []string{"video", "audio"} {
		s := f.Stream(kind)
		if s == nil || len(s.Packets) == 0 {
			t.Errorf("crash after %v: no %s", crash, kind)
			continue
		}
		if last := s.Packets[len(s.Packets)-1].At; last < crash-time.Second {
			t.Errorf("crash after %v: %s ends at %v", crash, kind, last)
		}
		s.CheckOrder(t)
	}
	if f.Duration < crash-1200*time.Millisecond || f.Duration > crash+100*time.Millisecond {
		t.Errorf("crash after %v: the file says that it lasts %v", crash, f.Duration)
	}
	own, _ := readAll(t, openFile(t, path))
	if n := len(f.Stream("video").Packets); len(own) < n-1 || len(own) > n {
		t.Errorf("crash after %v: %d pictures to our player, %d to ffprobe", crash, len(own), n)
	}
}
