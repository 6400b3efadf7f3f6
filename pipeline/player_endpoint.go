package pipeline

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"kelas/pipeline/sfu"
)

// PlayerEndpointOptions are Kurento's constructor parameters.
type PlayerEndpointOptions struct {
	// URI is file:///path within Config.FileRoot, or http, https, rtsp or rtsps of a host in Config.PlayFrom. RTSP
	// takes UDP, or TCP where no packet comes; rtspt:// is TCP and rtspu:// is UDP alone, as in GStreamer.
	URI string
	// UseEncodedMedia is Kurento's wish that nothing be transcoded. Nothing ever is.
	UseEncodedMedia bool
	// NetworkCache is how far reading over HTTP may be behind before the clock stops for it; 0 means 2 s.
	NetworkCache time.Duration
}

// VideoInfo is Kurento's: times in milliseconds.
type VideoInfo struct {
	IsSeekable                          bool
	SeekableInit, SeekableEnd, Duration int64
}

// PlayerEndpoint sends what a file or a camera has, as it is. Its sources AUDIO and VIDEO have the default description
// and are there while it plays.
type PlayerEndpoint struct {
	uriEndpoint[*playerLoop]
	opts PlayerEndpointOptions
	url  *url.URL
	name string // within the file root, "" for others
}

// NewPlayerEndpoint makes a player. What may not be played is refused here; what is not there, or cannot be read, is an
// Error event of Play.
func (p *MediaPipeline) NewPlayerEndpoint(opts PlayerEndpointOptions) (*PlayerEndpoint, error) {
	e := &PlayerEndpoint{opts: opts}
	e.server, e.uri = p.server, opts.URI
	if opts.NetworkCache < 0 || opts.NetworkCache > time.Minute {
		return nil, fmt.Errorf("creating a PlayerEndpoint: %w: a network cache of %v", ErrUnsupported, opts.NetworkCache)
	}
	if opts.NetworkCache == 0 {
		e.opts.NetworkCache = 2 * time.Second
	}
	err := e.check()
	if err == nil {
		err = p.server.takeElement()
	}
	if err != nil {
		return nil, fmt.Errorf("creating a PlayerEndpoint: %w", err)
	}
	e.element.init(p, "PlayerEndpoint", e)
	if err := p.enter(&e.element); err != nil {
		return nil, fmt.Errorf("creating a PlayerEndpoint: %w", err)
	}
	return e, nil
}

var _ MediaElement = (*PlayerEndpoint)(nil)

// check refuses what this server does not play.
func (e *PlayerEndpoint) check() (err error) {
	if e.url, err = url.Parse(e.opts.URI); err != nil {
		return fmt.Errorf("%w: it does not parse", ErrBadURI)
	}
	switch e.url.Scheme {
	case "file", "":
		e.name, err = e.server.files.locate(e.opts.URI)
		return err
	case "http", "https", "rtsp", "rtsps", "rtspt", "rtspu":
		return e.server.playFrom.checkURL(e.url)
	}
	return fmt.Errorf("%w: scheme %q", ErrBadURI, e.url.Scheme)
}

// live: a camera, not a file.
func (e *PlayerEndpoint) live() bool { return strings.HasPrefix(e.url.Scheme, "rtsp") }

// Play begins, or goes on after Pause. What prevents it is told by an Error event, and the state is STOP again.
func (e *PlayerEndpoint) Play() error {
	return e.begin("playing", func() *playerLoop { return newPlayerLoop(e) })
}

// ended is the loop's, after it has ended by itself.
func (e *PlayerEndpoint) ended(l *playerLoop, ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.loop == l { // not told to stop meanwhile
		e.endedLocked(l, ev)
	}
}

// Position is the time in the file of what was sent last, in milliseconds; 0 while stopped.
func (e *PlayerEndpoint) Position() int64 {
	if l := e.current(); l != nil {
		return time.Duration(l.position.Load()).Milliseconds()
	}
	return 0
}

// SetPosition goes to a time in milliseconds: viewers are sent the pictures since the key frame before it at once, unless
// that is more than 15 s away; then it is the place. It fails with ErrSeek while stopped, and for what is not seekable.
func (e *PlayerEndpoint) SetPosition(ctx context.Context, milliseconds int64) error {
	l := e.current()
	if l == nil {
		return fmt.Errorf("%w: it is stopped", ErrSeek)
	}
	if milliseconds < 0 || milliseconds > (1000*time.Hour).Milliseconds() {
		return fmt.Errorf("%w: to %d ms", ErrSeek, milliseconds)
	}
	done := make(chan error, 1)
	l.do(func(l *playerLoop) { done <- l.seek(time.Duration(milliseconds) * time.Millisecond) })
	select {
	case err := <-done:
		return err
	case <-l.done:
		return fmt.Errorf("%w: it has ended", ErrSeek)
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrSeek, ctx.Err())
	}
}

// VideoInfo waits until the file is open. It is zero while stopped and for what is live.
func (e *PlayerEndpoint) VideoInfo(ctx context.Context) (VideoInfo, error) {
	l := e.current()
	if l == nil {
		return VideoInfo{}, nil
	}
	select {
	case <-l.opened:
		return l.info, nil
	case <-l.done:
		return VideoInfo{}, nil
	case <-ctx.Done():
		return VideoInfo{}, fmt.Errorf("waiting for the file to open: %w", ctx.Err())
	}
}

// Stats are the figures of the sources that are there.
func (e *PlayerEndpoint) Stats() []TrackStats {
	e.pipeline.mu.Lock()
	tracks := make(map[pad]*sfu.UpTrack, len(e.sources))
	for at, s := range e.sources {
		if s.up != nil {
			tracks[at] = s.up
		}
	}
	e.pipeline.mu.Unlock()
	list := make([]TrackStats, 0, len(tracks))
	for at, u := range tracks {
		list = append(list, receivedStats(at, u))
	}
	return list
}
