package classroom

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kelas/pipeline"
)

// Session is one connected tab of a participant, or rather one line to it:
// after a resume the old line's methods return ErrSessionResumed and its
// Disconnected does nothing. All methods are safe for concurrent use; after
// the end they return the reason of it.
type Session struct {
	t    *tab
	line uint64
}

// checkLocked says why this line may not do a.
func (s *Session) checkLocked(a Action) error {
	if err := s.aliveLocked(); err != nil {
		return err
	}
	if !s.t.c.mayLocked(s.t.p, a) {
		return ErrNotAllowed
	}
	return nil
}

func (s *Session) aliveLocked() error {
	switch {
	case s.t.ended != nil:
		return s.t.ended
	case s.line != s.t.line:
		return ErrSessionResumed
	case s.t.c.closing:
		return ErrClosing
	}
	return nil
}

func (s *Session) check(a Action) error {
	c := s.t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.checkLocked(a)
}

func (s *Session) alive() error {
	c := s.t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.aliveLocked()
}

// ID names the session in logs; it is not its token.
func (s *Session) ID() string { return s.t.id }

// Participant is the session's participant as the roster shows it.
func (s *Session) Participant() ParticipantView {
	s.t.c.mu.Lock()
	defer s.t.c.mu.Unlock()
	return s.t.c.participantViewLocked(s.t.p)
}

// SetPresence says whether the tab is hidden.
func (s *Session) SetPresence(ctx context.Context, away bool) error {
	c := s.t.c
	c.lock()
	defer c.unlock()
	if err := s.aliveLocked(); err != nil {
		return err
	}
	s.t.away = away
	c.refreshLocked(s.t.p)
	return nil
}

// Files lists the files of the class, oldest first.
func (s *Session) Files(ctx context.Context) ([]FileInfo, error) {
	c := s.t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := s.aliveLocked(); err != nil {
		return nil, err
	}
	return slices.Clone(c.files), nil
}

// DeleteFile removes a file, for its owner or a moderator.
func (s *Session) DeleteFile(ctx context.Context, id string) error {
	c := s.t.c
	c.mu.Lock()
	err := s.aliveLocked()
	i := slices.IndexFunc(c.files, func(f FileInfo) bool { return f.ID == id })
	switch {
	case err != nil:
	case i < 0:
		err = ErrNoSuchFile
	case c.files[i].OwnerID == s.t.p.ID && c.mayLocked(s.t.p, ActDeleteOwnFile):
	case !c.mayLocked(s.t.p, ActDeleteAnyFile):
		err = ErrNotAllowed
	}
	c.mu.Unlock()
	if err != nil {
		return err
	}
	// Two who delete at once both end where they wanted to be.
	err = c.reg.files.Delete(ctx, c.id, id)
	if err != nil && !errors.Is(err, ErrNoSuchFile) && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("deleting the file: %w", err)
	}
	c.fileRemoved(id)
	return nil
}

// ICEServers are the servers for the page's RTCPeerConnection.
func (s *Session) ICEServers() []pipeline.ICEServer {
	m := s.t.c.reg.media
	if m == nil {
		return nil
	}
	return m.ICEServers(s.t.p.ID)
}

// Leave ends the session by choice, at once.
func (s *Session) Leave(ctx context.Context) {
	c := s.t.c
	c.lock()
	defer c.unlock()
	if s.t.ended != nil || s.line != s.t.line {
		return
	}
	if s.t.connected {
		s.t.connected = false // its outlet is the door's to close
		s.t.p.lastHere = c.reg.stamp()
	}
	c.endTabLocked(s.t, ErrSessionClosed, "left")
}

// Disconnected says that the line to the page was cut; the session waits
// ResumeWindow for it.
func (s *Session) Disconnected() {
	c := s.t.c
	c.lock()
	defer c.unlock()
	if s.t.ended == nil && s.line == s.t.line && s.t.connected {
		c.loseLocked(s.t)
	}
}
