package sfu

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

func TestParseRTP(t *testing.T) {
	base := []byte{0x80, 0xe0, 1, 2, 0, 0, 0, 9, 0, 0, 0, 7}
	with := func(first byte, rest ...byte) []byte {
		p := append(bytes.Clone(base), rest...)
		p[0] = first
		return p
	}
	tests := []struct {
		name   string
		packet []byte
		body   []byte
		ok     bool
	}{
		{"empty", nil, nil, false},
		{"header cut", base[:11], nil, false},
		{"header alone", base, []byte{}, true},
		{"body", with(0x80, 5, 6), []byte{5, 6}, true},
		{"version 1", with(0x40, 5), nil, false},
		{"contributing source", with(0x81, 0, 0, 0, 1, 5), []byte{5}, true},
		{"contributing source cut", with(0x82, 0, 0, 0, 1, 5), nil, false},
		{"extension", with(0x90, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0, 5), []byte{5}, true},
		{"extension cut", with(0x90, 0xbe, 0xde, 0, 2, 0x10, 1, 0, 0, 5), nil, false},
		{"extension header cut", with(0x90, 0xbe, 0xde, 0), nil, false},
		{"padding", with(0xa0, 5, 0, 0, 3), []byte{5}, true},
		{"padding alone", with(0xa0, 0, 2), []byte{}, true},
		{"padding of nothing", with(0xa0, 5, 0), nil, false},
		{"padding longer than the packet", with(0xa0, 5, 3), nil, false},
		{"padding without a byte", with(0xa0), nil, false},
		{"too long", with(0x80, make([]byte, maxPayload+1)...), nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, body, ok := parseRTP(tt.packet)
			if ok != tt.ok || ok && !bytes.Equal(body, tt.body) {
				t.Fatalf("%x %v, want %x %v", body, ok, tt.body, tt.ok)
			}
			if ok && (h.seq != 0x102 || h.ts != 9 || !h.marker) {
				t.Errorf("%+v", h)
			}
		})
	}
}

func FuzzParseRTP(f *testing.F) {
	f.Add([]byte{0x90, 0xe0, 1, 2, 0, 0, 0, 9, 0, 0, 0, 7, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0, 5})
	f.Add([]byte{0xa0, 0xe0, 1, 2, 0, 0, 0, 9, 0, 0, 0, 7, 0, 2})
	f.Fuzz(func(t *testing.T, packet []byte) {
		h, body, ok := parseRTP(packet)
		var ref rtp.Packet
		if err := ref.Unmarshal(packet); err != nil || ref.Version != 2 || len(ref.Payload) > maxPayload {
			return
		}
		if !ok || !bytes.Equal(body, ref.Payload) || h.seq != ref.SequenceNumber || h.ts != ref.Timestamp || h.marker != ref.Marker {
			t.Fatalf("%+v %x %v, the reference says %+v", h, body, ok, ref)
		}
	})
}

func TestLayerCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		if st.track.Flowing() {
			t.Error("flows before anything came")
		}
		st.cam.roll(3, true)
		first := st.cam.frame(false)
		st.cam.layer.Write(first[0], time.Now())
		st.cam.layer.Write(first[0], time.Now())
		st.cam.layer.Write([]byte{1, 2, 3}, time.Now())
		st.cam.layer.Write(paddingPacket(st.cam.seq, st.cam.ts), time.Now())
		st.cam.layer.Write(rtpPacket(st.cam.seq-1100, 1, false, []byte{0x10, 1}), time.Now())
		if !st.track.Flowing() {
			t.Error("does not flow")
		}
		got := st.track.Stats()
		l := got.Layers[0]
		if got.Packets != 10 || got.Duplicates != 1 || got.Malformed != 1 || got.Empty != 1 || got.TooOld != 1 ||
			got.Lost != 2 || got.KeyFrames != 1 || got.Bytes != 10*10 || l.SSRC != 7 || !l.LastPacket.Equal(time.Now()) {
			t.Errorf("%+v", got)
		}
		time.Sleep(flowSilence)
		if st.track.Flowing() {
			t.Error("flows after two seconds of silence")
		}
		if st.track.Kind() != Video || st.track.Codec() != vp8 || st.cam.layer.SSRC() != 7 || st.cam.layer.RID() != "" {
			t.Error("the track forgot what it is")
		}
	})
}

func TestCallersBufferIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		p := st.cam.frame(true)[0]
		whole := bytes.Clone(p)
		st.cam.layer.Write(p, time.Now())
		if !bytes.Equal(p, whole) {
			t.Error("the caller's packet was changed")
		}
		clear(p)
		sent := st.viewer.take()[0]
		st.slot.HandleRTCP(nack(sent.SequenceNumber))
		if again := st.viewer.take(); !bytes.Equal(again[0].payload[2:], sent.payload) {
			t.Errorf("%x, want %x", again[0].payload[2:], sent.payload)
		}
	})
}

func TestRingReusesItsArrays(t *testing.T) {
	r := newRing(16)
	body := make([]byte, 100)
	for i := range 200 {
		if i == 100 {
			body = body[:10]
		}
		if _, v, _ := r.insert(rtpHeader{seq: uint16(i)}, false, 0, body); v != taken {
			t.Fatal(v)
		}
	}
	seq := uint16(200)
	if n := testing.AllocsPerRun(100, func() {
		r.insert(rtpHeader{seq: seq}, true, 0, body)
		seq++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if e := r.get(r.highest); e == nil || len(e.body) != 10 {
		t.Errorf("%+v", e)
	}
	if r.get(r.highest-16) != nil || r.getShort(uint32(r.highest-16)) != nil {
		t.Error("a packet that was written over is still found")
	}
}
