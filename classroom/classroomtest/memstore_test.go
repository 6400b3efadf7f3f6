package classroomtest_test

import (
	"testing"

	"kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/classroom/store/storetest"
)

func TestMemStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) classroom.Store { return classroomtest.NewMemStore() })
}

// A healthy FaultyStore is as good as what it wraps.
func TestFaultyStoreHealthy(t *testing.T) {
	storetest.Run(t, func(*testing.T) classroom.Store {
		return classroomtest.NewFaultyStore(classroomtest.NewMemStore())
	})
}
