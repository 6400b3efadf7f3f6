package codec

import (
	"testing"

	"github.com/pion/rtp/codecs"
)

func TestParseH265(t *testing.T) {
	for _, tt := range []struct {
		name    string
		payload []byte
		want    H265
	}{
		{name: "empty"},
		{name: "one byte", payload: []byte{0x40}},
		{name: "slice", payload: []byte{0x02, 0x01, 0xd0}},
		{name: "VPS", payload: []byte{0x40, 0x01, 0x0c}, want: H265{VPS: true}},
		{name: "SPS", payload: []byte{0x42, 0x01}, want: H265{SPS: true}},
		{name: "PPS", payload: []byte{0x44, 0x01}, want: H265{PPS: true}},
		{name: "IDR", payload: []byte{0x26, 0x01, 0xaf}, want: H265{IRAP: true}},
		{name: "CRA", payload: []byte{0x2a, 0x01}, want: H265{IRAP: true}},
		{
			name:    "AP of all sets and a picture",
			payload: []byte{0x60, 1, 0, 3, 0x40, 1, 0x0c, 0, 2, 0x42, 1, 0, 2, 0x44, 1, 0, 3, 0x26, 1, 0xaf},
			want:    H265{VPS: true, SPS: true, PPS: true, IRAP: true},
		},
		{name: "AP cut in its second unit", payload: []byte{0x60, 1, 0, 2, 0x40, 1, 0, 9, 0x42}, want: H265{VPS: true, SPS: true}},
		{name: "AP with an empty unit", payload: []byte{0x60, 1, 0, 0, 0, 2, 0x40, 1}},
		{name: "AP cut in a size", payload: []byte{0x60, 1, 0}},
		{name: "FU first of an IDR", payload: []byte{0x62, 1, 0x93, 0xaf}, want: H265{IRAP: true}},
		{name: "FU first of a VPS", payload: []byte{0x62, 1, 0xa0, 0x0c}, want: H265{VPS: true}},
		{name: "FU middle", payload: []byte{0x62, 1, 0x13, 0xaf}},
		{name: "FU cut", payload: []byte{0x62, 1}},
		{name: "PACI of a VPS", payload: []byte{0x64, 1, 0x40, 0x00, 0x0c}, want: H265{VPS: true}},
		{name: "PACI cut", payload: []byte{0x64, 1, 0x40}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ParseH265(tt.payload); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestH265AgainstPacketizer(t *testing.T) {
	idr := append([]byte{0, 0, 0, 1, 0x26, 1}, make([]byte, 3000)...)
	for i := range idr[6:] {
		idr[6+i] = 0x55
	}
	access := append([]byte{0, 0, 0, 1, 0x40, 1, 0x0c, 0, 0, 0, 1, 0x42, 1, 1, 0, 0, 0, 1, 0x44, 1, 0xc1}, idr...)
	var p codecs.H265Payloader
	payloads := p.Payload(1000, access)
	if len(payloads) < 4 {
		t.Fatalf("%d packets", len(payloads))
	}
	for i, payload := range payloads {
		if got := Inspect(FormatH265, payload).KeyFrame; got != (i == 0) {
			t.Errorf("packet %d: key frame %v", i, got)
		}
	}
}

func FuzzH265(f *testing.F) {
	f.Add([]byte{0x60, 1, 0, 3, 0x40, 1, 0x0c, 0, 2, 0x42, 1})
	f.Add([]byte{0x62, 1, 0x93, 0xaf})
	f.Fuzz(func(t *testing.T, payload []byte) {
		whole := string(payload)
		ParseH265(payload)
		if string(payload) != whole {
			t.Fatal("the payload was changed")
		}
	})
}
