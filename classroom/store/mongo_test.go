package store

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"kelas/classroom"
	"kelas/classroom/store/storetest"
)

// testMongo names a database of its own on the test server and drops it at
// the end.
func testMongo(t *testing.T) (uri string) {
	t.Helper()
	base := os.Getenv("MONGODB_TEST_URI")
	if base == "" {
		t.Skip("SKIPPED, NOT PASSED: MONGODB_TEST_URI is not set, so nothing is known of MongoDB; " +
			"run: export MONGODB_TEST_URI=$(scripts/mongodb-compat start)")
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal("MONGODB_TEST_URI is not a URI")
	}
	u.Path = "/kelas_test_" + strings.ToLower(rand.Text())
	t.Cleanup(func() {
		s, err := connectMongo(u.String(), quiet())
		if err != nil {
			t.Error(err)
			return
		}
		if err := s.db.Drop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return u.String()
}

func TestMongoConformance(t *testing.T) {
	testMongo(t) // skips once, not for each part
	storetest.Run(t, func(t *testing.T) classroom.Store {
		s, err := OpenMongo(context.Background(), testMongo(t), quiet())
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
