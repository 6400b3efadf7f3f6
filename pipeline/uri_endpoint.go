package pipeline

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
)

// UriEndpointState is Kurento's: what a recorder or a player was told last.
type UriEndpointState string

const (
	UriEndpointStop  UriEndpointState = "STOP"
	UriEndpointStart UriEndpointState = "START"
	UriEndpointPause UriEndpointState = "PAUSE"
)

// uriLoop is what runs from the start of a recording, or of playing, to its end.
type uriLoop interface {
	comparable
	run()
	// pause and stop are called with the endpoint's lock held.
	pause(on bool)
	stop()
}

// uriEndpoint is what recorders and players share. Its lock stands in doc.go as
// theirs.
type uriEndpoint[L uriLoop] struct {
	element
	server *Server
	uri    string

	releasing sync.Once
	loops     sync.WaitGroup

	mu       sync.Mutex
	released bool
	state    UriEndpointState // "": STOP
	loop     L                // the zero value while stopped
}

// URI is what the endpoint was made with.
func (e *uriEndpoint[L]) URI() string { return e.uri }

// State is what the endpoint was told last; STOP after an error, and after the
// end of the stream.
func (e *uriEndpoint[L]) State() UriEndpointState {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == "" {
		return UriEndpointStop
	}
	return e.state
}

func (e *uriEndpoint[L]) setStateLocked(s UriEndpointState) {
	if e.state != s {
		e.state = s
		e.events.emit(UriEndpointStateChanged{s})
	}
}

func (e *uriEndpoint[L]) current() L {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.loop
}

// begin goes on after Pause, and otherwise runs what open gives. The zero value
// is nothing: what prevents it has been told.
func (e *uriEndpoint[L]) begin(doing string, open func() L) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var none L
	switch {
	case e.released:
		return fmt.Errorf("%s: %w", doing, ErrReleased)
	case e.state == UriEndpointStart:
		return nil
	case e.loop != none:
		e.loop.pause(false)
	default:
		l := open()
		if l == none {
			return nil
		}
		e.loop = l
		e.loops.Go(l.run)
	}
	e.setStateLocked(UriEndpointStart)
	return nil
}

// Pause keeps the file open and the place in it until it goes on; what a
// recorder is sent meanwhile is left out. It does nothing to what has not been
// started.
func (e *uriEndpoint[L]) Pause() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.released {
		return fmt.Errorf("pausing: %w", ErrReleased)
	}
	if e.state != UriEndpointStart {
		return nil
	}
	e.loop.pause(true)
	e.setStateLocked(UriEndpointPause)
	return nil
}

// Stop ends it; what begins next begins anew. A recorder's event Stopped tells
// that the file is whole.
func (e *uriEndpoint[L]) Stop() error {
	_, err := e.halt()
	return err
}

// halt is Stop, and gives what was under way.
func (e *uriEndpoint[L]) halt() (L, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.released {
		var none L
		return none, fmt.Errorf("stopping: %w", ErrReleased)
	}
	return e.stopLocked(), nil
}

func (e *uriEndpoint[L]) stopLocked() (was L) {
	var none L
	if was = e.loop; was != none {
		e.loop = none
		was.stop()
		e.setStateLocked(UriEndpointStop)
	}
	return was
}

// endedLocked is for a loop that has ended by itself: the state is STOP before
// ev tells why, as in Kurento, so that whoever hears it can begin anew.
func (e *uriEndpoint[L]) endedLocked(l L, ev Event) {
	if e.loop == l {
		e.stopLocked()
	}
	e.events.emit(ev)
}

// Release ends what is under way properly, takes the endpoint out of the graph
// and waits.
func (e *uriEndpoint[L]) Release() {
	e.releasing.Do(func() {
		e.mu.Lock()
		e.released = true
		e.stopLocked()
		e.mu.Unlock()
		e.pipeline.detach(&e.element)
		e.loops.Wait()
		e.events.queue.close()
		e.server.returnElement()
	})
}

// MediaErrorType is the type of Kurento's Error event.
type MediaErrorType string

const (
	ResourceErrorOpen        MediaErrorType = "RESOURCE_ERROR_OPEN"
	ResourceErrorWrite       MediaErrorType = "RESOURCE_ERROR_WRITE"
	ResourceErrorNoSpaceLeft MediaErrorType = "RESOURCE_ERROR_NO_SPACE_LEFT"
	StreamErrorFailed        MediaErrorType = "STREAM_ERROR_FAILED"
	StreamErrorDecode        MediaErrorType = "STREAM_ERROR_DECODE"
)

// MediaError is what an Error event of a recorder or a player carries.
type MediaError struct {
	Type MediaErrorType
	Err  error
}

// Error is the text for people.
func (e *MediaError) Error() string { return e.Err.Error() }

// Unwrap is the cause.
func (e *MediaError) Unwrap() error { return e.Err }

// mediaError gives an error its type; what has one keeps it.
func mediaError(t MediaErrorType, err error) *MediaError {
	var typed *MediaError
	switch {
	case errors.As(err, &typed):
		return typed
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		t = ResourceErrorNoSpaceLeft
	}
	return &MediaError{t, err}
}

func wrapMedia(t MediaErrorType, doing string, err error) *MediaError {
	return mediaError(t, fmt.Errorf("%s: %w", doing, err))
}
