package sfu

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// sized films key frames of packets with these payload sizes and returns what
// the viewer got, and what it got again after a NACK for all of it.
func sized(t *testing.T, cfg SlotConfig, sizes []int) (first, again []got) {
	t.Helper()
	v := &viewer{}
	cfg.Kind, cfg.SSRC, cfg.Write = Video, slotSSRC, v.write
	s := NewSlot(cfg)
	defer s.Close()
	u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8})
	defer u.Close()
	l := u.AddLayer("", 7)
	s.Feed(u)
	s.Connected()
	time.Sleep(connectWait + time.Millisecond)
	for i, n := range sizes {
		body := bytes.Repeat([]byte{byte(i)}, n)
		copy(body, []byte{0x80, 0xe0, 0x81, 0x02, 0x07, 0x20, 0x01}) // with a picture id of 15 bits: its size stays
		if i == 0 {
			body[0], body[6] = 0x90, 0
		}
		l.Write(rtpPacket(uint16(i), 9000, i == len(sizes)-1, body), time.Now())
	}
	first = v.take()
	time.Sleep(100 * time.Millisecond)
	var lost []uint16
	for _, g := range first {
		lost = append(lost, g.SequenceNumber)
	}
	s.HandleRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: slotSSRC, Nacks: rtcp.NackPairsFromSequenceNumbers(lost)}})
	return first, v.take()
}

func marshalled(t *testing.T, g got) []byte {
	t.Helper()
	raw, err := (&rtp.Packet{Header: g.Header, Payload: g.payload}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestPaddingEvensSizesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sizes := []int{1160, 1161, 1165, 1168, 1169, 399, 400, 401, 1300, 1301, 50}
		wire := []int{1168, 1168, 1168, 1168, 1184, 399, 400, 416, 1312, 1301, 50}
		first, again := sized(t, SlotConfig{RTXSSRC: rtxSSRC, Codecs: viewerCodecs, PadTo: 16}, sizes)
		if len(first) != len(sizes) || len(again) != len(sizes) {
			t.Fatalf("%d packets and %d again, want %d", len(first), len(again), len(sizes))
		}
		for i, g := range first {
			raw := marshalled(t, g)
			if len(raw) != 12+wire[i] {
				t.Errorf("a payload of %d bytes takes %d, want %d", sizes[i], len(raw)-12, wire[i])
			}
			var p rtp.Packet
			if err := p.Unmarshal(raw); err != nil || len(p.Payload) != sizes[i] {
				t.Errorf("a payload of %d bytes is read as %d, %v", sizes[i], len(p.Payload), err)
			}
			// RFC 4588, section 4: the original number, then the payload without padding.
			r := again[i]
			if r.SSRC != rtxSSRC || r.Padding || r.PaddingSize != 0 || !bytes.Equal(r.payload[2:], g.payload) {
				t.Errorf("packet %d is sent again as %+v", i, r.Header)
			}
		}
	})
}

// TestPaddingIsRepeated: without RTX a packet has the same number, so the same
// SRTP nonce, and must have the same bytes.
func TestPaddingIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sizes := []int{1160, 1161, 1176, 401, 50}
		first, again := sized(t, SlotConfig{Codecs: []SlotCodec{{Codec: vp8, PayloadType: 96}}, PadTo: 16}, sizes)
		if len(first) != len(sizes) || len(again) != len(sizes) {
			t.Fatalf("%d packets and %d again, want %d", len(first), len(again), len(sizes))
		}
		for i := range first {
			if !bytes.Equal(marshalled(t, first[i]), marshalled(t, again[i])) {
				t.Errorf("packet %d differs: %+v, %+v", i, first[i].Header, again[i].Header)
			}
		}
	})
}

func TestNoPaddingUnlessAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, _ := sized(t, SlotConfig{RTXSSRC: rtxSSRC, Codecs: viewerCodecs}, []int{1160, 1161})
		for _, g := range first {
			if g.Padding || g.PaddingSize != 0 {
				t.Errorf("%+v", g.Header)
			}
		}
	})
}
