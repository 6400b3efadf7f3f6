// Package fault is the one table from an error to what a client hears of it:
// a code for programs, a sentence for people, an HTTP status and Kurento's
// number.
//
// It owns the codes. It never shows what an unknown error says (that is
// `internal`, and whoever answers logs the error itself), never logs, keeps
// no state and has no locks.
package fault
