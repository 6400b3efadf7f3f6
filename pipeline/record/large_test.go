package record

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kelas/pipeline/codec"
)

// holey is a file that keeps no run of zeros, so that large ones cost nothing.
type holey struct{ *os.File }

func (f holey) WriteAt(b []byte, at int64) (int, error) {
	const page = 4096
	for from := 0; from < len(b); from += page {
		part := b[from:min(from+page, len(b))]
		if bytes.Count(part, []byte{0}) == len(part) {
			continue
		}
		if _, err := f.File.WriteAt(part, at+int64(from)); err != nil {
			return from, err
		}
	}
	return len(b), nil
}

// TestLarge: more than 4 GiB and more than 2^32 ticks, where 32 bits end. A class of two hours has 1 or 2 GiB.
func TestLarge(t *testing.T) {
	const (
		pictures = 560
		every    = 2 * time.Minute
		length   = pictures * every
	)
	data := make([]byte, 8<<20)
	copy(data, []byte{0x0a, 0x01}) // the head of a sequence
	for _, c := range []Container{MP4, MKV} {
		t.Run(c.String(), func(t *testing.T) {
			file, err := os.Create(filepath.Join(t.TempDir(), "large"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			form := form{format: codec.FormatAV1, width: 320, height: 240, private: []byte{0x81, 0, 0x0c, 0}}
			m, err := newMuxer(c, holey{file}, opusForm(2), form)
			if err != nil {
				t.Fatal(err)
			}
			for i := range pictures {
				at := time.Duration(i) * every
				for _, s := range []sample{
					{kind: Video, at: at, key: true, data: data},
					{kind: Audio, at: at, duration: 20 * time.Millisecond, key: true, data: silenceShort},
				} {
					if err := m.write(s); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := m.close(); err != nil {
				t.Fatal(err)
			}
			size, _ := file.Seek(0, io.SeekEnd)
			if _, err := file.Seek(0, io.SeekStart); err != nil || size < 1<<32 {
				t.Fatalf("%d bytes, %v", size, err)
			}
			r, err := Open(Source{ReadSeeker: file, Size: size, CanSeek: true, Local: true})
			if err != nil {
				t.Fatal(err)
			}
			last := (pictures - 1) * every
			if d := r.Info().Duration; d < last || d > length {
				t.Errorf("it lasts %v", d)
			}
			for _, to := range []time.Duration{last + time.Second, 0, 13*time.Hour + 17*time.Minute} {
				at, err := r.Seek(to)
				if err != nil || at > to || to-at >= every {
					t.Fatalf("seeking to %v led to %v, %v", to, at, err)
				}
				s, err := r.Next()
				for err == nil && s.Kind != Video {
					s, err = r.Next()
				}
				if err != nil || s.At != at || !bytes.Equal(s.Data, data) {
					t.Fatalf("at %v stands a picture of %v with %d bytes, %v", to, s.At, len(s.Data), err)
				}
			}
		})
	}
}
