package classroom

import (
	"context"

	"kelas/pipeline"
)

// Session is one connected tab of a participant. All methods are safe for
// concurrent use; after its end they return ErrSessionClosed, or the reason.
type Session struct{}

// Publishing says what a presenter's page has switched on.
type Publishing struct{ Mic, Camera, Screen, ScreenAudio bool }

// ChatRequest is a message to be sent.
type ChatRequest struct {
	Kind     ChatKind // message, private or announcement
	To       string   // private: Participant.ID
	Text     string
	ClientID string // at most 64 bytes; the same one again is the same message
}

// ID names the session in logs; it is not its token.
func (s *Session) ID() string { return "" }

// Participant is the session's participant as the roster shows it.
func (s *Session) Participant() ParticipantView { return ParticipantView{} }

// Present negotiates the presenter's endpoint: endpointID "" makes a new one
// (and replaces an older one of this participant), otherwise that one is
// renegotiated, as for an ICE restart.
func (s *Session) Present(ctx context.Context, sdpOffer, endpointID string) (answer, id string, err error) {
	return "", "", ErrClosing
}

// View negotiates the session's viewer endpoint, like Present.
func (s *Session) View(ctx context.Context, sdpOffer, endpointID string) (answer, id string, err error) {
	return "", "", ErrClosing
}

// AddIceCandidate hands a candidate of the page to one of its endpoints.
func (s *Session) AddIceCandidate(ctx context.Context, endpoint EndpointRole, c IceCandidate) error {
	return ErrClosing
}

// Publish says which of the presenter's sources are switched on.
func (s *Session) Publish(ctx context.Context, p Publishing) error { return ErrClosing }

// StopPresenting ends the presenting of this session.
func (s *Session) StopPresenting(ctx context.Context) error { return ErrClosing }

// StopViewing releases the session's viewer endpoint.
func (s *Session) StopViewing(ctx context.Context) error { return ErrClosing }

// SendChat numbers a message and delivers it to all who may see it, the
// sender included. It is in the store once ChatStored says so. The same
// ClientID again returns the entry of before.
func (s *Session) SendChat(ctx context.Context, req ChatRequest) (ChatEntry, error) {
	return ChatEntry{}, ErrClosing
}

// DeleteChat removes the text of an entry, for its author or a moderator.
func (s *Session) DeleteChat(ctx context.Context, seq int64) error { return ErrClosing }

// History returns up to limit entries before seq (0: the newest), in rising
// order, and whether there are older ones.
func (s *Session) History(ctx context.Context, before int64, limit int) (entries []ChatEntry, more bool, err error) {
	return nil, false, ErrClosing
}

// HandOver gives the right to present to somebody who is in the class and
// stops who presents now.
func (s *Session) HandOver(ctx context.Context, participantID string) error { return ErrClosing }

// TakeBack stops who presents and takes a handed-over right back.
func (s *Session) TakeBack(ctx context.Context) error { return ErrClosing }

// SetRole gives somebody another role.
func (s *Session) SetRole(ctx context.Context, participantID string, role Role) error {
	return ErrClosing
}

// Remove puts somebody out of the class for good.
func (s *Session) Remove(ctx context.Context, participantID string) error { return ErrClosing }

// Lock keeps new participants out, or lets them in again.
func (s *Session) Lock(ctx context.Context, locked bool) error { return ErrClosing }

// EndClass ends the class for all.
func (s *Session) EndClass(ctx context.Context) error { return ErrClosing }

// SetPresence says whether the tab is hidden.
func (s *Session) SetPresence(ctx context.Context, away bool) error { return ErrClosing }

// Files lists the files of the class, oldest first.
func (s *Session) Files(ctx context.Context) ([]FileInfo, error) { return nil, ErrClosing }

// DeleteFile removes a file, for its owner or a moderator.
func (s *Session) DeleteFile(ctx context.Context, id string) error { return ErrClosing }

// ICEServers are the servers for the page's RTCPeerConnection.
func (s *Session) ICEServers() []pipeline.ICEServer { return nil }

// Stats returns the figures of the session's own endpoints.
func (s *Session) Stats(ctx context.Context) (EndpointFigures, error) {
	return EndpointFigures{}, ErrClosing
}

// Leave ends the session by choice, at once.
func (s *Session) Leave(ctx context.Context) {}

// Disconnected says that the line to the page was cut; the session waits
// ResumeWindow for it. A Session is one line: after a resume the old one's
// methods return ErrSessionResumed and its Disconnected does nothing.
func (s *Session) Disconnected() {}
