package sfu

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kelas/pipeline/codec"
)

const (
	ringVideo = 1024 // 2 s of 4 Mbit/s in packets of 1000 bytes and more
	ringAudio = 128
	// maxLayers is more than any sender has. One that changes its SSRC again and again loses its oldest layers.
	maxLayers = 8
	// flowSilence is how long a track may be silent and still be said to flow.
	flowSilence             = 2 * time.Second
	defaultKeyFrameInterval = 500 * time.Millisecond
)

// UpTrackConfig describes a track that arrives.
type UpTrackConfig struct {
	Kind  Kind
	Codec Codec
	// RequestKeyFrame asks the sender of that SSRC for a key frame (a PLI). It is called without locks of this
	// package held, at most once in KeyFrameInterval for each layer. Close waits for a call under way: hold no
	// lock around Close that this function takes.
	RequestKeyFrame func(ssrc uint32)
	// Clock defaults to time.Now.
	Clock func() time.Time
	// KeyFrameInterval merges key-frame requests; 0 is 500 ms.
	KeyFrameInterval time.Duration
	// RingSize is how many packets each layer remembers; 0 is 1024 for video, 128 for audio. It is rounded up
	// to a power of two.
	RingSize int
	// ReplayAge is how old the key frame may be from which a viewer who comes is replayed to; 0 is 2 s. A source
	// that makes none on request needs more, and a ring for it.
	ReplayAge time.Duration
	// SourceClock is shared by all tracks of one sender, so that their sender reports are mapped to our time
	// alike and lips stay with the voice. nil: the track has one of its own, which is right to some milliseconds.
	SourceClock *SourceClock
	// Timed has it measured, while it is true, how long packets take until they are there for all; nil: never.
	Timed *atomic.Bool
	// Workers send to the slots; nil: the goroutine that writes a layer does.
	Workers *Workers
	// Flush is called where there are no Workers, when the last packet of a frame, or a packet of sound, was written to all slots: nothing
	// more is coming for a while, so what is held back to be sent together may go. Other packets, and those
	// that are sent again, are not followed by it. nil: nothing is held back.
	Flush func()
}

// UpTrack is one track of a presenter with all its layers.
type UpTrack struct {
	cfg   UpTrackConfig
	slots atomic.Pointer[[]*Slot] // a snapshot: replaced, never changed
	// shares are the same by worker.
	shares atomic.Pointer[[][]*Slot]
	flow   atomic.Pointer[[]*Layer] // those that flow, the lowest first; replaced, never changed
	// stopped is the lowest rank that the sender was told to stop, 0: none.
	stopped atomic.Int32
	demand  demand

	mu     sync.Mutex
	layers []*Layer
	added  int // layers ever
	closed bool
}

// NewUpTrack makes an up track without layers.
func NewUpTrack(cfg UpTrackConfig) *UpTrack {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.RequestKeyFrame == nil {
		cfg.RequestKeyFrame = func(uint32) {}
	}
	if cfg.KeyFrameInterval <= 0 {
		cfg.KeyFrameInterval = defaultKeyFrameInterval
	}
	if cfg.RingSize <= 0 {
		cfg.RingSize = ringVideo
		if cfg.Kind == Audio {
			cfg.RingSize = ringAudio
		}
	}
	if cfg.ReplayAge <= 0 {
		cfg.ReplayAge = replayMaxAge
	}
	if cfg.SourceClock == nil {
		cfg.SourceClock = NewSourceClock()
	}
	u := &UpTrack{cfg: cfg}
	u.slots.Store(new([]*Slot))
	u.shares.Store(new([][]*Slot))
	u.flow.Store(new([]*Layer))
	return u
}

// AddLayer adds an encoding: rid "" for a track without simulcast. The same rid and ssrc give the same layer
// again. On a closed track the layer takes nothing.
func (u *UpTrack) AddLayer(rid string, ssrc uint32) *Layer {
	l, over := u.addLayer(rid, ssrc)
	if over != nil {
		over.close()
	}
	return l
}

