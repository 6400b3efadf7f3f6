package classroom

import (
	"context"
	"strings"
	"time"
)

// Times are kept as UTC milliseconds by both engines; a Store returns
// time.Time in UTC truncated to the millisecond, and the zero Time for
// "never".

// User is an account.
type User struct {
	ID           string
	Name         string // what one logs in with; unique without regard to case
	DisplayName  string
	Role         AccountRole
	PasswordHash string // PHC string, argon2id
	Language     string // "id", "en" or "" for the browser's
	Disabled     bool
	CreatedAt    time.Time
	Rev          int64 // compare-and-set: an update names the Rev it read
}

// LoginSession is one logged-in browser.
type LoginSession struct {
	ID        string // hash of the cookie's token, never the token
	UserID    string
	CreatedAt time.Time
	ExpiresAt time.Time
	UserAgent string
	Addr      string
}

// Lesson is the scheduled, stored thing; the live Class carries its ID.
type Lesson struct {
	ID        string
	Title     string
	OwnerID   string // User.ID, or "" when made from the command line without an owner
	CreatedAt time.Time
	StartsAt  time.Time // planned; zero when none was given
	Locked    bool      // no new participants
	EndedAt   time.Time // last time it was ended for all; zero while it may be joined freely
	Rev       int64

	// External is what another system calls it, "" for lessons made here. It
	// is unique among those that have not ended: once ended, such a lesson is
	// over for good and its name is free for the next.
	External string
	// Settings are that system's wishes; nil for none. They are never changed
	// in place: whoever changes them puts a new value here.
	Settings *Settings
	// Unsettled: it has ended, and who made it has not been told all yet.
	Unsettled bool
}

// Participant is a person in a class, the same one over every return:
// Key names the identity (account, personal join token, or guest browser).
type Participant struct {
	ID        string
	ClassID   string
	Key       string // unique with ClassID
	UserID    string
	Name      string
	Role      Role
	Base      Role // what its identity brought at the last join; Role differs after a hand-over or SetRole
	Removed   bool // removed by a moderator; may not come back
	FirstSeen time.Time
	LastSeen  time.Time
	Rev       int64
}

// botKey begins the Key of a program.
const botKey = "bot:"

// Bot reports whether p is a program that came by an API key.
func (p Participant) Bot() bool { return strings.HasPrefix(p.Key, botKey) }

// ChatKind tells the entries of a class's chat log apart.
type ChatKind string

// The kinds of chat entries. A deletion is an entry of its own, so that a
// client that resumes from a number hears of it too.
const (
	ChatMessage      ChatKind = "message"
	ChatPrivate      ChatKind = "private"
	ChatAnnouncement ChatKind = "announcement"
	ChatDeletion     ChatKind = "deletion"
)

// ChatEntry is one numbered line of a class's chat log. {ClassID, Seq} is
// unique, and so is {ClassID, FromID, ClientID} where ClientID is not empty:
// a message sent again after a lost line is stored once.
type ChatEntry struct {
	ClassID  string
	Seq      int64 // 1, 2, 3 ... in each class
	Kind     ChatKind
	FromID   string // Participant.ID
	FromName string
	FromRole Role
	ToID     string // private: Participant.ID of the receiver
	ToName   string
	Text     string // "" once deleted
	ClientID string // chosen by the sender's page
	At       time.Time
	Target   int64 // deletion: the Seq that was deleted
	Deleted  bool  // the entry's text was removed by a later deletion
}

// VisibleTo reports whether participant id may see e.
func (e *ChatEntry) VisibleTo(id string) bool {
	return e.ToID == "" || e.ToID == id || e.FromID == id
}

// FileInfo is one shared file; its bytes lie on disk under Hash.
type FileInfo struct {
	ID        string
	ClassID   string
	OwnerID   string // Participant.ID
	OwnerName string
	Name      string // safe for display and download
	Size      int64
	Type      string // sniffed media type
	Hash      string // SHA-256, hex
	CreatedAt time.Time
}

