package sfu

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
)

// SlotCodec is one codec that a viewer accepts, with the viewer's own payload types.
type SlotCodec struct {
	Codec          Codec
	PayloadType    uint8
	RTXPayloadType uint8 // 0: no retransmission format (RFC 4588) for this codec
}

// SlotConfig describes a viewer's place for a track.
type SlotConfig struct {
	Kind           Kind
	SSRC           uint32
	RTXSSRC        uint32 // 0: no retransmission stream
	Codecs         []SlotCodec
	MID            string
	MIDExtensionID uint8 // 0: no MID extension
	// PadTo makes the payloads of larger video packets a multiple of so many bytes with RTP padding (RFC 3550,
	// section 5.1), so that the packets of a frame have one size; 0: no padding. At most 16.
	PadTo int
	// Pace spreads what would leave in one burst over some milliseconds: large key frames, for the most part.
	Pace bool
	// OnlyRTX never sends a packet again under its own number: what is below Write gives each one other bytes.
	OnlyRTX bool
	// Write sends a packet. Header and payload are valid only during the call; the header may be changed.
	// It is called with the slot locked: it must not call the slot. An error is counted, no more.
	Write func(h *rtp.Header, payload []byte) error
	// Unplayable is called, without locks held and at most once a feed, when none of Codecs fits the source.
	Unplayable func(c Codec)
	// Timed has it measured, while it is true, how long packets take to the slot and through it; nil: never.
	Timed *atomic.Bool
	// Line fits what the slot is sent to what the viewer's way carries; it is shared by all slots of the viewer.
	// nil: the slot is sent the best there is.
	Line *Line
	// Precedence says which of the Line's slots gives way last: that with the smallest number.
	Precedence int
	// Worker is the number of the one that sends to this slot, where the source has Workers.
	Worker int
	// Clock defaults to time.Now.
	Clock func() time.Time
}

const (
	// connectWait is how long nothing is sent after the transport is up: Firefox throws away what comes in
	// the first 5 ms.
	connectWait = 20 * time.Millisecond
	// freshFor is how long after a start a PLI means "I have seen nothing" rather than "I have lost something".
	freshFor = 3 * time.Second
	// replayInterval is the least time between two replays to one viewer.
	replayInterval = 500 * time.Millisecond
)

type slotState uint8

const (
	idle      slotState = iota // empty, unplayable or not connected
	held                       // waits a moment after the transport came up
	waiting                    // for a key frame
	replaying                  // from the ring; what arrives meanwhile is in the ring too
	live
)

// Slot is a viewer's fixed place for a track. Whatever feeds it, the viewer sees one stream.
type Slot struct {
	cfg     SlotConfig
	counts  slotCounters
	awake   atomic.Bool           // false: deliver need not look any further
	current atomic.Pointer[Layer] // the layer being sent
	limit   limit
	feeding atomic.Pointer[UpTrack] // the source, if it can be played, for those who do not lock

	timers sync.WaitGroup // the timer below, while it is set or runs

	mu         sync.Mutex
	closed     bool
	connected  bool
	source     *UpTrack
	codec      *SlotCodec // nil: unplayable
	state      slotState
	layer      *Layer // the one being sent; nil while waiting
	cursor     int64  // next number to replay
	freshUntil int64
	replayedAt int64
	out        downTrack
	pace       pacer

	timer     *time.Timer
	timerTurn uint64 // a timer of an older turn does nothing
}

// NewSlot makes an empty slot that is not connected yet.
func NewSlot(cfg SlotConfig) *Slot {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	s := &Slot{cfg: cfg}
	s.out.init(&s.cfg, &s.counts, &s.limit)
	if cfg.Line != nil {
		cfg.Line.add(s)
	}
	return s
}

// SSRC is the slot's own, for life.
func (s *Slot) SSRC() uint32 { return s.cfg.SSRC }

// Kind says what the slot carries.
func (s *Slot) Kind() Kind { return s.cfg.Kind }

