package client

import (
	"errors"

	"kelas/signaling/wire"
)

var (
	// ErrClosed says that the connection was closed on this side.
	ErrClosed = errors.New("client: the connection is closed")
	// ErrProtocol says that the server said something that is not Socket.IO 4.x.
	ErrProtocol = errors.New("client: the server does not speak the protocol")
	// ErrAsked says that an offer of the same endpoint still waits for its answer.
	ErrAsked = errors.New("client: an offer of this endpoint waits for its answer already")
)

// Refusal is a no of the server: at the door, to a request, or as the reason
// for which it closed the connection.
type Refusal struct {
	wire.Fault
	Event string // the request; "" at the door and for the end of a connection
}

func (r *Refusal) Error() string {
	if r.Event == "" {
		return "the server refused: " + r.Code + ": " + r.Message
	}
	return "the server refused " + r.Event + ": " + r.Code + ": " + r.Message
}

// RefusedWith tells whether err is a no with this code.
func RefusedWith(err error, code string) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Code == code
}
