package files

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/classroom/store"
)

var errCrash = errors.New("crashed here")

// crashAt makes the shelf stop at a step as if the process had died there.
func (r *room) crashAt(step string) (reached *bool) {
	reached = new(bool)
	r.Shelf.step = func(name string) error {
		if name == step {
			*reached = true
			return errCrash
		}
		return nil
	}
	return reached
}

func TestCrashBetweenStepsOfAnEnd(t *testing.T) {
	for _, step := range []string{"finish: marked", "finish: moved", "finish: moved for good", "finish: described"} {
		for _, sharedBefore := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, shared before %v", step, sharedBefore), func(t *testing.T) {
				r := newRoom(t)
				want := content(100_000, 5)
				blobs := 1
				if sharedBefore {
					r.share("c9", "same", want)
				}
				u := r.begin("c1", "a.bin", len(want))
				reached := r.crashAt(step)
				_, done, err := r.Append(r.ctx, u.ID, 0, bytes.NewReader(want))
				r.is(err, errCrash)
				if done != nil || !*reached {
					t.Fatal("the step was not met")
				}
				r.restart()
				// There is no file, or a whole one.
				list, err := r.List(r.ctx, "c1")
				r.ok(err)
				for _, f := range list {
					r.holds("c1", f.ID, want)
				}
				// A sweep in between takes nothing away.
				swept, err := r.Sweep(r.ctx)
				r.ok(err)
				if swept != (Swept{}) {
					t.Fatalf("swept %+v", swept)
				}
				r.restart()
				_, n, err := r.Offset(r.ctx, u.ID)
				r.ok(err)
				if n != u.Size {
					t.Fatalf("the offset is %d", n)
				}
				r.holds("c1", u.ID, want)
				n, done, err = r.Append(r.ctx, u.ID, u.Size, strings.NewReader(""))
				r.ok(err)
				if n != u.Size || done.ID != u.ID {
					t.Fatalf("the end is at %d with %+v", n, done)
				}
				_, err = r.Sweep(r.ctx)
				r.ok(err)
				r.holds("c1", u.ID, want)
				r.wantOnDisk(0, blobs)
			})
		}
	}
}

func TestCrashThenGivenUp(t *testing.T) {
	for _, step := range []string{"finish: marked", "finish: moved", "finish: moved for good"} {
		for name, giveUp := range map[string]func(*room, string){
			"aborted": func(r *room, id string) { r.ok(r.Abort(r.ctx, id)) },
			"expired": func(r *room, _ string) {
				r.clock.add(25 * time.Hour)
				swept, err := r.Sweep(r.ctx)
				r.ok(err)
				if swept.Uploads != 1 {
					r.Fatalf("swept %+v", swept)
				}
			},
		} {
			t.Run(step+", "+name, func(t *testing.T) {
				r := newRoom(t)
				u := r.begin("c1", "a.bin", 1000)
				r.crashAt(step)
				_, _, err := r.Append(r.ctx, u.ID, 0, bytes.NewReader(content(1000, 6)))
				r.is(err, errCrash)
				r.restart()
				giveUp(r, u.ID)
				_, _, err = r.Offset(r.ctx, u.ID)
				r.is(err, classroom.ErrNoSuchUpload)
				r.wantOnDisk(0, 0)
			})
		}
	}
}

func TestCrashInBegin(t *testing.T) {
	r := newRoom(t)
	r.crashAt("begin: described")
	_, err := r.Begin(r.ctx, "c1", siti, "a", 10)
	r.is(err, errCrash)
	r.restart()
	uploads, err := r.db.Uploads(r.ctx, "")
	r.ok(err)
	_, _, err = r.Offset(r.ctx, uploads[0].ID)
	r.is(err, classroom.ErrNoSuchUpload)
	swept, err := r.Sweep(r.ctx)
	r.ok(err)
	uploads, err = r.db.Uploads(r.ctx, "")
	r.ok(err)
	if swept.Uploads != 1 || len(uploads) != 0 {
		t.Fatalf("swept %+v, left %v", swept, uploads)
	}
}

