package webhook

import "errors"

// ErrClosed is the answer of an Engine that was closed.
var ErrClosed = errors.New("the webhooks are closed")

// errParked: the subscription of a queue is switched off.
var errParked = errors.New("the webhook is switched off")
