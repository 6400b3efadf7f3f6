package pipeline

import (
	"context"
	"log/slog"
	"net"
)

type Server struct{ log *slog.Logger }

func NewServer(cfg Config, log *slog.Logger) (*Server, error) { return nil, cfg.Validate() }
func (s *Server) NewMediaPipeline() (*MediaPipeline, error)   { return nil, ErrClosed }
func (s *Server) ICEServers(user string) []ICEServer          { return nil }
func (s *Server) MediaAddr() net.Addr                         { return nil }
func (s *Server) TCPAddr() net.Addr                           { return nil }
func (s *Server) TURNAddr() net.Addr                          { return nil }
func (s *Server) Stats() ServerStats                          { return ServerStats{} }
func (s *Server) Close() error                                { return nil }

type MediaPipeline struct{}

func (p *MediaPipeline) ID() string { return "" }
func (p *MediaPipeline) NewWebRtcEndpoint(opts WebRtcEndpointOptions) (*WebRtcEndpoint, error) {
	return nil, ErrReleased
}
func (p *MediaPipeline) Release() {}

// WebRtcEndpointOptions are Kurento's constructor parameters.
type WebRtcEndpointOptions struct {
	RecvOnly bool // takes media from the browser only
	SendOnly bool // gives media to the browser only
}

// MediaElement is something that can be connected to others of its pipeline.
type MediaElement interface {
	ID() string
	Type() string
	MediaPipeline() *MediaPipeline
	Connect(sink MediaElement, opts ...ConnectOption) error
	Disconnect(sink MediaElement, opts ...ConnectOption) error
	Sources() []SourceInfo
	SourceConnections() []ElementConnection
	SinkConnections() []ElementConnection
	Subscribe(func(Event)) (cancel func())
	Release()
}

type ConnectOption func(*connectOptions)
type connectOptions struct{}

func OnlyMedia(t MediaType) ConnectOption      { return nil }
func SourceDescription(d string) ConnectOption { return nil }
func SinkDescription(d string) ConnectOption   { return nil }

type SourceInfo struct {
	MediaType   MediaType
	Description string
	Codec       string
	Flowing     bool
}
type ElementConnection struct {
	Source, Sink                       MediaElement
	MediaType                          MediaType
	SourceDescription, SinkDescription string
}
type IceCandidate struct {
	Candidate     string  `json:"candidate"`
	SDPMid        string  `json:"sdpMid"`
	SDPMLineIndex *uint16 `json:"sdpMLineIndex,omitempty"`
}

type WebRtcEndpoint struct{}

func (e *WebRtcEndpoint) ID() string                    { return "" }
func (e *WebRtcEndpoint) Type() string                  { return "WebRtcEndpoint" }
func (e *WebRtcEndpoint) MediaPipeline() *MediaPipeline { return nil }
func (e *WebRtcEndpoint) Connect(sink MediaElement, opts ...ConnectOption) error {
	return nil
}
func (e *WebRtcEndpoint) Disconnect(sink MediaElement, opts ...ConnectOption) error {
	return nil
}
func (e *WebRtcEndpoint) Sources() []SourceInfo                   { return nil }
func (e *WebRtcEndpoint) SourceConnections() []ElementConnection  { return nil }
func (e *WebRtcEndpoint) SinkConnections() []ElementConnection    { return nil }
func (e *WebRtcEndpoint) Subscribe(f func(Event)) (cancel func()) { return func() {} }
func (e *WebRtcEndpoint) Release()                                {}
func (e *WebRtcEndpoint) ProcessOffer(ctx context.Context, sdp string) (answer string, err error) {
	return "", ErrReleased
}
func (e *WebRtcEndpoint) AddIceCandidate(c IceCandidate) error { return nil }
func (e *WebRtcEndpoint) GatherCandidates() error              { return nil }
func (e *WebRtcEndpoint) RequestKeyframe() error               { return nil }
func (e *WebRtcEndpoint) ConnectionState() ConnectionState     { return ConnectionNew }
func (e *WebRtcEndpoint) Stats() EndpointStats                 { return EndpointStats{} }

var _ MediaElement = (*WebRtcEndpoint)(nil)
