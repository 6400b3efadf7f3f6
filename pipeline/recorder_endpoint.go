package pipeline

import (
	"context"
	"fmt"
	"strings"

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
	uriEndpoint
	opts      RecorderEndpointOptions
	container record.Container
	media     []MediaType // of the profile
	name      string      // within the file root

	// Under mu.
	feeds map[MediaType]*sfu.UpTrack
	loop  *recorderLoop // nil while stopped
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
		feeds: make(map[MediaType]*sfu.UpTrack),
	}
	e.server = p.server
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

// URI is what the endpoint was made with.
func (e *RecorderEndpoint) URI() string { return e.opts.URI }

// Record begins, or goes on after Pause. The file is created with the first picture or sound that comes; the event
// Recording tells that. What prevents it is told by an Error event, and the state is STOP again.
func (e *RecorderEndpoint) Record() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.released:
		return fmt.Errorf("recording: %w", ErrReleased)
	case e.state == UriEndpointStart:
		return nil
	case e.loop == nil:
		if err := e.server.files.checkFolder(e.name); err != nil {
			e.events.emit(Error{wrapMedia(ResourceErrorOpen, "opening the recording's folder", err)})
			return nil
		}
		e.loop = newRecorderLoop(e)
		e.loops.Go(e.loop.run)
	default:
		e.loop.resume()
	}
	e.setStateLocked(UriEndpointStart)
	for _, m := range e.media {
		e.tapLocked(m)
	}
	return nil
}

// Pause keeps the file open and leaves out what comes until Record.
func (e *RecorderEndpoint) Pause() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.released {
		return fmt.Errorf("pausing: %w", ErrReleased)
	}
	if e.state != UriEndpointStart {
		return nil
	}
	e.loop.untapAll()
	e.loop.pause()
	e.setStateLocked(UriEndpointPause)
	return nil
}

// Stop ends the recording; the event Stopped tells that the file is whole.
func (e *RecorderEndpoint) Stop() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.released {
		return fmt.Errorf("stopping: %w", ErrReleased)
	}
	e.stopLocked()
	return nil
}

// StopAndWait is Stop, and returns when the file is whole, or ctx ends.
func (e *RecorderEndpoint) StopAndWait(ctx context.Context) error {
	e.mu.Lock()
	if e.released {
		e.mu.Unlock()
		return fmt.Errorf("stopping: %w", ErrReleased)
	}
	done := e.stopLocked()
	e.mu.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the recording's end: %w", ctx.Err())
	}
}

// stopLocked returns what tells the end, nil when there is nothing to end.
func (e *RecorderEndpoint) stopLocked() (done <-chan struct{}) {
	l := e.loop
	if l == nil {
		return nil
	}
	e.loop = nil
	l.untapAll()
	l.stop()
	e.setStateLocked(UriEndpointStop)
	return l.done
}

// failed is the loop's: it has ended by itself.
func (e *RecorderEndpoint) failed(l *recorderLoop, err *MediaError) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events.emit(Error{err})
	if e.loop == l {
		e.stopLocked()
	}
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
		e.tapLocked(s.media)
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
func (e *RecorderEndpoint) tapLocked(m MediaType) {
	u := e.feeds[m]
	if u != nil {
		if err := e.container.Takes(recordKind(m), u.Codec().MimeType); err != nil {
			e.events.emit(Error{mediaError(StreamErrorFailed, err)})
			u = nil
		}
	}
	e.loop.tap(m, u)
}

func recordKind(m MediaType) record.Kind {
	if m == Audio {
		return record.Audio
	}
	return record.Video
}

// Release ends a recording under way properly, takes the endpoint out of the graph and waits.
func (e *RecorderEndpoint) Release() {
	e.releasing.Do(func() {
		e.pipeline.detach(&e.element)
		e.mu.Lock()
		e.released = true
		e.stopLocked()
		e.mu.Unlock()
		e.loops.Wait()
		e.events.queue.close()
		e.server.returnElement()
	})
}
