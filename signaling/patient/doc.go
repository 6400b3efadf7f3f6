// Package patient lets a request's body or an answer take for ever while bytes
// move, and ends it when none did for a while. It owns nothing: deadlines are
// the connection's. It has no locks.
package patient
