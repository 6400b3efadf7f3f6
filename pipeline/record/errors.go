package record

import "errors"

var (
	// ErrCodec says that a codec does not go into the container.
	ErrCodec = errors.New("the codec cannot be recorded in this kind of file")
	// ErrClosed says that the recording has been closed, or has failed.
	ErrClosed = errors.New("the recording is closed")

	// ErrFormat says that a file is none that is read, or holds nothing that can be sent on without decoding.
	ErrFormat = errors.New("the file cannot be played")
	// ErrDamaged says that a file contradicts itself.
	ErrDamaged = errors.New("the file is damaged")
	// ErrNotSeekable says that a file can only be read from its start to its end.
	ErrNotSeekable = errors.New("the file is not seekable")
)
