package fault

import "errors"

// What the doors themselves answer; the classroom's and the pipeline's
// errors are in the table too.
var (
	ErrBadMessage         = errors.New("the message is malformed")
	ErrUnknownEvent       = errors.New("there is no such event")
	ErrMessageTooLarge    = errors.New("the message is larger than allowed")
	ErrBinary             = errors.New("binary messages are not used here")
	ErrUnknownNamespace   = errors.New("there is no such namespace")
	ErrUnsupported        = errors.New("this way of connecting is not offered")
	ErrTooFast            = errors.New("messages come faster than allowed")
	ErrTooManyConnections = errors.New("too many connections from one address")
	ErrHandshakeTimeout   = errors.New("the client did not say who it is in time")
	ErrOriginForbidden    = errors.New("pages of this origin may not connect")
	ErrNotJoined          = errors.New("join the class first")
	ErrAlreadyJoined      = errors.New("this connection has joined already")
	ErrTimedOut           = errors.New("the request took too long")
)

// What identification answers. Whoever identifies a person wraps its own
// errors with these.
var (
	ErrNoIdentity      = errors.New("neither a log-in nor a join token was given")
	ErrTokenForged     = errors.New("the token was not issued by this server or was changed")
	ErrTokenExpired    = errors.New("the token has expired")
	ErrTokenNotYet     = errors.New("the token is not valid yet")
	ErrTokenOtherClass = errors.New("the token is for another class")
	ErrTokenUsed       = errors.New("the one-time token was used before")
	ErrKeyInvalid      = errors.New("the API key is unknown, revoked or expired")
	ErrScopeMissing    = errors.New("the API key may not do this")
	ErrNameNeeded      = errors.New("an invitation needs a name")
)

// What the doors for programs answer.
var (
	ErrMethod               = errors.New("the address does not take this method")
	ErrMediaType            = errors.New("the body is of a type that is not taken here")
	ErrInvalid              = errors.New("the request is readable but cannot be carried out")
	ErrPreconditionRequired = errors.New("If-Match is missing")
	ErrPreconditionFailed   = errors.New("If-Match names another version")
	ErrIdempotencyReused    = errors.New("the idempotency key came with another request before")
	ErrIdempotencyBusy      = errors.New("the request with this idempotency key is still being worked on")
)

// detailed carries words that are fit for the client behind a sentinel.
type detailed struct {
	error
	detail string
}

func (d *detailed) Error() string { return d.error.Error() + ": " + d.detail }
func (d *detailed) Unwrap() error { return d.error }

// WithDetail adds words to a sentinel of the table that a client may read,
// such as which field of a message is wrong. The words must not repeat what
// the client sent.
func WithDetail(sentinel error, detail string) error {
	return &detailed{error: sentinel, detail: detail}
}
