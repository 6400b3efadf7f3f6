package sfu

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"kelas/pipeline/codec"
)

// A presenter, this package, a line and a viewer's browser, in the time of a synctest bubble: what comes out depends on
// nothing but the seed.

// simLine is a way with a rate, a queue, a delay and losses. Times are its owner's.
type simLine struct {
	random *rand.Rand
	rate   int64 // bits a second, 0: as fast as one likes
	queue  time.Duration
	delay  time.Duration
	loss   float64
	freeAt time.Time
}

// send tells when a packet arrives; false: never.
func (l *simLine) send(size int, now time.Time) (time.Time, bool) {
	if l.random.Float64() < l.loss {
		return time.Time{}, false
	}
	at := now
	if l.rate > 0 {
		if l.freeAt.Before(now) {
			l.freeAt = now
		}
		if l.freeAt.Sub(now) > l.queue {
			return time.Time{}, false
		}
		l.freeAt = l.freeAt.Add(time.Duration(int64(size) * 8 * int64(time.Second) / l.rate))
		at = l.freeAt
	}
	return at.Add(l.delay), true
}

// simLayer is one encoding of a presenter: VP8 with three temporal layers (0 2 1 2) at 25 pictures a second.
type simLayer struct {
	layer    *Layer
	bytes    int // of an average picture
	frame    int
	seq      uint16
	picture  uint16
	tl0      uint8
	wantsKey time.Time // when a key frame that was asked for is ready
	off      bool
	keys     int
}

const (
	simFPS    = 25
	simPacket = 1100
)

// film makes the next picture.
func (s *simLayer) film(now time.Time, ts uint32) {
	key := s.frame == 0 || !s.wantsKey.IsZero() && !now.Before(s.wantsKey)
	if key {
		s.frame, s.wantsKey = 0, time.Time{}
		s.keys++
	}
	at := s.frame % 4
	tid := [4]byte{0, 2, 1, 2}[at]
	sync := at == 1 || at == 2 // the last one refers to the picture of layer 1
	if tid == 0 {
		s.tl0++
	}
	size := s.bytes * [4]int{16, 6, 12, 6}[at] / 10
	if key {
		size = 5 * s.bytes
	}
	for first := true; size > 0; first = false {
		n := min(size, simPacket)
		size -= n
		head := byte(0x80)
		if first {
			head |= 0x10
		}
		layer := tid << 6
		if sync {
			layer |= 0x20
		}
		tag := byte(1)
		if key && first {
			tag = 0
		}
		body := append([]byte{head, 0xe0, 0x80 | byte(s.picture>>8), byte(s.picture), s.tl0, layer, tag}, make([]byte, n)...)
		s.layer.Write(rtpPacket(s.seq, ts, size == 0, body), now)
		s.seq++
	}
	s.picture = (s.picture + 1) & 0x7fff
	s.frame++
}

// simFrame is a picture as the browser puts it together.
type simFrame struct {
	first, last  uint16 // numbers, once known
	begun, ended bool
	packets      map[uint16]bool
	key          bool
	tid          uint8
	sync         bool
	tl0          uint8
	bytes        int
}

func (f *simFrame) whole() bool {
	return f.begun && f.ended && len(f.packets) == int(f.last-f.first)+1
}

// simBrowser receives, reports and decodes.
type simBrowser struct {
	recorder *twcc.Recorder
	frames   map[uint16]*simFrame
	order    []uint16 // picture ids in the order of their numbers
	next     int      // the next of order to be decoded
	tl0      uint8    // of the last base picture decoded
	mid      bool     // the picture of layer 1 after it was decoded
	any      bool

	highest uint16
	started bool
	missing map[uint16]*simMissing

	decoded   int
	decodedAt time.Time
	longest   time.Duration
	frozen    time.Duration
	freezes   int
	received  int64
	sound     int
	soundAt   []time.Duration // on the way
	plis      int
	pliAt     time.Time
}

type simMissing struct {
	asked int
	at    time.Time
}

func newSimBrowser() *simBrowser {
	return &simBrowser{recorder: twcc.NewRecorder(1), frames: map[uint16]*simFrame{}, missing: map[uint16]*simMissing{}}
}

// take is a packet of the camera that arrived, RTX already undone.
func (b *simBrowser) take(seq uint16, payload []byte, marker, again bool, now time.Time) {
	if !b.started {
		b.started, b.highest = true, seq-1
	}
	delete(b.missing, seq)
	if d := int16(seq - b.highest); d > 0 {
		for n := b.highest + 1; n != seq && d < 500; n++ {
			b.missing[n] = &simMissing{at: now.Add(10 * time.Millisecond)}
		}
		b.highest = seq
	}
	v, ok := codec.ParseVP8(payload)
	if !ok {
		return // padding
	}
	f := b.frames[v.PictureID]
	if f == nil {
		f = &simFrame{packets: map[uint16]bool{}}
		b.frames[v.PictureID] = f
		b.order = append(b.order, v.PictureID)
		for i := len(b.order) - 1; i > b.next && int16((b.order[i-1]-b.order[i])<<1) > 0; i-- {
			b.order[i-1], b.order[i] = b.order[i], b.order[i-1]
		}
	}
	if f.packets[seq] {
		return
	}
	f.packets[seq] = true
	f.bytes += len(payload)
	f.tid, f.tl0, f.sync, f.key = v.TemporalID(), v.TL0, v.LayerSync(), f.key || v.KeyFrame
	if v.Start {
		f.begun, f.first = true, seq
	}
	if marker {
		f.ended, f.last = true, seq
	}
	b.decode(now)
}

