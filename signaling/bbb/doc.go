// Package bbb is the door for a learning management system that speaks
// BigBlueButton's HTTP API: it reads its calls, checks their checksums and
// says in its XML what classroom decided.
//
// It owns the spelling: names of calls, parameters, error keys, the checksum
// and the XML. It never decides what a class may do or who may come in: each
// call is a few calls of classroom.Registry. Nothing is kept here but how
// many wrong checksums came from where.
package bbb
