package wire

// Times are milliseconds since 1970 UTC; 0 is never. Lists are never null.

// Fault is an error as a client reads it; PROTOCOL.md lists the codes.
type Fault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// ErrorEvent tells of a request that failed and whose answer was not asked
// for, or why the connection is about to be closed.
type ErrorEvent struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Event   string `json:"event,omitempty"` // of the request
}

// Participant is one line of the roster.
type Participant struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Role       string `json:"role"`     // presenter, moderator, viewer
	Presence   string `json:"presence"` // here, away, lost
	Media      bool   `json:"media"`
	Presenting bool   `json:"presenting"`
	Bot        bool   `json:"bot,omitempty"` // a program
	JoinedAt   int64  `json:"joinedAt"`
}

// Slot says what one of the places of a viewer shows.
type Slot struct {
	Slot        string `json:"slot"`
	Participant string `json:"participant"` // "" when empty
	Live        bool   `json:"live"`
	Codec       string `json:"codec"`             // "" while not known
	Encoder     bool   `json:"encoder,omitempty"` // it comes from an encoder, not from the presenter's page
}

// Class is the state of the class.
type Class struct {
	ID                 string `json:"id"`
	Title              string `json:"title"`
	Locked             bool   `json:"locked"`
	LiveSince          int64  `json:"liveSince"`          // 0 while nobody presents
	Presenter          string `json:"presenter"`          // "" while nobody presents
	PresenterLostUntil int64  `json:"presenterLostUntil"` // the class waits for a cut line until then
	Slots              []Slot `json:"slots"`

	EndsAt        int64 `json:"endsAt,omitempty"`        // it ends by itself then
	StartMuted    bool  `json:"startMuted,omitempty"`    // a presenter begins with its microphone off
	NoPublicChat  bool  `json:"noPublicChat,omitempty"`  // viewers may not write to all
	NoPrivateChat bool  `json:"noPrivateChat,omitempty"` // nor to each other
}

// Waiting is somebody in the lobby.
type Waiting struct {
	ID    string `json:"id"` // of this wait
	Name  string `json:"name"`
	Since int64  `json:"since"`
}

// The lobby, for those who may let people in.
type (
	LobbyEvent struct {
		Waiting []Waiting `json:"waiting"`
	}
	LobbyEnteredEvent struct {
		Waiting Waiting `json:"waiting"`
	}
	LobbyLeftEvent struct {
		ID string `json:"id"`
	}
)

// EmptyEvent is the body of events that say all by their name.
type EmptyEvent struct{}

// Person is the sender of a chat entry.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role,omitempty"`
}

// Entry is one numbered line of the chat.
type Entry struct {
	Seq      int64   `json:"seq"`
	Kind     string  `json:"kind"` // message, private, announcement, deletion
	From     Person  `json:"from"`
	To       *Person `json:"to,omitempty"` // private
	Text     string  `json:"text"`         // "" once deleted
	ClientID string  `json:"clientId,omitempty"`
	At       int64   `json:"at"`
	Deleted  bool    `json:"deleted,omitempty"`
	Target   int64   `json:"target,omitempty"` // deletion: the entry that was deleted
}

// FileInfo is one shared file.
type FileInfo struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Size       int64  `json:"size"`
	Type       string `json:"type"`
	Hash       string `json:"hash"` // SHA-256, hex
	Owner      Person `json:"owner"`
	At         int64  `json:"at"`
	URL        string `json:"url"`
	PreviewURL string `json:"previewUrl,omitempty"`
}

// IceServer goes into an RTCConfiguration as it is.
type IceServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Limits are what a client must keep to.
type Limits struct {
	MessageBytes int   `json:"messageBytes"`
	ChatMaxRunes int   `json:"chatMaxRunes"`
	FileMaxSize  int64 `json:"fileMaxSize"`
}