// decode shows what can be shown: as libwebrtc does, a picture waits for those that it refers to, and one that
// nothing refers to is given up once a later one can be shown.
func (b *simBrowser) decode(now time.Time) {
	for i := b.next; i < len(b.order); i++ {
		f := b.frames[b.order[i]]
		if !f.whole() || !b.refers(f) {
			continue
		}
		switch f.tid {
		case 0:
			b.tl0, b.mid = f.tl0, false
		case 1:
			b.mid = true
		}
		b.next = i + 1
		for n := range b.missing {
			if int16(n-f.first) < 0 {
				delete(b.missing, n) // what is older is of no use any more
			}
		}
		b.show(now)
	}
}

func (b *simBrowser) refers(f *simFrame) bool {
	switch {
	case f.key:
		return true
	case !b.any:
		return false
	case f.tid == 0:
		return f.tl0 == b.tl0+1
	case f.tl0 != b.tl0:
		return false
	}
	return f.sync || f.tid == 1 || b.mid
}

// show counts; a freeze is a stand of more than 0.3 s.
func (b *simBrowser) show(now time.Time) {
	if b.any {
		stand := now.Sub(b.decodedAt)
		b.longest = max(b.longest, stand)
		if stand > 300*time.Millisecond {
			b.freezes++
			b.frozen += stand
		}
	}
	b.any, b.decodedAt = true, now
	b.decoded++
}

// asks are the numbers that are asked for again now.
func (b *simBrowser) asks(now time.Time) (list []uint16) {
	for n, m := range b.missing {
		switch {
		case m.asked >= 10:
			delete(b.missing, n)
		case !now.Before(m.at):
			m.asked++
			m.at = now.Add(100 * time.Millisecond)
			list = append(list, n)
		}
	}
	return list
}

// simArrival is something on its way.
type simArrival struct {
	at time.Time
	do func(now time.Time)
}

// sim is the whole of it.
type sim struct {
	t       *testing.T
	camera  *UpTrack
	mic     *UpTrack
	layers  []*simLayer
	sound   *Layer
	line    *Line
	slots   []*Slot
	down    simLine
	up      simLine
	browser *simBrowser
	began   time.Time
	ts      uint32
	soundTS uint32
	soundNo uint16
	seconds []string // the layer at each second

	mu     sync.Mutex
	number uint16
	flying []simArrival
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{t: t, browser: newSimBrowser(), began: time.Now(), ts: 1 << 20}
	s.down.random, s.up.random = rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	s.down.delay, s.up.delay = 20*time.Millisecond, 20*time.Millisecond
	s.down.queue = 400 * time.Millisecond
	s.camera = NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, RequestKeyFrame: s.keyAsked})
	s.mic = NewUpTrack(UpTrackConfig{Kind: Audio, Codec: opus})
	for i, l := range []struct {
		rid  string
		rate int
	}{{"q", 150_000}, {"h", 500_000}, {"f", 1_400_000}} {
		s.layers = append(s.layers, &simLayer{layer: s.camera.AddLayer(l.rid, uint32(10+i)), bytes: l.rate / 8 / simFPS, seq: 1000, picture: uint16(100 * i)})
	}
	s.sound = s.mic.AddLayer("", 20)
	s.line = NewLine(nil)
	s.slots = []*Slot{s.slot(Video, slotSSRC, rtxSSRC), s.slot(Audio, slotSSRC+10, 0)}
	s.slots[0].Feed(s.camera)
	s.slots[1].Feed(s.mic)
	t.Cleanup(s.close)
	return s
}

func (s *sim) close() {
	for _, slot := range s.slots {
		slot.Close()
	}
	s.line.Close()
	s.camera.Close()
	s.mic.Close()
}

func (s *sim) keyAsked(ssrc uint32) {
	for _, l := range s.layers {
		if l.layer.ssrc == ssrc && l.wantsKey.IsZero() {
			l.wantsKey = time.Now().Add(60 * time.Millisecond)
		}
	}
}

func (s *sim) slot(k Kind, ssrc, rtx uint32) *Slot {
	return NewSlot(SlotConfig{Kind: k, SSRC: ssrc, RTXSSRC: rtx, Codecs: viewerCodecs, Line: s.line, Write: func(h *rtp.Header, payload []byte) error {
		s.send(h, payload)
		return nil
	}})
}

