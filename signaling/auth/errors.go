package auth

import (
	"errors"
	"fmt"
	"time"
)

// What a Store answers. An adapter wraps its own errors with these.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrConflict = errors.New("changed by somebody else in the meantime")
)

// What accounts answer.
var (
	ErrCredentials     = errors.New("name or password is wrong")
	ErrNotLoggedIn     = errors.New("not logged in")
	ErrBusy            = errors.New("too many log-ins at this moment")
	ErrNameTaken       = fmt.Errorf("there is an account with this name: %w", ErrExists)
	ErrNameInvalid     = errors.New("the name is empty, too long or has control characters")
	ErrRoleInvalid     = errors.New("the account role is not admin, teacher or student")
	ErrPasswordShort   = errors.New("the password is too short: at least 8 characters")
	ErrPasswordLong    = errors.New("the password is too long")
	ErrPasswordWeak    = errors.New("the password is among those that are guessed first")
	ErrSelf            = errors.New("this cannot be done to one's own account")
	ErrLastAdmin       = errors.New("this is the last administrator")
	ErrSetupClosed     = errors.New("the set-up link was used or is not the newest")
	ErrPasswordFormat  = errors.New("the stored password hash cannot be read")
	ErrLanguageInvalid = errors.New("the language is not offered")
)

// What tokens, seats and forms answer.
var (
	ErrTokenForged     = errors.New("the token was not issued by this server or was changed")
	ErrTokenExpired    = errors.New("the token has expired")
	ErrTokenNotYet     = errors.New("the token is not valid yet")
	ErrTokenOtherClass = errors.New("the token is for another class")
	ErrTokenUsed       = errors.New("the one-time token was used before")
	ErrNameNeeded      = errors.New("an invitation needs the guest's name")
	ErrNoIdentity      = errors.New("neither a log-in nor a join token was given")
	ErrCSRF            = errors.New("the form was not sent by this site or is too old")
)

// TooManyError refuses an attempt to log in; nothing was checked.
type TooManyError struct{ Wait time.Duration }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("too many failed attempts to log in; wait %s", e.Wait.Round(time.Second))
}

// What API keys answer.
var (
	ErrKeyInvalid    = errors.New("the API key is unknown, revoked or expired")
	ErrScopeMissing  = errors.New("the API key may not do this")
	ErrScopeInvalid  = errors.New("there is no such scope, or none was given")
	ErrExpiryInvalid = errors.New("the expiry lies in the past")
)
