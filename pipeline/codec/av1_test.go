package codec

import (
	"testing"

	"github.com/pion/rtp/codecs"
)

func TestParseAV1(t *testing.T) {
	tests := []struct {
		name    string
		payload []byte
		want    AV1
	}{
		{name: "empty"},
		{name: "aggregation header alone", payload: []byte{0x18}},
		{name: "N bit", payload: []byte{0x18, 0x32, 0x00}, want: AV1{KeyFrame: true}},
		{name: "N and Z contradict each other", payload: []byte{0x98, 0x32, 0x00}},
		{name: "frame", payload: []byte{0x10, 0x32, 0x00}},
		{name: "sequence header without N", payload: []byte{0x20, 0x02, 0x0a, 0x0b, 0x32, 0x00}, want: AV1{KeyFrame: true}},
		{name: "sequence header second, all sized", payload: []byte{0x00, 0x01, 0x12, 0x02, 0x0a, 0x0b}, want: AV1{KeyFrame: true}},
		{name: "rest of an OBU that looks like a header", payload: []byte{0x90, 0x0a, 0x0b}},
		{name: "layers", payload: []byte{0x10, 0x36, 0x48, 0x00}, want: AV1{TemporalID: 2, SpatialID: 1}},
		{name: "size runs over", payload: []byte{0x00, 0x7f, 0x32}},
		{name: "size that never ends", payload: []byte{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{name: "size cut", payload: []byte{0x00, 0xff}},
		{name: "extension cut", payload: []byte{0x10, 0x36}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ParseAV1(tt.payload); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAV1AgainstPacketizer(t *testing.T) {
	sequence := []byte{0x0a, 0x03, 0x00, 0x00, 0x00}
	frame := append([]byte{0x32, 0xb8, 0x17}, make([]byte, 3000)...)
	var p codecs.AV1Payloader
	payloads := p.Payload(1000, append(sequence, frame...))
	if len(payloads) < 3 {
		t.Fatalf("%d packets", len(payloads))
	}
	for i, payload := range payloads {
		if got := Inspect(FormatAV1, payload).KeyFrame; got != (i == 0) {
			t.Errorf("packet %d: key frame %v", i, got)
		}
	}
}

func FuzzAV1(f *testing.F) {
	f.Add([]byte{0x20, 0x02, 0x0a, 0x0b, 0x32, 0x00})
	f.Add([]byte{0x00, 0x01, 0x12, 0x02, 0x0a, 0x0b})
	f.Fuzz(func(t *testing.T, payload []byte) {
		a := ParseAV1(payload)
		if a.TemporalID > 7 || a.SpatialID > 3 {
			t.Fatalf("%+v", a)
		}
		if a.KeyFrame && len(payload) < 2 {
			t.Fatal("a key frame out of nothing")
		}
	})
}
