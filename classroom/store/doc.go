// Package store keeps a classroom's lasting things: accounts, logins,
// lessons, participants, chat, files' descriptions, attendance and a few
// settings. It is classroom.Store twice, on an embedded SQLite and on
// MongoDB, held together by one conformance suite in the folder storetest.
//
// It owns the schema, its migrations, the connections, and the translation
// of an engine's errors into classroom's. It never decides anything about a
// class, never keeps the bytes of files, and never falls back from one
// engine to the other.
//
// Lock order: statementCache.mu is a leaf; nothing is called while it is
// held but the preparation of one statement. MongoDB's side holds no lock.
package store
