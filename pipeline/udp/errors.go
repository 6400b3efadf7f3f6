package udp

import "errors"

// ErrConfig is a value in Config that cannot be used.
var ErrConfig = errors.New("udp: bad configuration")
