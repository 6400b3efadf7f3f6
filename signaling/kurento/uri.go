package kurento

import (
	"context"
	"time"

	"kelas/pipeline"
)

// Recorders and players.

// fileTime bounds the wait for a file or a server elsewhere.
const fileTime = 30 * time.Second

type recorderPart struct{ *pipeline.RecorderEndpoint }

func (p recorderPart) element() pipeline.MediaElement { return p.RecorderEndpoint }

func makeRecorder(c *call) (part, error) {
	if c.text("mediaProfile") == "KURENTO_SPLIT_RECORDER" {
		return nil, fail(codeIllegalParam, "Kurento Split Recorder not supported: each kind in a file of its own is a recorder for each, with _AUDIO_ONLY and _VIDEO_ONLY")
	}
	e, err := c.inPipeline().NewRecorderEndpoint(pipeline.RecorderEndpointOptions{
		URI: c.text("uri"), MediaProfile: pipeline.MediaProfile(c.text("mediaProfile")), StopOnEndOfStream: c.flag("stopOnEndOfStream")})
	if err != nil {
		return nil, err
	}
	return recorderPart{e}, nil
}

type playerPart struct{ *pipeline.PlayerEndpoint }

func (p playerPart) element() pipeline.MediaElement { return p.PlayerEndpoint }

func makePlayer(c *call) (part, error) {
	cache := c.int("networkCache")
	if cache < 0 || cache > 60_000 {
		return nil, fail(codeIllegalParam, "networkCache is not between 0 and 60000 ms")
	}
	e, err := c.inPipeline().NewPlayerEndpoint(pipeline.PlayerEndpointOptions{
		URI: c.text("uri"), UseEncodedMedia: c.flag("useEncodedMedia"), NetworkCache: time.Duration(cache) * time.Millisecond})
	if err != nil {
		return nil, err
	}
	return playerPart{e}, nil
}

// uriElement is what every UriEndpoint of the pipeline can do.
type uriElement interface {
	URI() string
	State() pipeline.UriEndpointState
	Pause() error
	Stop() error
}

func (c *call) uri() uriElement                  { return c.obj.element().(uriElement) }
func (c *call) player() *pipeline.PlayerEndpoint { return c.obj.part.(playerPart).PlayerEndpoint }
func (c *call) recorder() *pipeline.RecorderEndpoint {
	return c.obj.part.(recorderPart).RecorderEndpoint
}

func getURI(c *call) (any, error)      { return c.uri().URI(), nil }
func getURIState(c *call) (any, error) { return string(c.uri().State()), nil }
func pauseURI(c *call) (any, error)    { return nil, c.uri().Pause() }
func stopURI(c *call) (any, error)     { return nil, c.uri().Stop() }

func startRecording(c *call) (any, error) { return nil, c.recorder().Record() }

// stopAndWait answers when the file is whole; only its own connection waits.
func stopAndWait(c *call) (any, error) { return nil, c.recorder().StopAndWait(c.s.ctx) }

func play(c *call) (any, error) { return nil, c.player().Play() }

func getPosition(c *call) (any, error) { return c.player().Position(), nil }

func setPosition(c *call) error {
	ctx, cancel := context.WithTimeout(c.s.ctx, fileTime)
	defer cancel()
	return as(codeSeek, "Seek fails", c.player().SetPosition(ctx, c.int("position")))
}

func getVideoInfo(c *call) (any, error) {
	ctx, cancel := context.WithTimeout(c.s.ctx, fileTime)
	defer cancel()
	v, err := c.player().VideoInfo(ctx)
	if err != nil {
		return nil, err
	}
	return record("VideoInfo", map[string]any{"isSeekable": v.IsSeekable, "seekableInit": v.SeekableInit, "seekableEnd": v.SeekableEnd, "duration": v.Duration}), nil
}
