package codec

import (
	"testing"

	"github.com/pion/rtp/codecs"
)

func TestParseH264(t *testing.T) {
	tests := []struct {
		name    string
		payload []byte
		want    H264
	}{
		{name: "empty"},
		{name: "slice", payload: []byte{0x61, 0x9a}},
		{name: "SPS", payload: []byte{0x67, 0x42}, want: H264{SPS: true}},
		{name: "PPS", payload: []byte{0x68, 0x42}, want: H264{PPS: true}},
		{name: "IDR", payload: []byte{0x65, 0x88}, want: H264{IDR: true}},
		{
			name: "STAP-A of all three", payload: []byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce, 0, 2, 0x65, 0x88},
			want: H264{SPS: true, PPS: true, IDR: true},
		},
		{name: "STAP-A cut in its second unit", payload: []byte{0x78, 0, 2, 0x67, 0x42, 0, 9, 0x68}, want: H264{SPS: true, PPS: true}},
		{name: "STAP-A with an empty unit", payload: []byte{0x78, 0, 0, 0, 2, 0x67, 0x42}},
		{name: "STAP-A alone", payload: []byte{0x78}},
		{name: "STAP-A cut in a size", payload: []byte{0x78, 0}},
		{name: "STAP-B", payload: []byte{0x79, 0, 1, 0, 2, 0x67, 0x42}, want: H264{SPS: true}},
		{name: "STAP-B cut", payload: []byte{0x79, 0}},
		{name: "MTAP16", payload: []byte{0x7a, 0, 1, 0, 5, 0, 0, 0, 0x67, 0x42}, want: H264{SPS: true}},
		{name: "MTAP24", payload: []byte{0x7b, 0, 1, 0, 6, 0, 0, 0, 0, 0x67, 0x42}, want: H264{SPS: true}},
		{name: "FU-A first of an IDR", payload: []byte{0x7c, 0x85, 0x88}, want: H264{IDR: true}},
		{name: "FU-A first of an SPS", payload: []byte{0x7c, 0x87, 0x42}, want: H264{SPS: true}},
		{name: "FU-A middle", payload: []byte{0x7c, 0x05, 0x88}},
		{name: "FU-A cut", payload: []byte{0x7c}},
		{name: "FU-B first", payload: []byte{0x7d, 0x85, 0, 1}, want: H264{IDR: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ParseH264(tt.payload); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestH264AgainstPacketizer(t *testing.T) {
	idr := append([]byte{0, 0, 0, 1, 0x65, 0x88}, make([]byte, 3000)...)
	for i := range idr[6:] {
		idr[6+i] = 0x55
	}
	access := append([]byte{0, 0, 0, 1, 0x67, 0x42, 0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80}, idr...)
	var p codecs.H264Payloader
	payloads := p.Payload(1000, access)
	if len(payloads) < 4 {
		t.Fatalf("%d packets", len(payloads))
	}
	for i, payload := range payloads {
		if got := Inspect(FormatH264, payload).KeyFrame; got != (i == 0) {
			t.Errorf("packet %d: key frame %v", i, got)
		}
	}
}

func FuzzH264(f *testing.F) {
	f.Add([]byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce})
	f.Add([]byte{0x7a, 0, 1, 0, 5, 0, 0, 0, 0x67, 0x42})
	f.Fuzz(func(t *testing.T, payload []byte) {
		h := ParseH264(payload)
		if len(payload) > 0 && payload[0]&0x1f == nalSPS && !h.SPS {
			t.Fatal("an SPS of its own was not seen")
		}
		if len(payload) < 2 && h.SPS && payload[0]&0x1f != nalSPS {
			t.Fatal("an SPS out of nothing")
		}
	})
}
