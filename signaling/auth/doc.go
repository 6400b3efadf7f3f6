// Package auth answers who somebody is: accounts with passwords and login
// sessions, signed join tokens and seats, and protection of forms against
// requests from other sites.
//
// It owns the passwords (argon2id, with bounded memory), the limits on
// guessing, the signing key's use and the rules by which a request becomes an
// Identity in a class (Gate). It never renders a page, never decides what a
// role may do in a class, and imports nothing of ours: the store it needs is
// the small interface Store, and roles are plain strings.
//
// Locks: limiter has one mutex, held for map work only, taken with no other
// lock held but Signer.reloading, which is held over one reading of the keys
// (bounded by ringPatience) and taken with none held. Nothing here starts a
// goroutine.
package auth
