package socket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"kelas/classroom"
)

// Handshake is what a client said about itself before it is let in.
type Handshake struct {
	Request *http.Request // with its cookies; its body is not there
	ClassID string
	Token   string // a join token, or ""
	Name    string // what a guest wants to be called, or ""
}

// Config says who may connect and how much they may send. Registry and Admit
// must be given; for the rest 0 means the default that stands beside it.
type Config struct {
	Registry *classroom.Registry
	// Admit says who a client is, or refuses it with an error that
	// signaling/fault knows. It is asked before the client hears that it is
	// connected.
	Admit func(ctx context.Context, h Handshake) (classroom.Identity, error)

	// Seat returns what a client that gave this token may give as its token
	// from now on, "" when it can go on with the one it has. May be nil.
	Seat func(classID, token string, id classroom.Identity) (string, error)

	// AllowedOrigins are further origins (scheme://host[:port]) whose pages
	// may connect, or "*" for all; the server's own always may, and so may
	// clients that send no Origin, which no browser omits.
	AllowedOrigins []string
	// ClientAddr says from which address a request comes, for servers behind
	// a proxy; nil means the connection's own.
	ClientAddr func(r *http.Request) string

	MaxMessage   int           // bytes of one message; 1 MiB
	Outbox       int           // events that may wait for one client; 512
	WriteTimeout time.Duration // patience with one write to a client; 10 s
	PingInterval time.Duration // 25 s
	PingTimeout  time.Duration // silence after a ping that ends a connection; 20 s
	// HandshakeTimeout ends a connection that has not said who it is; 10 s.
	HandshakeTimeout time.Duration
	RequestTimeout   time.Duration // patience with one request to the class; 15 s

	MaxConnections        int     // of all clients; 20000
	ConnectionsPerAddress int     // 1000: a whole school behind one address
	JoinsPerMinute        int     // connections that one address may begin; 1200
	EventsPerSecond       float64 // that one client may keep up; 50
	EventsBurst           int     // at once; 200

	// ChatMaxRunes and FileMaxSize are told to clients, which check early
	// what the class and the files check anyway; 4000, 500 MiB.
	ChatMaxRunes int
	FileMaxSize  int64
}

// Validate names the field that cannot be used.
func (c Config) Validate() error {
	if c.Registry == nil {
		return errors.New("socket: Registry is missing")
	}
	if c.Admit == nil {
		return errors.New("socket: Admit is missing")
	}
	for _, f := range []struct {
		name string
		bad  bool
	}{
		{"MaxMessage", c.MaxMessage < 0 || (c.MaxMessage > 0 && c.MaxMessage < 1024)},
		{"Outbox", c.Outbox < 0},
		{"WriteTimeout", c.WriteTimeout < 0},
		{"PingInterval", c.PingInterval < 0},
		{"PingTimeout", c.PingTimeout < 0},
		{"HandshakeTimeout", c.HandshakeTimeout < 0},
		{"RequestTimeout", c.RequestTimeout < 0},
		{"MaxConnections", c.MaxConnections < 0},
		{"ConnectionsPerAddress", c.ConnectionsPerAddress < 0},
		{"JoinsPerMinute", c.JoinsPerMinute < 0},
		{"EventsPerSecond", c.EventsPerSecond < 0},
		{"EventsBurst", c.EventsBurst < 0},
		{"ChatMaxRunes", c.ChatMaxRunes < 0},
		{"FileMaxSize", c.FileMaxSize < 0},
	} {
		if f.bad {
			return fmt.Errorf("socket: %s is out of range", f.name)
		}
	}
	for _, o := range c.AllowedOrigins {
		if o == "*" {
			continue
		}
		if _, err := parseOrigin(o); err != nil {
			return fmt.Errorf("socket: AllowedOrigins: %q is not an origin such as https://lms.example", o)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	orDefault(&c.MaxMessage, 1<<20)
	orDefault(&c.Outbox, 512)
	orDefault(&c.WriteTimeout, 10*time.Second)
	orDefault(&c.PingInterval, 25*time.Second)
	orDefault(&c.PingTimeout, 20*time.Second)
	orDefault(&c.HandshakeTimeout, 10*time.Second)
	orDefault(&c.RequestTimeout, 15*time.Second)
	orDefault(&c.MaxConnections, 20000)
	orDefault(&c.ConnectionsPerAddress, 1000)
	orDefault(&c.JoinsPerMinute, 1200)
	orDefault(&c.EventsPerSecond, 50)
	orDefault(&c.EventsBurst, 200)
	orDefault(&c.ChatMaxRunes, 4000)
	orDefault(&c.FileMaxSize, 500<<20)
	if c.ClientAddr == nil {
		c.ClientAddr = remoteHost
	}
	return c
}

func orDefault[T int | int64 | float64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
