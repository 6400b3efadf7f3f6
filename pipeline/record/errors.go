package record

import "errors"

var (
	// ErrCodec says that a codec does not go into the container.
	ErrCodec = errors.New("the codec cannot be recorded in this kind of file")
	// ErrClosed says that the recording has been closed, or has failed.
	ErrClosed = errors.New("the recording is closed")
)
