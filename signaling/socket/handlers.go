package socket

import (
	"context"
	"errors"
	"slices"

	"kelas/classroom"
	"kelas/signaling/fault"
	"kelas/signaling/wire"
)

// handler deals with one event. run returns the body of the acknowledgement,
// nil for the plain one.
type handler struct {
	run func(ctx context.Context, c *client, event string, body []byte) (any, error)
	// fail tells an error in the event's own way; nil means the error event.
	fail func(c *client, event string, err error)
	lane bool // in the order of the client's media messages
	last bool // the connection ends after the answer
}

// handlers is the table of all events that a client may send.
var handlers map[string]handler

func init() { // a literal would refer to itself through client
	handlers = map[string]handler{
		wire.Join:  {run: decoded(join)},
		wire.Leave: last(inClass(leave)),

		wire.Presenter:      media(inClass(present), rejected(wire.PresenterResponse)),
		wire.Viewer:         media(inClass(view), rejected(wire.ViewerResponse)),
		wire.OnIceCandidate: media(inClass(candidate), nil),
		wire.Publish:        media(inClass(publish), nil),
		wire.Stop:           media(inClass(stop), nil),
		wire.Quality:        media(inClass(quality), nil),
		wire.Stats:          inClass(stats),
		wire.IceServers:     inClass(servers),

		wire.Chat:        inClass(chat),
		wire.ChatDelete:  inClass(chatDelete),
		wire.ChatHistory: inClass(chatHistory),

		wire.HandOver: inClass(handOver),
		wire.TakeBack: inClass(takeBack),
		wire.SetRole:  inClass(setRole),
		wire.Remove:   inClass(remove),
		wire.Lock:     inClass(lock),
		wire.EndClass: inClass(endClass),
		wire.Admit:    inClass(admit),
		wire.Presence: inClass(presence),

		wire.Files:      inClass(listFiles),
		wire.FileDelete: inClass(fileDelete),
	}
}

// eventNames lists the events of the table, sorted.
func eventNames() []string {
	names := make([]string, 0, len(handlers))
	for name := range handlers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// call is a request of somebody who has joined.
type call struct {
	client  *client
	session *classroom.Session
	event   string
}

// inClass is a handler for clients that have joined, with its body read.
func inClass[T any](f func(ctx context.Context, c call, req *T) (any, error)) handler {
	return handler{run: decoded(func(ctx context.Context, c *client, event string, req *T) (any, error) {
		session, err := c.joinedSession()
		if err != nil {
			return nil, err
		}
		return f(ctx, call{client: c, session: session, event: event}, req)
	})}
}

func decoded[T any](f func(ctx context.Context, c *client, event string, req *T) (any, error)) func(context.Context, *client, string, []byte) (any, error) {
	return func(ctx context.Context, c *client, event string, body []byte) (any, error) {
		req := new(T)
		if err := wire.Decode(body, req); err != nil {
			return nil, unreadable(err)
		}
		return f(ctx, c, event, req)
	}
}

func media(h handler, fail func(c *client, event string, err error)) handler {
	h.lane, h.fail = true, fail
	return h
}

func last(h handler) handler {
	h.last = true
	return h
}

// unreadable lets the client know which member was wrong.
func unreadable(err error) error {
	var field *wire.FieldError
	if errors.As(err, &field) {
		return fault.WithDetail(fault.ErrBadMessage, field.Error())
	}
	return fault.ErrBadMessage
}
