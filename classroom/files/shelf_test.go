package files

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"kelas/classroom"
)

func TestShareReadDelete(t *testing.T) {
	r := newRoom(t)
	pdf := append([]byte("%PDF-1.7\n"), content(300_000, 1)...)
	info := r.share("c1", "..\\tugas/Bab 1.pdf", pdf)
	sum := sha256.Sum256(pdf)
	want := classroom.FileInfo{ID: info.ID, ClassID: "c1", OwnerID: "p1", OwnerName: "Siti", Name: "Bab 1.pdf",
		Size: int64(len(pdf)), Type: "application/pdf", Hash: hex.EncodeToString(sum[:]), CreatedAt: r.clock.Now()}
	if info != want {
		t.Fatalf("the file is\n%+v, want\n%+v", info, want)
	}
	list, err := r.List(r.ctx, "c1")
	r.ok(err)
	if len(list) != 1 || list[0] != want {
		t.Fatalf("the list is %+v", list)
	}
	r.holds("c1", info.ID, pdf)
	r.wantOnDisk(0, 1)

	_, _, err = r.Open(r.ctx, "c2", info.ID)
	r.is(err, classroom.ErrNoSuchFile)
	r.is(r.Delete(r.ctx, "c2", info.ID), classroom.ErrNoSuchFile)
	r.ok(r.Delete(r.ctx, "c1", info.ID))
	r.is(r.Delete(r.ctx, "c1", info.ID), classroom.ErrNoSuchFile)
	_, _, err = r.Open(r.ctx, "c1", info.ID)
	r.is(err, classroom.ErrNoSuchFile)
	r.wantOnDisk(0, 0)
	// And its upload is not remembered as finished any more.
	_, _, err = r.Offset(r.ctx, info.ID)
	r.is(err, classroom.ErrNoSuchUpload)
}

func TestBeginRefuses(t *testing.T) {
	r := newRoom(t)
	for _, test := range []struct {
		name string
		size int64
		want error
	}{
		{"a.pdf", 0, classroom.ErrFileEmpty},
		{"a.pdf", -5, classroom.ErrFileEmpty},
		{"a.pdf", 10<<20 + 1, classroom.ErrFileTooLarge},
		{"a.pdf", 1 << 62, classroom.ErrFileTooLarge},
		{"", 5, classroom.ErrFileNameInvalid},
		{"../..", 5, classroom.ErrFileNameInvalid},
		{"\x00\u202e", 5, classroom.ErrFileNameInvalid},
		{"game.exe", 5, classroom.ErrFileTypeNotAllowed},
		{"game.pdf.EXE . ", 5, classroom.ErrFileTypeNotAllowed},
	} {
		_, err := r.Begin(r.ctx, "c1", siti, test.name, test.size)
		if !errors.Is(err, test.want) {
			t.Errorf("%q of %d: %v, want %v", test.name, test.size, err, test.want)
		}
	}
	uploads, err := r.db.Uploads(r.ctx, "")
	r.ok(err)
	if len(uploads) != 0 {
		t.Fatalf("refused uploads are described: %v", uploads)
	}
	r.wantOnDisk(0, 0)
}

func TestQuotaCountsRunningUploads(t *testing.T) {
	r := newRoom(t, func(c *Config) { c.ClassQuota = 1000 })
	shared := r.share("c1", "a", content(300, 1))
	running := r.begin("c1", "b", 600)
	_, err := r.Begin(r.ctx, "c1", siti, "c", 101)
	r.is(err, classroom.ErrQuotaExceeded)
	r.begin("c2", "another class", 1000)
	last := r.begin("c1", "c", 100)

	r.ok(r.Abort(r.ctx, last.ID))
	r.begin("c1", "c", 100) // its room is free again
	// A finished upload counts as the file it is, once.
	_, done, err := r.Append(r.ctx, running.ID, 0, bytes.NewReader(content(600, 2)))
	r.ok(err)
	_, err = r.Begin(r.ctx, "c1", siti, "d", 1)
	r.is(err, classroom.ErrQuotaExceeded)
	r.ok(r.Delete(r.ctx, "c1", done.ID))
	r.ok(r.Delete(r.ctx, "c1", shared.ID))
	r.begin("c1", "d", 900)
	// What has expired holds no room.
	r.clock.add(25 * time.Hour)
	r.begin("c1", "e", 1000)
}

