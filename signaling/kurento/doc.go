// Package kurento is the door for applications written for Kurento: it speaks
// that server's JSON-RPC over a websocket, so that kurento-client works on
// Kelas when it is given another address.
//
// It owns the connections, the sessions that outlive them, the objects' names,
// tags, references and collection, and the table of types (table_*.go) that
// dispatch, argument checks, describe, getKmd and the README's lists all come
// from. It never moves media itself: each object stands for one of package
// pipeline. It knows nothing of classes.
//
// A request's way: the websocket's reader -> the connection's bounded queue ->
// its one working goroutine (strict order) -> the table -> package pipeline ->
// the bounded outbox -> the websocket's writer. An event's way: a subscriber
// of the pipeline's element -> the sessions that subscribed -> the outbox of
// the connection that used each session last.
//
// Lock order: Server.mu guards sessions, objects, references and
// subscriptions; nothing of the pipeline is called, nothing is read or written
// and no other lock but conn.mu and mailbox.mu is taken while it is held. The
// objects' own locks (webrtcObject.mu and so on) are never held together with
// it.
package kurento
