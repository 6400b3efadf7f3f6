package record

import (
	"fmt"
	"time"

	"kelas/pipeline/codec"
)

const (
	// startHold is how long the first frames wait for the other kind, so that both begin at the right place.
	startHold = time.Second
	// hold is how long frames wait for earlier ones of the other kind.
	hold = 300 * time.Millisecond
	// keyFrameEvery is how far apart pictures are to which a player may jump; where the source makes none, it is asked.
	keyFrameEvery = 10 * time.Second
	askAgain      = time.Second
	syncEvery     = 5 * time.Second
)

// Config says what is recorded, and where to.
type Config struct {
	Container    Container
	Audio, Video bool
	// Create makes the file of that number, from 1 on. Others than the first are asked for when the codec of the pictures
	// changes, which no player would follow within one file.
	Create func(number int) (File, error)
}

// Stats are the counters of a recording.
type Stats struct {
	Files    int
	Pictures uint64 // written
	Sounds   uint64 // packets written
	Gaps     uint64 // holes in what came that nothing filled
	Late     uint64 // packets that came when nobody waited for them any more
	Filled   uint64 // packets of silence, or for the decoder to conceal, put where sound was missing
	Cut      uint64 // packets of sound left out to keep it in step
	Duration time.Duration
}

// Recording makes files of streams. The zero value is of no use.
type Recording struct {
	cfg     Config
	streams [kinds]*Stream
	queues  [kinds][]entry
	stats   Stats
	failed  error
	closed  bool

	// The line: time 0 is base, and pauses are cut out of it.
	begun    bool
	base     int64
	cut      int64
	floor    int64 // nothing is earlier: when recording began or went on
	pausedAt int64

	file    File
	mux     muxer
	flushed time.Time
	synced  time.Time
	origin  time.Duration // of the file on the line
	format  codec.Format  // of the file's pictures
	picture time.Duration // of the last picture, -1: none
	sound   soundLine
}

// entry is a frame that waits for its turn.
type entry struct {
	frame
	at   int64
	came time.Time
	back bool // it is shown before one that came before it
}

// New begins a recording at the moment now. Files are created when there is something to put in.
func New(cfg Config, now time.Time) *Recording {
	return &Recording{cfg: cfg, floor: now.UnixNano(), flushed: now, synced: now}
}

// Stats are the counters.
func (r *Recording) Stats() Stats {
	st := r.stats
	for _, s := range r.streams {
		if s != nil {
			st.Late += s.in.late
		}
	}
	return st
}

// Pause ends both streams; what comes until Resume is not recorded and takes no time in the file.
func (r *Recording) Pause(now time.Time) error {
	err := r.endStreams(now)
	r.pausedAt = now.UnixNano()
	return err
}

// Resume goes on after Pause.
func (r *Recording) Resume(now time.Time) {
	if r.begun {
		r.cut += now.UnixNano() - r.pausedAt
	}
	r.floor = now.UnixNano()
}

// Close writes what is held back and makes the file seekable.
func (r *Recording) Close(now time.Time) error {
	if r.closed {
		return nil
	}
	err := r.endStreams(now)
	r.closed = true
	if e := r.finish(); err == nil {
		err = e
	}
	return err
}

func (r *Recording) endStreams(now time.Time) error {
	for _, s := range r.streams {
		if s != nil {
			s.end(now)
		}
	}
	return r.drain(now, true)
}

// Tick does what is due without a packet. It is to be called some times a second.
func (r *Recording) Tick(now time.Time) error {
	for _, s := range r.streams {
		if s != nil {
			s.pump(now)
		}
	}
	if err := r.drain(now, false); err != nil || r.mux == nil {
		return err
	}
	if now.Sub(r.flushed) >= clusterLength {
		r.flushed = now
		r.fail(r.mux.flush())
	}
	if now.Sub(r.synced) >= syncEvery && r.failed == nil {
		r.synced = now
		r.fail(r.file.Sync())
	}
	return r.failed
}

