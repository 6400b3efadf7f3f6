package pipelinetest

import (
	"testing"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stream makes the packets of n frames of one source, the first a key frame.
func stream(source uint32, n int, seq uint16) []*rtp.Packet {
	var list []*rtp.Packet
	pay := newVP8Payloader()
	for f := range n {
		parts := pay.Payload(1200, encodeFrame(source, uint32(f+1), f == 0))
		for i, part := range parts {
			seq++
			list = append(list, &rtp.Packet{
				Header: rtp.Header{
					Version: 2, SSRC: 7, SequenceNumber: seq, Timestamp: uint32(f) * 3600, Marker: i == len(parts)-1,
				},
				Payload: part,
			})
		}
	}
	return list
}

func TestSlotNotices(t *testing.T) {
	clean := stream(1, 20, 65530)
	other := stream(2, 5, clean[len(clean)-1].SequenceNumber)
	for _, p := range other {
		p.Timestamp += 100000
	}
	swapped := append([]*rtp.Packet(nil), clean...)
	swapped[10], swapped[12] = swapped[12], swapped[10]
	doubled := append(append([]*rtp.Packet(nil), clean[:9]...), clean[5:]...)
	for name, c := range map[string]struct {
		packets []*rtp.Packet
		check   func(SlotStats) bool
	}{
		"clean": {clean, func(s SlotStats) bool {
			return s.Frames == 20 && s.KeyFrames == 1 && s.Broken == 0 && s.Duplicates == 0
		}},
		"reordered":                       {swapped, func(s SlotStats) bool { return s.Frames == 20 && s.Lost == 0 }},
		"doubled":                         {doubled, func(s SlotStats) bool { return s.Frames == 20 && s.Duplicates == 4 }},
		"no key":                          {clean[8:], func(s SlotStats) bool { return s.Frames == 0 && s.Broken > 0 }},
		"new source, picture id restarts": {append(append([]*rtp.Packet(nil), clean...), other...), func(s SlotStats) bool { return s.Frames == 25 && s.KeyFrames == 2 && s.Backwards == 1 }},
		"source, no key": {append(append([]*rtp.Packet(nil), clean[:8]...), renumber(other[8:], clean[7].SequenceNumber)...),
			func(s SlotStats) bool { return s.Frames == 1 && s.Broken == 4 }},
		"a hole": {append(append([]*rtp.Packet(nil), clean[:9]...), clean[10:]...), func(s SlotStats) bool { return s.Frames == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSlot(Camera)
			for _, p := range c.packets {
				s.take(p, time.Unix(1000, 0))
			}
			if st := s.Stats(); !c.check(st) {
				t.Errorf("%+v", st)
			}
		})
	}
}

func renumber(list []*rtp.Packet, after uint16) []*rtp.Packet {
	var out []*rtp.Packet
	for _, p := range list {
		after++
		q := *p
		q.SequenceNumber = after
		out = append(out, &q)
	}
	return out
}

func TestSlotAsksAndGivesUp(t *testing.T) {
	all := stream(1, 80, 100)
	s := newSlot(Camera)
	now := time.Unix(1000, 0)
	asked, gaveUp := 0, false
	for i, p := range all {
		if i == 20 {
			continue
		}
		now = now.Add(5 * time.Millisecond)
		lost, missing := s.take(p, now)
		for _, seq := range missing {
			if seq != all[20].SequenceNumber {
				t.Fatalf("asks for %d", seq)
			}
		}
		asked += len(missing)
		gaveUp = gaveUp || lost
	}
	if asked < 5 || asked > 20 || !gaveUp || s.Stats().Lost != 1 {
		t.Errorf("asked %d times, gave up %v, %+v", asked, gaveUp, s.Stats())
	}
}
