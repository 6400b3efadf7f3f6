package classroom

import (
	"context"
	"strconv"
	"time"
)

// The types of a Happening. A lesson is on from the first one's coming in
// until the class is ended for all or has been empty for Config.UnloadAfter;
// a server that restarts in between does not end it. Private messages and the
// deletion of one are nobody's business outside.
const (
	LessonStarted     = "lesson.started"
	LessonEnded       = "lesson.ended" // Reason: ended, empty
	ParticipantCame   = "participant.joined"
	ParticipantWent   = "participant.left" // Reason: left, lost, removed, ended, closing
	PresentingStarted = "presenting.started"
	PresentingStopped = "presenting.stopped" // Reason as in StopCommunication
	ChatSent          = "chat.message"
	ChatRemoved       = "chat.deleted"
	FileShared        = "file.added"
	FileDeleted       = "file.removed"
)

// HappeningTypes lists all of them.
func HappeningTypes() []string {
	return []string{LessonStarted, LessonEnded, ParticipantCame, ParticipantWent, PresentingStarted, PresentingStopped,
		ChatSent, ChatRemoved, FileShared, FileDeleted}
}

// Happening is something in a class that somebody outside may want to hear of.
type Happening struct {
	ID      string // the same however often it is told
	Type    string
	ClassID string
	Title   string // of the lesson
	OwnerID string // of the lesson; "" for none
	At      time.Time
	Since   time.Time // when the lesson began; zero when none is on
	Reason  string

	Participant *Participant // who came, went, presents or presented
	Chat        *ChatEntry   // a message, or a deletion and its Target
	File        *FileInfo    // of a removed one only the ID and class, where no more is known
}

// Observer hears what happens in classes, in order for each class, and only
// what the store has: after a crash what was not told yet is told, and a few
// things again, with the IDs they had.
type Observer interface {
	// Wants reports whether happenings of a class are of interest. It is
	// called with the class locked and must not block.
	Wants(classID string) bool
	// Happened keeps the list where it outlives the process. An error is
	// tried again, by the rules of the journal.
	Happened(ctx context.Context, list []Happening) error
}

// Observe adds an observer. It must come before the first class is loaded.
func (r *Registry) Observe(o Observer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.observers = append(r.observers, o)
}

// wanted is called with a class locked; observers do not change any more then.
func (r *Registry) wanted(classID string) bool {
	for _, o := range r.observers {
		if o.Wants(classID) {
			return true
		}
	}
	return false
}

func (r *Registry) tell(ctx context.Context, list []Happening) error {
	for _, o := range r.observers {
		if err := o.Happened(ctx, list); err != nil {
			return err
		}
	}
	return nil
}

// happeningID names what happened once in a class at a time.
func happeningID(kind, classID string, at time.Time) string {
	return kind + ":" + classID + ":" + strconv.FormatInt(at.UnixMilli(), 10)
}

func chatHappening(e ChatEntry) (Happening, bool) {
	h := Happening{Type: ChatSent, ID: "chat:" + e.ClassID + ":" + strconv.FormatInt(e.Seq, 10), ClassID: e.ClassID, At: e.At, Chat: &e}
	if e.Kind == ChatDeletion {
		h.Type = ChatRemoved
	}
	return h, e.ToID == "" && e.Kind != ChatPrivate
}

func cameHappening(stay Attendance, p Participant) Happening {
	return Happening{Type: ParticipantCame, ID: "joined:" + stay.ID, ClassID: stay.ClassID, At: stay.JoinedAt, Participant: &p}
}

func wentHappening(stay Attendance, p Participant, reason string) Happening {
	return Happening{Type: ParticipantWent, ID: "left:" + stay.ID, ClassID: stay.ClassID, At: stay.LeftAt, Participant: &p, Reason: reason}
}

func fileHappening(f FileInfo) Happening {
	return Happening{Type: FileShared, ID: "file:" + f.ID, ClassID: f.ClassID, At: f.CreatedAt, File: &f}
}

func startedHappening(classID string, since time.Time) Happening {
	return Happening{Type: LessonStarted, ID: happeningID("started", classID, since), ClassID: classID, At: since}
}

func endedHappening(classID string, since, at time.Time, reason string) Happening {
	return Happening{Type: LessonEnded, ID: happeningID("ended", classID, since), ClassID: classID, At: at, Reason: reason}
}
