package classroom

import (
	"context"
	"time"

	"kelas/pipeline"
)

// Registry owns the classes of this process.
type Registry struct{}

// FileShelf is what a class needs of the files; classroom/files has it.
type FileShelf interface {
	List(ctx context.Context, classID string) ([]FileInfo, error)
	Delete(ctx context.Context, classID, fileID string) error
}

// Identity says who comes, as the door has verified it.
type Identity struct {
	Key    string // the same for every return: "user:ID", "token:JTI", "guest:HASH"
	UserID string // User.ID, "" for guests
	Name   string
	Role   Role
}

// Outlet takes a session's events to its page. Neither method blocks, and
// both are called with the class locked: they must not call back into the
// session.
type Outlet interface {
	// Deliver queues e. False means that the outlet is full or closed; the
	// class then closes it and treats the line as cut.
	Deliver(e Event) bool
	// Close ends the connection because of reason. It is called once, and
	// not after Session.Disconnected or Session.Leave.
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
}

// RegistryStats are the figures of all loaded classes, and totals.
type RegistryStats struct {
	Classes, Participants, Sessions, SessionsLost int
	Presenters, Viewers                           int // endpoints
	ChatWaiting, RecordsWaiting                   int // for the store

	Joins, Resumes, OutletsLost        uint64
	ChatAccepted, ChatStored           uint64
	ChatRefusedByStore, JournalRetries uint64
	RecordsRefusedByStore              uint64
	PipelineErrors                     uint64
}

// EndpointFigures are the figures of a session's own endpoints; nil where
// there is none.
type EndpointFigures struct {
	Presenter, Viewer *pipeline.EndpointStats
}

// NewRegistry makes an empty registry and ends the stays that a crash left open.
func NewRegistry(cfg Config, d Deps) (*Registry, error) { return &Registry{}, cfg.Validate() }

// CreateLesson stores a new lesson. ownerID may be "".
func (r *Registry) CreateLesson(ctx context.Context, title, ownerID string) (Lesson, error) {
	return Lesson{}, ErrClosing
}

// Lesson returns a stored lesson; ErrClassNotFound when there is none.
func (r *Registry) Lesson(ctx context.Context, id string) (Lesson, error) {
	return Lesson{}, ErrClosing
}

// Lessons lists an owner's lessons, newest first; "" lists all.
func (r *Registry) Lessons(ctx context.Context, ownerID string) ([]Lesson, error) {
	return nil, ErrClosing
}

// LessonsJoinedBy lists the lessons in which a user took part, newest first.
func (r *Registry) LessonsJoinedBy(ctx context.Context, userID string) ([]Lesson, error) {
	return nil, ErrClosing
}

// Live says what goes on in a class; false when nobody is in it.
func (r *Registry) Live(classID string) (ClassSummary, bool) { return ClassSummary{}, false }

// Join brings a page into a class, or resumes its session. Events may reach
// the Outlet before Join returns; all of them are newer than Joined, so the
// door sends Joined first.
func (r *Registry) Join(ctx context.Context, req JoinRequest) (*Session, Joined, error) {
	return nil, Joined{}, ErrClosing
}

// Participant returns the participant with an identity's key.
// ErrRemoved when a moderator removed it, ErrNoSuchParticipant when it never joined.
func (r *Registry) Participant(ctx context.Context, classID, key string) (Participant, error) {
	return Participant{}, ErrClosing
}

// Attendance lists the stays of a class by their beginning.
func (r *Registry) Attendance(ctx context.Context, classID string) ([]Attendance, error) {
	return nil, ErrClosing
}

// Chat returns a page of the chat log as q.For sees it, whether or not the
// class is loaded.
func (r *Registry) Chat(ctx context.Context, q ChatQuery) ([]ChatEntry, error) {
	return nil, ErrClosing
}

// FileAdded tells the class of a new file; whoever finishes an upload calls it.
func (r *Registry) FileAdded(classID string, f FileInfo) {}

// FileRemoved tells the class that a file is gone.
func (r *Registry) FileRemoved(classID, fileID string) {}

// Stats returns the figures of now.
func (r *Registry) Stats() RegistryStats { return RegistryStats{} }

// Close tells all sessions, flushes the journals until ctx is done, closes
// every session with ErrClosing and releases the media.
func (r *Registry) Close(ctx context.Context) error { return nil }
