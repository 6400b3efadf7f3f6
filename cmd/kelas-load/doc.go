// Command kelas-load measures a Kelas server, and beside it a plain forwarder
// built on pion, with real encoded media: one presenter, many light viewers,
// the real signaling.
//
// It owns the presenter, the viewers (crowd), the server it started itself
// (self, baseline) and the report. It never reaches into the server: what it
// knows of it comes over the protocol, from /metrics and from /proc.
//
// Locks: viewer.mu protects what one viewer has received and sends back; a
// viewer's lock is never held together with another one, and crowd.mu, which
// protects the list of viewers, is never taken while a viewer's is held.
package main
