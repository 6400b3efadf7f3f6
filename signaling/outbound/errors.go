package outbound

import "errors"

// What goes wrong before an answer comes.
var (
	ErrBadURL    = errors.New("the address is not a plain http or https URL")
	ErrForbidden = errors.New("the address lies in a network that this server may not call")
	ErrTooLarge  = errors.New("the answer is larger than allowed")
)
