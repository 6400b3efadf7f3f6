package classroom

import (
	"context"

	"kelas/pipeline"
)

// What a class needs of the media server. live* below is the real one; tests
// of the rules alone put a stand-in here, since no network runs in a
// synctest bubble.
type (
	mediaServer interface {
		NewPipeline() (mediaPipeline, error)
		ICEServers(user string) []pipeline.ICEServer
	}
	mediaPipeline interface {
		NewEndpoint(EndpointRole) (mediaEndpoint, error)
		Release()
	}
	mediaEndpoint interface {
		ID() string
		ProcessOffer(ctx context.Context, sdp string) (answer string, err error)
		AddIceCandidate(pipeline.IceCandidate) error
		GatherCandidates() error
		Subscribe(func(pipeline.Event)) (cancel func())
		// Feed connects one place to one place of a sink; what fed that before
		// is replaced. Unfeed disconnects.
		Feed(sink mediaEndpoint, from, to Slot) error
		Unfeed(sink mediaEndpoint, from, to Slot) error
		SetQuality(pipeline.Quality) error
		Stats() pipeline.EndpointStats
		Release()
	}
)

type liveServer struct{ server *pipeline.Server }

func (s liveServer) NewPipeline() (mediaPipeline, error) {
	p, err := s.server.NewMediaPipeline()
	if err != nil {
		return nil, err
	}
	return livePipeline{p}, nil
}

func (s liveServer) ICEServers(user string) []pipeline.ICEServer { return s.server.ICEServers(user) }

type livePipeline struct{ p *pipeline.MediaPipeline }

func (p livePipeline) Release() { p.p.Release() }

// NewEndpoint: a presenter's endpoint takes only and a viewer's gives only,
// so that no viewer's page can send media into the class.
func (p livePipeline) NewEndpoint(role EndpointRole) (mediaEndpoint, error) {
	e, err := p.p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{
		RecvOnly: role == EndpointPresenter || role == EndpointEncoder,
		SendOnly: role == EndpointViewer,
	})
	if err != nil {
		return nil, err
	}
	return liveEndpoint{e}, nil
}

type liveEndpoint struct{ *pipeline.WebRtcEndpoint }

// flows are what goes from the presenter to each viewer. The pairs of the
// promoted speakers stay empty until somebody is promoted.
var flows = []struct {
	media       pipeline.MediaType
	description string
	slot        Slot
}{
	{pipeline.Audio, pipeline.DefaultDescription, SlotMic},
	{pipeline.Video, pipeline.DefaultDescription, SlotCamera},
	{pipeline.Video, pipeline.ScreenDescription, SlotScreen},
	{pipeline.Audio, pipeline.ScreenDescription, SlotScreenAudio},
}

// slotOf names the slot of a media description; "" when it is none.
func slotOf(media pipeline.MediaType, description string) Slot {
	for _, f := range flows {
		if f.media == media && f.description == description {
			return f.slot
		}
	}
	return ""
}

// flowOf is a slot as the pipeline knows it.
func flowOf(slot Slot) (media pipeline.MediaType, description string) {
	for _, f := range flows {
		if f.slot == slot {
			return f.media, f.description
		}
	}
	return "", ""
}

func (e liveEndpoint) Feed(sink mediaEndpoint, from, to Slot) error {
	media, source := flowOf(from)
	_, target := flowOf(to)
	return e.Connect(sink.(liveEndpoint).WebRtcEndpoint, pipeline.OnlyMedia(media),
		pipeline.SourceDescription(source), pipeline.SinkDescription(target))
}

func (e liveEndpoint) Unfeed(sink mediaEndpoint, from, to Slot) error {
	media, source := flowOf(from)
	_, target := flowOf(to)
	return e.Disconnect(sink.(liveEndpoint).WebRtcEndpoint, pipeline.OnlyMedia(media),
		pipeline.SourceDescription(source), pipeline.SinkDescription(target))
}
