// Package rest is the door for programs: /api/v1, its OpenAPI document and a
// page that shows it to people.
//
// It owns one table of operations. The routes, the reading of parameters and
// bodies, the checks on them and the document all come from that table and
// from the Go types that it names, so none can differ from the others. It
// never decides what a class allows: each operation is a translation onto
// calls of classroom, files and auth. What a key may do is its scopes.
//
// Locks: limiter and stand-ins have one mutex each, held for map work only,
// taken with no other lock held. Close ends the stand-ins and waits for them.
package rest
