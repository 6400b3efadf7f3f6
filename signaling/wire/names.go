package wire

// Events that a client sends.
const (
	Join           = "join"
	Presenter      = "presenter"
	Viewer         = "viewer"
	OnIceCandidate = "onIceCandidate"
	Publish        = "publish"
	Stop           = "stop"
	Quality        = "quality"
	Chat           = "chat" // the server's news of an entry has the same name
	ChatDelete     = "chatDelete"
	ChatHistory    = "chatHistory"
	HandOver       = "handOver"
	TakeBack       = "takeBack"
	SetRole        = "setRole"
	Remove         = "remove"
	Lock           = "lock"
	EndClass       = "endClass"
	Admit          = "admit"
	Presence       = "presence"
	FileDelete     = "fileDelete"
	Files          = "files"
	Stats          = "stats"
	IceServers     = "iceServers"
	Leave          = "leave"
)

// Events that the server sends.
const (
	Joined             = "joined"
	PresenterResponse  = "presenterResponse"
	ViewerResponse     = "viewerResponse"
	IceCandidate       = "iceCandidate"
	MediaState         = "mediaState"
	Slots              = "slots"
	SlotUnplayable     = "slotUnplayable"
	Layer              = "layer"
	LayersWanted       = "layersWanted"
	StopCommunication  = "stopCommunication"
	ParticipantJoined  = "participantJoined"
	ParticipantChanged = "participantChanged"
	ParticipantLeft    = "participantLeft"
	ClassChanged       = "classChanged"
	RoleChanged        = "roleChanged"
	HandOverOffered    = "handOverOffered"
	Lobby              = "lobby"
	LobbyEntered       = "lobbyEntered"
	LobbyLeft          = "lobbyLeft"
	LobbyAdmitted      = "lobbyAdmitted"
	ChatStored         = "chatStored"
	ChatDelayed        = "chatDelayed"
	ChatFailed         = "chatFailed"
	File               = "file"
	FileRemoved        = "fileRemoved"
	ServerClosing      = "serverClosing"
	Error              = "error"
)

// The two endpoints of a session.
const (
	EndpointPresenter = "presenter"
	EndpointViewer    = "viewer"
)

// What presenterResponse and viewerResponse say.
const (
	Accepted = "accepted"
	Rejected = "rejected"
)

// Requests makes an empty body for each event that a client sends.
var Requests = map[string]func() any{
	Join:           func() any { return new(JoinRequest) },
	Presenter:      func() any { return new(OfferRequest) },
	Viewer:         func() any { return new(OfferRequest) },
	OnIceCandidate: func() any { return new(CandidateRequest) },
	Publish:        func() any { return new(PublishRequest) },
	Stop:           func() any { return new(StopRequest) },
	Quality:        func() any { return new(QualityRequest) },
	Chat:           func() any { return new(ChatRequest) },
	ChatDelete:     func() any { return new(SeqRequest) },
	ChatHistory:    func() any { return new(HistoryRequest) },
	HandOver:       func() any { return new(HandOverRequest) },
	TakeBack:       func() any { return new(EmptyRequest) },
	SetRole:        func() any { return new(RoleRequest) },
	Remove:         func() any { return new(ParticipantRequest) },
	Lock:           func() any { return new(LockRequest) },
	EndClass:       func() any { return new(EmptyRequest) },
	Admit:          func() any { return new(AdmitRequest) },
	Presence:       func() any { return new(PresenceRequest) },
	FileDelete:     func() any { return new(FileRequest) },
	Files:          func() any { return new(EmptyRequest) },
	Stats:          func() any { return new(EmptyRequest) },
	IceServers:     func() any { return new(EmptyRequest) },
	Leave:          func() any { return new(EmptyRequest) },
}

// Acks makes an empty acknowledgement for each event whose answer says more
// than Ack does.
var Acks = map[string]func() any{
	Chat:        func() any { return new(ChatAck) },
	ChatHistory: func() any { return new(HistoryAck) },
	Files:       func() any { return new(FilesAck) },
	Stats:       func() any { return new(StatsAck) },
	IceServers:  func() any { return new(IceServersAck) },
}

// Events makes an empty body for each event that the server sends.
var Events = map[string]func() any{
	Joined:             func() any { return new(JoinedEvent) },
	PresenterResponse:  func() any { return new(OfferResponse) },
	ViewerResponse:     func() any { return new(OfferResponse) },
	IceCandidate:       func() any { return new(CandidateRequest) },
	MediaState:         func() any { return new(MediaStateEvent) },
	Slots:              func() any { return new(SlotsEvent) },
	SlotUnplayable:     func() any { return new(SlotUnplayableEvent) },
	Layer:              func() any { return new(LayerEvent) },
	LayersWanted:       func() any { return new(LayersWantedEvent) },
	StopCommunication:  func() any { return new(StopCommunicationEvent) },
	ParticipantJoined:  func() any { return new(ParticipantEvent) },
	ParticipantChanged: func() any { return new(ParticipantEvent) },
	ParticipantLeft:    func() any { return new(ParticipantLeftEvent) },
	ClassChanged:       func() any { return new(ClassEvent) },
	RoleChanged:        func() any { return new(RoleEvent) },
	HandOverOffered:    func() any { return new(HandOverOfferedEvent) },
	Lobby:              func() any { return new(LobbyEvent) },
	LobbyEntered:       func() any { return new(LobbyEnteredEvent) },
	LobbyLeft:          func() any { return new(LobbyLeftEvent) },
	LobbyAdmitted:      func() any { return new(EmptyEvent) },
	Chat:               func() any { return new(ChatEvent) },
	ChatStored:         func() any { return new(ChatStoredEvent) },
	ChatDelayed:        func() any { return new(ChatDelayedEvent) },
	ChatFailed:         func() any { return new(ChatFailedEvent) },
	File:               func() any { return new(FileEvent) },
	FileRemoved:        func() any { return new(FileRemovedEvent) },
	ServerClosing:      func() any { return new(ServerClosingEvent) },
	Error:              func() any { return new(ErrorEvent) },
}
