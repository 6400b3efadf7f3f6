package fault

import (
	"net/http"

	"kelas/classroom"
	"kelas/pipeline"
)

// Kurento's numbers, for the answers of its protocol.
const (
	kurentoUnexpected   = 40003
	kurentoConnect      = 40004
	kurentoUnsupported  = 40005
	kurentoSession      = 40007
	kurentoTransaction  = 40008
	kurentoResources    = 40009
	kurentoNotFound     = 40101
	kurentoIllegalParam = 40107
	kurentoSDPParse     = 40201
	kurentoNoRemoteSDP  = 40203
	kurentoAddCandidate = 40401
)

type row struct {
	err   error
	fault Fault
}

func entry(err error, code string, status, kurento int, text string) row {
	return row{err, Fault{Code: code, Text: text, Status: status, Kurento: kurento}}
}

func later(err error, code string, status, kurento int, text string) row {
	r := entry(err, code, status, kurento, text)
	r.fault.Retry = true
	return r
}

// table is searched from the top: where an error wraps two of these, the
// first one counts.
var table = []row{
	// The doors.
	entry(ErrBadMessage, "badMessage", http.StatusBadRequest, kurentoIllegalParam, "The message could not be read."),
	entry(ErrUnknownEvent, "unknownEvent", http.StatusNotFound, kurentoTransaction, "The server does not know this event."),
	entry(ErrMessageTooLarge, "messageTooLarge", http.StatusRequestEntityTooLarge, kurentoIllegalParam, "The message is larger than allowed."),
	entry(ErrBinary, "binaryRefused", http.StatusUnsupportedMediaType, kurentoUnsupported, "Binary messages are not used here; files go over HTTP."),
	entry(ErrUnknownNamespace, "unknownNamespace", http.StatusNotFound, kurentoNotFound, "There is no such namespace; connect to \"/\"."),
	entry(ErrUnsupported, "unsupported", http.StatusBadRequest, kurentoUnsupported, "This way of connecting is not offered."),
	later(ErrTooFast, "tooFast", http.StatusTooManyRequests, kurentoResources, "This is faster than allowed; wait a little."),
	later(ErrTooManyConnections, "tooManyConnections", http.StatusTooManyRequests, kurentoResources, "There are too many connections from this address."),
	later(ErrHandshakeTimeout, "handshakeTimeout", http.StatusRequestTimeout, kurentoSession, "The connection did not say in time who it is."),
	entry(ErrOriginForbidden, "originForbidden", http.StatusForbidden, kurentoSession, "Pages of this origin may not connect to this server."),
	entry(ErrNotJoined, "notJoined", http.StatusConflict, kurentoSession, "Join the class first."),
	entry(ErrAlreadyJoined, "alreadyJoined", http.StatusConflict, kurentoSession, "This connection has joined the class already."),

	// Who it is.
	entry(ErrNoIdentity, "noIdentity", http.StatusUnauthorized, kurentoSession, "Log in, or open the class by its join link."),
	entry(ErrTokenForged, "tokenForged", http.StatusUnauthorized, kurentoSession, "The join link is not valid."),
	entry(ErrTokenExpired, "tokenExpired", http.StatusUnauthorized, kurentoSession, "The join link has expired; ask for a new one."),
	entry(ErrTokenNotYet, "tokenNotYet", http.StatusUnauthorized, kurentoSession, "The join link is not valid yet."),
	entry(ErrTokenOtherClass, "tokenOtherClass", http.StatusForbidden, kurentoSession, "The join link is for another class."),
	entry(ErrTokenUsed, "tokenUsed", http.StatusUnauthorized, kurentoSession, "The join link opens one browser only and was used; ask for a new one."),
	entry(ErrKeyInvalid, "keyInvalid", http.StatusUnauthorized, kurentoSession, "The API key is unknown, revoked or expired."),
	entry(ErrScopeMissing, "scopeMissing", http.StatusForbidden, kurentoSession, "The API key has not the scope for this."),
	entry(ErrNameNeeded, "nameNeeded", http.StatusBadRequest, kurentoIllegalParam, "Say your name to come in."),

	// Programs.
	entry(ErrMethod, "methodNotAllowed", http.StatusMethodNotAllowed, kurentoUnsupported, "This address does not take this method."),
	entry(ErrMediaType, "mediaType", http.StatusUnsupportedMediaType, kurentoUnsupported, "A body of this type is not taken here."),
	entry(ErrInvalid, "invalid", http.StatusUnprocessableEntity, kurentoIllegalParam, "The request cannot be carried out as it stands."),
	entry(ErrPreconditionRequired, "preconditionRequired", http.StatusPreconditionRequired, kurentoIllegalParam, "Say in If-Match which version this is about."),
	entry(ErrPreconditionFailed, "preconditionFailed", http.StatusPreconditionFailed, kurentoIllegalParam, "This was changed since it was read; read it again."),
	entry(ErrIdempotencyReused, "idempotencyReused", http.StatusUnprocessableEntity, kurentoIllegalParam, "This idempotency key came with another request before."),
	later(ErrIdempotencyBusy, "idempotencyBusy", http.StatusConflict, kurentoResources, "The request with this idempotency key is still being worked on."),

	// The class.
	entry(classroom.ErrClassNotFound, "classNotFound", http.StatusNotFound, kurentoNotFound, "There is no such class."),
	entry(classroom.ErrClassLocked, "classLocked", http.StatusForbidden, kurentoSession, "The class is locked; nobody new may come in."),
	entry(classroom.ErrClassEnded, "classEnded", http.StatusGone, kurentoSession, "The class has ended."),
	later(classroom.ErrClassFull, "classFull", http.StatusServiceUnavailable, kurentoResources, "The class is full."),
	entry(classroom.ErrGuestsRefused, "guestsRefused", http.StatusForbidden, kurentoSession, "The class takes no guests."),
	entry(classroom.ErrInLobby, "inLobby", http.StatusForbidden, kurentoSession, "Wait until a teacher lets you in."),
	entry(classroom.ErrLobbyRefused, "lobbyRefused", http.StatusForbidden, kurentoSession, "A teacher did not let you in."),
	entry(classroom.ErrNoSuchWaiting, "noSuchWaiting", http.StatusNotFound, kurentoNotFound, "This person does not wait any more."),
	entry(classroom.ErrChatLocked, "chatLocked", http.StatusForbidden, kurentoTransaction, "In this class you cannot write there."),
	entry(classroom.ErrSettingsInvalid, "settingsInvalid", http.StatusBadRequest, kurentoIllegalParam, "The lesson's settings cannot be used."),
	entry(classroom.ErrNotAllowed, "notAllowed", http.StatusForbidden, kurentoTransaction, "Your role does not allow this."),
	entry(classroom.ErrRemoved, "removed", http.StatusForbidden, kurentoSession, "A moderator removed you from the class."),
	entry(classroom.ErrPresenterPresent, "presenterPresent", http.StatusConflict, kurentoTransaction, "Somebody else is presenting."),
	entry(classroom.ErrPresentingInTab, "presentingInTab", http.StatusConflict, kurentoTransaction, "You are presenting in another tab."),
	entry(classroom.ErrNotPresenting, "notPresenting", http.StatusConflict, kurentoTransaction, "You are not presenting."),
	entry(classroom.ErrNoSuchParticipant, "noSuchParticipant", http.StatusNotFound, kurentoNotFound, "There is no such participant in the class."),
	entry(classroom.ErrNoSuchEndpoint, "noSuchEndpoint", http.StatusNotFound, kurentoNotFound, "There is no such media connection; start a new one."),
	entry(classroom.ErrSessionClosed, "sessionClosed", http.StatusGone, kurentoSession, "The session is closed; join again."),
	entry(classroom.ErrSessionResumed, "sessionResumed", http.StatusConflict, kurentoSession, "The session goes on over a newer connection."),
	later(classroom.ErrTooSlow, "tooSlow", http.StatusRequestTimeout, kurentoResources, "The connection is too slow for what the class sends; connect again."),
	entry(classroom.ErrNoMedia, "noMedia", http.StatusNotImplemented, kurentoUnsupported, "This server carries no picture and sound."),
	entry(classroom.ErrTooManySessions, "tooManySessions", http.StatusConflict, kurentoResources, "You have the class open in too many tabs."),
	entry(classroom.ErrChatEmpty, "chatEmpty", http.StatusBadRequest, kurentoIllegalParam, "The message is empty."),
	entry(classroom.ErrChatTooLong, "chatTooLong", http.StatusRequestEntityTooLarge, kurentoIllegalParam, "The message is too long."),
	entry(classroom.ErrChatNotText, "chatNotText", http.StatusBadRequest, kurentoIllegalParam, "The message has characters that are not text."),
	later(classroom.ErrChatTooFast, "chatTooFast", http.StatusTooManyRequests, kurentoResources, "You are sending messages too fast; wait a little."),
	later(classroom.ErrChatBacklog, "chatBacklog", http.StatusServiceUnavailable, kurentoResources, "Too many messages wait to be stored; try again in a moment."),
	entry(classroom.ErrNoSuchMessage, "noSuchMessage", http.StatusNotFound, kurentoNotFound, "There is no such message."),
	entry(classroom.ErrNameInvalid, "nameInvalid", http.StatusBadRequest, kurentoIllegalParam, "The name is empty, too long or has characters that are not allowed."),
	entry(classroom.ErrTitleInvalid, "titleInvalid", http.StatusBadRequest, kurentoIllegalParam, "The title is empty, too long or has characters that are not allowed."),
	later(classroom.ErrClosing, "serverClosing", http.StatusServiceUnavailable, kurentoSession, "The server is being restarted; connect again in a moment."),

	// Files.
	entry(classroom.ErrFileNameInvalid, "fileNameInvalid", http.StatusBadRequest, kurentoIllegalParam, "The file name cannot be used."),
	entry(classroom.ErrFileTooLarge, "fileTooLarge", http.StatusRequestEntityTooLarge, kurentoIllegalParam, "The file is larger than allowed."),
	entry(classroom.ErrFileEmpty, "fileEmpty", http.StatusBadRequest, kurentoIllegalParam, "The file is empty."),
	entry(classroom.ErrFileTypeNotAllowed, "fileTypeNotAllowed", http.StatusUnsupportedMediaType, kurentoUnsupported, "Files of this type are not allowed."),
	entry(classroom.ErrQuotaExceeded, "quotaExceeded", http.StatusInsufficientStorage, kurentoResources, "The class has no room left for this file."),
	later(classroom.ErrTooManyUploads, "tooManyUploads", http.StatusTooManyRequests, kurentoResources, "You have too many uploads at once."),
	entry(classroom.ErrNoSuchFile, "noSuchFile", http.StatusNotFound, kurentoNotFound, "There is no such file."),
	entry(classroom.ErrNoSuchUpload, "noSuchUpload", http.StatusNotFound, kurentoNotFound, "There is no such upload; start again."),
	entry(classroom.ErrUploadOffset, "uploadOffset", http.StatusConflict, kurentoIllegalParam, "The upload goes on at another place."),
	later(classroom.ErrUploadBusy, "uploadBusy", http.StatusLocked, kurentoResources, "The upload is being written by another request."),

	// Webhooks.
	entry(classroom.ErrWebhookInvalid, "webhookInvalid", http.StatusBadRequest, kurentoIllegalParam, "The webhook's address, events or secret cannot be used."),
	entry(classroom.ErrTooManyWebhooks, "tooManyWebhooks", http.StatusConflict, kurentoResources, "There are too many webhooks."),

	// Media.
	entry(pipeline.ErrBadSDP, "badSdp", http.StatusBadRequest, kurentoSDPParse, "The media description of the browser cannot be used."),
	entry(pipeline.ErrBadCandidate, "badCandidate", http.StatusBadRequest, kurentoAddCandidate, "The network candidate of the browser cannot be used."),
	entry(pipeline.ErrTooManyCandidates, "tooManyCandidates", http.StatusTooManyRequests, kurentoAddCandidate, "There are too many network candidates."),
	entry(pipeline.ErrReleased, "mediaReleased", http.StatusGone, kurentoNotFound, "The media connection has ended; start a new one."),
	entry(pipeline.ErrNotSamePipeline, "notSamePipeline", http.StatusConflict, kurentoConnect, "The media elements belong to different pipelines."),
	later(pipeline.ErrTooManyPipelines, "mediaFull", http.StatusServiceUnavailable, kurentoResources, "The server can carry no more classes with media at this moment."),
	later(pipeline.ErrTooManyElements, "mediaFull", http.StatusServiceUnavailable, kurentoResources, "The server can carry no more classes with media at this moment."),
	later(pipeline.ErrBusy, "mediaBusy", http.StatusServiceUnavailable, kurentoResources, "The media connection is busy; try again in a moment."),
	entry(pipeline.ErrNotNegotiated, "notNegotiated", http.StatusConflict, kurentoNoRemoteSDP, "The media connection has not been set up yet."),
	entry(pipeline.ErrUnknownDescription, "unknownDescription", http.StatusNotFound, kurentoIllegalParam, "There is no such media description."),
	entry(pipeline.ErrUnknownQuality, "unknownQuality", http.StatusBadRequest, kurentoIllegalParam, "There is no such quality."),
	later(pipeline.ErrClosed, "serverClosing", http.StatusServiceUnavailable, kurentoSession, "The server is being restarted; connect again in a moment."),

	// The store; last, because the class's own errors may wrap these.
	later(classroom.ErrStoreUnavailable, "storeUnavailable", http.StatusServiceUnavailable, kurentoResources, "The database does not answer at this moment; try again."),
	entry(classroom.ErrStoreFull, "storeFull", http.StatusInsufficientStorage, kurentoResources, "The server's disk is full."),
	entry(classroom.ErrNotFound, "notFound", http.StatusNotFound, kurentoNotFound, "There is no such thing."),
	entry(classroom.ErrExists, "exists", http.StatusConflict, kurentoIllegalParam, "There is one already."),
	later(classroom.ErrConflict, "conflict", http.StatusConflict, kurentoUnexpected, "Somebody else changed this in the meantime; try again."),
	later(ErrTimedOut, "timedOut", http.StatusGatewayTimeout, kurentoUnexpected, "This took too long; try again."),
}
