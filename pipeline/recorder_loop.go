package pipeline

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"kelas/pipeline/codec"
	"kelas/pipeline/record"
	"kelas/pipeline/sfu"
)

// recorderTick paces what a recording does without a packet.
const recorderTick = 100 * time.Millisecond

// RecorderStats are the figures of a recorder.
type RecorderStats struct {
	record.Stats
	Dropped uint64 // packets left out since the disk was too slow
}

// recorderLoop writes one recording, from Record to Stop. Only its goroutine touches the disk: sources put their
// packets into its inbox and go on.
type recorderLoop struct {
	endpoint *RecorderEndpoint
	in       *recorderInbox
	done     chan struct{}
	taps     map[MediaType]*recorderTap // the endpoint's, under its lock

	// The goroutine's.
	recording *record.Recording
	streams   map[*recorderTap]*record.Stream
	waiting   bool // for the first frame since Record
	stopping  bool
	broken    bool // an error was told
	paused    bool
	frames    uint64
	stats     atomic.Pointer[record.Stats]
}

// recorderTap takes the packets of one source.
type recorderTap struct {
	media   MediaType
	up      *sfu.UpTrack
	slot    *sfu.Slot
	in      *recorderInbox
	format  codec.Format
	skipped bool // the inbox was full: until a key frame; under the slot's lock
}

func newRecorderLoop(e *RecorderEndpoint) *recorderLoop {
	l := &recorderLoop{
		endpoint: e, in: newRecorderInbox(), done: make(chan struct{}),
		taps: make(map[MediaType]*recorderTap), streams: make(map[*recorderTap]*record.Stream), waiting: true,
	}
	cfg := record.Config{Container: e.container, Create: l.create}
	for _, m := range e.media {
		switch m {
		case Audio:
			cfg.Audio = true
		case Video:
			cfg.Video = true
		}
	}
	l.recording = record.New(cfg, time.Now())
	l.stats.Store(&record.Stats{})
	return l
}

// create makes the next file: name.webm, then name-2.webm. The numbers go on when the endpoint records again, lest a
// recording take the place of the one before it.
func (l *recorderLoop) create(int) (record.File, error) {
	e := l.endpoint
	e.mu.Lock()
	e.files++
	number := e.files
	e.mu.Unlock()
	name := e.name
	if number > 1 {
		ext := filepath.Ext(name)
		name = strings.TrimSuffix(name, ext) + "-" + strconv.Itoa(number) + ext
	}
	f, err := e.server.files.create(name)
	if err != nil {
		e.mu.Lock()
		e.files--
		e.mu.Unlock()
		return nil, wrapMedia(ResourceErrorOpen, "opening the recording", err)
	}
	return f, nil
}

// tap takes from u from now on; nil is nothing. The endpoint's lock is held.
func (l *recorderLoop) tap(m MediaType, u *sfu.UpTrack) {
	if old := l.taps[m]; old != nil {
		if old.up == u {
			return
		}
		l.untap(m)
	}
	if u == nil {
		return
	}
	t := &recorderTap{media: m, up: u, in: l.in, format: codec.FormatOf(u.Codec().MimeType)}
	t.slot = sfu.NewSlot(sfu.SlotConfig{
		Kind: u.Kind(), SSRC: 1, Codecs: []sfu.SlotCodec{{Codec: u.Codec(), PayloadType: 96}}, Write: t.write,
		Timed: &l.endpoint.pipeline.timed,
	})
	l.taps[m] = t
	l.in.control(func() { l.open(t) })
	t.slot.Feed(u)
	t.slot.Connected()
	// What is cached may be shown at once; a picture made now is the better start.
	u.RequestKeyFrame()
}

func (l *recorderLoop) untap(m MediaType) {
	t := l.taps[m]
	delete(l.taps, m)
	t.slot.Close()
	l.in.control(func() { l.close(t) })
}

func (l *recorderLoop) untapAll() {
	for m := range l.taps {
		l.untap(m)
	}
}

