package auth

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The account roles, as the store spells them.
const (
	AccountAdmin   = "admin"
	AccountTeacher = "teacher"
	AccountStudent = "student"
)

// The roles in a class, as the rest of the program spells them.
const (
	RolePresenter = "presenter"
	RoleModerator = "moderator"
	RoleViewer    = "viewer"
)

// Account is somebody who can log in.
type Account struct {
	ID           string
	Name         string // what one logs in with; unique without regard to case
	DisplayName  string
	Role         string
	PasswordHash string
	Language     string // "" for the browser's
	Disabled     bool
	CreatedAt    time.Time
	Rev          int64
}

// Login is one logged-in browser.
type Login struct {
	ID        string // SHA-256 of the cookie's token, hex; never the token
	AccountID string
	CreatedAt time.Time
	ExpiresAt time.Time
	UserAgent string
	Addr      string
}

// Store is what auth keeps. Errors wrap ErrNotFound, ErrExists or
// ErrConflict; all others are passed on.
type Store interface {
	PutAccount(ctx context.Context, a Account) error
	UpdateAccount(ctx context.Context, a Account) (Account, error)
	Account(ctx context.Context, id string) (Account, error)
	AccountByName(ctx context.Context, name string) (Account, error)
	Accounts(ctx context.Context) ([]Account, error)
	CountAccounts(ctx context.Context) (int, error)
	DeleteAccount(ctx context.Context, id string) error // with its log-ins

	PutLogin(ctx context.Context, l Login) error
	Login(ctx context.Context, id string) (Login, error)
	Logins(ctx context.Context, accountID string) ([]Login, error)
	DeleteLogin(ctx context.Context, id string) error
	DeleteLoginsOf(ctx context.Context, accountID, exceptID string) error

	Setting(ctx context.Context, key string) ([]byte, error)
	PutSettingOnce(ctx context.Context, key string, value []byte) ([]byte, error)
	DeleteSetting(ctx context.Context, key string) error

	KeyStore
	APIKeyStore
}

// nameMax is in runes; enough for any full name.
const nameMax = 64

// CleanName trims a person's name, folds inner white space to single spaces
// and refuses what could disguise one name as another or break a line.
func CleanName(s string) (string, error) {
	if len(s) > 4*nameMax*2 || !utf8.ValidString(s) {
		return "", ErrNameInvalid
	}
	s = strings.Join(strings.Fields(s), " ")
	if s == "" || utf8.RuneCountInString(s) > nameMax {
		return "", ErrNameInvalid
	}
	for _, r := range s {
		// Cf has the bidirectional overrides and the zero-width characters.
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) {
			return "", ErrNameInvalid
		}
	}
	return s, nil
}

func validAccountRole(r string) bool {
	return r == AccountAdmin || r == AccountTeacher || r == AccountStudent
}

func validClassRole(r string) bool {
	return r == RolePresenter || r == RoleModerator || r == RoleViewer
}
