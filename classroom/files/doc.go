// Package files keeps what participants share: uploads on their way and the
// finished bytes under their SHA-256, on disk; the descriptions lie in the
// store. Shelf is the one type.
//
// It owns the directory it is given, resumption, limits, names and types. It
// never speaks HTTP, never asks whether a participant may do something, and
// tells nobody of a new file: whoever finished the upload does.
//
// Lock order: class (quota), then upload, then hash; see locks.go. No two of
// one kind are held together. Store calls and disk writes happen under them,
// so a wait for one obeys the context.
package files
