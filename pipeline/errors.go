package pipeline

import "errors"

var (
	// ErrBadSDP says that an offer cannot be used; the wrapping text says why.
	ErrBadSDP = errors.New("the session description cannot be used")
	// ErrBadCandidate says that an ICE candidate cannot be used.
	ErrBadCandidate = errors.New("the ICE candidate cannot be used")
	// ErrBadGathering says that a server or an interface for candidates cannot be
	// used; the text says which.
	ErrBadGathering = errors.New("candidates cannot be gathered so")
	// ErrRelay says that a TURN server is of no use, or has been so far.
	ErrRelay = errors.New("the TURN server does not relay")
	// ErrReleased says that the object, or its parent, has been released.
	ErrReleased = errors.New("the media object has been released")
	// ErrNotSamePipeline says that two elements belong to different pipelines.
	ErrNotSamePipeline = errors.New("the media elements belong to different pipelines")
	// ErrNotSameHub says that two ports belong to different hubs.
	ErrNotSameHub = errors.New("the ports belong to different hubs")
	// ErrTooManyPipelines says that the server's limit of pipelines is reached.
	ErrTooManyPipelines = errors.New("too many media pipelines")
	// ErrTooManyElements says that the server's limit of elements is reached.
	ErrTooManyElements = errors.New("too many media elements")
	// ErrTooManyCandidates says that too many candidates came before the offer.
	ErrTooManyCandidates = errors.New("too many ICE candidates wait for the offer")
	// ErrBusy says that too many calls wait for one endpoint.
	ErrBusy = errors.New("too many calls wait for this endpoint")
	// ErrBadKey says that a key, or its suite, cannot be used.
	ErrBadKey = errors.New("the encryption key cannot be used")
	// ErrBadBandwidth says that a bandwidth is out of range.
	ErrBadBandwidth = errors.New("the bandwidth cannot be used")
	// ErrForbiddenAddress says that media may not be sent to an address; the
	// text says which option would allow it.
	ErrForbiddenAddress = errors.New("media may not be sent to this address")
	// ErrStranger says that RTP comes from another address than the description
	// names, and is not taken.
	ErrStranger = errors.New("RTP is not taken from this address")
	// ErrNoPort says that no pair of ports is free in the range for RTP.
	ErrNoPort = errors.New("no port is free for RTP")
	// ErrNoDataChannels says that the endpoint was made without UseDataChannels, or
	// that the browser has negotiated none.
	ErrNoDataChannels = errors.New("the endpoint was made without data channels")
	// ErrBadDataChannel says that a data channel cannot be made as wished.
	ErrBadDataChannel = errors.New("the data channel cannot be made")
	// ErrTooManyDataChannels says that the endpoint's limit of them is reached.
	ErrTooManyDataChannels = errors.New("too many data channels")
	// ErrNoSuchDataChannel says that no open channel has that number.
	ErrNoSuchDataChannel = errors.New("there is no such data channel")
	// ErrNotNegotiated says that the endpoint has had no offer yet.
	ErrNotNegotiated = errors.New("the endpoint has not been negotiated")
	// ErrAlreadyNegotiated says that the endpoint has had its one negotiation.
	ErrAlreadyNegotiated = errors.New("the endpoint has been negotiated already")
	// ErrOfferNotGenerated says that an answer came without an offer of ours.
	ErrOfferNotGenerated = errors.New("no offer was generated that could be answered")
	// ErrAnswerAlreadyProcessed says that the offer has been answered before.
	ErrAnswerAlreadyProcessed = errors.New("the offer has been answered already")
	// ErrNoLocalDescription says that there is no description of this side yet.
	ErrNoLocalDescription = errors.New("there is no local session description yet")
	// ErrNoRemoteDescription says that there is none of the other side yet.
	ErrNoRemoteDescription = errors.New("there is no remote session description yet")
	// ErrUnknownDescription says that a media description does not exist.
	ErrUnknownDescription = errors.New("there is no such media description")
	// ErrUnsupported says that what is asked for is not there; the text says what is.
	ErrUnsupported = errors.New("not supported")
	// ErrBadURI says that a uri cannot be used.
	ErrBadURI = errors.New("the uri cannot be used")
	// ErrNoFileRoot says that recorders and players may not touch files.
	ErrNoFileRoot = errors.New("files are refused, since this server has no folder for media files")
	// ErrOutsideFileRoot says that a file does not lie in the folder for media files.
	ErrOutsideFileRoot = errors.New("the file is not in the server's folder for media files")
	// ErrHostNotAllowed says that players may not reach a host.
	ErrHostNotAllowed = errors.New("players may not reach this host")
	// ErrSeek is Kurento's PLAYER_SEEK_FAIL.
	ErrSeek = errors.New("seeking failed")
	// ErrUnknownQuality says that a quality does not exist.
	ErrUnknownQuality = errors.New("there is no such quality")
	// ErrClosed says that the media server has been closed.
	ErrClosed = errors.New("the media server is closed")
	// ErrConfig wraps what is wrong with a Config; the text names the field.
	ErrConfig = errors.New("bad media configuration")
)
