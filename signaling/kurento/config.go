package kurento

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"kelas/pipeline"
)

// Config says who may connect and how much one client may take. Media must be
// given; for the rest 0 means the default that stands beside it.
type Config struct {
	Media *pipeline.Server
	// Token opens the door, as ?access_token= or as a bearer token; "" opens
	// it to everybody but pages in browsers.
	Token string
	// Strict keeps each session to the objects it made itself, and takes only
	// session ids that the server gave.
	Strict bool
	// Version is told by getInfo, behind the protocol's own.
	Version string

	MaxObjects  int // that one session may reference; 10000
	MaxMessage  int // bytes of one message; 1 MiB
	MaxSessions int // of one address, and as many connections; 256

	// Addresses are what an endpoint's properties are before it sets them, as in
	// Kurento's WebRtcEndpoint.conf.ini.
	Addresses Addresses

	// CollectPeriod is how often sessions that were not used since the last
	// time lose everything; 240 s.
	CollectPeriod time.Duration
	// Now is the clock of sessions and events; nil means the real one.
	Now func() time.Time
	// ClientAddr says from which address a request comes, for servers behind a
	// proxy; nil means the connection's own.
	ClientAddr func(r *http.Request) string
	Log        *slog.Logger
}

const (
	// memoryTime is how long an answer is kept for a repeated request, and
	// memoryEntries and memoryBytes how many of one session.
	memoryTime    = 20 * time.Second
	memoryEntries = 1024
	memoryBytes   = 4 << 20

	queueLength  = 16       // requests of one connection that wait, together as large as one message may be
	outboxLength = 16384    // messages to one connection that wait, for the writer or for an answer
	outboxBytes  = 16 << 20 // of those
	writeTimeout = 10 * time.Second
	refusalPause = 10 * time.Second // between log lines about connections that were turned away

	maxOperations    = 1000 // in one transaction
	maxSubscriptions = 64   // of one event of one object by one session
	maxTags          = 256
	maxText          = 64 << 10 // of a name or a tag
	maxID            = 1 << 10  // of a request's id, which is kept with the answer
	maxUsedCPU       = 60 * time.Second
)

// Validate names the field that cannot be used.
func (c Config) Validate() error {
	if c.Media == nil {
		return fmt.Errorf("kurento: Media is missing")
	}
	if n := len(c.Token); n > 0 && n < 16 {
		return fmt.Errorf("kurento: Token has fewer than 16 characters")
	}
	_, g, err := c.Addresses.read()
	if err == nil {
		err = c.Media.CheckGathering(g)
	}
	if err != nil {
		return fmt.Errorf("kurento: Addresses: %w", err)
	}
	for _, f := range []struct {
		name string
		bad  bool
	}{
		{"MaxObjects", c.MaxObjects < 0},
		{"MaxMessage", c.MaxMessage < 0 || c.MaxMessage > 0 && c.MaxMessage < 4096},
		{"MaxSessions", c.MaxSessions < 0},
		{"CollectPeriod", c.CollectPeriod < 0},
	} {
		if f.bad {
			return fmt.Errorf("kurento: %s is out of range", f.name)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	set := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	set(&c.MaxObjects, 10000)
	set(&c.MaxMessage, 1<<20)
	set(&c.MaxSessions, 256)
	if c.CollectPeriod == 0 {
		c.CollectPeriod = 240 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
