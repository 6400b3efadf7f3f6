package viewer

import "errors"

var (
	errNotReady    = errors.New("the transport of this viewer is not up")
	errFingerprint = errors.New("the certificate is not the one of the offer")
	errNoProfile   = errors.New("no SRTP profile was agreed on")
	errGathering   = errors.New("no candidate was found in time")
)