// write is the slot's, which is locked: it copies and returns.
func (t *recorderTap) write(h *rtp.Header, payload []byte) error {
	if t.skipped {
		if !t.in.roomy(t.media) || t.media == Video && !codec.Inspect(t.format, payload).KeyFrame {
			t.in.dropped.Add(1)
			return nil
		}
		t.skipped = false
	}
	p := record.Packet{Seq: h.SequenceNumber, Timestamp: h.Timestamp, Marker: h.Marker, Payload: append([]byte(nil), payload...)}
	if !t.in.packet(t, p) {
		// The rest of the group of pictures is of no use without this packet.
		t.skipped = true
	}
	return nil
}

// clock tells what the source's clock says: the slot's sender report relates its timestamps to our time.
func (t *recorderTap) clock(now time.Time) (at time.Time, ts uint32, ok bool) {
	sr := t.slot.SenderReport(now)
	if sr == nil {
		return time.Time{}, 0, false
	}
	return now, sr.RTPTime, true
}

// lost asks the source for a key frame. The slot is not asked: what it has kept lacks what is lost, and would be written
// a second time.
func (t *recorderTap) lost() { t.up.RequestKeyFrame() }

func (l *recorderLoop) pause(on bool) {
	if !on {
		l.in.control(func() {
			l.recording.Resume(time.Now())
			l.paused, l.waiting = false, true
		})
		l.endpoint.tapAllLocked(l)
		return
	}
	l.untapAll()
	l.in.control(func() {
		l.check(l.recording.Pause(time.Now()))
		l.paused = true
		l.endpoint.events.emit(Paused{})
	})
}

func (l *recorderLoop) stop() {
	l.untapAll()
	l.in.control(func() { l.stopping = true })
}

// run is the loop's goroutine; it ends after stop, and stop is called when it fails.
func (l *recorderLoop) run() {
	tick := time.NewTicker(recorderTick)
	defer tick.Stop()
	for !l.stopping {
		select {
		case <-l.in.wake:
			l.work()
		case now := <-tick.C:
			if !l.paused {
				l.check(l.recording.Tick(now))
			}
		}
		l.tell()
	}
	if err := l.recording.Close(time.Now()); err != nil && !l.broken {
		l.fail(err)
	}
	l.tell()
	l.endpoint.keep(RecorderStats{*l.stats.Load(), l.in.dropped.Load()})
	l.endpoint.events.emitAnd(Stopped{}, func() { close(l.done) })
}

func (l *recorderLoop) work() {
	for _, item := range l.in.take() {
		if item.do != nil {
			item.do()
			continue
		}
		if s := l.streams[item.tap]; s != nil {
			l.check(s.Write(item.packet, time.Now()))
		}
	}
}

func (l *recorderLoop) open(t *recorderTap) {
	c := t.up.Codec()
	s, err := l.recording.Open(recordKind(t.media), record.Codec{
		MimeType: c.MimeType, ClockRate: c.ClockRate, Channels: c.Channels,
	}, t.clock, t.lost, time.Now())
	if err != nil {
		l.check(err)
		return
	}
	l.streams[t] = s
}

func (l *recorderLoop) close(t *recorderTap) {
	if s := l.streams[t]; s != nil {
		delete(l.streams, t)
		l.check(s.Close(time.Now()))
	}
}

// check ends the recording at the first error.
func (l *recorderLoop) check(err error) {
	if err == nil || l.stopping {
		return
	}
	l.fail(err)
	l.stopping, l.broken = true, true
}

func (l *recorderLoop) fail(err error) {
	t := ResourceErrorWrite
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		t = ResourceErrorOpen
	}
	l.endpoint.failed(l, mediaError(t, err))
}

// tell emits what the figures say.
func (l *recorderLoop) tell() {
	st := l.recording.Stats()
	l.stats.Store(&st)
	frames := st.Pictures + st.Sounds
	if l.waiting && frames > l.frames {
		l.waiting = false
		l.endpoint.events.emit(Recording{})
	}
	l.frames = frames
}

// Stats are the figures of the recording under way, or of the last one.
func (e *RecorderEndpoint) Stats() RecorderStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.loop; l != nil {
		return RecorderStats{*l.stats.Load(), l.in.dropped.Load()}
	}
	return e.last
}

func (e *RecorderEndpoint) keep(st RecorderStats) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = st
}
