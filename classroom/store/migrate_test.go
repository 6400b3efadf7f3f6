package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"kelas/classroom"
)

// checkOld reads, and then uses, what the fixtures of version 1 hold; both
// engines' fixtures hold the same.
func checkOld(t *testing.T, s classroom.Store) {
	t.Helper()
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	same := func(got, want any) {
		t.Helper()
		if got != want {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	}
	at := func(ms int64) time.Time { return time.UnixMilli(1795341600000 + ms).UTC() }

	u, err := s.UserByName(ctx, "siti")
	ok(err)
	same(u, classroom.User{ID: "u1", Name: "Siti", DisplayName: "Ibu Siti", Role: "teacher", PasswordHash: "$argon2id$x",
		Language: "id", CreatedAt: at(123), Rev: 3})
	_, err = s.UpdateUser(ctx, u)
	ok(err)
	_, err = s.LoginSession(ctx, "s1")
	ok(err)
	n, err := s.Sweep(ctx, at(5))
	ok(err)
	same(n, 1)
	joined, err := s.LessonsJoinedBy(ctx, "u1")
	ok(err)
	same(len(joined), 1)
	same(joined[0], classroom.Lesson{ID: "l1", Title: "Matematika", OwnerID: "u1", CreatedAt: at(0), Locked: true, Rev: 2})
	p, err := s.ParticipantByKey(ctx, "l1", "guest:x")
	ok(err)
	same(p, classroom.Participant{ID: "p2", ClassID: "l1", Key: "guest:x", Name: "Budi", Role: "viewer", Removed: true,
		FirstSeen: at(1000), LastSeen: at(60000), Rev: 1})
	log, err := s.Chat(ctx, classroom.ChatQuery{ClassID: "l1", For: "p1"})
	ok(err)
	same(len(log), 3)
	same(log[0], classroom.ChatEntry{ClassID: "l1", Seq: 1, Kind: "message", FromID: "p1", FromName: "Ibu Siti",
		FromRole: "presenter", Text: "Selamat pagi", ClientID: "a", At: at(2000)})
	same(log[1].Deleted, true)
	next := classroom.ChatEntry{ClassID: "l1", Seq: 4, Kind: "message", FromID: "p1", ClientID: "a", At: at(9000)}
	if err := s.AppendChat(ctx, []classroom.ChatEntry{next}); !errors.Is(err, classroom.ErrExists) {
		t.Fatalf("a client id is used twice: %v", err)
	}
	next.ClientID = "c"
	ok(s.AppendChat(ctx, []classroom.ChatEntry{next}))
	f, err := s.File(ctx, "l1", "f1")
	ok(err)
	same(f, classroom.FileInfo{ID: "f1", ClassID: "l1", OwnerID: "p1", OwnerName: "Ibu Siti", Name: "Bab 1.pdf", Size: 12,
		Type: "application/pdf", Hash: "abab", CreatedAt: at(5000)})
	up, err := s.Upload(ctx, "up1")
	ok(err)
	same(up, classroom.Upload{ID: "up1", ClassID: "l1", OwnerID: "p2", OwnerName: "Budi", Name: "tugas.docx", Size: 99,
		CreatedAt: at(6000), ExpiresAt: at(86406000)})
	ok(s.EndOpenAttendance(ctx))
	stays, err := s.Attendance(ctx, "l1")
	ok(err)
	same(len(stays), 2)
	same(stays[0].LeftAt, at(60000))
	same(stays[1].LeftAt, at(61000))
	value, err := s.Setting(ctx, "signing")
	ok(err)
	same(string(value), "\x00\x01\x02\xff")
}

// oldSQLite lays a database of version 1 at a path.
func oldSQLite(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("testdata/sqlite-v1.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kelas.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(script)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// sqliteSchema returns the definitions of all tables and indexes.
func sqliteSchema(t *testing.T, s *sqliteStore) []string {
	t.Helper()
	all, err := queryAll(t.Context(), s, "schema", func(r scanner) (d string, err error) { return d, r.Scan(&d) },
		`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range all {
		all[i] = strings.ReplaceAll(strings.Join(strings.Fields(d), " "), "( ", "(")
	}
	slices.Sort(all)
	return all
}

func TestSQLiteMigratesAnOlderDatabase(t *testing.T) {
	path := oldSQLite(t)
	s, err := openSQLite(t.Context(), path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	checkOld(t, s)
	// It ends as a new one begins.
	fresh := openTestSQLite(t)
	if old, want := sqliteSchema(t, s), sqliteSchema(t, fresh); !slices.Equal(old, want) {
		t.Fatalf("the migrated schema is\n%s\nwant\n%s", strings.Join(old, "\n"), strings.Join(want, "\n"))
	}
	version, err := queryOne(t.Context(), s.read, s, "version", scanInt, sqlVersion)
	if err != nil || int(version) != len(sqliteMigrations) {
		t.Fatalf("the version is %d, %v", version, err)
	}
}

func TestSQLiteMigratesStepByStep(t *testing.T) {
	for from := range len(sqliteMigrations) {
		path := filepath.Join(t.TempDir(), "kelas.db")
		s, err := openSQLiteAt(t, path, from)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s, err = openSQLite(t.Context(), path, quiet())
		if err != nil {
			t.Fatalf("from version %d: %v", from, err)
		}
		if err := s.PutUser(t.Context(), classroom.User{ID: "u", Name: "u"}); err != nil {
			t.Errorf("from version %d: %v", from, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// openSQLiteAt makes a database of an older version.
func openSQLiteAt(t *testing.T, path string, version int) (*sqliteStore, error) {
	t.Helper()
	db, err := sql.Open("sqlite", dataSource(path, "journal_mode(WAL)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &sqliteStore{log: quiet(), write: newStatementCache(db), read: newStatementCache(db), now: time.Now, patience: sqlitePatience}
	return s, s.migrateTo(t.Context(), version)
}

func TestSQLiteRefusesANewerDatabase(t *testing.T) {
	s := openTestSQLite(t)
	if _, err := s.exec(t.Context(), "test", sqlRecordMigration, len(sqliteMigrations)+1, "from the future", 0); err != nil {
		t.Fatal(err)
	}
	_, err := OpenSQLite(t.Context(), s.path(t), quiet())
	if !errors.Is(err, ErrNewerSchema) {
		t.Fatalf("a newer database: %v", err)
	}
}

func TestSQLiteFailedStepChangesNothing(t *testing.T) {
	path := oldSQLite(t)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	// The last step will find its index's name taken.
	if _, err := db.Exec(`CREATE INDEX uploads_created ON uploads (size)`); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSQLite(t.Context(), path, quiet()); err == nil || !strings.Contains(err.Error(), "step 3") {
		t.Fatalf("the failing step: %v", err)
	}
	var version, indexes int
	if err := db.QueryRow(sqlVersion).Scan(&version); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(`SELECT count(*) FROM sqlite_schema WHERE name = 'participants_user'`).Scan(&indexes); err != nil {
		t.Fatal(err)
	}
	if version != 1 || indexes != 0 {
		t.Fatalf("a failed migration left version %d and %d of step 2's indexes", version, indexes)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSQLiteOpenedTwiceAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kelas.db")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := OpenSQLite(context.Background(), path, quiet())
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// oldMongo fills a database of version 1, its first indexes included.
func oldMongo(t *testing.T) (uri string, s *mongoStore) {
	t.Helper()
	uri = testMongo(t)
	s, err := connectMongo(uri, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile("testdata/mongo-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var collections map[string][]bson.D
	if err := bson.UnmarshalExtJSON(text, false, &collections); err != nil {
		t.Fatal(err)
	}
	for _, ix := range mongoMigrationSteps[0].indexes {
		if err := s.createIndex(t.Context(), ix); err != nil {
			t.Fatal(err)
		}
	}
	for name, docs := range collections {
		if _, err := s.db.Collection(name).InsertMany(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
	}
	return uri, s
}

func mongoIndexNames(t *testing.T, s *mongoStore) []string {
	t.Helper()
	var all []string
	names, err := s.db.ListCollectionNames(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		indexes, err := s.db.Collection(name).Indexes().ListSpecifications(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, ix := range indexes {
			if ix.Name != "_id_" {
				all = append(all, name+"."+ix.Name)
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestMongoMigratesAnOlderDatabase(t *testing.T) {
	uri, before := oldMongo(t)
	var want []string
	for _, m := range mongoMigrationSteps {
		for _, ix := range m.indexes {
			want = append(want, ix.collection+"."+ix.name)
		}
	}
	slices.Sort(want)
	if got := mongoIndexNames(t, before); len(got) != len(mongoMigrationSteps[0].indexes) {
		t.Fatalf("the fixture has the indexes %v", got)
	}
	s, err := openMongo(t.Context(), uri, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	checkOld(t, s)
	if got := mongoIndexNames(t, s); !slices.Equal(got, want) {
		t.Fatalf("the migrated indexes are\n%v\nwant\n%v", got, want)
	}
	// Opening it once more changes nothing.
	again, err := openMongo(t.Context(), uri, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestMongoRefusesANewerDatabase(t *testing.T) {
	uri, s := oldMongo(t)
	future := migrationDoc{Version: len(mongoMigrationSteps) + 1, Name: "from the future"}
	if err := s.insert(t.Context(), "test", mongoMigrations, future); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenMongo(t.Context(), uri, quiet()); !errors.Is(err, ErrNewerSchema) {
		t.Fatalf("a newer database: %v", err)
	}
}

func TestMongoOpenedTwiceAtOnce(t *testing.T) {
	uri := testMongo(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			s, err := OpenMongo(context.Background(), uri, quiet())
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
