// Package classroom decides: who is in a class, who may do what, who
// presents, what the chat's next number is, and what must be remembered.
//
// It owns the loaded classes (Registry, Class), their participants and
// sessions, the numbering of chat, the one table of permissions, the wiring
// of a class's media, and the journal that brings all this into the Store.
//
// It never speaks to a network or a disk of its own: doors bring sessions
// in and take events out through an Outlet, a Store keeps what must outlive
// the process, and package pipeline moves the media. It never holds a
// class's mutex over I/O, over a call of the pipeline or over a wait.
//
// Lock order, outer first:
//
//	tab.media (one negotiation of a tab at a time)
//	Class.wireMu (making and connecting endpoints; pipeline calls are allowed)
//	Registry.mu
//	Class.mu (short; Outlet methods are called under it and must not block)
//
// Registry.startMu stands alone. A function that needs a lock held ends in
// Locked. Goroutines: three for each loaded class (journal, keeper, media),
// ended by Registry.Close, or when an empty class is dropped.
package classroom
