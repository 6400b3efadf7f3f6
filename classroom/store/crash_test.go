package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"kelas/classroom"
)

const childPath = "KELAS_STORE_TEST_CHILD"

// writeAsChild is what the tests below start as another process: it writes
// to a database for ever, or up to a number, and prints what was acknowledged.
func writeAsChild() bool {
	spec := os.Getenv(childPath)
	if spec == "" {
		return false
	}
	var class, path string
	var limit int64
	if _, err := fmt.Sscan(spec, &class, &limit, &path); err != nil {
		panic(err)
	}
	ctx := context.Background()
	s, err := OpenSQLite(ctx, path, quiet())
	if err != nil {
		panic(err)
	}
	last, err := s.LastChatSeq(ctx, class)
	if err != nil {
		panic(err)
	}
	for seq := last + 1; limit == 0 || seq <= limit; seq += 2 {
		batch := []classroom.ChatEntry{childEntry(class, seq), childEntry(class, seq+1)}
		if err := s.AppendChat(ctx, batch); err != nil {
			panic(err)
		}
		fmt.Println(seq + 1)
	}
	if err := s.Close(); err != nil {
		panic(err)
	}
	return true
}

func childEntry(class string, seq int64) classroom.ChatEntry {
	return classroom.ChatEntry{ClassID: class, Seq: seq, Kind: classroom.ChatMessage, FromID: "p", Text: fmt.Sprint("message ", seq),
		ClientID: fmt.Sprint(seq), At: time.UnixMilli(1795341600000 + seq).UTC()}
}

func child(t *testing.T, class string, limit int, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", childPath, class, limit, path))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// TestSQLiteKilled kills a writing process with SIGKILL, several times over:
// nothing it acknowledged is lost, no batch is there by half.
func TestSQLiteKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kelas.db")
	acknowledged := int64(0)
	for round := range 5 {
		cmd, out := child(t, "c1", 0, path)
		for lines := 0; out.Scan(); lines++ {
			var seq int64
			if _, err := fmt.Sscanf(out.Text(), "%d", &seq); err != nil {
				t.Fatalf("the child says %q", out.Text())
			}
			acknowledged = max(acknowledged, seq)
			if lines == 20+17*round {
				if err := cmd.Process.Kill(); err != nil { // what it printed until then still comes
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		s, err := OpenSQLite(t.Context(), path, quiet())
		if err != nil {
			t.Fatal(err)
		}
		log, err := s.Chat(t.Context(), classroom.ChatQuery{ClassID: "c1"})
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(log)) < acknowledged || len(log)%2 != 0 {
			t.Fatalf("%d entries are there after %d were acknowledged", len(log), acknowledged)
		}
		for i, e := range log {
			if e != childEntry("c1", int64(i+1)) {
				t.Fatalf("entry %d is %+v", i+1, e)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSQLiteTwoProcesses: the command line writes while the server runs.
func TestSQLiteTwoProcesses(t *testing.T) {
	const each = 200
	s := openTestSQLite(t)
	cmd, out := child(t, "theirs", each, s.path(t))
	if !out.Scan() { // it is writing now
		t.Fatal("the child wrote nothing")
	}
	for seq := int64(1); seq <= each; seq++ {
		if err := s.AppendChat(t.Context(), []classroom.ChatEntry{childEntry("ours", seq)}); err != nil {
			t.Fatal(err)
		}
	}
	for out.Scan() {
		continue
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, class := range []string{"ours", "theirs"} {
		if last, err := s.LastChatSeq(t.Context(), class); err != nil || last != each {
			t.Errorf("%s ends at %d, %v", class, last, err)
		}
	}
}
