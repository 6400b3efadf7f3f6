// Package socket is the Socket.IO door: pages and other clients of Socket.IO
// 2.x and 4.x talk to their class through it.
//
// It owns the websocket connections, their limits, the order in which each
// is written to, and the translation between wire's messages and the
// classroom. It never decides who may do what (classroom does), never reads
// media, and knows no HTTP route but its own. github.com/googollee/go-socket.io
// is imported in library.go alone; what the rest knows of it is the
// interface link: id, auth, emit, close.
//
// A message's way in: gorilla/websocket -> conn (conn.go: size, rate, type)
// -> the library -> client (client.go) -> a handler of the table in
// handlers.go -> classroom. Its way out: classroom -> outbox (bounded) -> the
// outbox's emitting goroutine -> the library -> conn (translated) -> the
// conn's writing goroutine.
//
// Lock order: a class's lock, which the classroom holds while it calls
// outbox.Deliver and outbox.Close, comes before outbox.mu; outbox.mu, shelf.mu
// (encode.go), client.mu, Server.mu, addresses.mu and conn.mu are leaves: no
// other lock is taken and nothing is called while one of them is held.
package socket