func TestTooManyUploads(t *testing.T) {
	r := newRoom(t, func(c *Config) { c.MaxUploadsEach = 2 })
	r.begin("c1", "a", 5)
	second := r.begin("c1", "b", 5)
	_, err := r.Begin(r.ctx, "c1", siti, "c", 5)
	r.is(err, classroom.ErrTooManyUploads)
	r.begin("c2", "c", 5) // each class for itself
	_, err = r.Begin(r.ctx, "c1", Owner{ID: "p2", Name: "Budi"}, "c", 5)
	r.ok(err)
	_, _, err = r.Append(r.ctx, second.ID, 0, strings.NewReader("12345"))
	r.ok(err)
	r.begin("c1", "c", 5) // one has ended
}

func TestRoomIsKeptForTheDatabase(t *testing.T) {
	r := newRoom(t)
	u := r.begin("c1", "a", 10)
	r.cfg.MinFree = 1 << 60
	r.restart()
	_, err := r.Begin(r.ctx, "c1", siti, "b", 10)
	r.is(err, classroom.ErrStoreFull)
	n, _, err := r.Append(r.ctx, u.ID, 0, strings.NewReader("12345"))
	r.is(err, classroom.ErrStoreFull)
	if n != 0 {
		t.Fatalf("the offset is %d", n)
	}
}

