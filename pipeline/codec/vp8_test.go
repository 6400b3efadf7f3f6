package codec

import (
	"bytes"
	"testing"

	"github.com/pion/rtp/codecs"
)

func TestParseVP8(t *testing.T) {
	tests := []struct {
		name    string
		payload []byte
		ok      bool
		want    VP8
		tid     uint8
	}{
		{name: "empty"},
		{name: "key frame, no extension", payload: []byte{0x10, 0x00, 0x9d}, ok: true, want: VP8{Size: 1, Start: true, KeyFrame: true}},
		{name: "delta frame", payload: []byte{0x10, 0x01}, ok: true, want: VP8{Size: 1, Start: true}},
		{name: "not the first packet", payload: []byte{0x00, 0x00}, ok: true, want: VP8{Size: 1}},
		{name: "first packet of partition 1", payload: []byte{0x11, 0x00}, ok: true, want: VP8{Size: 1}},
		{name: "descriptor alone", payload: []byte{0x10}, ok: true, want: VP8{Size: 1, Start: true}},
		{
			name: "7 bit id", payload: []byte{0x90, 0x80, 0x7f, 0x00}, ok: true,
			want: VP8{Size: 3, Start: true, KeyFrame: true, HasPictureID: true, PictureID: 127},
		},
		{
			name: "15 bit id", payload: []byte{0x90, 0x80, 0x81, 0x02, 0x01}, ok: true,
			want: VP8{Size: 4, Start: true, HasPictureID: true, Wide: true, PictureID: 0x102},
		},
		{
			name: "everything", payload: []byte{0x90, 0xf0, 0x81, 0x02, 0x07, 0xa3, 0x01}, ok: true, tid: 2,
			want: VP8{
				Size: 6, Start: true, HasPictureID: true, Wide: true, PictureID: 0x102,
				HasTL0: true, TL0: 7, HasTID: true, HasKeyIdx: true,
			},
		},
		{
			name: "key index alone says nothing of layers", payload: []byte{0x90, 0x10, 0xc3, 0x01}, ok: true,
			want: VP8{Size: 3, Start: true, HasKeyIdx: true},
		},
		{name: "cut before the flags", payload: []byte{0x90}},
		{name: "cut before the id", payload: []byte{0x90, 0x80}},
		{name: "cut within the id", payload: []byte{0x90, 0x80, 0x81}},
		{name: "cut before TL0PICIDX", payload: []byte{0x90, 0xc0, 0x01}},
		{name: "cut before the layer", payload: []byte{0x90, 0xe0, 0x01, 0x02}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := ParseVP8(tt.payload)
			if ok != tt.ok {
				t.Fatalf("ok = %v, want %v", ok, tt.ok)
			}
			tid := got.TemporalID()
			got.first, got.layer = 0, 0
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if tid != tt.tid {
				t.Errorf("temporal id %d, want %d", tid, tt.tid)
			}
		})
	}
}

func TestPutVP8AlwaysWritesAWideID(t *testing.T) {
	tests := []struct {
		name     string
		in, want []byte
	}{
		{"no extension", []byte{0x10}, []byte{0x90, 0x80, 0xa3, 0x45}},
		{"7 bits", []byte{0x90, 0x80, 0x05}, []byte{0x90, 0x80, 0xa3, 0x45}},
		{"15 bits", []byte{0x90, 0x80, 0x80, 0x05}, []byte{0x90, 0x80, 0xa3, 0x45}},
		{"all fields", []byte{0x90, 0xf0, 0x05, 0x01, 0xc7}, []byte{0x90, 0xf0, 0xa3, 0x45, 0x99, 0xc7}},
		{"no id but layers", []byte{0x80, 0x60, 0x01, 0x40}, []byte{0x80, 0xe0, 0xa3, 0x45, 0x99, 0x40}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, ok := ParseVP8(append(bytes.Clone(tt.in), 0xaa))
			if !ok {
				t.Fatal("not parsed")
			}
			var buf [VP8MaxDescriptor]byte
			if got := buf[:d.Put(buf[:], 0x2345, 0x99)]; !bytes.Equal(got, tt.want) {
				t.Errorf("got %x, want %x", got, tt.want)
			}
		})
	}
}

func TestPutVP8DoesNotAllocate(t *testing.T) {
	payload := []byte{0x90, 0xf0, 0x05, 0x01, 0xc7, 0x00}
	var buf [VP8MaxDescriptor]byte
	if n := testing.AllocsPerRun(100, func() {
		d, _ := ParseVP8(payload)
		d.Put(buf[:], 1, 2)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzVP8(f *testing.F) {
	f.Add([]byte{0x90, 0xf0, 0x81, 0x02, 0x07, 0xa3, 0x01}, uint16(7), uint8(9))
	f.Add([]byte{0x10, 0x00}, uint16(0x7fff), uint8(0))
	f.Add([]byte{}, uint16(0), uint8(0))
	f.Fuzz(func(t *testing.T, payload []byte, id uint16, tl0 uint8) {
		id &= 0x7fff
		d, ok := ParseVP8(payload)
		var ref codecs.VP8Packet
		if _, err := ref.Unmarshal(payload); ok && err == nil && len(payload) > d.Size {
			if (ref.I == 1) != d.HasPictureID || d.HasPictureID && ref.PictureID != d.PictureID ||
				(ref.L == 1) != d.HasTL0 || ref.TL0PICIDX != d.TL0 || !bytes.Equal(ref.Payload, payload[d.Size:]) {
				t.Fatalf("%+v, but the reference says %+v", d, ref)
			}
		}
		if !ok {
			return
		}
		var buf [VP8MaxDescriptor]byte
		out := append(bytes.Clone(buf[:d.Put(buf[:], id, tl0)]), payload[d.Size:]...)
		again, ok := ParseVP8(out)
		if !ok || !again.Wide || again.PictureID != id || again.HasTL0 != d.HasTL0 || d.HasTL0 && again.TL0 != tl0 ||
			again.Start != d.Start || again.KeyFrame != d.KeyFrame || again.TemporalID() != d.TemporalID() ||
			again.HasKeyIdx != d.HasKeyIdx || !bytes.Equal(out[again.Size:], payload[d.Size:]) {
			t.Fatalf("%+v became %+v", d, again)
		}
	})
}
