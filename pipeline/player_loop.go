package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"kelas/pipeline/record"
	"kelas/pipeline/sfu"
)

// playerLate is how far a player of files may be behind before its clock stops: the machine was busy, or the disk.
const playerLate = 500 * time.Millisecond

// playerLoop plays once, from Play to the end or Stop. Its goroutine owns the file and the timer; others hand it what
// to do.
type playerLoop struct {
	endpoint *PlayerEndpoint
	ctx      context.Context
	cancel   context.CancelFunc
	opened   chan struct{}
	done     chan struct{}
	info     VideoInfo    // once opened
	position atomic.Int64 // nanoseconds

	mu   sync.Mutex
	todo []func(*playerLoop)
	wake chan struct{}

	// The goroutine's.
	file   *playerFile
	tracks map[record.Kind]*playerTrack
	paused bool
	hold   atomic.Bool // paused, for what is live: its packets come on other goroutines
	next   *record.Sample
	began  bool
	origin time.Time     // when the media time below is due
	media  time.Duration // of the file
	late   time.Duration // how far behind is no reason to stop the clock
	sought time.Duration // of the file: pictures before it are pressed together, and sound is left out
	swept  time.Time
}

func newPlayerLoop(e *PlayerEndpoint) *playerLoop {
	l := &playerLoop{
		endpoint: e, opened: make(chan struct{}), done: make(chan struct{}), wake: make(chan struct{}, 1),
		tracks: make(map[record.Kind]*playerTrack), late: playerLate,
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// do hands the goroutine something. After its end nothing is done any more.
func (l *playerLoop) do(f func(*playerLoop)) {
	l.mu.Lock()
	l.todo = append(l.todo, f)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *playerLoop) work() {
	l.mu.Lock()
	todo := l.todo
	l.todo = nil
	l.mu.Unlock()
	for _, f := range todo {
		f(l)
	}
}

func (l *playerLoop) run() {
	defer close(l.done)
	defer l.cancel()
	var err error
	if l.endpoint.live() {
		if err = l.stream(); err != nil {
			err = mediaError(ResourceErrorOpen, err)
		}
	} else if err = l.open(); err == nil {
		err = l.play()
	}
	l.close()
	switch {
	case err == nil, l.ctx.Err() != nil:
	case errors.Is(err, io.EOF):
		l.endpoint.ended(l, EndOfStream{})
	default:
		l.endpoint.ended(l, Error{mediaError(StreamErrorFailed, err)})
	}
}

func (l *playerLoop) open() error {
	f, err := l.endpoint.openFile(l.ctx)
	if err != nil {
		return wrapMedia(ResourceErrorOpen, "opening what is to be played", err)
	}
	l.file = f
	info := f.reader.Info()
	if len(info.LeftOut) > 0 {
		l.endpoint.server.log.Warn("a file is played without what would have to be decoded", "endpoint", l.endpoint.id, "codecs", info.LeftOut)
	}
	l.info = VideoInfo{IsSeekable: info.Seekable, Duration: info.Duration.Milliseconds()}
	if info.Seekable {
		l.info.SeekableEnd = l.info.Duration
	}
	if f.remote {
		l.late = l.endpoint.opts.NetworkCache
	}
	clock := sfu.NewSourceClock()
	epoch := time.Now()
	for _, k := range []record.Kind{record.Audio, record.Video} {
		t := f.reader.Track(k)
		if t == nil {
			continue
		}
		pt, err := newPlayerTrack(l.endpoint, t, clock, epoch)
		if err != nil {
			return err
		}
		l.tracks[k] = pt
	}
	l.openOnce()
	return nil
}

// openOnce tells that VideoInfo is known.
func (l *playerLoop) openOnce() {
	select {
	case <-l.opened:
	default:
		close(l.opened)
	}
}

func (l *playerLoop) close() {
	for _, t := range l.tracks {
		t.close()
	}
	if l.file != nil {
		l.file.close()
	}
}

// play sends each sample when it is due.
func (l *playerLoop) play() error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for l.ctx.Err() == nil {
		l.work()
		wait := time.Hour
		if !l.paused {
			if err := l.load(); err != nil {
				return err
			}
			now := time.Now()
			if wait = l.due().Sub(now); wait <= 0 {
				if err := l.send(now, -wait); err != nil {
					return err
				}
				continue
			}
		}
		timer.Reset(wait)
		select {
		case <-l.ctx.Done():
		case <-l.wake:
		case <-timer.C:
		}
	}
	return l.ctx.Err()
}

// load reads the next sample.
func (l *playerLoop) load() error {
	if l.next != nil {
		return nil
	}
	for l.next == nil {
		s, err := l.file.reader.Next()
		if err != nil {
			return err
		}
		if s.Kind == record.Video || s.At >= l.sought {
			l.next = &s
		}
	}
	if !l.began {
		l.began, l.origin, l.media = true, time.Now(), l.next.At
	}
	return nil
}

func (l *playerLoop) due() time.Time { return l.origin.Add(max(l.next.At, l.sought) - l.media) }

func (l *playerLoop) send(now time.Time, behind time.Duration) error {
	if behind > l.late {
		l.origin = l.origin.Add(behind)
	}
	s, due := l.next, l.due()
	l.next = nil
	if s.At < l.sought {
		l.origin = l.origin.Add(time.Millisecond)
	} else {
		l.position.Store(int64(s.At))
	}
	if now.Sub(l.swept) >= sweepInterval {
		l.swept = now
		for _, t := range l.tracks {
			t.sweep(now)
		}
	}
	return l.tracks[s.Kind].send(s.Data, due, now)
}

func (l *playerLoop) pause(on bool) { l.do(func(l *playerLoop) { l.setPaused(on) }) }
func (l *playerLoop) stop()         { l.cancel() }

// setPaused stops the clock, or lets it go on.
func (l *playerLoop) setPaused(on bool) {
	if l.paused == on {
		return
	}
	l.paused = on
	l.hold.Store(on)
	l.swept = time.Time{}
	if on && l.file != nil {
		for _, t := range l.tracks {
			t.tellFlow(false)
		}
	}
	if !on && l.began {
		at := time.Duration(l.position.Load())
		if l.next != nil {
			at = max(l.next.At, l.sought)
		}
		l.restart(at)
	}
}

// restart makes that media time due now.
func (l *playerLoop) restart(at time.Duration) { l.origin, l.media = time.Now(), at }

func (l *playerLoop) seek(to time.Duration) error {
	if l.file == nil {
		return fmt.Errorf("%w: it is live", ErrSeek)
	}
	at, err := l.file.reader.Seek(to)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSeek, err)
	}
	l.sought = 0
	if on := to - at; on > 0 && on <= playerReplayAge && l.tracks[record.Video] != nil {
		at, l.sought = to, to
	}
	l.next, l.began = nil, true
	l.position.Store(int64(at))
	l.restart(at)
	return nil
}
