package classroom

import (
	"context"
	"time"
)

// APIKey lets a program in. The secret is shown once, when the key is made;
// what is stored of it is a hash.
type APIKey struct {
	ID         string
	Name       string
	Hash       string   // SHA-256 of the secret, hex
	Scopes     []string // what it may do
	OwnerID    string   // User.ID of who made it, "" from the command line
	CreatedAt  time.Time
	LastUsedAt time.Time // zero while it was never used; up to a minute late
	ExpiresAt  time.Time // zero for never
	RevokedAt  time.Time // zero while it holds
	Rev        int64
}

// Idempotent is a request that carried an idempotency key, and its answer.
type Idempotent struct {
	Key         string // hash of who asked, for what, and the key that came with it
	Fingerprint string // hash of the request; another one under the same key is a mistake
	Status      int    // of the answer; 0 while the request is being worked on
	Type        string // media type of Body
	Location    string
	ETag        string
	Body        []byte
	CreatedAt   time.Time
	ExpiresAt   time.Time
	Rev         int64
}

// SigningKey is one key that join tokens and seats are signed with.
type SigningKey struct {
	ID        string // kid
	Seed      []byte
	CreatedAt time.Time // the newest one signs
}

// LessonQuery selects a page of lessons, newest first.
type LessonQuery struct {
	OwnerID  string    // "" for all
	BeforeAt time.Time // with BeforeID: only what comes after that lesson in the
	BeforeID string    // list; zero for the first page
	Limit    int
}

// KeyStore is the part of a Store that programs come in by. Its methods keep
// the rules of Store.
type KeyStore interface {
	PutAPIKey(ctx context.Context, k APIKey) error // ErrExists on ID
	UpdateAPIKey(ctx context.Context, k APIKey) (APIKey, error)
	APIKey(ctx context.Context, id string) (APIKey, error)
	APIKeys(ctx context.Context) ([]APIKey, error) // newest first
	// TouchAPIKey moves LastUsedAt on and leaves Rev; absent is no error.
	TouchAPIKey(ctx context.Context, id string, at time.Time) error

	// PutIdempotent is ErrExists while there is one with this Key that had not
	// expired at r.CreatedAt: of two racers one wins.
	PutIdempotent(ctx context.Context, r Idempotent) error
	UpdateIdempotent(ctx context.Context, r Idempotent) (Idempotent, error)
	Idempotent(ctx context.Context, key string) (Idempotent, error)
	DeleteIdempotent(ctx context.Context, key string) error // absent is no error

	// UseToken marks a one-time token as used; ErrExists when it was before.
	UseToken(ctx context.Context, id string, expires time.Time) error

	PutSigningKey(ctx context.Context, k SigningKey) error // ErrExists on ID
	SigningKeys(ctx context.Context) ([]SigningKey, error) // oldest first
	DeleteSigningKey(ctx context.Context, id string) error // absent is no error

	LessonsPage(ctx context.Context, q LessonQuery) ([]Lesson, error)
	// DeleteLesson removes a lesson with its participants, chat and
	// attendance, the lesson last: after an unclear failure it is repeated.
	// Its files must be gone before. ErrNotFound when absent.
	DeleteLesson(ctx context.Context, id string) error
	// DeleteUser removes an account and its log-ins; what it did in classes
	// stays. ErrNotFound when absent.
	DeleteUser(ctx context.Context, id string) error
}
