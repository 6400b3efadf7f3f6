package classroom

import "time"

// Event is news for sessions. An Event value is shared by all sessions it
// goes to and is never changed after it was sent; a door encodes it once.
type Event interface{ event() }

// Presence says how reachable a participant is.
type Presence string

// Here: a visible tab. Away: connected, tab hidden. Lost: the line was cut
// and may come back.
const (
	Here Presence = "here"
	Away Presence = "away"
	Lost Presence = "lost"
)

// ParticipantView is a participant as the roster shows it.
type ParticipantView struct {
	ID         string
	Name       string
	Role       Role
	Presence   Presence
	Media      bool // its viewer or presenter endpoint is connected
	Presenting bool
	Bot        bool // a program
	JoinedAt   time.Time
}

// Slot names one fixed place in a viewer's page.
type Slot string

// The slots of a viewer, in the order of their m-lines (PROTOCOL.md).
const (
	SlotMic           Slot = "mic"
	SlotCamera        Slot = "camera"
	SlotScreen        Slot = "screen"
	SlotScreenAudio   Slot = "screenAudio"
	SlotSpeaker1Audio Slot = "speaker1Audio"
	SlotSpeaker1Video Slot = "speaker1Video"
	SlotSpeaker2Audio Slot = "speaker2Audio"
	SlotSpeaker2Video Slot = "speaker2Video"
)

// SlotView says what a slot shows. Live is the presenter's word (it has
// turned the source on); the media follows within a moment.
type SlotView struct {
	Slot          Slot
	ParticipantID string // "" when empty
	Live          bool
	Codec         string // MIME type once known, such as "video/VP8"
	Encoder       bool   // it comes from an encoder, not from the presenter's page
}

// ClassView is the state of a class as the page shows it.
type ClassView struct {
	ID          string
	Title       string
	Locked      bool
	LiveSince   time.Time // zero while nobody presents
	PresenterID string
	// PresenterLost: the presenter's line is cut; the class waits until then.
	PresenterLostUntil time.Time
	EndsAt             time.Time // when it ends by itself at the latest; zero when it does not
	StartMuted         bool      // a presenter begins with its microphone off
	NoPublicChat       bool      // viewers may not write to all
	NoPrivateChat      bool      // viewers may not write to each other
	Slots              []SlotView
}

// Joined is the answer to a join: a whole picture, after which only news follows.
type Joined struct {
	SessionToken string
	Resumed      bool // same session, media untouched
	You          ParticipantView
	Class        ClassView
	Participants []ParticipantView
	// Chat holds what came after JoinRequest.LastSeq (ChatMore is false then),
	// or the newest page when LastSeq is 0, too old or not known here; ChatMore
	// says that older ones exist before that page.
	Chat     []ChatEntry
	ChatMore bool
	// StoredSeq: entries up to here are in the store.
	StoredSeq int64
	Files     []FileInfo
	Welcome   string    // plain text; "" for none
	Lobby     []Waiting // who waits to be let in, for those who may
}

// The events of a class.
type (
	ParticipantJoined  struct{ Participant ParticipantView }
	ParticipantChanged struct{ Participant ParticipantView }
	ParticipantLeft    struct {
		ID     string
		Reason string // left, lost, removed, ended
	}
	ClassChanged struct{ Class ClassView } // lock, presenter, liveSince
	SlotsChanged struct{ Slots []SlotView }
	// SlotUnplayable goes to one viewer: what is sent cannot be played there.
	SlotUnplayable struct {
		Slot      Slot
		Codec     string   // what is sent
		Supported []string // what this viewer offered
	}
	// LayerChanged goes to one viewer: what it is sent in a slot.
	LayerChanged struct {
		Slot     Slot
		RID      string // "" without simulcast, or while nothing is sent
		Temporal int    // highest temporal layer that is sent, -1: all
		Paused   string // pipeline.PausedByLine, PausedByChoice or ""
	}
	// LayersWanted goes to the presenter: which encodings of a source any
	// viewer wants, the lowest first. It may stop the others.
	LayersWanted struct {
		Slot Slot
		RIDs []string
	}
	// StopCommunication: the presenter stopped; Reason is stopped, lost,
	// taken-back, handed-over, removed or ended; an encoder's session also
	// hears replaced, when another of the same participant took its place.
	StopCommunication struct{ Reason string }
	ChatAdded         struct{ Entry ChatEntry }
	// ChatStored: every entry up to Seq is in the store.
	ChatStored struct{ Seq int64 }
	// ChatDelayed: the store does not answer; messages are kept and tried again.
	ChatDelayed struct{ Waiting int }
	// ChatFailed tells the author that the store refused entry Seq for good;
	// a deletion of it follows for all who saw it.
	ChatFailed struct {
		Seq      int64
		ClientID string
	}
	FileAdded   struct{ File FileInfo }
	FileRemoved struct{ ID string }
	// IceCandidateFound is one candidate of the session's own endpoint.
	IceCandidateFound struct {
		Endpoint  EndpointRole
		Candidate IceCandidate
	}
	// MediaState tells a session about its own endpoint: connecting,
	// connected, disconnected (restart ICE now), failed, closed (by the other
	// side; a page knows that without being told).
	MediaState struct {
		Endpoint EndpointRole
		State    string
	}
	// RoleChanged tells one participant its new role.
	RoleChanged struct{ Role Role }
	// HandOverOffered asks the receiver to go live (its page asks the person).
	HandOverOffered struct{ ByID, ByName string }
	// ServerClosing: the server stops in a moment; come back to it.
	ServerClosing struct{ RetryAfter time.Duration }
)

// EndpointRole tells a session's two endpoints apart.
type EndpointRole string

// A session has at most one endpoint of each.
const (
	EndpointPresenter EndpointRole = "presenter"
	EndpointViewer    EndpointRole = "viewer"
	EndpointEncoder   EndpointRole = "encoder"
)

// IceCandidate is an RTCIceCandidateInit. An empty Candidate ends the list.
type IceCandidate struct {
	Candidate     string
	SDPMid        string
	SDPMLineIndex *uint16
}

func (ParticipantJoined) event()  {}
func (ParticipantChanged) event() {}
func (ParticipantLeft) event()    {}
func (ClassChanged) event()       {}
func (SlotsChanged) event()       {}
func (SlotUnplayable) event()     {}
func (LayerChanged) event()       {}
func (LayersWanted) event()       {}
func (StopCommunication) event()  {}
func (ChatAdded) event()          {}
func (ChatStored) event()         {}
func (ChatDelayed) event()        {}
func (ChatFailed) event()         {}
func (FileAdded) event()          {}
func (FileRemoved) event()        {}
func (IceCandidateFound) event()  {}
func (MediaState) event()         {}
func (RoleChanged) event()        {}
func (HandOverOffered) event()    {}
func (ServerClosing) event()      {}
