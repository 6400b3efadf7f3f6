// Package classroomtest helps tests of a class and of its doors: MemStore is
// a complete Store in memory that passes the conformance suite of
// classroom/store, FaultyStore makes any Store fail or slow, and Outlet
// records what a session is told.
//
// It never serves a running server: MemStore forgets everything. Locks: each
// type has one mutex of its own, and none is held while another's is taken.
package classroomtest