func TestCrashInDelete(t *testing.T) {
	for _, step := range []string{"delete: upload forgotten", "delete: file gone"} {
		r := newRoom(t)
		want := content(1000, 7)
		f := r.share("c1", "a", want)
		r.crashAt(step)
		r.is(r.Delete(r.ctx, "c1", f.ID), errCrash)
		r.restart()
		list, err := r.List(r.ctx, "c1")
		r.ok(err)
		for range list {
			r.holds("c1", f.ID, want)
			r.ok(r.Delete(r.ctx, "c1", f.ID))
		}
		_, err = r.Sweep(r.ctx)
		r.ok(err)
		r.wantOnDisk(0, 0)
	}
}

// brokenStore fails where it is told to.
type brokenStore struct {
	Store
	putFile atomic.Pointer[func() error]
}

func (b *brokenStore) PutFile(ctx context.Context, f classroom.FileInfo) error {
	if fail := b.putFile.Load(); fail != nil {
		if err := (*fail)(); err != nil {
			return err
		}
	}
	return b.Store.PutFile(ctx, f)
}

func TestStoreGoneAtTheEnd(t *testing.T) {
	r := newRoom(t)
	broken := &brokenStore{Store: r.db}
	shelf, err := New(r.cfg, broken, slog.New(slog.DiscardHandler))
	r.ok(err)
	r.Shelf = shelf
	want := content(1000, 8)
	u := r.begin("c1", "a", len(want))
	down := func() error { return classroom.ErrStoreUnavailable }
	broken.putFile.Store(&down)
	n, done, err := r.Append(r.ctx, u.ID, 0, bytes.NewReader(want))
	r.is(err, classroom.ErrStoreUnavailable)
	if n != u.Size || done != nil {
		t.Fatalf("the offset is %d, done %v", n, done)
	}
	_, _, err = r.Offset(r.ctx, u.ID) // still down: not acknowledged as finished
	r.is(err, classroom.ErrStoreUnavailable)
	// Its bytes are safe from a sweep and from the deletion of a namesake.
	_, err = r.Sweep(r.ctx)
	r.ok(err)
	broken.putFile.Store(nil)
	other := r.share("c2", "b", want)
	r.ok(r.Delete(r.ctx, "c2", other.ID))
	_, n, err = r.Offset(r.ctx, u.ID)
	r.ok(err)
	if n != u.Size {
		t.Fatalf("the offset is %d", n)
	}
	r.holds("c1", u.ID, want)
	r.wantOnDisk(0, 1)
}

func TestForbiddenContentLeavesNothing(t *testing.T) {
	r := newRoom(t, func(c *Config) { c.AllowedTypes = []string{"image/*", "application/pdf", "application/octet-stream"} })
	for name, bytes := range map[string]string{
		"setup.pdf": "MZ\x90\x00\x03\x00\x00\x00program",
		"tool":      "\x7fELF\x02\x01\x01\x00",
		"text.pdf":  "just words",
		"pic.png":   "<html><script>alert(1)</script>",
	} {
		u := r.begin("c1", name, len(bytes))
		_, done, err := r.Append(r.ctx, u.ID, 0, strings.NewReader(bytes))
		if name == "pic.png" {
			r.ok(err)
			if done.Type != "application/octet-stream" {
				t.Fatalf("a page with a picture's name is %s", done.Type)
			}
			r.ok(r.Delete(r.ctx, "c1", done.ID))
			continue
		}
		if !errors.Is(err, classroom.ErrFileTypeNotAllowed) || done != nil {
			t.Fatalf("%s: %v, %v", name, err, done)
		}
		_, _, err = r.Offset(r.ctx, u.ID)
		r.is(err, classroom.ErrNoSuchUpload)
	}
	r.wantOnDisk(0, 0)
}

