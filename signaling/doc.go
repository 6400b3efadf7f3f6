// Package signaling composes what answers HTTP: the pages (web), the socket
// that is handed in, health, metrics and static files, behind one chain of
// request id, log, headers, limits and recovery.
//
// It owns the chain, the metrics registry and the adapter by which auth uses
// classroom.Store. It never decides what a role may do, keeps no state of a
// class, and does not listen: cmd does.
//
// Locks: the rate limiter has one mutex, held for map work only.
package signaling