// send puts a packet on the line; a slot is locked.
func (s *sim) send(h *rtp.Header, payload []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	number := s.number
	s.number++
	size := 24 + len(payload) + int(h.PaddingSize)
	s.line.Sent(number, size, now)
	at, ok := s.down.send(size+wireOverhead, now)
	if !ok {
		return
	}
	head, body := h.Clone(), append([]byte(nil), payload...)
	s.flying = append(s.flying, simArrival{at, func(arrived time.Time) {
		s.browser.recorder.Record(1, number, arrived.Sub(s.began).Microseconds()+1e6)
		s.browser.received += int64(size)
		switch head.SSRC {
		case slotSSRC:
			s.browser.take(head.SequenceNumber, body, head.Marker, false, arrived)
		case rtxSSRC:
			if len(body) > 2 {
				s.browser.take(binary.BigEndian.Uint16(body), body[2:], head.Marker, true, arrived)
			}
		default:
			s.browser.sound++
			s.browser.soundAt = append(s.browser.soundAt, arrived.Sub(now))
		}
	}})
}

// connect lets the wait after connecting pass.
func (s *sim) connect() {
	for _, slot := range s.slots {
		slot.Connected()
	}
}

// run lets time pass, a millisecond at a time.
func (s *sim) run(d time.Duration) {
	for range d / time.Millisecond {
		time.Sleep(time.Millisecond)
		now := time.Now()
		ms := now.Sub(s.began).Milliseconds()
		if ms%20 == 0 {
			s.soundTS += 960
			s.soundNo++
			s.sound.Write(rtpPacket(s.soundNo, s.soundTS, false, append([]byte{0x78}, make([]byte, 60)...)), now)
		}
		if ms%(1000/simFPS) == 0 {
			s.ts += 90000 / simFPS
			for _, l := range s.layers {
				if !l.off {
					l.film(now, s.ts)
				}
			}
		}
		s.arrive(now)
		if ms%100 == 50 {
			s.report(now)
		}
		if list := s.browser.asks(now); len(list) > 0 {
			s.answer(&rtcp.TransportLayerNack{MediaSSRC: slotSSRC, Nacks: rtcp.NackPairsFromSequenceNumbers(list)}, now)
		}
		if now.Sub(s.browser.decodedAt) > time.Second && now.Sub(s.browser.pliAt) > time.Second && s.browser.any {
			s.browser.pliAt = now
			s.browser.plis++
			s.answer(&rtcp.PictureLossIndication{MediaSSRC: slotSSRC}, now)
		}
		if ms%1000 == 999 {
			s.line.Sweep(now)
			s.seconds = append(s.seconds, s.shown())
		}
	}
}

func (s *sim) arrive(now time.Time) {
	s.mu.Lock()
	var due, rest []simArrival
	for _, a := range s.flying {
		if a.at.After(now) {
			rest = append(rest, a)
		} else {
			due = append(due, a)
		}
	}
	s.flying = rest
	s.mu.Unlock()
	for _, a := range due {
		a.do(a.at)
	}
}

// report sends what has arrived since the last report.
func (s *sim) report(now time.Time) {
	for _, p := range s.browser.recorder.BuildFeedbackPacket() {
		s.answer(p, now)
	}
}

// answer sends RTCP back over the other half of the line.
func (s *sim) answer(p rtcp.Packet, now time.Time) {
	raw, err := p.Marshal()
	if err != nil {
		s.t.Error(err)
		return
	}
	at, ok := s.up.send(len(raw), now)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying = append(s.flying, simArrival{at, func(arrived time.Time) {
		s.line.HandleRTCP(raw, arrived)
		for _, slot := range s.slots {
			slot.HandleRTCP([]rtcp.Packet{p})
		}
	}})
}

// shown names what is sent: the layer, and its temporal layers where not all.
func (s *sim) shown() string {
	r, ok := s.slots[0].Received()
	switch {
	case !ok, r.Paused:
		return "-"
	case r.Temporal >= 0:
		return fmt.Sprintf("%s%d", r.RID, r.Temporal)
	case r.RID == "":
		return "."
	}
	return r.RID
}

// course is what was sent over the seconds, put short: f*10 q*5.
func (s *sim) course() string {
	var parts []string
	for i := 0; i < len(s.seconds); {
		n := 1
		for i+n < len(s.seconds) && s.seconds[i+n] == s.seconds[i] {
			n++
		}
		parts = append(parts, fmt.Sprintf("%s*%d", s.seconds[i], n))
		i += n
	}
	return strings.Join(parts, " ")
}

// soundLate is the longest that sound was on its way since the packet number from.
func (b *simBrowser) soundLate(from int) (late time.Duration) {
	for _, d := range b.soundAt[min(from, len(b.soundAt)):] {
		late = max(late, d)
	}
	return late
}
