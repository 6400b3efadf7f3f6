package record

import (
	"time"

	"kelas/pipeline/codec"
)

const (
	// Nothing was captured after it came, or very long before, unless the disk was busy.
	maxAhead  = time.Second
	maxBehind = 2 * time.Minute
	// maxReordered is how long a picture may be shown before one that was sent earlier.
	maxReordered = time.Second
)

// Stream is what one source sends of one kind, from the moment that it is connected until another takes its place.
type Stream struct {
	recording *Recording
	kind      Kind
	in        reorder
	frames    *assembler
	clock     streamClock
	ask       func()
	asked     time.Time
	keyed     time.Time // when a key frame came
	now       time.Time // of the call under way
	newest    uint32    // timestamp of the picture that is shown last of all
	any       bool      // there was one
}

// Open begins a stream; one of the same kind that is open ends. ask is called to have a key frame made.
func (r *Recording) Open(k Kind, c Codec, clock Clock, ask func(), now time.Time) (*Stream, error) {
	if r.closed {
		return nil, ErrClosed
	}
	if err := r.cfg.Container.Takes(k, c.MimeType); err != nil {
		return nil, err
	}
	if old := r.streams[k]; old != nil {
		old.end(now)
	}
	s := &Stream{
		recording: r, kind: k, ask: ask, in: newReorder(waitVideo), keyed: now,
		clock: streamClock{rate: 90000, source: clock},
	}
	if k == Audio {
		s.in.wait, s.clock.rate = waitAudio, 48000
	}
	if c.ClockRate != 0 {
		s.clock.rate = int64(c.ClockRate)
	}
	s.frames = newAssembler(codec.FormatOf(c.MimeType), int(c.Channels), s.frame)
	r.streams[k] = s
	return s, nil
}

// Write takes a packet; the payload is the stream's from now on.
func (s *Stream) Write(p Packet, now time.Time) error {
	r := s.recording
	if r.closed || r.streams[s.kind] != s {
		return ErrClosed
	}
	s.in.push(p)
	s.pump(now)
	return r.drain(now, false)
}

// Close ends the stream: what waits for missing packets waits no longer.
func (s *Stream) Close(now time.Time) error {
	if s.recording.streams[s.kind] != s {
		return nil
	}
	s.end(now)
	return s.recording.drain(now, false)
}

func (s *Stream) end(now time.Time) {
	s.in.wait = 0
	s.pump(now)
	s.recording.stats.Late += s.in.late
	s.recording.streams[s.kind] = nil
}

// pump makes frames of what has come.
func (s *Stream) pump(now time.Time) {
	s.now = now
	for {
		p, gap, ok := s.in.pop(now)
		if !ok {
			break
		}
		if gap {
			s.recording.stats.Gaps++
		}
		if !s.clock.look(now) {
			s.clock.start(p.Timestamp, now)
		}
		s.frames.add(p, gap)
	}
	s.askIfNeeded(now)
}

// askIfNeeded has a key frame made when nothing can be written without one, or when the last one is long ago.
func (s *Stream) askIfNeeded(now time.Time) {
	if s.kind != Video || !s.in.started || now.Sub(s.asked) < askAgain {
		return
	}
	// A hole that is not filled by now will hardly be: the key frame may as well be under way while it is waited for.
	hole := !s.in.since.IsZero() && now.Sub(s.in.since) >= waitVideo/2
	if s.frames.lost || hole || now.Sub(s.keyed) >= keyFrameEvery {
		s.asked = now
		s.ask()
	}
}

func (s *Stream) frame(f frame) {
	if s.kind == Video && f.key {
		s.keyed = s.now
	}
	at := s.clock.timeOf(f.ts)
	if ahead := time.Duration(at - s.now.UnixNano()); ahead > maxAhead || ahead < -maxBehind {
		// The source counts anew, and its clock has not told yet.
		s.clock.start(f.ts, s.now)
		at = s.now.UnixNano()
	}
	r := s.recording
	r.queues[s.kind] = append(r.queues[s.kind], entry{frame: f, at: at, came: s.now, back: s.reordered(f)})
}

// reordered tells whether a picture is shown before one that came before it, as H264 may have it. Nobody else may: a
// timestamp that goes back is a mistake there.
func (s *Stream) reordered(f frame) bool {
	if s.frames.format != codec.FormatH264 {
		return false
	}
	ahead := int64(int32(f.ts - s.newest))
	if s.any && ahead < 0 && -ahead < int64(maxReordered/time.Second)*s.clock.rate {
		return true
	}
	s.newest, s.any = f.ts, true
	return false
}
