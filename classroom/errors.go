package classroom

import (
	"errors"
	"fmt"
)

// What a Store answers.
var (
	ErrNotFound         = errors.New("not found")
	ErrExists           = errors.New("exists already")
	ErrConflict         = errors.New("changed by somebody else in the meantime")
	ErrStoreUnavailable = errors.New("the database does not answer")
	ErrStoreFull        = errors.New("the disk is full")
)

// What a class answers. signaling/fault gives each its code and its words.
var (
	ErrClassNotFound      = errors.New("there is no such class")
	ErrClassLocked        = errors.New("the class is locked")
	ErrClassEnded         = errors.New("the class has ended")
	ErrClassFull          = errors.New("the class is full")
	ErrNotAllowed         = errors.New("the role does not allow this")
	ErrRemoved            = errors.New("a moderator removed this participant from the class")
	ErrPresenterPresent   = errors.New("another participant is presenting")
	ErrPresentingInTab    = errors.New("this participant is presenting in another tab")
	ErrNotPresenting      = errors.New("this session is not presenting")
	ErrNoSuchParticipant  = errors.New("there is no such participant in the class")
	ErrNoSuchEndpoint     = errors.New("there is no such endpoint; negotiate it first")
	ErrSessionClosed      = errors.New("the session is closed")
	ErrSessionResumed     = errors.New("the session goes on over another connection")
	ErrTooSlow            = errors.New("the page takes its events too slowly")
	ErrNoMedia            = errors.New("this server carries no media")
	ErrTooManySessions    = errors.New("too many tabs of one participant")
	ErrChatEmpty          = errors.New("the message is empty")
	ErrChatTooLong        = errors.New("the message is too long")
	ErrChatNotText        = errors.New("the message is not valid UTF-8 text or has control characters")
	ErrChatTooFast        = errors.New("messages are being sent too fast")
	ErrChatBacklog        = errors.New("too many messages wait to be stored")
	ErrNoSuchMessage      = errors.New("there is no such message")
	ErrNameInvalid        = errors.New("the name is empty, too long or has control characters")
	ErrIdentityInvalid    = errors.New("the identity has no key or no valid role")
	ErrSettingsInvalid    = errors.New("the lesson's settings cannot be used")
	ErrGuestsRefused      = errors.New("the class takes no guests")
	ErrInLobby            = errors.New("a presenter or moderator must let this guest in")
	ErrLobbyRefused       = errors.New("a presenter or moderator turned this guest away")
	ErrNoSuchWaiting      = errors.New("nobody by that id waits in the lobby")
	ErrChatLocked         = errors.New("the lesson keeps viewers from writing there")
	ErrTitleInvalid       = errors.New("the title is empty, too long or has control characters")
	ErrClosing            = errors.New("the server is stopping")
	ErrFileNameInvalid    = errors.New("the file name is not usable")
	ErrFileTooLarge       = errors.New("the file is larger than allowed")
	ErrFileEmpty          = errors.New("the file is empty")
	ErrFileTypeNotAllowed = errors.New("files of this type are not allowed")
	ErrQuotaExceeded      = errors.New("the class has no room left for this file")
	ErrTooManyUploads     = errors.New("too many uploads at once")
	ErrNoSuchFile         = errors.New("there is no such file")
	ErrNoSuchUpload       = errors.New("there is no such upload")
	ErrUploadOffset       = errors.New("the upload goes on at another offset")
	ErrWebhookInvalid     = errors.New("the webhook cannot be used")
	ErrTooManyWebhooks    = errors.New("there are too many webhooks")
	ErrUploadBusy         = errors.New("the upload is being written by another request")
)

// UnsavedError says that a class was closed while the store did not answer.
// None of what it counts was ever shown as stored.
type UnsavedError struct {
	ClassID       string
	Chat, Records int
}

func (e *UnsavedError) Error() string {
	return fmt.Sprintf("class %s: %d chat messages and %d records could not be stored", e.ClassID, e.Chat, e.Records)
}

// Unwrap makes it ErrStoreUnavailable.
func (e *UnsavedError) Unwrap() error { return ErrStoreUnavailable }
