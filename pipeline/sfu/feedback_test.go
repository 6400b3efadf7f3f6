package sfu

import (
	"bytes"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

func nack(seqs ...uint16) []rtcp.Packet {
	return []rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: slotSSRC, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)}}
}

func pli() []rtcp.Packet {
	return []rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: slotSSRC}}
}

func wrapStamp(inner func(*rtp.Header, []byte) error, stamp []byte) func(*rtp.Header, []byte) error {
	return func(h *rtp.Header, payload []byte) error {
		if err := h.SetExtension(3, stamp); err != nil {
			return err
		}
		return inner(h, payload)
	}
}

func TestNACKIsAnsweredByRTX(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(5, true)
		all := st.viewer.take()
		st.slot.HandleRTCP(nack(all[2].SequenceNumber, all[4].SequenceNumber, all[14].SequenceNumber))
		again := st.viewer.take()
		if len(again) != 3 {
			t.Fatalf("%d packets sent again, want 3", len(again))
		}
		for i, n := range []int{2, 4, 14} {
			g, orig := again[i], all[n]
			if g.SSRC != rtxSSRC || g.PayloadType != 97 || g.Timestamp != orig.Timestamp || g.Marker != orig.Marker {
				t.Errorf("header %+v for %+v", g.Header, orig.Header)
			}
			if osn := binary.BigEndian.Uint16(g.payload); osn != orig.SequenceNumber {
				t.Errorf("original sequence number %d, want %d", osn, orig.SequenceNumber)
			}
			if !bytes.Equal(g.payload[2:], orig.payload) {
				t.Errorf("payload %x, want %x", g.payload[2:], orig.payload)
			}
			if i > 0 && g.SequenceNumber != again[i-1].SequenceNumber+1 {
				t.Errorf("number %d after %d", g.SequenceNumber, again[i-1].SequenceNumber)
			}
		}
		// At once again: the first answer is still on its way.
		st.slot.HandleRTCP(nack(all[2].SequenceNumber))
		if n := len(st.viewer.take()); n != 0 {
			t.Errorf("%d packets sent twice within no time", n)
		}
		time.Sleep(50 * time.Millisecond)
		st.slot.HandleRTCP(nack(all[2].SequenceNumber, all[14].SequenceNumber+1, all[0].SequenceNumber-1))
		if n := len(st.viewer.take()); n != 1 {
			t.Errorf("%d packets, want 1", n)
		}
		stats := st.slot.Stats()
		if stats.NACKs != 7 || stats.Retransmitted != 4 || stats.NACKsUnknown != 2 || stats.Packets != 15 {
			t.Errorf("%+v", stats)
		}
	})
}

func TestNACKWithoutRTXSendsTheSamePacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		v := &viewer{}
		slot := NewSlot(SlotConfig{Kind: Video, SSRC: slotSSRC, Codecs: []SlotCodec{{Codec: vp8, PayloadType: 96}}, Write: v.write})
		defer slot.Close()
		slot.Connected()
		slot.Feed(st.track)
		time.Sleep(time.Second)
		st.cam.roll(2, true)
		all := v.take()
		slot.HandleRTCP(nack(all[1].SequenceNumber))
		again := v.take()
		if len(again) != 1 || again[0].SequenceNumber != all[1].SequenceNumber || again[0].SSRC != slotSSRC ||
			again[0].PayloadType != 96 || again[0].Timestamp != all[1].Timestamp || !bytes.Equal(again[0].payload, all[1].payload) {
			t.Errorf("%+v, want %+v", again, all[1])
		}
	})
}

func TestNACKReachesBackOverASwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		other, second := st.source(vp8)
		defer other.Close()
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(2, true)
		st.slot.Feed(other)
		second.narrow, second.seq = true, 3
		second.roll(2, true)
		all := st.viewer.take()
		for _, orig := range all {
			st.slot.HandleRTCP(nack(orig.SequenceNumber))
			again := st.viewer.take()
			if len(again) != 1 || !bytes.Equal(again[0].payload[2:], orig.payload) || again[0].Timestamp != orig.Timestamp {
				t.Fatalf("%+v for %+v", again, orig)
			}
		}
	})
}

