// Package wire is the JSON that travels over Socket.IO, as Go structs: what a
// client asks, what it is answered, and the news of a class. Server and Go
// clients share it; PROTOCOL.md in the folder above says what it means.
//
// It owns the names of events and members and what counts as readable. It
// never decides anything, imports nothing of ours, keeps no state and has no
// locks.
package wire