func TestResume(t *testing.T) {
	r := newRoom(t)
	want := content(500_000, 3)
	u := r.begin("c1", "a.bin", len(want))
	if u.Name != "a.bin" || u.Size != int64(len(want)) || !u.ExpiresAt.Equal(r.clock.Now().Add(24*time.Hour)) {
		t.Fatalf("the upload is %+v", u)
	}
	// The line is cut after 200,000 bytes: they are kept.
	cut := errors.New("cut")
	n, done, err := r.Append(r.ctx, u.ID, 0, io.MultiReader(bytes.NewReader(want[:200_000]), failing{cut}))
	r.is(err, cut)
	if n != 200_000 || done != nil {
		t.Fatalf("the cut upload is at %d, done %v", n, done)
	}
	r.restart()
	got, n, err := r.Offset(r.ctx, u.ID)
	r.ok(err)
	if n != 200_000 || got.OwnerID != "p1" || got.ClassID != "c1" {
		t.Fatalf("after the restart the upload is %+v at %d", got, n)
	}
	// Any other place is refused, and the right one told.
	for _, wrong := range []int64{0, 199_999, 200_001, -1, 1 << 40} {
		n, _, err := r.Append(r.ctx, u.ID, wrong, bytes.NewReader(want))
		r.is(err, classroom.ErrUploadOffset)
		if n != 200_000 {
			t.Fatalf("the told offset is %d", n)
		}
	}
	n, done, err = r.Append(r.ctx, u.ID, 200_000, bytes.NewReader(want[200_000:400_000]))
	r.ok(err)
	if n != 400_000 || done != nil {
		t.Fatalf("the second part ends at %d, done %v", n, done)
	}
	_, done, err = r.Append(r.ctx, u.ID, 400_000, bytes.NewReader(want[400_000:]))
	r.ok(err)
	if done.ID != u.ID {
		t.Fatalf("the file's id is %s, the upload's %s", done.ID, u.ID)
	}
	r.holds("c1", done.ID, want)

	// A client that lost the last answer asks again and sends nothing.
	r.restart()
	_, n, err = r.Offset(r.ctx, u.ID)
	r.ok(err)
	if n != int64(len(want)) {
		t.Fatalf("a finished upload's offset is %d", n)
	}
	n, again, err := r.Append(r.ctx, u.ID, n, strings.NewReader(""))
	r.ok(err)
	if n != int64(len(want)) || *again != *done {
		t.Fatalf("a finished upload ends again at %d with %+v", n, again)
	}
	r.is(r.Abort(r.ctx, u.ID), classroom.ErrNoSuchUpload) // it is a file now
	r.holds("c1", done.ID, want)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestMoreThanAnnounced(t *testing.T) {
	r := newRoom(t)
	u := r.begin("c1", "a", 10)
	n, _, err := r.Append(r.ctx, u.ID, 0, strings.NewReader("1234"))
	r.ok(err)
	for _, rest := range []string{"5678901", "567890" + strings.Repeat("x", 3*pieceSize)} {
		n, done, err := r.Append(r.ctx, u.ID, n, strings.NewReader(rest))
		r.is(err, classroom.ErrFileTooLarge)
		if n != 4 || done != nil {
			t.Fatalf("after too much the upload is at %d, done %v", n, done)
		}
	}
	_, done, err := r.Append(r.ctx, u.ID, 4, strings.NewReader("567890"))
	r.ok(err)
	r.holds("c1", done.ID, []byte("1234567890"))
}

func TestOneWriter(t *testing.T) {
	r := newRoom(t)
	u := r.begin("c1", "a", 10)
	reader, writer := io.Pipe()
	first := make(chan error, 1)
	go func() {
		_, _, err := r.Append(r.ctx, u.ID, 0, reader)
		first <- err
	}()
	if _, err := writer.Write([]byte("12345")); err != nil { // the first is reading now
		t.Fatal(err)
	}
	_, _, err := r.Append(r.ctx, u.ID, 0, strings.NewReader("1234567890"))
	r.is(err, classroom.ErrUploadBusy)
	_, _, err = r.Offset(r.ctx, u.ID)
	r.is(err, classroom.ErrUploadBusy)
	r.is(r.Abort(r.ctx, u.ID), classroom.ErrUploadBusy)
	// Sweep leaves it alone, even when it has expired meanwhile.
	r.clock.add(25 * time.Hour)
	_, err = r.Sweep(r.ctx)
	r.ok(err)
	r.wantOnDisk(1, 0)
	if _, err := writer.Write([]byte("67890")); err != nil {
		t.Fatal(err)
	}
	r.ok(writer.Close())
	r.ok(<-first)
	r.holds("c1", u.ID, []byte("1234567890"))
}

func TestCancelledAppendKeepsWhatCame(t *testing.T) {
	r := newRoom(t)
	u := r.begin("c1", "a", 10)
	r.ok(r.Close())
	_, _, err := r.Append(r.ctx, u.ID, 0, strings.NewReader("12345"))
	r.is(err, classroom.ErrClosing)
	_, err = r.List(r.ctx, "c1")
	r.is(err, classroom.ErrClosing)
	r.restart()
	// Closing in the middle: the piece that was read is kept.
	shelf := r.Shelf
	n, _, err := shelf.Append(r.ctx, u.ID, 0, io.MultiReader(strings.NewReader("12345"), callback(func() { r.ok(shelf.Close()) }), strings.NewReader("67890")))
	r.is(err, classroom.ErrClosing)
	r.restart()
	_, at, err := r.Offset(r.ctx, u.ID)
	r.ok(err)
	if n != 5 || at != n {
		t.Fatalf("the offset was acknowledged as %d and is %d", n, at)
	}
}

// callback is a reader of nothing that does something.
type callback func()

func (c callback) Read([]byte) (int, error) { c(); return 0, nil }

func TestAbort(t *testing.T) {
	r := newRoom(t)
	u := r.begin("c1", "a", 10)
	_, _, err := r.Append(r.ctx, u.ID, 0, strings.NewReader("12345"))
	r.ok(err)
	r.ok(r.Abort(r.ctx, u.ID))
	r.is(r.Abort(r.ctx, u.ID), classroom.ErrNoSuchUpload)
	_, _, err = r.Append(r.ctx, u.ID, 5, strings.NewReader("67890"))
	r.is(err, classroom.ErrNoSuchUpload)
	r.wantOnDisk(0, 0)
}

func TestOddIDs(t *testing.T) {
	r := newRoom(t)
	r.begin("c1", "a", 10)
	for _, id := range []string{"", ".", "..", "../x", "a/b", `a\b`, "A", "x.part", strings.Repeat("a", 65), "a\x00", "é"} {
		_, _, err := r.Offset(r.ctx, id)
		r.is(err, classroom.ErrNoSuchUpload)
		_, _, err = r.Append(r.ctx, id, 0, strings.NewReader("x"))
		r.is(err, classroom.ErrNoSuchUpload)
		r.is(r.Abort(r.ctx, id), classroom.ErrNoSuchUpload)
		_, _, err = r.Open(r.ctx, "c1", id)
		r.is(err, classroom.ErrNoSuchFile)
		r.is(r.Delete(r.ctx, "c1", id), classroom.ErrNoSuchFile)
	}
	// A content address out of a damaged database leads nowhere else.
	r.ok(r.db.PutFile(r.ctx, classroom.FileInfo{ID: "f1", ClassID: "c1", Name: "a", Size: 1, Hash: "../../../../etc/passwd"}))
	if _, _, err := r.Open(r.ctx, "c1", "f1"); err == nil {
		t.Fatal("a path was followed")
	}
}

// TestConstantMemory sends 200 MB through and counts what was allocated in
// all, not only what was held at once.
func TestConstantMemory(t *testing.T) {
	const size = 200 << 20
	r := newRoom(t, func(c *Config) { c.MaxSize, c.ClassQuota = size, size })
	u := r.begin("c1", "big.bin", size)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, done, err := r.Append(r.ctx, u.ID, 0, io.LimitReader(pattern{}, size))
	runtime.ReadMemStats(&after)
	r.ok(err)
	if n != size || done == nil {
		t.Fatalf("the upload is at %d", n)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Fatalf("200 MB took %d bytes of memory", got)
	}
}

// pattern is an endless reader.
type pattern struct{}

func (pattern) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i)
	}
	return len(p), nil
}
