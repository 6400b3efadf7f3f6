package classroom

import (
	"time"

	"kelas/pipeline"
)

// Identity says who comes, as the door has verified it.
type Identity struct {
	Key    string // the same for every return: "user:ID", "token:JTI", "guest:HASH", "bot:ID"
	UserID string // User.ID, "" for guests
	Name   string
	Role   Role
	Guest  bool // the lesson's guest policy is for it
}

// Outlet takes a session's events to its page. Neither method blocks, and
// both are called with the class locked: they must not call back into the
// session.
type Outlet interface {
	// Deliver queues e. False means that the outlet is full or closed; the
	// class then closes it and treats the line as cut.
	Deliver(e Event) bool
	// Close ends the connection because of reason. It is called at most
	// once, and not after Session.Disconnected or Session.Leave.
	Close(reason error)
}

// JoinRequest asks for a place in a class.
type JoinRequest struct {
	ClassID      string
	Identity     Identity
	SessionToken string // Joined.SessionToken of before, to resume that session
	LastSeq      int64  // the newest chat entry the page has, 0 for none
	Outlet       Outlet
	UserAgent    string
	Addr         string
}

// ClassSummary is what a list of classes shows of a live one.
type ClassSummary struct {
	LiveSince  time.Time // zero while nobody presents
	People     int
	Presenting string // name of the presenter, "" while nobody presents
	// PresenterKey is the presenter's Participant.Key.
	PresenterKey string
}

// Publishing says what a presenter's page has switched on.
type Publishing struct{ Mic, Camera, Screen, ScreenAudio bool }

// ChatRequest is a message to be sent.
type ChatRequest struct {
	Kind     ChatKind // message, private or announcement
	To       string   // private: Participant.ID
	Text     string
	ClientID string // printable ASCII, at most 64 bytes; the same one again is the same message
}

// EndpointFigures are the figures of a session's own endpoints; nil where
// there is none.
type EndpointFigures struct {
	Presenter, Viewer *pipeline.EndpointStats
}
