package udp

import "errors"

// ErrConfig is a value in Config that cannot be used.
var ErrConfig = errors.New("udp: bad configuration")

// ErrNoMarks says that this system marks no packets of single destinations.
var ErrNoMarks = errors.New("packets cannot be marked on this system")
