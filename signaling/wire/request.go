package wire

// Handshake says who connects and to which class: the query of the URL, or
// the auth payload of a 4.x client, or both (then auth counts). A browser
// that is logged in or has its seat cookie gives the class alone.
type Handshake struct {
	Class string `json:"class,omitempty"`
	Token string `json:"token,omitempty"`
	Name  string `json:"name,omitempty"`
}

// JoinRequest enters the class, or goes on with a session.
type JoinRequest struct {
	Session string `json:"session,omitempty"` // of an earlier joined event
	LastSeq int64  `json:"lastSeq,omitempty"` // the last chat entry the client has
}

// OfferRequest is the body of presenter and viewer.
type OfferRequest struct {
	SDPOffer string `json:"sdpOffer"`
	Endpoint string `json:"endpoint,omitempty"` // given again: renegotiate, restart ICE
}

// Candidate is an RTCIceCandidateInit.
type Candidate struct {
	Candidate     string  `json:"candidate"`
	SDPMid        string  `json:"sdpMid"`
	SDPMLineIndex *uint16 `json:"sdpMLineIndex,omitempty"`
}

// CandidateRequest is one candidate of one endpoint, in either direction.
type CandidateRequest struct {
	Endpoint  string    `json:"endpoint"` // presenter or viewer
	Candidate Candidate `json:"candidate"`
}

// PublishRequest says what the presenter has switched on.
type PublishRequest struct {
	Mic         bool `json:"mic"`
	Camera      bool `json:"camera"`
	Screen      bool `json:"screen"`
	ScreenAudio bool `json:"screenAudio"`
}

// StopRequest ends one endpoint; presenter when none is named.
type StopRequest struct {
	Endpoint string `json:"endpoint,omitempty"`
}

// QualityRequest says what a viewer wants to be sent.
type QualityRequest struct {
	Quality string `json:"quality"` // automatic, low, soundOnly
}

// ChatRequest sends a message.
type ChatRequest struct {
	Kind     string `json:"kind,omitempty"` // message (default), private, announcement
	To       string `json:"to,omitempty"`   // private: the receiver
	Text     string `json:"text"`
	ClientID string `json:"clientId,omitempty"` // chosen by the client; the same again is stored once
}

// SeqRequest names a chat entry.
type SeqRequest struct {
	Seq int64 `json:"seq"`
}

// HistoryRequest asks for older chat.
type HistoryRequest struct {
	Before int64 `json:"before,omitempty"` // entries below this number; 0: the newest
	Limit  int   `json:"limit,omitempty"`  // 0: the server's page
}

// HandOverRequest offers the presenting to a participant.
type HandOverRequest struct {
	To string `json:"to"`
}

// RoleRequest gives a participant another role.
type RoleRequest struct {
	Participant string `json:"participant"`
	Role        string `json:"role"`
}

// ParticipantRequest names a participant.
type ParticipantRequest struct {
	Participant string `json:"participant"`
}

// LockRequest locks or opens the class.
type LockRequest struct {
	Locked bool `json:"locked"`
}

// PresenceRequest says whether the tab is looked at.
type PresenceRequest struct {
	Away bool `json:"away"`
}

// FileRequest names a file.
type FileRequest struct {
	ID string `json:"id"`
}

// AdmitRequest lets in who waits in the lobby, or turns it away.
type AdmitRequest struct {
	ID string `json:"id"` // of the wait
	In bool   `json:"in"`
}

// EmptyRequest is the body of events that say all by their name.
type EmptyRequest struct{}

// Validate names the first member that is missing or out of range. What a
// class decides (roles, lengths, permissions) is not checked here.

func (r *JoinRequest) Validate() error { return atLeast("lastSeq", r.LastSeq, 0) }

func (r *OfferRequest) Validate() error { return given("sdpOffer", r.SDPOffer) }

func (r *CandidateRequest) Validate() error { return endpoint(r.Endpoint) }

func (r *StopRequest) Validate() error {
	if r.Endpoint == "" {
		return nil
	}
	return endpoint(r.Endpoint)
}

func (r *QualityRequest) Validate() error {
	switch r.Quality {
	case "automatic", "low", "soundOnly":
		return nil
	}
	return &FieldError{Field: "quality", Problem: `must be "automatic", "low" or "soundOnly"`}
}

func (r *ChatRequest) Validate() error {
	switch r.Kind {
	case "", "message", "announcement":
	case "private":
		return given("to", r.To)
	default:
		return &FieldError{Field: "kind", Problem: `must be "message", "private" or "announcement"`}
	}
	return nil
}

func (r *SeqRequest) Validate() error { return atLeast("seq", r.Seq, 1) }

func (r *HistoryRequest) Validate() error {
	if err := atLeast("before", r.Before, 0); err != nil {
		return err
	}
	return atLeast("limit", int64(r.Limit), 0)
}

func (r *HandOverRequest) Validate() error { return given("to", r.To) }

func (r *RoleRequest) Validate() error {
	if err := given("participant", r.Participant); err != nil {
		return err
	}
	switch r.Role {
	case "presenter", "moderator", "viewer":
		return nil
	}
	return &FieldError{Field: "role", Problem: `must be "presenter", "moderator" or "viewer"`}
}

func (r *ParticipantRequest) Validate() error { return given("participant", r.Participant) }

func (r *AdmitRequest) Validate() error { return given("id", r.ID) }

func (r *FileRequest) Validate() error { return given("id", r.ID) }

func given(field, value string) error {
	if value == "" {
		return &FieldError{Field: field, Problem: "is missing"}
	}
	return nil
}

func atLeast(field string, value, least int64) error {
	if value >= least {
		return nil
	}
	if least == 0 {
		return &FieldError{Field: field, Problem: "must not be negative"}
	}
	return &FieldError{Field: field, Problem: "must be 1 or more"}
}

func endpoint(v string) error {
	if v == EndpointPresenter || v == EndpointViewer {
		return nil
	}
	return &FieldError{Field: "endpoint", Problem: `must be "presenter" or "viewer"`}
}
