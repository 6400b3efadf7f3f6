package files

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
)

// Config sets the limits. Only Dir has no default.
type Config struct {
	Dir            string        // holds uploads/ and blobs/; made when absent
	MaxSize        int64         // of one file; 0 means 500 MiB
	ClassQuota     int64         // of all files and running uploads of a class; 0 means 5 GiB
	MaxUploadsEach int           // unfinished ones of one participant in one class; 0 means 10
	MinFree        int64         // bytes an upload must leave free on the disk, for the database's sake; 0 means 64 MiB, below 0 none
	UploadTTL      time.Duration // how long an unfinished upload is kept; 0 means 24 h
	// AllowedTypes, when given, is all that may be shared: media types, or
	// families such as "image/*".
	AllowedTypes []string
	// BlockedExt are file name extensions without the dot that may not be
	// shared. nil means DefaultBlockedExt; an empty list blocks none.
	BlockedExt []string
	Now        func() time.Time // nil means time.Now
	NewID      func() string    // lower-case letters and digits; nil means a random one
}

// Validate names the field that cannot be used.
func (c Config) Validate() error {
	switch {
	case c.Dir == "":
		return fmt.Errorf("files: Dir is empty")
	case c.MaxSize < 0:
		return fmt.Errorf("files: MaxSize is negative")
	case c.ClassQuota < 0:
		return fmt.Errorf("files: ClassQuota is negative")
	case c.MaxUploadsEach < 0:
		return fmt.Errorf("files: MaxUploadsEach is negative")
	case c.UploadTTL < 0:
		return fmt.Errorf("files: UploadTTL is negative")
	}
	for _, t := range c.AllowedTypes {
		if major, minor, ok := strings.Cut(t, "/"); !ok || major == "" || minor == "" {
			return fmt.Errorf("files: AllowedTypes: %q is not a media type", t)
		}
	}
	for _, e := range c.BlockedExt {
		if e == "" || strings.ContainsAny(e, "./\\") {
			return fmt.Errorf("files: BlockedExt: %q is not an extension without its dot", e)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.MaxSize == 0 {
		c.MaxSize = 500 << 20
	}
	if c.ClassQuota == 0 {
		c.ClassQuota = 5 << 30
	}
	if c.MaxUploadsEach == 0 {
		c.MaxUploadsEach = 10
	}
	if c.MinFree == 0 {
		c.MinFree = 64 << 20
	}
	if c.UploadTTL == 0 {
		c.UploadTTL = 24 * time.Hour
	}
	if c.BlockedExt == nil {
		c.BlockedExt = DefaultBlockedExt
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = func() string { return strings.ToLower(rand.Text()) }
	}
	return c
}
