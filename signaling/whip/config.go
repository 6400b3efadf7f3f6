package whip

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"kelas/classroom"
)

// Config of a Door. The zero value works.
type Config struct {
	MaxSessions    int           // WHIP and WHEP sessions together; 2000
	ConnectTimeout time.Duration // from the answer until media must be connected; 30 s
	RetryAfter     time.Duration // what a player is told while nobody is live, and everybody under load; 5 s
}

// Validate names the field that cannot be used.
func (c Config) Validate() error {
	switch {
	case c.MaxSessions < 0:
		return fmt.Errorf("whip: MaxSessions is negative")
	case c.ConnectTimeout < 0:
		return fmt.Errorf("whip: ConnectTimeout is negative")
	case c.RetryAfter < 0:
		return fmt.Errorf("whip: RetryAfter is negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.MaxSessions == 0 {
		c.MaxSessions = 2000
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 30 * time.Second
	}
	if c.RetryAfter == 0 {
		c.RetryAfter = 5 * time.Second
	}
	return c
}

// Classes is what the door needs of classroom.Registry.
type Classes interface {
	Lesson(ctx context.Context, id string) (classroom.Lesson, error)
	Participant(ctx context.Context, classID, key string) (classroom.Participant, error)
	Live(classID string) (classroom.ClassSummary, bool)
	Join(ctx context.Context, req classroom.JoinRequest) (*classroom.Session, classroom.Joined, error)
	LeaveLobby(classID string, o classroom.Outlet)
}

// Deps are what a Door works with. Classes and Identify must be given.
type Deps struct {
	Classes Classes
	// Identify says whose token it is; its errors are in the table of faults.
	// The request has no cookies.
	Identify func(r *http.Request, classID, token, name string) (classroom.Identity, error)
	Addr     func(*http.Request) string // of the client; nil: the connection's
	Log      *slog.Logger               // nil: silent
}
