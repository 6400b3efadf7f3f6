// Package storetest is the conformance suite of classroom.Store: what every
// implementation must do, its races included.
package storetest

import (
	"testing"

	"kelas/classroom"
)

// Run runs the suite. open returns an empty store; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) classroom.Store) {
	t.Helper()
	s := open(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