func TestSweep(t *testing.T) {
	r := newRoom(t)
	kept := r.share("c1", "kept", content(1000, 1))
	old := r.begin("c1", "old", 1000)
	_, _, err := r.Append(r.ctx, old.ID, 0, strings.NewReader("123"))
	r.ok(err)
	r.clock.add(23 * time.Hour)
	young := r.begin("c1", "young", 1000)
	_, _, err = r.Append(r.ctx, young.ID, 0, strings.NewReader("123"))
	r.ok(err)
	// Strays of a crash, an orphan, and files that are not ours.
	orphan := strings.Repeat("ab", 32)
	foreign := filepath.Join(r.uploadsDir(), "README.txt")
	r.ok(os.MkdirAll(filepath.Join(r.blobsDir(), "ab"), 0o700))
	for _, path := range []string{r.partPath("stray"), r.markerPath("stray"), filepath.Join(r.blobsDir(), "ab", orphan), foreign} {
		r.ok(os.WriteFile(path, []byte("x"), 0o600))
	}
	r.clock.add(2 * time.Hour)
	swept, err := r.Sweep(r.ctx)
	r.ok(err)
	if swept != (Swept{Uploads: 1, Blobs: 1}) {
		t.Fatalf("swept %+v", swept)
	}
	uploads, blobs := r.onDisk()
	if fmt.Sprint(uploads) != fmt.Sprint([]string{"README.txt", young.ID + partSuffix}) && fmt.Sprint(uploads) != fmt.Sprint([]string{young.ID + partSuffix, "README.txt"}) {
		t.Fatalf("uploads left: %v", uploads)
	}
	if len(blobs) != 1 || blobs[0] != kept.Hash {
		t.Fatalf("blobs left: %v", blobs)
	}
	_, n, err := r.Offset(r.ctx, young.ID)
	r.ok(err)
	if n != 3 {
		t.Fatalf("the young upload is at %d", n)
	}
	_, _, err = r.Offset(r.ctx, old.ID)
	r.is(err, classroom.ErrNoSuchUpload)
	if swept, err = r.Sweep(r.ctx); err != nil || swept != (Swept{}) {
		t.Fatalf("a second sweep: %+v, %v", swept, err)
	}
}

func TestForeignDirectory(t *testing.T) {
	r := newRoom(t)
	r.share("c1", "a", content(10, 1))
	db, err := store.OpenSQLite(r.ctx, filepath.Join(t.TempDir(), "other.db"), slog.New(slog.DiscardHandler))
	r.ok(err)
	defer db.Close()
	_, err = New(r.cfg, db, slog.New(slog.DiscardHandler))
	r.is(err, ErrForeignDirectory)
	r.restart() // its own database is still welcome
	empty := r.cfg
	empty.Dir = t.TempDir()
	for range 2 { // an empty directory may be put under any database
		_, err = New(empty, r.db, slog.New(slog.DiscardHandler))
		r.ok(err)
	}
}

