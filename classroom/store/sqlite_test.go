package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/classroom/store/storetest"
)

// openTestSQLite opens a new database that is closed at the end.
func openTestSQLite(t *testing.T) *sqliteStore {
	t.Helper()
	s, err := openSQLite(context.Background(), filepath.Join(t.TempDir(), "kelas.db"), quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// path asks SQLite where its file lies.
func (s *sqliteStore) path(t *testing.T) string {
	t.Helper()
	var seq int
	var name, file string
	if err := s.write.db.QueryRow("PRAGMA database_list").Scan(&seq, &name, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// texts returns the statements that were prepared so far.
func (c *statementCache) texts() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for text := range c.statements {
		all = append(all, text)
	}
	return all
}

// TestSQLiteConformance also explains every statement that the suite made the
// store prepare, and those of its transactions: each must use an index.
func TestSQLiteConformance(t *testing.T) {
	texts := map[string]bool{sqlPutChat: true, sqlBlankChat: true, sqlTouchAttendance: true, sqlPutSettingOnce: true,
		sqlPutDelivery: true}
	storetest.Run(t, func(t *testing.T) classroom.Store {
		s := openTestSQLite(t)
		return &collecting{sqliteStore: s, texts: texts}
	})
	t.Run("UsesIndexes", func(t *testing.T) { checkPlans(t, texts) })
}

func checkPlans(t *testing.T, texts map[string]bool) {
	if len(texts) < 45 {
		t.Fatalf("only %d statements were met", len(texts))
	}
	s := openTestSQLite(t)
	// What reads a whole table on purpose, and then by an index's order.
	whole := map[string]string{
		sqlUsers:      "SCAN users USING INDEX users_name",
		sqlCountUsers: "SCAN users USING COVERING INDEX",
		sqlLessons:    "SCAN lessons USING INDEX lessons_created",
		sqlUploads:    "SCAN uploads USING INDEX uploads_created",
		sqlWebhooks:   "SCAN webhooks USING INDEX webhooks_created",
		// The index holds what waits and nothing else.
		sqlDeliveryQueues: "SCAN deliveries USING COVERING INDEX deliveries_pending",
		sqlLessonMarks:    "SCAN lesson_marks USING INDEX",

		sqlAPIKeys:     "SCAN api_keys USING INDEX api_keys_created",
		sqlSigningKeys: "SCAN signing_keys USING INDEX signing_keys_created",
	}
	for text := range texts {
		for _, step := range explain(t, s, text) {
			if want := whole[text]; want != "" && strings.HasPrefix(step, want) {
				continue
			}
			// The classes of one person are few, and sorted in memory.
			if text == sqlLessonsJoined && step == "USE TEMP B-TREE FOR ORDER BY" {
				continue
			}
			// EndOpenAttendance's index holds the open stays and nothing else.
			if text == sqlEndOpen && strings.HasPrefix(step, "SCAN attendance USING") && strings.Contains(step, "INDEX attendance_open") {
				continue
			}
			if strings.HasPrefix(step, "SCAN") || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s\n\t%s", text, step)
			}
		}
	}
}

func explain(t *testing.T, s *sqliteStore, text string) (steps []string) {
	t.Helper()
	args := make([]any, strings.Count(text, "?"))
	for i := range args {
		args[i] = 1
	}
	rows, err := s.write.db.Query("EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// collecting notes a store's statements when it is closed.
type collecting struct {
	*sqliteStore
	texts map[string]bool
}

func (c *collecting) Close() error {
	for _, text := range slices.Concat(c.read.texts(), c.write.texts()) {
		c.texts[text] = true
	}
	return c.sqliteStore.Close()
}

func TestSQLiteIsDurable(t *testing.T) {
	s := openTestSQLite(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "500"} {
		var got string
		if err := s.write.db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", pragma, got, err, want)
		}
	}
	if _, err := s.read.db.Exec("DELETE FROM users"); err == nil {
		t.Error("a reading connection can write")
	}
	for _, suffix := range []string{"", "-wal"} {
		fi, err := os.Stat(s.path(t) + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if fi.Mode().Perm() != 0o600 {
			t.Errorf("the file%s may be read by others: %v", suffix, fi.Mode())
		}
	}
}

func TestSQLiteOddPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd ?mode=memory#x%20%41&é.db")
	s, err := OpenSQLite(t.Context(), path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutUser(t.Context(), classroom.User{ID: "u", Name: "u"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Size() == 0 {
		t.Fatalf("the database is not where it should be: %v", err)
	}
}

// TestSQLiteLocked: another process holds the write lock for long.
func TestSQLiteLocked(t *testing.T) {
	s := openTestSQLite(t)
	other, err := openSQLite(t.Context(), s.path(t), quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	holder, err := other.write.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.patience = 0
	if err := s.PutUser(t.Context(), classroom.User{ID: "u", Name: "u"}); !errors.Is(err, classroom.ErrStoreUnavailable) {
		t.Fatalf("a locked database: %v", err)
	}
	if err := s.AppendChat(t.Context(), []classroom.ChatEntry{{ClassID: "c", Seq: 1}}); !errors.Is(err, classroom.ErrStoreUnavailable) {
		t.Fatalf("a locked database: %v", err)
	}
	// Reading goes on.
	if _, err := s.User(t.Context(), "u"); !errors.Is(err, classroom.ErrNotFound) {
		t.Fatalf("reading a locked database: %v", err)
	}
	// A deadline ends the wait, and says so.
	s.patience = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err = s.PutUser(ctx, classroom.User{ID: "u", Name: "u"})
	if !errors.Is(err, classroom.ErrStoreUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a deadline: %v", err)
	}
	// With patience the write is made once the lock is gone.
	done := make(chan error, 1)
	go func() { done <- s.PutUser(context.Background(), classroom.User{ID: "u", Name: "u"}) }()
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestSQLiteFull: the file may not grow.
func TestSQLiteFull(t *testing.T) {
	s := openTestSQLite(t)
	var pages int
	if err := s.write.db.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	var limit int
	if err := s.write.db.QueryRow("PRAGMA max_page_count = 100").Scan(&limit); err != nil || limit < pages {
		t.Fatal(limit, err)
	}
	big := classroom.ChatEntry{ClassID: "c", Kind: classroom.ChatMessage, Text: strings.Repeat("x", 100_000)}
	stored := int64(0)
	for {
		big.Seq = stored + 1
		err := s.AppendChat(t.Context(), []classroom.ChatEntry{big})
		if errors.Is(err, classroom.ErrStoreFull) {
			break
		}
		if err != nil || stored > 100 {
			t.Fatalf("a full disk after %d entries: %v", stored, err)
		}
		stored++
	}
	// Nothing is half done, and with room again it goes on.
	last, err := s.LastChatSeq(t.Context(), "c")
	if err != nil || last != stored {
		t.Fatalf("the last number is %d of %d, %v", last, stored, err)
	}
	if err := s.write.db.QueryRow("PRAGMA max_page_count = 100000").Scan(&limit); err != nil {
		t.Fatal(err)
	}
	if err := s.AppendChat(t.Context(), []classroom.ChatEntry{big}); err != nil {
		t.Fatal(err)
	}
}

func TestSQLiteDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kelas.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database. ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSQLite(t.Context(), path, quiet()); err == nil || errors.Is(err, classroom.ErrStoreUnavailable) {
		t.Fatalf("a damaged database: %v", err)
	}
	if _, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "no", "such", "folder", "kelas.db"), quiet()); err == nil {
		t.Fatal("a folder was made up")
	}
}
