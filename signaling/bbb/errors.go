package bbb

import (
	"errors"

	"kelas/classroom"
)

// The error keys that clients know.
const (
	keyChecksum           = "checksumError"
	keyNotFound           = "notFound"
	keyNoMeetingID        = "missingParamMeetingID"
	keyNoFullName         = "missingParamFullName"
	keyValidation         = "validationError"
	keyNotUnique          = "idNotUnique"
	keyPassword           = "invalidPassword"
	keyCreateTime         = "mismatchCreateTimeParam"
	keyEnded              = "meetingForciblyEnded"
	keyFull               = "maxParticipantsReached"
	keyNoMeetings         = "noMeetings"
	keyNoRecordings       = "noRecordings"
	keyUnsupported        = "unsupportedRequest"
	keyContentType        = "unsupportedContentType"
	keyGuestDeny          = "guestDeny"
	keyInternal           = "internalError"
	keyBusy               = "serverUnavailable"
	keyTooLarge           = "requestTooLarge"
	keyMissingParamHookID = "missingParamHookID"
	keyHookMissing        = "destroyMissingHook"
	keyNoCallback         = "missingParamCallbackURL"
)

// failure is an answer that says no: a key for programs, a sentence for people.
type failure struct{ key, text string }

func (f *failure) Error() string { return f.key + ": " + f.text }

func failed(key, text string) error { return &failure{key, text} }

// failures is several at once.
type failures []*failure

func (f failures) Error() string { return f[0].Error() }

// failureOf finds what a client is told of err. known is false for what
// nobody foresaw: whoever answers it logs it.
func failureOf(err error) (f *failure, known bool) {
	if errors.As(err, &f) {
		return f, true
	}
	var many failures
	if errors.As(err, &many) {
		return many[0], true
	}
	for _, row := range []struct {
		err       error
		key, text string
	}{
		{classroom.ErrClassNotFound, keyNotFound, textNotFound},
		{classroom.ErrClassEnded, keyEnded, "The meeting has ended."},
		{classroom.ErrClassFull, keyFull, "The meeting has as many people in it as it may have."},
		{classroom.ErrGuestsRefused, keyGuestDeny, "The meeting takes no guests."},
		{classroom.ErrLobbyRefused, keyGuestDeny, "A moderator did not let you in."},
		{classroom.ErrRemoved, keyGuestDeny, "A moderator removed you from the meeting."},
		{classroom.ErrClassLocked, keyGuestDeny, "The meeting is locked; nobody new may come in."},
		{classroom.ErrSettingsInvalid, keyValidation, "A parameter is too long or cannot be used."},
		{classroom.ErrTitleInvalid, keyValidation, "name cannot be used."},
		{classroom.ErrNameInvalid, keyValidation, "fullName cannot be used."},
		{classroom.ErrChatEmpty, keyValidation, "message is empty."},
		{classroom.ErrChatTooLong, keyValidation, "message is too long."},
		{classroom.ErrChatNotText, keyValidation, "message has characters that are not text."},
		{classroom.ErrStoreUnavailable, keyBusy, "The database does not answer at this moment; try again."},
		{classroom.ErrStoreFull, keyBusy, "The server's disk is full."},
		{classroom.ErrClosing, keyBusy, "The server is being restarted; try again in a moment."},
		{classroom.ErrConflict, keyBusy, "Somebody else changed this in the meantime; try again."},
	} {
		if errors.Is(err, row.err) {
			return &failure{row.key, row.text}, true
		}
	}
	return &failure{keyInternal, "Something went wrong on the server."}, false
}

const textNotFound = "No meeting was found with that meeting ID."
