package whip

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"time"

	"kelas/classroom"
	"kelas/pipeline"
)

// session is one encoder or player.
type session struct {
	door   *Door
	kind   kind
	class  string
	as     classroom.EncoderPlace
	secret string
	token  [sha256.Size]byte // hash of the one it was made with
	made   time.Time
	in     *classroom.Session

	turn chan struct{} // holds one value while a PATCH goes on
	// Of whoever has the turn, and of post before anybody can find it.
	endpoint   string
	offer      string // the last one, for restarts
	etag       string
	ufrag, pwd string // of the client's present ICE session

	// Guarded by Door.mu.
	entered bool
	met     bool // media was connected
	over    bool
}

// outlet is the session as the class sees it: it takes all events and cares
// for few. Its methods are called with the class locked.
type outlet session

var _ classroom.Outlet = (*outlet)(nil)

// Deliver never refuses: nothing is queued.
func (o *outlet) Deliver(e classroom.Event) bool {
	switch e := e.(type) {
	case classroom.MediaState:
		switch pipeline.ConnectionState(e.State) {
		case pipeline.ConnectionConnected:
			o.door.mu.Lock()
			o.met = true
			o.door.mu.Unlock()
		case pipeline.ConnectionFailed, pipeline.ConnectionClosed: // consent has expired (RFC 7675), or DTLS said good-bye
			o.finish()
		}
	case classroom.StopCommunication:
		// To an encoder that has begun it is about itself.
		if o.kind == whip && (*session)(o).began() {
			o.finish()
		}
	}
	return true
}

// Close is the class's end of the session.
func (o *outlet) Close(error) { o.finish() }

// finish leaves the rest to the reaper: the class is locked here.
func (o *outlet) finish() {
	d := o.door
	d.mu.Lock()
	defer d.mu.Unlock()
	o.over = true
	if o.entered {
		d.ending = append(d.ending, (*session)(o))
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
}

func (s *session) began() bool {
	s.door.mu.Lock()
	defer s.door.mu.Unlock()
	return s.entered
}

// find is the session with an address.
func (d *Door) find(k kind, class, secret string) *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sessions[secret]
	if s == nil || s.kind != k || s.class != class || s.over {
		return nil
	}
	return s
}

// end takes a session out, once, and leaves the class.
func (d *Door) end(s *session, why string) {
	d.mu.Lock()
	there := d.sessions[s.secret] == s
	delete(d.sessions, s.secret)
	s.over = true
	d.mu.Unlock()
	if !there {
		return
	}
	s.in.Leave(context.Background())
	d.log.Info(string(s.kind)+" session ended", "class", s.class, "session", s.in.ID(), "why", why)
}

// mine: the request brings the token that the session was made with, which
// may have expired since.
func (s *session) mine(r *http.Request) error {
	token, err := bearer(r)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sum[:], s.token[:]) != 1 {
		return errOtherToken
	}
	return nil
}

// take waits for the turn.
func (s *session) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