// Upload is a file on its way; its bytes so far lie on disk under ID.
type Upload struct {
	ID        string
	ClassID   string
	OwnerID   string
	OwnerName string
	Name      string
	Size      int64
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Attendance is one stay of a participant. LeftAt is zero while it lasts;
// LastSeen moves on while it does, so that a crash ends a stay at most one
// heartbeat late.
type Attendance struct {
	ID            string
	ClassID       string
	ParticipantID string
	Name          string
	Role          Role
	JoinedAt      time.Time
	LastSeen      time.Time
	LeftAt        time.Time
}

// ChatQuery selects a page of a chat log as one participant sees it
// (private entries of others are left out), always in rising Seq order.
type ChatQuery struct {
	ClassID string
	For     string // Participant.ID
	After   int64  // only Seq > After
	Before  int64  // only Seq < Before; 0 means no bound
	Last    bool   // with Limit: the newest ones in the range instead of the oldest
	Limit   int
}

// Store keeps what must outlive the process. Every method is one atomic
// step on one document; methods named Put insert, Update compares Rev and
// sets Rev+1. Errors are ErrNotFound, ErrExists, ErrConflict (Rev was not
// the stored one), ErrStoreUnavailable (try again later) or ErrStoreFull.
type Store interface {
	PutUser(ctx context.Context, u User) error // ErrExists on ID or Name
	UpdateUser(ctx context.Context, u User) (User, error)
	User(ctx context.Context, id string) (User, error)
	UserByName(ctx context.Context, name string) (User, error)
	Users(ctx context.Context) ([]User, error) // by name
	CountUsers(ctx context.Context) (int, error)

	PutLoginSession(ctx context.Context, s LoginSession) error
	LoginSession(ctx context.Context, id string) (LoginSession, error) // an expired one is ErrNotFound
	LoginSessions(ctx context.Context, userID string) ([]LoginSession, error)
	DeleteLoginSession(ctx context.Context, id string) error // absent is no error
	DeleteLoginSessionsOf(ctx context.Context, userID, exceptID string) error

	PutLesson(ctx context.Context, l Lesson) error // ErrExists on ID, or on External while that one has not ended
	UpdateLesson(ctx context.Context, l Lesson) (Lesson, error)
	Lesson(ctx context.Context, id string) (Lesson, error)
	Lessons(ctx context.Context, ownerID string) ([]Lesson, error) // "" lists all; newest first

	PutParticipant(ctx context.Context, p Participant) error // ErrExists on ID or {ClassID, Key}
	UpdateParticipant(ctx context.Context, p Participant) (Participant, error)
	Participant(ctx context.Context, classID, id string) (Participant, error)
	ParticipantByKey(ctx context.Context, classID, key string) (Participant, error)
	Participants(ctx context.Context, classID string) ([]Participant, error)
	LessonsJoinedBy(ctx context.Context, userID string) ([]Lesson, error) // newest first
	// LessonByExternal finds the one that has not ended or, where all have, the newest.
	LessonByExternal(ctx context.Context, external string) (Lesson, error)
	OpenLessons(ctx context.Context) ([]Lesson, error)      // with External, not ended; newest first
	UnsettledLessons(ctx context.Context) ([]Lesson, error) // newest first

	// AppendChat stores entries of one class in one step where the engine
	// can, otherwise in order. Entries that are already there to the letter
	// count as stored, so a batch may be repeated after an unclear failure.
	// A deletion also blanks its target's text.
	AppendChat(ctx context.Context, entries []ChatEntry) error
	Chat(ctx context.Context, q ChatQuery) ([]ChatEntry, error)
	ChatEntry(ctx context.Context, classID string, seq int64) (ChatEntry, error)
	ChatByClientID(ctx context.Context, classID, fromID, clientID string) (ChatEntry, error)
	LastChatSeq(ctx context.Context, classID string) (int64, error) // 0 when empty

	PutFile(ctx context.Context, f FileInfo) error
	File(ctx context.Context, classID, id string) (FileInfo, error)
	Files(ctx context.Context, classID string) ([]FileInfo, error) // oldest first
	DeleteFile(ctx context.Context, classID, id string) error      // ErrNotFound when absent
	FilesWithHash(ctx context.Context, hash string) (int, error)
	PutUpload(ctx context.Context, u Upload) error
	Upload(ctx context.Context, id string) (Upload, error)
	Uploads(ctx context.Context, classID string) ([]Upload, error) // "" lists all
	DeleteUpload(ctx context.Context, id string) error             // absent is no error

	PutAttendance(ctx context.Context, a Attendance) error
	TouchAttendance(ctx context.Context, ids []string, seen time.Time) error
	EndAttendance(ctx context.Context, id string, left time.Time) error
	Attendance(ctx context.Context, classID string) ([]Attendance, error) // by JoinedAt
	// EndOpenAttendance closes every stay still open (after a crash) at its LastSeen.
	EndOpenAttendance(ctx context.Context) error

	OutboxStore

	// Setting and friends keep small values such as signing keys.
	Setting(ctx context.Context, key string) ([]byte, error)
	// PutSettingOnce stores value unless key exists, and returns what is stored.
	PutSettingOnce(ctx context.Context, key string, value []byte) ([]byte, error)
	// DeleteSetting returns ErrNotFound when absent: of two racers one wins.
	DeleteSetting(ctx context.Context, key string) error

	KeyStore

	// Sweep removes what expired before now (log-ins, one-time tokens that were
	// used, idempotency keys) and returns how much.
	Sweep(ctx context.Context, now time.Time) (int, error)
	Ping(ctx context.Context) error
	Close() error
}