func (r *Recording) fail(err error) {
	if r.failed == nil {
		r.failed = err
	}
}

// drain writes what need not wait any more.
func (r *Recording) drain(now time.Time, all bool) error {
	for r.failed == nil {
		k, ok := r.next(now, all)
		if !ok {
			break
		}
		e := r.queues[k][0]
		r.queues[k][0] = entry{}
		r.queues[k] = r.queues[k][1:]
		r.fail(r.put(k, e))
	}
	return r.failed
}

// next is the kind whose first frame is to be written.
func (r *Recording) next(now time.Time, all bool) (k Kind, ok bool) {
	missing := false
	for i := range kinds {
		switch q := r.queues[i]; {
		case len(q) == 0:
			missing = missing || r.streams[i] != nil
		case !ok || q[0].at < r.queues[k][0].at:
			k, ok = i, true
		}
	}
	if !ok || all || !missing {
		return k, ok
	}
	wait := hold
	if r.mux == nil {
		wait = startHold
	}
	return k, now.Sub(r.queues[k][0].came) >= wait
}

// put places a frame on the line and writes it.
func (r *Recording) put(k Kind, e entry) error {
	if !r.begun {
		r.begun, r.base = true, max(e.at, r.floor)
	}
	t := time.Duration(e.at - r.base - r.cut)
	if k == Video {
		t = max(t, time.Duration(r.floor-r.base-r.cut))
	}
	if r.mux == nil || k == Video && e.key && r.format != codec.Other && e.form.format != r.format {
		if err := r.begin(k, e, t); err != nil {
			return err
		}
	}
	if k == Audio {
		return r.putSound(e, t)
	}
	return r.putPicture(e, t)
}

// begin opens the next file with this frame as its first.
func (r *Recording) begin(k Kind, e entry, t time.Duration) error {
	if err := r.finish(); err != nil {
		return err
	}
	var sound, pictures form
	if r.cfg.Audio {
		sound = opusForm(2)
	}
	switch {
	case k == Video:
		pictures = e.form
	case len(r.queues[Video]) > 0 && r.queues[Video][0].key:
		pictures = r.queues[Video][0].form
	}
	f, err := r.cfg.Create(r.stats.Files + 1)
	if err != nil {
		return fmt.Errorf("creating the recording: %w", err)
	}
	r.file = f
	r.stats.Files++
	r.origin, r.format, r.picture = max(t, 0), pictures.format, -1
	r.sound = soundLine{end: r.origin}
	r.mux, err = newMuxer(r.cfg.Container, f, sound, pictures)
	return err
}

// finish closes the file under way, as well as may be after a failure.
func (r *Recording) finish() error {
	if r.mux == nil {
		return nil
	}
	err := r.mux.close()
	if e := r.file.Sync(); err == nil {
		err = e
	}
	if e := r.file.Close(); err == nil {
		err = e
	}
	r.mux, r.file = nil, nil
	return err
}

func (r *Recording) putPicture(e entry, t time.Duration) error {
	if r.format == codec.Other {
		if !e.key {
			return nil
		}
		if err := r.mux.addVideo(e.form); err != nil {
			return err
		}
		r.format = e.form.format
	}
	// What was captured before the recording, and what the source's clock takes back, is pressed together.
	t = max(t, r.origin)
	shown := t
	if r.picture >= 0 {
		t = max(t, r.picture+time.Millisecond)
	}
	r.picture = t
	if !e.back {
		shown = t
	}
	if err := r.coverSilence(t); err != nil {
		return err
	}
	r.stats.Pictures++
	return r.write(sample{kind: Video, at: t, early: t - shown, key: e.key, data: e.data})
}

// write puts a sample with its time on the line into the file.
func (r *Recording) write(s sample) error {
	r.stats.Duration = max(r.stats.Duration, s.at+s.duration)
	s.at -= r.origin
	return r.mux.write(s)
}
