package pipeline

// MediaType is Kurento's: AUDIO, VIDEO or DATA.
type MediaType string

const (
	Audio MediaType = "AUDIO"
	Video MediaType = "VIDEO"
	Data  MediaType = "DATA"
)

// Media descriptions tell apart the sources, and the sinks, of one element that
// have the same media type. By the order of m-lines within a kind, the first is
// DefaultDescription (microphone or camera), the second ScreenDescription, and
// so on.
const (
	DefaultDescription  = "default"
	ScreenDescription   = "screen"
	Speaker1Description = "speaker1"
	Speaker2Description = "speaker2"
)

// ConnectionState is how an endpoint's transport is doing.
type ConnectionState string

const (
	ConnectionNew          ConnectionState = "new"
	ConnectionConnecting   ConnectionState = "connecting"
	ConnectionConnected    ConnectionState = "connected"
	ConnectionDisconnected ConnectionState = "disconnected"
	ConnectionFailed       ConnectionState = "failed"
	ConnectionClosed       ConnectionState = "closed"
)

// Event is one of the event structs below.
type Event interface{ event() }

type (
	// IceCandidateFound tells one of the server's own candidates; it comes only
	// after GatherCandidates.
	IceCandidateFound struct{ Candidate IceCandidate }
	// IceGatheringDone says that no more candidates come.
	IceGatheringDone struct{}
	// ConnectionStateChanged tells how the transport is doing. Connected comes
	// again after an ICE restart.
	ConnectionStateChanged struct{ Old, New ConnectionState }
	// IceComponentStateChanged tells how ICE is doing. There is one transport
	// for all media (BUNDLE), so stream and component are always the first.
	IceComponentStateChanged struct {
		StreamID, ComponentID int
		State                 IceComponentState
	}
	// NewCandidatePairSelected tells the path that is used; it comes before
	// CONNECTED.
	NewCandidatePairSelected struct{ Pair IceCandidatePair }
	// DtlsConnectionStateChanged tells how the encryption is doing (Kurento's
	// DtlsConnectionStateChange).
	DtlsConnectionStateChanged struct {
		StreamID, ComponentID, ConnectionID string
		State                               DtlsState
	}
	// MediaStateChanged: connected when the transport is up and packets flow.
	MediaStateChanged struct{ Old, New MediaState }
	// MediaSessionStarted says that both descriptions are known.
	MediaSessionStarted struct{}
	// MediaSessionTerminated says that the other side has ended it, or that the
	// endpoint was released.
	MediaSessionTerminated struct{}
	// DataChannelOpened says that messages can go through a channel.
	DataChannelOpened struct{ ChannelID uint16 }
	// DataChannelClosed is its end, whoever closed it.
	DataChannelClosed struct{ ChannelID uint16 }
	// SourceAdded says that the element has begun to send into the pipeline.
	SourceAdded struct {
		MediaType   MediaType
		Description string
		Codec       string
	}
	// SourceRemoved is its end.
	SourceRemoved struct {
		MediaType   MediaType
		Description string
	}
	// MediaFlowOutStateChanged: packets come out of the element into the
	// pipeline, or have stopped to.
	MediaFlowOutStateChanged struct {
		Flowing     bool
		MediaType   MediaType
		Description string
	}
	// MediaFlowInStateChanged: packets go from the pipeline into the element, or
	// have stopped to.
	MediaFlowInStateChanged struct {
		Flowing     bool
		MediaType   MediaType
		Description string
	}
	// ElementConnected is told by the source.
	ElementConnected struct {
		Sink                               MediaElement
		MediaType                          MediaType
		SourceDescription, SinkDescription string
	}
	// ElementDisconnected is told by the source, also when another source took
	// its place or one of both was released.
	ElementDisconnected struct {
		Sink                               MediaElement
		MediaType                          MediaType
		SourceDescription, SinkDescription string
	}
	// Unplayable says that this viewer's browser cannot play what the slot is
	// fed with: it accepted none of that codec in its offer.
	Unplayable struct {
		MediaType       MediaType
		SinkDescription string
		Codec           string
		Accepted        []string
	}
	// KeySoftLimit says that a master key of an RtpEndpoint's m-line has nearly
	// protected all the packets that it may (RFC 3711, section 9.2): 65536 are
	// left. It comes once, for whichever side's key is first; what is beyond the
	// end is not sent. A new key takes a new endpoint.
	KeySoftLimit struct{ MediaType MediaType }
	// LayersWanted says which of the encodings that this browser offered for a
	// source (RIDs, the lowest first) any viewer wants; it may stop the others.
	LayersWanted struct {
		MediaType   MediaType
		Description string
		RIDs        []string
	}
	// LayerChanged says what a place is sent of its source's layers.
	LayerChanged struct {
		MediaType       MediaType
		SinkDescription string
		Layer           Layer
	}
	// UriEndpointStateChanged tells what a recorder or a player is to do now.
	UriEndpointStateChanged struct{ State UriEndpointState }
	// Recording says that the first picture or sound since Record is written.
	Recording struct{}
	// Paused says that nothing more is written until Record.
	Paused struct{}
	// Stopped says that the recording's file is whole and closed.
	Stopped struct{}
	// EndOfStream says that a player has sent all that there is.
	EndOfStream struct{}
	// Error tells what went wrong after a call had been answered; that of a
	// recorder or a player is a *MediaError.
	Error struct{ Err error }
)

func (IceCandidateFound) event()          {}
func (IceGatheringDone) event()           {}
func (IceComponentStateChanged) event()   {}
func (NewCandidatePairSelected) event()   {}
func (DtlsConnectionStateChanged) event() {}
func (MediaStateChanged) event()          {}
func (MediaSessionStarted) event()        {}
func (MediaSessionTerminated) event()     {}
func (ConnectionStateChanged) event()     {}
func (DataChannelOpened) event()          {}
func (DataChannelClosed) event()          {}
func (SourceAdded) event()                {}
func (SourceRemoved) event()              {}
func (MediaFlowOutStateChanged) event()   {}
func (MediaFlowInStateChanged) event()    {}
func (ElementConnected) event()           {}
func (ElementDisconnected) event()        {}
func (Unplayable) event()                 {}
func (UriEndpointStateChanged) event()    {}
func (Recording) event()                  {}
func (Paused) event()                     {}
func (Stopped) event()                    {}
func (EndOfStream) event()                {}
func (KeySoftLimit) event()               {}
func (LayersWanted) event()               {}
func (LayerChanged) event()               {}
func (Error) event()                      {}