// JoinedEvent is the whole picture at the moment of joining; only news
// follows.
type JoinedEvent struct {
	Session      string        `json:"session"`
	Seat         string        `json:"seat,omitempty"` // of a guest without cookies
	Resumed      bool          `json:"resumed"`
	You          Participant   `json:"you"`
	Class        Class         `json:"class"`
	Participants []Participant `json:"participants"`
	Chat         []Entry       `json:"chat"`
	ChatMore     bool          `json:"chatMore"`
	StoredSeq    int64         `json:"storedSeq"`
	Files        []FileInfo    `json:"files"`
	IceServers   []IceServer   `json:"iceServers"`
	Limits       Limits        `json:"limits"`
	Welcome      string        `json:"welcome,omitempty"` // plain text
	Lobby        []Waiting     `json:"lobby,omitempty"`   // for those who may let people in
}

// OfferResponse is the body of presenterResponse and viewerResponse.
type OfferResponse struct {
	Response  string `json:"response"` // accepted, rejected
	SDPAnswer string `json:"sdpAnswer,omitempty"`
	Endpoint  string `json:"endpoint,omitempty"`
	Code      string `json:"code,omitempty"`    // rejected
	Message   string `json:"message,omitempty"` // rejected
}

// MediaStateEvent tells how the session's own endpoint is doing.
type MediaStateEvent struct {
	Endpoint string `json:"endpoint"`
	State    string `json:"state"` // connecting, connected, disconnected, failed
}

// SlotsEvent says what all slots show.
type SlotsEvent struct {
	Slots []Slot `json:"slots"`
}

// SlotUnplayableEvent says that this client cannot play what a slot is sent.
type SlotUnplayableEvent struct {
	Slot      string   `json:"slot"`
	Codec     string   `json:"codec"`
	Supported []string `json:"supported"`
}

// LayerEvent says what this viewer is sent in a slot.
type LayerEvent struct {
	Slot     string `json:"slot"`
	Layer    string `json:"layer"`    // RID, "" without simulcast or while nothing is sent
	Temporal int    `json:"temporal"` // highest temporal layer, -1: all
	Paused   string `json:"paused"`   // "", line, choice
}

// LayersWantedEvent says which encodings of a presenter's source anybody wants.
type LayersWantedEvent struct {
	Slot   string   `json:"slot"`
	Layers []string `json:"layers"`
}

// StopCommunicationEvent says that the presenter stopped, and why.
type StopCommunicationEvent struct {
	Reason string `json:"reason"`
}

// ParticipantEvent is the body of participantJoined and participantChanged.
type ParticipantEvent struct {
	Participant Participant `json:"participant"`
}

// ParticipantLeftEvent says who left, and why.
type ParticipantLeftEvent struct {
	ID     string `json:"id"`
	Reason string `json:"reason"` // left, lost, removed, ended
}

// ClassEvent is the class after a change.
type ClassEvent struct {
	Class Class `json:"class"`
}

// RoleEvent tells one participant its new role.
type RoleEvent struct {
	Role string `json:"role"`
}

// HandOverOfferedEvent asks its receiver to go live.
type HandOverOfferedEvent struct {
	By   string `json:"by"` // participant
	Name string `json:"name"`
}

// ChatEvent is a new entry.
type ChatEvent struct {
	Entry Entry `json:"entry"`
}

// ChatStoredEvent says that every entry up to Seq is in the store.
type ChatStoredEvent struct {
	Seq int64 `json:"seq"`
}

// ChatDelayedEvent says that entries wait for the store.
type ChatDelayedEvent struct {
	Waiting int `json:"waiting"`
}

// ChatFailedEvent tells an author that the store refused an entry for good.
type ChatFailedEvent struct {
	Seq      int64  `json:"seq"`
	ClientID string `json:"clientId,omitempty"`
}

// FileEvent is a new file.
type FileEvent struct {
	File FileInfo `json:"file"`
}

// FileRemovedEvent names a file that is gone.
type FileRemovedEvent struct {
	ID string `json:"id"`
}

// ServerClosingEvent announces a stop; RetryAfter is in milliseconds.
type ServerClosingEvent struct {
	RetryAfter int64 `json:"retryAfter"`
}
