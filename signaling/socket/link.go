package socket

import "kelas/classroom"

// link is all that the rest of the package knows of a connection. Emit, Ack
// and Close are for one goroutine and keep their order; they wait while the
// connection is being written to, and do nothing once it has ended.
type link interface {
	ID() string
	Auth() visitor
	Emit(event string, body rawJSON)
	Ack(id int64, body rawJSON)
	Close(g goodbye)
	// Abort cuts the connection at once; it never waits and any goroutine
	// may call it.
	Abort()
}

// visitor is whom the handshake let in.
type visitor struct {
	classID   string
	identity  classroom.Identity
	seat      string // told in joined
	addr      string
	userAgent string
}

// hub is what the library's side calls; the library recovers from panics in
// events alone, so these do it themselves. received is called from one
// goroutine for each connection, after connected. disconnected comes once, from
// any goroutine, while received may still be running, and must not wait for
// the connection's Emit.
type hub interface {
	connected(l link) (*client, error)
	received(c *client, event string, body []byte, ackID int64)
	disconnected(c *client)
}

// rawJSON is JSON that is ready. It is a string because the library looks at
// every element of a slice it is given, by reflection, for binary parts.
type rawJSON string

// MarshalJSON returns the JSON.
func (r rawJSON) MarshalJSON() ([]byte, error) {
	if r == "" {
		return []byte("null"), nil
	}
	return []byte(r), nil
}

// UnmarshalJSON keeps the JSON unread.
func (r *rawJSON) UnmarshalJSON(b []byte) error {
	*r = rawJSON(b)
	return nil
}
