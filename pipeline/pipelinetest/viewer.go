package pipelinetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Viewer is a page that watches: one offer with eight recvonly m-lines.
type Viewer struct {
	*browser
	slots map[Place]*Slot
}

// NewViewer opens a viewer's page; the test's cleanup closes it.
func NewViewer(tb testing.TB, o Options) *Viewer {
	tb.Helper()
	v := &Viewer{browser: newBrowser(tb, o), slots: make(map[Place]*Slot)}
	byReceiver := make(map[*webrtc.RTPReceiver]*Slot)
	for _, place := range o.places(ViewerPlaces()) {
		t, err := v.pc.AddTransceiverFromKind(place.kind(), webrtc.RTPTransceiverInit{
			Direction: webrtc.RTPTransceiverDirectionRecvonly,
		})
		if err != nil {
			tb.Fatalf("adding a place: %v", err)
		}
		s := newSlot(place)
		v.slots[place] = s
		byReceiver[t.Receiver()] = s
	}
	v.receive(byReceiver)
	return v
}

// Slot is what arrives at a place.
func (v *Viewer) Slot(p Place) *Slot { return v.slots[p] }

// AskForKeyFrame sends a picture loss indication for the place.
func (v *Viewer) AskForKeyFrame(p Place) {
	ssrcs := v.slots[p].Stats().SSRCs
	if len(ssrcs) == 0 {
		v.tb.Fatalf("nothing has come at %s yet", p)
	}
	_ = v.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrcs[0]}})
}

// receive reads every track that comes into the slot of its receiver.
// AskByFIR asks for a key frame as browsers of old did (RFC 5104, section 4.3.1).
func (v *Viewer) AskByFIR(p Place) {
	ssrcs := v.slots[p].Stats().SSRCs
	if len(ssrcs) == 0 {
		return
	}
	_ = v.pc.WriteRTCP([]rtcp.Packet{&rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: ssrcs[0], SequenceNumber: 1}}}})
}

func (b *browser) receive(byReceiver map[*webrtc.RTPReceiver]*Slot) {
	b.pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		s := byReceiver[r]
		if s == nil {
			return
		}
		b.wg.Go(func() { b.read(t, s) })
		b.wg.Go(func() { readReceived(r, s) })
	})
}

func (b *browser) read(t *webrtc.TrackRemote, s *Slot) {
	for {
		p, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		lost, missing := s.take(p, time.Now())
		if len(missing) > 0 {
			_ = b.pc.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{
				MediaSSRC: s.mainSSRC(), Nacks: rtcp.NackPairsFromSequenceNumbers(missing),
			}})
		}
		if lost {
			// As a browser does when its jitter buffer gives up.
			_ = b.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: s.mainSSRC()}})
		}
	}
}

func readReceived(r *webrtc.RTPReceiver, s *Slot) {
	for {
		packets, _, err := r.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok {
				s.report(sr)
			}
		}
	}
}

// Frame is one frame, or one packet of sound, in the order of play.
type Frame struct {
	Source, Number uint32
	Key            bool
	Timestamp      uint32
	At             time.Time
}

// SlotStats tell what came at a place.
type SlotStats struct {
	Packets    int      // in order, duplicates not counted
	Frames     int      // decodable
	KeyFrames  int      // of these
	Duplicates int      // packets that came twice
	Lost       int      // packets that never came
	Broken     int      // frames that could not be decoded
	Reports    int      // sender reports
	SSRCs      []uint32 // a correct slot has one
	Backwards  int      // timestamps or picture ids that went back
	LastReport rtcp.SenderReport
}

// Slot puts the packets of one place in order and the frames together.
type Slot struct {
	place Place

	mu      sync.Mutex
	stats   SlotStats
	frames  []Frame
	started bool
	next    uint16
	waiting map[uint16]*rtp.Packet
	asked   map[uint16]time.Time
	build   assembler
}

// maxWaiting packets behind a gap: then it is lost, after about a second.
const maxWaiting = 120

// maxFrames are remembered.
const maxFrames = 5000

func newSlot(p Place) *Slot {
	return &Slot{place: p, waiting: make(map[uint16]*rtp.Packet), asked: make(map[uint16]time.Time), build: assembler{video: p.kind() == webrtc.RTPCodecTypeVideo}}
}