func TestSameContentAtOnce(t *testing.T) {
	r := newRoom(t)
	want := content(200_000, 4)
	var uploads []classroom.Upload
	for i := range 8 {
		uploads = append(uploads, r.begin(fmt.Sprintf("c%d", i%3), fmt.Sprintf("%d.bin", i), len(want)))
	}
	var wg sync.WaitGroup
	for _, u := range uploads {
		wg.Go(func() {
			if _, _, err := r.Append(r.ctx, u.ID, 0, bytes.NewReader(want)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r.wantOnDisk(0, 1)
	for i, u := range uploads {
		r.holds(u.ClassID, u.ID, want)
		r.wantOnDisk(0, 1)
		r.ok(r.Delete(r.ctx, u.ClassID, u.ID))
		if i == len(uploads)-1 {
			r.wantOnDisk(0, 0) // the last reference is gone
		}
	}
}

// TestRaces: the same content is shared, deleted and swept at once; what was
// acknowledged can be read.
func TestRaces(t *testing.T) {
	r := newRoom(t, func(c *Config) { c.MaxUploadsEach = 1000 })
	want := content(50_000, 2)
	ctx, cancel := context.WithCancel(r.ctx)
	var sweeper, sharers sync.WaitGroup
	sweeper.Go(func() {
		for ctx.Err() == nil {
			if _, err := r.Sweep(r.ctx); err != nil {
				t.Errorf("sweep: %v", err)
				return
			}
		}
	})
	for w := range 4 {
		sharers.Go(func() {
			for i := range 15 {
				u, err := r.Begin(r.ctx, "c1", siti, "a.bin", int64(len(want)))
				if err != nil {
					t.Errorf("begin: %v", err)
					return
				}
				_, done, err := r.Append(r.ctx, u.ID, 0, bytes.NewReader(want))
				if err != nil {
					if errors.Is(err, classroom.ErrUploadBusy) { // the sweeper looked just then
						_, done, err = retry(r, u.ID, want)
					}
					if err != nil {
						t.Errorf("append: %v", err)
						return
					}
				}
				_, f, err := r.Open(r.ctx, "c1", done.ID)
				if err != nil {
					t.Errorf("an acknowledged file cannot be opened: %v", err)
					return
				}
				got, err := io.ReadAll(f)
				if err = errors.Join(err, f.Close()); err != nil || !bytes.Equal(got, want) {
					t.Errorf("an acknowledged file has other bytes: %v", err)
					return
				}
				if i%5 != w%5 {
					if err := r.Delete(r.ctx, "c1", done.ID); err != nil {
						t.Errorf("delete: %v", err)
						return
					}
				}
			}
		})
	}
	sharers.Wait()
	cancel()
	sweeper.Wait()
	list, err := r.List(r.ctx, "c1")
	r.ok(err)
	if len(list) != 4*3 {
		t.Fatalf("%d files are left", len(list))
	}
	for _, f := range list {
		r.holds("c1", f.ID, want)
	}
	r.wantOnDisk(0, 1)
}

func retry(r *room, id string, want []byte) (n int64, done *classroom.FileInfo, err error) {
	for {
		n, done, err = r.Append(r.ctx, id, 0, bytes.NewReader(want))
		if !errors.Is(err, classroom.ErrUploadBusy) {
			return n, done, err
		}
	}
}

const childDir = "KELAS_FILES_TEST_CHILD"

// uploadAsChild is the process that TestKilled kills: it uploads pieces for
// ever and prints each offset that was acknowledged.
func uploadAsChild() bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	db, err := store.OpenSQLite(ctx, filepath.Join(dir, "kelas.db"), log)
	if err != nil {
		panic(err)
	}
	s, err := New(Config{Dir: filepath.Join(dir, "files"), MinFree: -1}, db, log)
	if err != nil {
		panic(err)
	}
	want := content(killedSize, 1)
	for n := 0; ; n++ {
		u, err := s.Begin(ctx, "c1", Owner{ID: fmt.Sprint("p", n)}, "a.bin", killedSize)
		if err != nil {
			panic(err)
		}
		for at := int64(0); at < killedSize; {
			end := min(at+70_000, killedSize)
			var done *classroom.FileInfo
			if at, done, err = s.Append(ctx, u.ID, at, bytes.NewReader(want[at:end])); err != nil {
				panic(err)
			}
			fmt.Println(u.ID, at, done != nil)
		}
	}
}

const killedSize = 200_000

// TestKilled kills a process in the middle of uploads, some rounds on the
// same directory: what it acknowledged is there, and every upload can be
// completed.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]int64{}
	for round := range 4 {
		killed := exec.Command(os.Args[0])
		killed.Env = append(os.Environ(), childDir+"="+dir)
		killed.Stderr = os.Stderr
		out, err := killed.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		lines := 0
		for scan := bufio.NewScanner(out); scan.Scan(); lines++ {
			var id string
			var at int64
			var done bool
			if _, err := fmt.Sscan(scan.Text(), &id, &at, &done); err != nil {
				continue // a line that the kill cut
			}
			acknowledged[id] = at
			if lines == 7+5*round {
				if err := killed.Process.Kill(); err != nil { // SIGKILL; what it printed until then still comes
					t.Fatal(err)
				}
			}
		}
		_ = killed.Wait() // says that it was killed
	}
	if len(acknowledged) < 4 {
		t.Fatalf("only %d uploads were begun", len(acknowledged))
	}

	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	db, err := store.OpenSQLite(ctx, filepath.Join(dir, "kelas.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := New(Config{Dir: filepath.Join(dir, "files"), MinFree: -1}, db, log)
	if err != nil {
		t.Fatal(err)
	}
	r := &room{T: t, Shelf: s, ctx: ctx, dir: filepath.Join(dir, "files"), db: db}
	want := content(killedSize, 1)
	for id, at := range acknowledged {
		_, offset, err := s.Offset(ctx, id)
		r.ok(err)
		if offset < at {
			t.Errorf("upload %s was acknowledged to %d and is at %d", id, at, offset)
		}
		_, done, err := s.Append(ctx, id, offset, bytes.NewReader(want[offset:]))
		r.ok(err)
		r.holds("c1", done.ID, want)
	}
	_, err = s.Sweep(ctx)
	r.ok(err)
	_, blobs := r.onDisk()
	if len(blobs) != 1 {
		t.Fatalf("blobs on disk: %v", blobs)
	}
}
