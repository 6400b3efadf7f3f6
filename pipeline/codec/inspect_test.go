package codec

import (
	"testing"
	"time"
)

func TestFormatOf(t *testing.T) {
	for mime, want := range map[string]Format{
		"video/VP8": FormatVP8, "video/vp9": FormatVP9, "video/H264": FormatH264, "video/AV1": FormatAV1,
		"audio/opus": FormatOpus, "audio/PCMU": Other, "": Other, "vp8": Other,
	} {
		if got := FormatOf(mime); got != want {
			t.Errorf("%q: %v, want %v", mime, got, want)
		}
	}
}

func TestInspect(t *testing.T) {
	tests := []struct {
		name    string
		format  Format
		payload []byte
		want    Info
	}{
		{"nothing is never a key frame", Other, nil, Info{}},
		{"opus", FormatOpus, []byte{0x78}, Info{KeyFrame: true}},
		{"unknown", Other, []byte{0}, Info{KeyFrame: true}},
		{"vp8 key", FormatVP8, []byte{0x10, 0x00}, Info{KeyFrame: true}},
		{"vp8 layer", FormatVP8, []byte{0x90, 0x20, 0x80, 0x01}, Info{TemporalID: 2}},
		{"vp8 cut", FormatVP8, []byte{0x90}, Info{}},
		{"vp9 layer", FormatVP9, []byte{0x68, 0x40, 0x01, 0x84}, Info{TemporalID: 2}},
		{"h264 SPS", FormatH264, []byte{0x67, 0x42}, Info{KeyFrame: true}},
		{"h264 IDR without SPS", FormatH264, []byte{0x65, 0x88}, Info{}},
		{"av1 layer", FormatAV1, []byte{0x10, 0x36, 0x40, 0x00}, Info{TemporalID: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Inspect(tt.format, tt.payload); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestOpusDuration(t *testing.T) {
	tests := []struct {
		name    string
		payload []byte
		want    time.Duration
	}{
		{"empty", nil, 0},
		{"20 ms as browsers send", []byte{0x78}, 20 * time.Millisecond},
		{"SILK 60 ms", []byte{0x18}, 60 * time.Millisecond},
		{"hybrid 10 ms", []byte{0x60}, 10 * time.Millisecond},
		{"CELT 2.5 ms", []byte{0x80}, 2500 * time.Microsecond},
		{"two frames", []byte{0x79}, 40 * time.Millisecond},
		{"three counted frames", []byte{0x7b, 0x03}, 60 * time.Millisecond},
		{"count missing", []byte{0x7b}, 0},
		{"longer than allowed", []byte{0x7b, 0x3f}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := OpusDuration(tt.payload); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzOpus(f *testing.F) {
	f.Add([]byte{0x7b, 0x03})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if d := OpusDuration(payload); d < 0 || d > 120*time.Millisecond {
			t.Fatal(d)
		}
	})
}
