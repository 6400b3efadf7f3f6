package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kelas/pipeline/record"
	"kelas/pipeline/sfu"
)

// MediaProfile is Kurento's MediaProfileSpecType: the kind of file, and which media go in.
type MediaProfile string

const (
	ProfileWebM          MediaProfile = "WEBM"
	ProfileWebMVideoOnly MediaProfile = "WEBM_VIDEO_ONLY"
	ProfileWebMAudioOnly MediaProfile = "WEBM_AUDIO_ONLY"
	ProfileMKV           MediaProfile = "MKV"
	ProfileMKVVideoOnly  MediaProfile = "MKV_VIDEO_ONLY"
	ProfileMKVAudioOnly  MediaProfile = "MKV_AUDIO_ONLY"
	ProfileMP4           MediaProfile = "MP4"
	ProfileMP4VideoOnly  MediaProfile = "MP4_VIDEO_ONLY"
	ProfileMP4AudioOnly  MediaProfile = "MP4_AUDIO_ONLY"
)

// parse tells container and media of a profile.
func (p MediaProfile) parse() (c record.Container, audio, video bool, err error) {
	name, only, _ := strings.Cut(string(p), "_")
	switch name {
	case "WEBM":
		c = record.WebM
	case "MKV":
		c = record.MKV
	case "MP4":
		c = record.MP4
	default:
		return 0, false, false, fmt.Errorf("%w: the profile %q needs an encoder or a container that is not there; "+
			"WEBM, MKV and MP4 are there, each also _VIDEO_ONLY and _AUDIO_ONLY", ErrUnsupported, p)
	}
	switch only {
	case "":
		return c, true, true, nil
	case "VIDEO_ONLY":
		return c, false, true, nil
	case "AUDIO_ONLY":
		return c, true, false, nil
	}
	return 0, false, false, fmt.Errorf("%w: there is no profile %q", ErrUnsupported, p)
}

// RecorderEndpointOptions are Kurento's constructor parameters.
type RecorderEndpointOptions struct {
	// URI is file:///path within Config.FileRoot. A file that is there is replaced when recording begins.
	URI string
	// MediaProfile is ProfileWebM when empty.
	MediaProfile MediaProfile
	// StopOnEndOfStream stops when nothing that is connected sends any more.
	StopOnEndOfStream bool
}

// RecorderEndpoint writes what is connected to its AUDIO and VIDEO sinks into a file, as it comes: nothing is decoded.
// Its sinks have the default description.
type RecorderEndpoint struct {
	uriEndpoint[*recorderLoop]
	opts      RecorderEndpointOptions
	container record.Container
	media     []MediaType // of the profile
	name      string      // within the file root

	// Under mu.
	feeds map[MediaType]*sfu.UpTrack
	flows map[MediaType]bool
	files int           // made so far
	last  RecorderStats // of the recording before
}

// NewRecorderEndpoint makes a recorder. A uri that is not within the file root and a profile that does not exist are
// refused here; a folder that is missing is an Error event of Record.
func (p *MediaPipeline) NewRecorderEndpoint(opts RecorderEndpointOptions) (*RecorderEndpoint, error) {
	e, err := newRecorderEndpoint(p, opts)
	if err == nil {
		err = p.server.takeElement()
	}
	if err == nil {
		err = p.enter(&e.element)
	}
	if err != nil {
		return nil, fmt.Errorf("creating a RecorderEndpoint: %w", err)
	}
	for _, m := range e.media {
		// Fails only when the pipeline is being released, and then nothing will be fed.
		_ = p.addSink(&e.element, pad{m, DefaultDescription}, recorderSink{e, m})
	}
	return e, nil
}

func newRecorderEndpoint(p *MediaPipeline, opts RecorderEndpointOptions) (*RecorderEndpoint, error) {
	if opts.MediaProfile == "" {
		opts.MediaProfile = ProfileWebM
	}
	container, audio, video, err := opts.MediaProfile.parse()
	if err != nil {
		return nil, err
	}
	name, err := p.server.files.locate(opts.URI)
	if err != nil {
		return nil, err
	}
	e := &RecorderEndpoint{
		opts: opts, container: container, name: name,
		feeds: make(map[MediaType]*sfu.UpTrack), flows: make(map[MediaType]bool),
	}
	e.server, e.uri = p.server, opts.URI
	if audio {
		e.media = append(e.media, Audio)
	}
	if video {
		e.media = append(e.media, Video)
	}
	e.element.init(p, "RecorderEndpoint", e)
	return e, nil
}

var _ MediaElement = (*RecorderEndpoint)(nil)

// Record begins, or goes on after Pause. The file is created with the first picture or sound that comes; the event
// Recording tells that. What prevents it is told by an Error event, and the state is STOP again.
func (e *RecorderEndpoint) Record() error {
	return e.begin("recording", func() *recorderLoop {
		if err := e.server.files.checkFolder(e.name); err != nil {
			e.events.emit(Error{wrapMedia(ResourceErrorOpen, "opening the recording's folder", err)})
			return nil
		}
		l := newRecorderLoop(e)
		e.tapAllLocked(l)
		return l
	})
}

// StopAndWait is Stop, and returns when the file is whole and the subscribers have heard of it, or ctx ends. A
// subscriber must not call it: it would wait for itself.
func (e *RecorderEndpoint) StopAndWait(ctx context.Context) error {
	l, err := e.halt()
	if err != nil || l == nil {
		return err
	}
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the recording's end: %w", ctx.Err())
	}
}

// failed is the loop's: it ends by itself.
func (e *RecorderEndpoint) failed(l *recorderLoop, err *MediaError) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.endedLocked(l, Error{err})
}

// recorderSink is one sink of the graph.
type recorderSink struct {
	e     *RecorderEndpoint
	media MediaType
}

// feed is the graph's; pipeline.mu is held.
func (s recorderSink) feed(u *sfu.UpTrack) {
	e := s.e
	_, connected := e.inputs[pad{s.media, DefaultDescription}]
	e.mu.Lock()
	defer e.mu.Unlock()
	had := e.feeds[s.media] != nil
	e.feeds[s.media] = u
	if e.state == UriEndpointStart {
		e.tapLocked(e.loop, s.media)
	}
	if had && u == nil && connected && e.opts.StopOnEndOfStream && e.emptyLocked() {
		e.stopLocked()
	}
}

func (e *RecorderEndpoint) emptyLocked() bool {
	for _, u := range e.feeds {
		if u != nil {
			return false
		}
	}
	return true
}

// tapLocked has the loop take from what feeds the sink now.
func (e *RecorderEndpoint) tapLocked(l *recorderLoop, m MediaType) {
	u := e.feeds[m]
	if u != nil {
		if err := e.container.Takes(recordKind(m), u.Codec().MimeType); err != nil {
			e.events.emit(Error{mediaError(StreamErrorFailed, err)})
			u = nil
		}
	}
	l.tap(m, u)
}

func (e *RecorderEndpoint) tapAllLocked(l *recorderLoop) {
	for _, m := range e.media {
		e.tapLocked(l, m)
	}
}

// sweep tells what flows in, also before Record: applications begin to record when they hear of it.
func (e *RecorderEndpoint) sweep(time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range e.media {
		u := e.feeds[m]
		if flows := u != nil && u.Flowing(); flows != e.flows[m] {
			e.flows[m] = flows
			e.events.emit(MediaFlowInStateChanged{flows, m, DefaultDescription})
		}
	}
}

func recordKind(m MediaType) record.Kind {
	if m == Audio {
		return record.Audio
	}
	return record.Video
}