func (u *UpTrack) addLayer(rid string, ssrc uint32) (l, over *Layer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, l := range u.layers {
		if l.rid == rid && l.ssrc == ssrc {
			return l, nil
		}
	}
	u.added++
	l = &Layer{
		track: u, rid: rid, ssrc: ssrc, format: codec.FormatOf(u.cfg.Codec.MimeType),
		rank: rankOf(rid, u.added), added: u.added,
	}
	l.timing = layerClock{rate: clockRate(u.cfg.Kind, u.cfg.Codec), source: u.cfg.SourceClock}
	l.keys.interval, l.keys.clock = u.cfg.KeyFrameInterval, u.cfg.Clock
	l.keys.send = func() { u.cfg.RequestKeyFrame(ssrc) }
	if u.closed {
		l.keys.closed = true
		return l, nil
	}
	l.ring = newRing(u.cfg.RingSize)
	u.layers = append(u.layers, l)
	if len(u.layers) > maxLayers {
		over = u.layers[0]
		u.layers = slices.Delete(u.layers, 0, 1)
	}
	return l, over
}

func clockRate(k Kind, c Codec) int64 {
	switch {
	case c.ClockRate != 0:
		return int64(c.ClockRate)
	case k == Audio:
		return 48000
	}
	return 90000
}

// Kind says what the track carries.
func (u *UpTrack) Kind() Kind { return u.cfg.Kind }

// Codec is the codec of the track.
func (u *UpTrack) Codec() Codec { return u.cfg.Codec }

// RequestKeyFrame asks for a key frame of every layer that flows; requests are merged.
func (u *UpTrack) RequestKeyFrame() {
	if u.cfg.Kind != Video {
		return
	}
	now := u.cfg.Clock().UnixNano()
	u.mu.Lock()
	layers := slices.Clone(u.layers)
	u.mu.Unlock()
	for _, l := range layers {
		if at := l.lastPacket.Load(); at != 0 && now-at < int64(flowSilence) {
			l.keys.request()
		}
	}
}

// Flowing tells whether packets came in the last two seconds.
func (u *UpTrack) Flowing() bool {
	now := u.cfg.Clock().UnixNano()
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, l := range u.layers {
		if at := l.lastPacket.Load(); at != 0 && now-at < int64(flowSilence) {
			return true
		}
	}
	return false
}

// Stats returns the counters of the track.
func (u *UpTrack) Stats() UpTrackStats {
	u.mu.Lock()
	layers := slices.Clone(u.layers)
	u.mu.Unlock()
	var sum UpTrackStats
	for _, l := range layers {
		st := l.stats()
		sum.Layers = append(sum.Layers, st)
		sum.Packets += st.Packets
		sum.Bytes += st.Bytes
		sum.Duplicates += st.Duplicates
		sum.Empty += st.Empty
		sum.Malformed += st.Malformed
		sum.TooOld += st.TooOld
		sum.Lost += st.Lost
		sum.KeyFrames += st.KeyFrames
		sum.KeyFrameRequests += st.KeyFrameRequests
	}
	return sum
}

// Sweep is called about once a second, by one goroutine, for the figures that are about a time.
func (u *UpTrack) Sweep() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, l := range u.layers {
		l.sweep()
	}
}

// Close ends the track: slots fed by it become empty. It waits for a key-frame request under way.
func (u *UpTrack) Close() {
	u.mu.Lock()
	u.closed = true
	slots := u.slots.Swap(new([]*Slot))
	u.shares.Store(new([][]*Slot))
	layers := slices.Clone(u.layers)
	u.mu.Unlock()
	for _, s := range *slots {
		s.sourceClosed(u)
	}
	for _, l := range layers {
		l.close()
	}
}

func isSet(b *atomic.Bool) bool { return b != nil && b.Load() }

func (u *UpTrack) attach(s *Slot) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	next := append(slices.Clone(*u.slots.Load()), s)
	u.setSlotsLocked(next)
	return true
}

func (u *UpTrack) detach(s *Slot) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := *u.slots.Load()
	next := make([]*Slot, 0, len(now))
	for _, other := range now {
		if other != s {
			next = append(next, other)
		}
	}
	u.setSlotsLocked(next)
}

func (u *UpTrack) setSlotsLocked(slots []*Slot) {
	u.slots.Store(&slots)
	if u.cfg.Workers == nil {
		return
	}
	shares := make([][]*Slot, len(u.cfg.Workers.each))
	for _, s := range slots {
		i := s.cfg.Worker % len(shares)
		shares[i] = append(shares[i], s)
	}
	u.shares.Store(&shares)
}