// Feed puts a track into the slot; nil empties it. A closed track empties it too.
func (s *Slot) Feed(u *UpTrack) {
	s.mu.Lock()
	if s.closed || s.source == u {
		s.mu.Unlock()
		return
	}
	s.haltLocked()
	if s.source != nil {
		s.source.detach(s)
	}
	s.setSourceLocked(nil)
	unplayable := false
	var ask *Layer
	if u != nil && u.attach(s) {
		s.setSourceLocked(u)
		s.codec = s.accepts(u)
		if unplayable = s.codec == nil; unplayable {
			s.feeding.Store(nil)
		} else if s.cfg.Line != nil {
			s.cfg.Line.fed(s)
		}
		ask = s.wakeLocked(s.cfg.Clock())
	}
	s.mu.Unlock()
	requestKeyFrame(ask)
	if unplayable && s.cfg.Unplayable != nil {
		s.cfg.Unplayable(u.cfg.Codec)
	}
}

// accepts finds the viewer's entry for the codec of a track.
func (s *Slot) accepts(u *UpTrack) *SlotCodec {
	if u.cfg.Kind != s.cfg.Kind {
		return nil
	}
	for i := range s.cfg.Codecs {
		if s.cfg.Codecs[i].Codec.Matches(u.cfg.Codec) {
			return &s.cfg.Codecs[i]
		}
	}
	for i := range s.cfg.Codecs {
		if u.cfg.Codec.playableAs(s.cfg.Codecs[i].Codec) {
			return &s.cfg.Codecs[i]
		}
	}
	return nil
}

// Feeding returns the track in the slot, nil when it is empty.
func (s *Slot) Feeding() *UpTrack {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source
}

// sourceClosed empties the slot if it is still that track which fed it.
func (s *Slot) sourceClosed(u *UpTrack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source == u {
		s.haltLocked()
		s.setSourceLocked(nil)
	}
}

// Connected tells that the transport is up, for the first time or again. What was sent before may not have
// arrived, so the slot begins anew; a second call while the first still waits only prolongs the wait.
func (s *Slot) Connected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.haltLocked()
	if s.cfg.Line != nil && !s.connected {
		s.cfg.Line.reconnected()
	}
	s.connected = true
	if s.cfg.Kind == Audio {
		s.wakeLocked(s.cfg.Clock()) // sound asks for no key frame
		return
	}
	s.state = held
	s.armLocked(connectWait)
}

// Disconnected tells that the transport is down: nothing is sent until Connected.
func (s *Slot) Disconnected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected = false
	s.haltLocked()
}

// Close empties the slot for good and waits for a replay under way. Hold no lock around it that Write takes.
func (s *Slot) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		s.haltLocked()
		if s.source != nil {
			s.source.detach(s)
		}
		s.setSourceLocked(nil)
		s.out.forget()
	}
	s.mu.Unlock()
	s.timers.Wait()
	if s.cfg.Line != nil {
		s.cfg.Line.remove(s)
	}
}

func (s *Slot) setSourceLocked(u *UpTrack) {
	s.source, s.codec = u, nil
	s.feeding.Store(u)
}

// haltLocked ends what is being sent.
func (s *Slot) haltLocked() {
	s.disarmLocked()
	s.awake.Store(false)
	s.current.Store(nil)
	s.layer = nil
	s.state = idle
	s.out.rewriter.end()
}

// wakeLocked starts sending if there is something to send and somebody to send it to. It returns the layer
// to ask for a key frame, once the lock is released.
func (s *Slot) wakeLocked(now time.Time) (ask *Layer) {
	if !s.connected || s.source == nil || s.codec == nil {
		return nil
	}
	s.awake.Store(true)
	s.freshUntil = now.Add(freshFor).UnixNano()
	s.state = waiting
	if s.cfg.Kind == Audio {
		return nil
	}
	return s.startLocked(now)
}