func TestNACKOfWhatTheRingForgot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		st.cam.film(true)
		first := st.viewer.take()[0]
		for range 400 {
			st.cam.film(false)
		}
		st.viewer.take()
		st.slot.HandleRTCP(nack(first.SequenceNumber))
		if n := len(st.viewer.take()); n != 0 {
			t.Errorf("%d packets, want none", n)
		}
	})
}

func TestNACKFloodIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		st.cam.film(true)
		for range 300 {
			st.cam.film(false)
		}
		all := st.viewer.take()
		for _, g := range all {
			st.slot.HandleRTCP(nack(g.SequenceNumber))
		}
		if n := len(st.viewer.take()); n != nackBudget {
			t.Errorf("%d packets at once, want %d", n, nackBudget)
		}
	})
}

func TestPLIsAreMergedAndTheLastIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		v := &viewer{}
		second := newTestSlot(Video, v)
		defer second.Close()
		second.Connected()
		second.Feed(st.track)
		time.Sleep(time.Second)
		st.cam.roll(100, true) // neither viewer is fresh any more
		for range 20 {
			st.slot.HandleRTCP(pli())
			second.HandleRTCP([]rtcp.Packet{&rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: slotSSRC}}}})
			time.Sleep(10 * time.Millisecond)
		}
		if n := st.asked.count(); n != 1 {
			t.Errorf("asked %d times within 200 ms, want once", n)
		}
		time.Sleep(500 * time.Millisecond)
		st.cam.film(true)
		time.Sleep(2 * time.Second)
		if n := st.asked.count(); n != 2 {
			t.Errorf("asked %d times after all, want twice", n)
		}
		st.track.RequestKeyFrame()
		if n := st.asked.count(); n != 2 {
			t.Error("a track that does not flow was asked")
		}
		st.cam.film(false)
		st.track.RequestKeyFrame()
		if n := st.asked.count(); n != 3 {
			t.Errorf("asked %d times, want 3 times", n)
		}
		if n := st.slot.Stats().PLIs; n != 20 {
			t.Errorf("%d PLIs counted", n)
		}
		if n := st.track.Stats().KeyFrameRequests; n != 3 {
			t.Errorf("%d requests counted", n)
		}
	})
}

func TestLostRequestIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.cam.roll(60, true)
		st.slot.Feed(st.track) // the cache is too old, and the screen does not move any more
		time.Sleep(2500 * time.Millisecond)
		if n := st.asked.count(); n != 3 {
			t.Errorf("asked %d times in 2.5 s, want 3", n)
		}
		st.cam.film(true)
		time.Sleep(10 * time.Second)
		if n := st.asked.count(); n != 3 {
			t.Errorf("asked %d times although it was answered", n)
		}
		st.slot.HandleRTCP(pli())
		time.Sleep(time.Minute)
		if n := st.asked.count(); n != 3+1+requestTries {
			t.Errorf("asked %d times a source that does not answer", n)
		}
	})
}

func TestPLIOfOthersIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(100, true)
		st.slot.HandleRTCP([]rtcp.Packet{
			&rtcp.PictureLossIndication{MediaSSRC: 1},
			&rtcp.FullIntraRequest{MediaSSRC: slotSSRC, FIR: []rtcp.FIREntry{{SSRC: 1}}},
			&rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: []rtcp.NackPair{{PacketID: 1}}},
		})
		if stats := st.slot.Stats(); stats.PLIs != 0 || stats.NACKs != 0 || st.asked.count() != 0 {
			t.Errorf("%+v", stats)
		}
	})
}

func TestReceiverReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(2, true)
		sr := st.slot.SenderReport(time.Now())
		time.Sleep(250 * time.Millisecond)
		st.slot.HandleRTCP([]rtcp.Packet{&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{
			{SSRC: 1, FractionLost: 255},
			{
				SSRC: slotSSRC, FractionLost: 64, TotalLost: 9, Jitter: 900,
				LastSenderReport: uint32(sr.NTPTime >> 16), Delay: 65536 / 5,
			},
		}}})
		stats := st.slot.Stats()
		if stats.LostFraction != 0.25 || stats.LostTotal != 9 || stats.Jitter != 10*time.Millisecond {
			t.Errorf("%+v", stats)
		}
		if stats.RTT < 49*time.Millisecond || stats.RTT > 51*time.Millisecond {
			t.Errorf("round trip %v, want 50 ms", stats.RTT)
		}
	})
}
