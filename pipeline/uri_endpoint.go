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

// uriEndpoint is what recorders and players share. Its lock stands in doc.go as
// theirs.
type uriEndpoint struct {
	element
	server *Server

	releasing sync.Once
	loops     sync.WaitGroup

	mu       sync.Mutex
	released bool
	state    UriEndpointState // "": STOP
}

// State is what the endpoint was told last; STOP after an error, and after the
// end of the stream.
func (e *uriEndpoint) State() UriEndpointState {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == "" {
		return UriEndpointStop
	}
	return e.state
}

func (e *uriEndpoint) setStateLocked(s UriEndpointState) {
	if e.state != s {
		e.state = s
		e.events.emit(UriEndpointStateChanged{s})
	}
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
