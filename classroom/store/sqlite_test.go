package store

import (
	"context"
	"path/filepath"
	"testing"

	"kelas/classroom"
	"kelas/classroom/store/storetest"
)

func TestSQLiteConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) classroom.Store {
		s, err := OpenSQLite(context.Background(), filepath.Join(t.TempDir(), "kelas.db"), quiet())
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