// take tells whether packets were given up, and which to ask for.
func (s *Slot) take(p *rtp.Packet, now time.Time) (lost bool, missing []uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seeSSRC(p.SSRC)
	if len(p.Payload) == 0 {
		return false, nil
	}
	if !s.started {
		s.started = true
		s.next = p.SequenceNumber
	}
	if behind := int16(p.SequenceNumber - s.next); behind < 0 || s.waiting[p.SequenceNumber] != nil {
		s.stats.Duplicates++
		return false, nil
	}
	s.waiting[p.SequenceNumber] = p
	for len(s.waiting) > 0 {
		q := s.waiting[s.next]
		if q == nil {
			if len(s.waiting) <= maxWaiting {
				break
			}
			s.stats.Lost++
			s.build.gap()
			lost = true
			s.next++
			continue
		}
		delete(s.waiting, s.next)
		s.next++
		s.stats.Packets++
		s.play(q, now)
	}
	return lost, s.missing(now)
}

// askAgain is about the round trip of the test networks; browsers measure it.
const askAgain = 50 * time.Millisecond

// missing are the holes in front of what waits, each named again only after a
// while. Sound is not asked for, as in browsers.
func (s *Slot) missing(now time.Time) []uint16 {
	if len(s.waiting) == 0 || !s.build.video {
		clear(s.asked)
		return nil
	}
	var list []uint16
	for left, seq := len(s.waiting), s.next; left > 0; seq++ {
		if s.waiting[seq] != nil {
			left--
			continue
		}
		if now.Sub(s.asked[seq]) >= askAgain {
			s.asked[seq] = now
			list = append(list, seq)
		}
	}
	return list
}

func (s *Slot) mainSSRC() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats.SSRCs[0]
}

func (s *Slot) seeSSRC(ssrc uint32) {
	for _, known := range s.stats.SSRCs {
		if known == ssrc {
			return
		}
	}
	s.stats.SSRCs = append(s.stats.SSRCs, ssrc)
}

func (s *Slot) play(p *rtp.Packet, now time.Time) {
	f, state := s.build.add(p)
	s.stats.Backwards += s.build.takeBackwards()
	switch state {
	case frameBroken:
		s.stats.Broken++
	case frameWhole:
		f.At = now
		s.stats.Frames++
		if f.Key {
			s.stats.KeyFrames++
		}
		if len(s.frames) < maxFrames {
			s.frames = append(s.frames, f)
		}
	}
}

func (s *Slot) report(sr *rtcp.SenderReport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Reports++
	s.stats.LastReport = *sr
}

// Stats are the figures so far.
func (s *Slot) Stats() SlotStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.SSRCs = append([]uint32(nil), st.SSRCs...)
	return st
}

// Frames are the decodable frames in order, the first few thousand.
func (s *Slot) Frames() []Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Frame(nil), s.frames...)
}

// Last is the newest frame; ok is false when there is none.
func (s *Slot) Last() (f Frame, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.frames) == 0 {
		return Frame{}, false
	}
	return s.frames[len(s.frames)-1], true
}

// Shows tells whether the newest frame is of that source.
func (s *Slot) Shows(source uint32) bool {
	f, ok := s.Last()
	return ok && f.Source == source
}

// WaitFrames waits for n more frames.
func (s *Slot) WaitFrames(tb testing.TB, n int, within time.Duration) {
	tb.Helper()
	target := s.Stats().Frames + n
	Eventually(tb, within, "more frames come at "+string(s.place), func() bool { return s.Stats().Frames >= target })
}

// WaitTotal waits until n frames have come since the beginning.
func (s *Slot) WaitTotal(tb testing.TB, n int, within time.Duration) {
	tb.Helper()
	Eventually(tb, within, fmt.Sprintf("%d frames came at %s", n, s.place), func() bool { return s.Stats().Frames >= n })
}

// WaitSource waits for a frame of that source.
func (s *Slot) WaitSource(tb testing.TB, source uint32, within time.Duration) {
	tb.Helper()
	Eventually(tb, within, "the source is shown at "+string(s.place), func() bool { return s.Shows(source) })
}

// BeginToSend adds an m-line on which the page sends; another negotiation has
// to follow.
func (v *Viewer) BeginToSend(p Place) *Presenter {
	v.tb.Helper()
	s := &Presenter{browser: v.browser, sources: make(map[Place][]*source)}
	s.addSource(p, Options{}, webrtc.RTPTransceiverDirectionSendonly)
	return s
}
