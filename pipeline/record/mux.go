package record

import (
	"fmt"
	"time"
)

// clusterLength is how much of the recording is in memory only: what a crash takes.
const clusterLength = 500 * time.Millisecond

// sample is a frame with its place in the file.
type sample struct {
	kind     Kind
	at       time.Duration // since the start of the file
	duration time.Duration // 0: until the next one
	early    time.Duration // by which it is shown before at, which is then its place in the order of decoding
	key      bool
	data     []byte
}

// muxer writes one file. Samples of one kind come in the order of their times; the kinds may be a second apart.
type muxer interface {
	// addVideo declares the pictures of a file that was begun without.
	addVideo(f form) error
	write(s sample) error
	// flush hands all that it holds to the file.
	flush() error
	// close makes the file seekable, after a failure as far as that goes. The file itself stays open.
	close() error
}

// newMuxer begins a file. Either form may be unknown, not both.
func newMuxer(c Container, f File, sound, pictures form) (muxer, error) {
	if c == MP4 {
		return newMP4(f, sound, pictures)
	}
	return newMatroska(f, c == WebM, sound, pictures)
}

// output is the file that a muxer writes, up to the first failure.
type output struct {
	file   File
	at     int64 // where the next write goes
	failed error
}

// append writes all of b, or nothing: half a cluster is what players complain of.
func (o *output) append(b []byte) error {
	if o.failed != nil {
		return o.failed
	}
	if _, err := o.file.WriteAt(b, o.at); err != nil {
		_ = o.file.Truncate(o.at) // the first error is the one that matters
		o.failed = fmt.Errorf("writing the recording: %w", err)
		return o.failed
	}
	o.at += int64(len(b))
	return nil
}

// patch writes over what is there.
func (o *output) patch(b []byte, at int64) error {
	if o.failed != nil {
		return o.failed
	}
	if _, err := o.file.WriteAt(b, at); err != nil {
		o.failed = fmt.Errorf("writing the recording's head: %w", err)
	}
	return o.failed
}
