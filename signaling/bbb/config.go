package bbb

import (
	"fmt"
	"slices"
	"time"
)

// Config of the door. Secrets must be given.
type Config struct {
	// Secrets are the shared secrets, any of which signs a call: two while
	// one is exchanged. Callbacks are signed with the first.
	Secrets []string
	// Algorithms are the checksums taken: of sha1, sha256, sha384, sha512.
	// Empty means all four.
	Algorithms []string
	// PublicURL is what stands before the path in addresses for browsers;
	// "" takes what the call asked for.
	PublicURL string
	// SeatTTL is how long somebody who came by a join address may come back
	// to the class without another one; 12 hours.
	SeatTTL time.Duration
	// ExpireUnjoined and ExpireLeft end a class that nobody came to, or that
	// all have left, where the call that made it says nothing; 5 and 1 minute.
	ExpireUnjoined, ExpireLeft time.Duration
	// FileMaxSize bounds a document that is fetched; 500 MiB.
	FileMaxSize int64
	// WrongBurst wrong checksums of one address are answered at once, then
	// one for each WrongInterval; 20 and 10 seconds.
	WrongBurst    int
	WrongInterval time.Duration
	Now           func() time.Time
}

// minSecret keeps a secret from being guessed: checksums may be tried offline
// by whoever saw one call.
const minSecret = 16

func (c Config) withDefaults() Config {
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{"sha1", "sha256", "sha384", "sha512"}
	}
	setDefault(&c.SeatTTL, 12*time.Hour)
	setDefault(&c.ExpireUnjoined, 5*time.Minute)
	setDefault(&c.ExpireLeft, time.Minute)
	setDefault(&c.FileMaxSize, 500<<20)
	setDefault(&c.WrongBurst, 20)
	setDefault(&c.WrongInterval, 10*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate names the field that cannot be used.
func (c Config) Validate() error {
	if len(c.Secrets) == 0 {
		return fmt.Errorf("bbb: Secrets is empty")
	}
	for _, s := range c.Secrets {
		if len(s) < minSecret {
			return fmt.Errorf("bbb: Secrets: one has fewer than %d characters", minSecret)
		}
	}
	for _, a := range c.Algorithms {
		if !slices.ContainsFunc(algorithms, func(known algorithm) bool { return known.name == a }) {
			return fmt.Errorf("bbb: Algorithms: %q is none of sha1, sha256, sha384, sha512", a)
		}
	}
	if c.SeatTTL < 0 || c.ExpireUnjoined < 0 || c.ExpireLeft < 0 || c.WrongBurst < 0 || c.WrongInterval < 0 || c.FileMaxSize < 0 {
		return fmt.Errorf("bbb: SeatTTL, ExpireUnjoined, ExpireLeft, FileMaxSize, WrongBurst or WrongInterval is negative")
	}
	return nil
}
