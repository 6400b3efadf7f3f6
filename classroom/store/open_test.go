package store

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"kelas/classroom"
)

func TestOpenChooses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	s, err := Open(t.Context(), Config{DataDir: dir}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(dir)
	if err != nil || fi.Mode().Perm() != 0o700 {
		t.Fatalf("the data directory: %v, %v", fi, err)
	}
	if _, err := os.Stat(filepath.Join(dir, DatabaseFile)); err != nil {
		t.Fatal(err)
	}
}

// TestNoFallBack: a MongoDB that does not answer is an error and no SQLite
// file appears. One address refuses, the other takes connections and is mute.
func TestNoFallBack(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := refusing.Close(); err != nil {
		t.Fatal(err)
	}
	for _, addr := range []net.Addr{mute.Addr(), refusing.Addr()} {
		dir := filepath.Join(t.TempDir(), "data")
		uri := "mongodb://" + addr.String() + "/?serverSelectionTimeoutMS=300&connectTimeoutMS=300"
		_, err = Open(t.Context(), Config{DataDir: dir, MongoURI: uri}, quiet())
		if !errors.Is(err, classroom.ErrStoreUnavailable) {
			t.Errorf("no MongoDB at %s: %v", addr, err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("something was made in the data directory: %v", err)
		}
	}
}

func TestMongoAddress(t *testing.T) {
	for uri, want := range map[string]string{
		"mongodb://localhost":                    "kelas",
		"mongodb://localhost/school":             "school",
		"mongodb://u:p@a,b:27018/x?replicaSet=r": "x",
	} {
		if got, err := mongoDatabaseName(uri); err != nil || got != want {
			t.Errorf("%s names %q, %v", uri, got, err)
		}
	}
	for _, uri := range []string{"http://localhost", "mongodb://", "mongodb://user:s3cret@host:port:9", "mongodb://user:s3%zzcret@host",
		"mongodb://user:s3cret@host/?w=-5", "user:s3cret@host", "mongodb://us@er:s3cret@host"} {
		err := Config{MongoURI: uri}.Validate()
		if err == nil || !strings.Contains(err.Error(), "MongoURI") {
			t.Errorf("%s: %v", uri, err)
			continue
		}
		if strings.Contains(err.Error(), "s3") {
			t.Errorf("the password is in the message: %v", err)
		}
	}
}

func TestClassifyMongo(t *testing.T) {
	command := func(code int32, message string) error { return mongo.CommandError{Code: code, Message: message} }
	write := func(code int, message string) error {
		return mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: code, Message: message}}}
	}
	for _, test := range []struct {
		err  error
		want error
	}{
		{mongo.ErrNoDocuments, classroom.ErrNotFound},
		{write(11000, "E11000 duplicate key"), classroom.ErrExists},
		{mongo.BulkWriteException{WriteErrors: []mongo.BulkWriteError{{WriteError: mongo.WriteError{Code: 11000}}}}, classroom.ErrExists},
		{command(112, "WriteConflict"), classroom.ErrStoreUnavailable},
		{write(1, "deadlock detected"), classroom.ErrStoreUnavailable},
		{command(14031, "out of disk"), classroom.ErrStoreFull},
		{command(1, "could not extend file: No space left on device"), classroom.ErrStoreFull},
		{command(10107, "not primary"), classroom.ErrStoreUnavailable},
		{command(11600, "interrupted at shutdown"), classroom.ErrStoreUnavailable},
		{command(50, "exceeded time limit"), classroom.ErrStoreUnavailable},
		{mongo.CommandError{Labels: []string{"NetworkError"}}, classroom.ErrStoreUnavailable},
		{mongo.ErrClientDisconnected, classroom.ErrStoreUnavailable},
		{command(9, "failed to parse"), nil},
		{command(13, "not authorized"), nil},
	} {
		if got := classifyMongo(test.err); got != test.want {
			t.Errorf("%v is %v, want %v", test.err, got, test.want)
		}
	}
	if !isWriteConflict(write(1, "deadlock detected")) || isWriteConflict(write(11000, "deadlock detected")) {
		t.Error("write conflicts are not told from duplicates")
	}
}

func TestObserve(t *testing.T) {
	type call struct {
		op  string
		err error
	}
	var mu sync.Mutex
	var calls []call
	s, err := Open(t.Context(), Config{DataDir: t.TempDir(), Observe: func(op string, d time.Duration, err error) {
		if d < 0 {
			t.Errorf("%s took %v", op, d)
		}
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, call{op, err})
	}}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.User(t.Context(), "nobody"); !errors.Is(err, classroom.ErrNotFound) {
		t.Fatal(err)
	}
	if len(calls) != 1 || calls[0].op != "User" || !errors.Is(calls[0].err, classroom.ErrNotFound) {
		t.Fatalf("observed: %v", calls)
	}
	// Every method tells its own name and hands its call on.
	calls = nil
	v, all := reflect.ValueOf(s), reflect.TypeFor[classroom.Store]()
	var want []string
	for i := range all.NumMethod() {
		m := all.Method(i)
		if m.Name == "Close" {
			continue // last
		}
		want = append(want, m.Name)
		var args []reflect.Value
		for i := range m.Type.NumIn() {
			in := m.Type.In(i)
			if in == reflect.TypeFor[context.Context]() {
				args = append(args, reflect.ValueOf(t.Context()))
			} else {
				args = append(args, reflect.Zero(in))
			}
		}
		v.MethodByName(m.Name).Call(args)
	}
	want = append(want, "Close")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range calls {
		got = append(got, c.op)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("observed %v, want %v", got, want)
	}
}

func TestNameKey(t *testing.T) {
	for _, pair := range [][2]string{{"Siti", "sITI"}, {"ÉLOÏSE", "éloïse"}, {"ſ", "S"}, {"K", "\u212a"}, {"ǅ", "Ǆ"}, {"ß", "ẞ"}} {
		if nameKey(pair[0]) != nameKey(pair[1]) || !strings.EqualFold(pair[0], pair[1]) {
			t.Errorf("%q and %q differ", pair[0], pair[1])
		}
	}
	if nameKey("siti") == nameKey("sitı") {
		t.Error("different letters are one")
	}
}