// startLocked begins at the cached key frame of the best layer. If there is none that is worth it, what is
// being sent goes on and the layer to ask is returned.
func (s *Slot) startLocked(now time.Time) (ask *Layer) {
	best := s.source.goal(&s.limit)
	if best == nil {
		return nil // the first picture of a source is a key frame, nobody needs to ask
	}
	from, ts, ok := best.replayable(now)
	if !ok {
		return best
	}
	s.counts.replays.Add(1)
	s.replayedAt = now.UnixNano()
	s.beginLocked(best, from, ts)
	s.state, s.cursor = replaying, from
	s.armLocked(0) // not here: the caller may be about to feed a thousand slots
	return nil
}

func (s *Slot) beginLocked(l *Layer, ext int64, ts uint32) {
	s.layer = l
	s.current.Store(l)
	s.pace.catching = false
	s.out.begin(l, s.codec, ext, ts)
}

// deliver takes a packet of a layer as it arrives. ask: the layer should be asked for a key frame.
func (s *Slot) deliver(l *Layer, v *view) (ask bool) {
	if !s.awake.Load() {
		return false
	}
	if s.current.Load() != l && l.track.goal(&s.limit) != l {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source != l.track || s.state <= held {
		return false
	}
	if l != s.layer {
		return s.deliverOtherLocked(l, v)
	}
	if s.limit.get() == nothing {
		s.breakLocked() // until it may be sent something again
		return false
	}
	if s.state == replaying && v.ext >= s.cursor {
		return false // the replay comes to it
	}
	return s.forwardLocked(l, v)
}

// deliverOtherLocked takes a packet of the best layer while none or another one is being sent.
func (s *Slot) deliverOtherLocked(l *Layer, v *view) (ask bool) {
	if l.track.goal(&s.limit) != l {
		return false
	}
	if s.state == waiting || v.key {
		return s.joinLocked(l, v)
	}
	if v.arrival-s.layer.lastPacket.Load() < int64(layerIdle) {
		return !v.empty() // what is being sent is good enough until a key frame comes
	}
	return s.startLocked(s.cfg.Clock()) != nil
}

// joinLocked begins with this packet if a decoder can.
func (s *Slot) joinLocked(l *Layer, v *view) (ask bool) {
	if !v.key {
		return !v.empty()
	}
	s.disarmLocked()
	s.beginLocked(l, v.ext, v.ts)
	if v.ext == v.highest || s.cfg.Kind == Audio {
		s.state = live
		return s.forwardLocked(l, v)
	}
	// The key frame came late, what follows it is in the ring already.
	s.state, s.cursor = replaying, v.ext
	return s.pumpLocked() != nil
}

// forwardLocked sends a packet of the run, or has it wait.
func (s *Slot) forwardLocked(l *Layer, v *view) (ask bool) {
	if s.paceLocked(v) {
		return false
	}
	if s.sendLocked(v) {
		return false
	}
	if v.key {
		return s.joinLocked(l, v)
	}
	s.breakLocked()
	return true
}

// sendLocked forwards a packet and measures, if that is wished, how long it took from the wire to here and through.
func (s *Slot) sendLocked(v *view) bool {
	if !isSet(s.cfg.Timed) || s.state == replaying && !s.pace.catching {
		return s.out.forward(v)
	}
	sent, took := s.counts.packets.Load(), s.cfg.Clock().UnixNano()-v.arrival
	ok := s.out.forward(v)
	if s.counts.packets.Load() > sent {
		s.counts.input.note(took)
		s.counts.through.note(s.cfg.Clock().UnixNano() - v.arrival)
	}
	return ok
}

// breakLocked ends a run that cannot go on, since the source jumped too far. The next key frame begins another.
func (s *Slot) breakLocked() (ask *Layer) {
	ask = s.layer
	s.disarmLocked()
	s.layer, s.state = nil, waiting
	s.current.Store(nil)
	s.out.rewriter.end()
	return ask
}

func requestKeyFrame(l *Layer) {
	if l != nil {
		l.keys.request()
	}
}
