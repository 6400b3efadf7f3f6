package classroom

import (
	"fmt"
	"log/slog"
	"time"

	"kelas/pipeline"
)

// Config sets the limits of classes. The zero value works; 0 means the
// default that stands beside each field.
type Config struct {
	MaxParticipants int // present in one class at once; 500
	MaxSessionsEach int // connected tabs of one participant; 4

	ChatMaxRunes int     // length of a message; 4000
	ChatRate     float64 // messages a second that a participant may keep up; 2
	ChatBurst    int     // messages at once; 20
	ChatPage     int     // messages of the history sent on joining; 50

	ResumeWindow    time.Duration // how long a cut session waits for its page; 30 s
	PresenterWindow time.Duration // how long the class waits for its presenter; 30 s

	JournalQueue int           // chat entries that may wait for the store in one class; 10000
	JournalBatch int           // entries in one step; 200
	RetryMin     time.Duration // first pause when the store does not answer; 200 ms
	RetryMax     time.Duration // longest pause; 5 s
	StoreTimeout time.Duration // patience with one call of the store; 5 s

	Heartbeat   time.Duration // how often LastSeen of attendance moves on; 15 s
	UnloadAfter time.Duration // how long an empty class stays in memory; 1 min
	RetryAfter  time.Duration // what pages are told when the server stops; 2 s
}

// Deps are what a Registry works with. Only Store must be given.
type Deps struct {
	Store Store
	Media *pipeline.Server // nil: no live media, only the rest of a class
	Files FileShelf        // nil: classes without files
	Log   *slog.Logger     // nil: silent
	Now   func() time.Time // nil: time.Now
	NewID func() string    // ids of lessons, participants and stays; nil: random
	// Connected is told how long a page waited from its first offer until its
	// endpoint was connected. It is called by the media server and must not
	// block. May be nil.
	Connected func(role EndpointRole, took time.Duration)
	// Ended is told that a lesson of another system has ended and waits in
	// Registry.Unsettled. It must not block. May be nil.
	Ended func()

	media mediaServer // tests put a stand-in here
}

// Validate names the field that cannot be used.
func (c Config) Validate() error {
	for _, f := range []struct {
		name string
		bad  bool
	}{
		{"MaxParticipants", c.MaxParticipants < 0},
		{"MaxSessionsEach", c.MaxSessionsEach < 0},
		{"ChatMaxRunes", c.ChatMaxRunes < 0},
		{"ChatRate", c.ChatRate < 0},
		{"ChatBurst", c.ChatBurst < 0},
		{"ChatPage", c.ChatPage < 0 || c.ChatPage > maxHistory},
		{"ResumeWindow", c.ResumeWindow < 0},
		{"PresenterWindow", c.PresenterWindow < 0},
		{"JournalQueue", c.JournalQueue < 0},
		{"JournalBatch", c.JournalBatch < 0},
		{"RetryMin", c.RetryMin < 0},
		{"RetryMax", c.RetryMax < 0 || (c.RetryMax > 0 && c.RetryMax < c.RetryMin)},
		{"StoreTimeout", c.StoreTimeout < 0},
		{"Heartbeat", c.Heartbeat < 0},
		{"UnloadAfter", c.UnloadAfter < 0},
		{"RetryAfter", c.RetryAfter < 0},
	} {
		if f.bad {
			return fmt.Errorf("classroom: %s is out of range", f.name)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	orDefault(&c.MaxParticipants, 500)
	orDefault(&c.MaxSessionsEach, 4)
	orDefault(&c.ChatMaxRunes, 4000)
	orDefault(&c.ChatRate, 2)
	orDefault(&c.ChatBurst, 20)
	orDefault(&c.ChatPage, 50)
	orDefault(&c.ResumeWindow, 30*time.Second)
	orDefault(&c.PresenterWindow, 30*time.Second)
	orDefault(&c.JournalQueue, 10000)
	orDefault(&c.JournalBatch, 200)
	orDefault(&c.RetryMin, 200*time.Millisecond)
	orDefault(&c.RetryMax, max(5*time.Second, c.RetryMin))
	orDefault(&c.StoreTimeout, 5*time.Second)
	orDefault(&c.Heartbeat, 15*time.Second)
	orDefault(&c.UnloadAfter, time.Minute)
	orDefault(&c.RetryAfter, 2*time.Second)
	return c
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
