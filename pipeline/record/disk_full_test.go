package record_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"kelas/pipeline/record"
	"kelas/pipeline/record/recordtest"
)

// full is a disk with room for some bytes.
type full struct {
	*os.File
	room int64
}

func (f *full) WriteAt(b []byte, at int64) (int, error) {
	if fits := max(f.room-at, 0); fits < int64(len(b)) {
		n, _ := f.File.WriteAt(b[:fits], at)
		return n, &os.PathError{Op: "write", Path: "file", Err: syscall.ENOSPC}
	}
	return f.File.WriteAt(b, at)
}

// TestDiskFull: it is told once, and what was written before can be played without a complaint.
func TestDiskFull(t *testing.T) {
	for _, c := range []record.Container{record.WebM, record.MP4} {
		mime := map[record.Container]string{record.WebM: "video/VP8", record.MP4: "video/H264"}[c]
		dir := newFolder(t, "full."+c.String())
		r := record.New(record.Config{Container: c, Audio: true, Video: true, Create: func(n int) (record.File, error) {
			f, err := dir.create(n)
			if err != nil {
				return nil, err
			}
			return &full{f.(*os.File), 100_000}, nil
		}}, epoch)
		pictures := testPictures(t, mime, "320x180", epoch)
		pictures.open(t, r, epoch)
		var err error
		for i, p := range pictures.packets {
			if err = pictures.stream.Write(packetOf(p), pictures.due(i)); err != nil {
				break
			}
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%s: %v", c, err)
		}
		if err := r.Close(epoch.Add(length)); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: closing: %v", c, err)
		}
		f := recordtest.Probe(t, dir.files[0])
		if v := f.Stream("video"); v == nil || len(v.Packets) < 20 {
			t.Errorf("%s: %+v", c, f.Streams)
		}
	}
}

// TestDiskFullAtOnce: not even the head of the file fits.
func TestDiskFullAtOnce(t *testing.T) {
	for _, c := range []record.Container{record.WebM, record.MP4} {
		dir := newFolder(t, "full."+c.String())
		r := record.New(record.Config{Container: c, Audio: true, Video: true, Create: func(n int) (record.File, error) {
			f, err := dir.create(n)
			if err != nil {
				return nil, err
			}
			return &full{f.(*os.File), 100}, nil
		}}, epoch)
		sound := testSound(t, epoch)
		sound.open(t, r, epoch)
		var err error
		for i, p := range sound.packets {
			if err = sound.stream.Write(packetOf(p), sound.due(i)); err != nil {
				break
			}
		}
		if !errors.Is(err, syscall.ENOSPC) || !errors.Is(r.Close(epoch.Add(length)), syscall.ENOSPC) {
			t.Errorf("%s: %v", c, err)
		}
		if st, err := os.Stat(dir.files[0]); err != nil || st.Size() != 0 {
			t.Errorf("%s: half a head is left: %v, %v", c, st, err)
		}
	}
}
