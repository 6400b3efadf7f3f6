package codec

import (
	"bytes"
	"testing"

	"github.com/pion/rtp/codecs"
)

func TestParseVP9(t *testing.T) {

	tests := []struct {
		name    string
		payload []byte
		ok      bool
		want    VP9
	}{
		{name: "empty"},
		{name: "key frame, bare", payload: []byte{0x08, 0x80}, ok: true, want: VP9{Size: 1, Start: true, KeyFrame: true}},
		{name: "delta frame that forgot its P bit", payload: []byte{0x08, 0x84}, ok: true, want: VP9{Size: 1, Start: true}},
		{name: "P bit", payload: []byte{0x48, 0x80}, ok: true, want: VP9{Size: 1, Start: true}},
		{name: "not the start", payload: []byte{0x04, 0x80}, ok: true, want: VP9{Size: 1, End: true}},
		{
			name: "wide id, layer, TL0", payload: []byte{0xa8, 0x81, 0x02, 0x50, 0x07, 0x80}, ok: true,
			want: VP9{
				Size: 5, Start: true, KeyFrame: true, HasPictureID: true, Wide: true, PictureID: 0x102,
				HasLayer: true, TemporalID: 2, SwitchUp: true, HasTL0: true, TL0: 7, tl0At: 4,
			},
		},
		{
			name: "upper spatial layer is no place to start", payload: []byte{0xa8, 0x01, 0x02, 0x07, 0x80}, ok: true,
			want: VP9{
				Size: 4, Start: true, HasPictureID: true, PictureID: 1,
				HasLayer: true, SpatialID: 1, HasTL0: true, TL0: 7, tl0At: 3,
			},
		},
		{
			name: "flexible with three references", payload: []byte{0xd8, 0x01, 0x03, 0x05, 0x06, 0x84}, ok: true,
			want: VP9{Size: 5, Start: true, HasPictureID: true, PictureID: 1},
		},
		{name: "four references", payload: []byte{0xd8, 0x01, 0x03, 0x05, 0x07, 0x07, 0x84}},
		{
			name:    "structure",
			payload: []byte{0x0a, 0x38, 0x05, 0x00, 0x02, 0xd0, 0x0a, 0x00, 0x05, 0xa0, 0x02, 0x04, 0x01, 0x48, 0x01, 0x02, 0x80},
			ok:      true, want: VP9{Size: 16, Start: true, KeyFrame: true},
		},
		{name: "cut structure", payload: []byte{0x0a, 0x38, 0x05}},
		{name: "cut id", payload: []byte{0x88, 0x81}},
		{name: "profile 3 key frame", payload: []byte{0x08, 0xb0}, ok: true, want: VP9{Size: 1, Start: true, KeyFrame: true}},
		{name: "profile 3 delta frame", payload: []byte{0x08, 0xb2}, ok: true, want: VP9{Size: 1, Start: true}},
		{name: "shows a frame again", payload: []byte{0x08, 0x88}, ok: true, want: VP9{Size: 1, Start: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := ParseVP9(tt.payload)
			if ok != tt.ok || got != tt.want {
				t.Errorf("got %+v %v, want %+v %v", got, ok, tt.want, tt.ok)
			}
		})
	}

}

func TestRenumberVP9(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in, want []byte
	}{
		{"wide", []byte{0xa8, 0x81, 0x02, 0x50, 0x07, 0x80}, []byte{0xa8, 0xa3, 0x45, 0x50, 0x99, 0x80}},
		{"narrow", []byte{0xa8, 0x01, 0x50, 0x07, 0x80}, []byte{0xa8, 0x45, 0x50, 0x99, 0x80}},
		{"none", []byte{0x08, 0x80}, []byte{0x08, 0x80}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := ParseVP9(tt.in)
			got := bytes.Clone(tt.in)
			d.Renumber(got, 0x2345, 0x99)
			if !bytes.Equal(got, tt.want) {
				t.Errorf("got %x, want %x", got, tt.want)
			}
		})
	}
}

func TestVP9AgainstPacketizer(t *testing.T) {
	frame := append([]byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x1d, 0xf6}, make([]byte, 3000)...)
	for _, flexible := range []bool{false, true} {
		p := codecs.VP9Payloader{FlexibleMode: flexible}
		for i, payload := range p.Payload(1000, frame) {
			d, ok := ParseVP9(payload)
			if !ok || d.KeyFrame != (i == 0) {
				t.Errorf("flexible %v, packet %d: %+v %v", flexible, i, d, ok)
			}
		}
	}
}

func FuzzVP9(f *testing.F) {
	f.Add([]byte{0xaa, 0x81, 0x02, 0x50, 0x07, 0x38, 0x05, 0, 2, 0xd0, 0x0a, 0, 5, 0xa0, 2, 4, 1, 0x48, 1, 2, 0x80}, uint16(7), uint8(9))
	f.Add([]byte{0xd8, 0x01, 0x03, 0x05, 0x06, 0x84}, uint16(1), uint8(1))
	f.Fuzz(func(t *testing.T, payload []byte, id uint16, tl0 uint8) {
		id &= 0x7fff
		d, ok := ParseVP9(payload)
		if !ok {
			return
		}
		if d.Size < 1 || d.Size > len(payload) {
			t.Fatalf("size %d of %d", d.Size, len(payload))
		}
		out := bytes.Clone(payload)
		d.Renumber(out, id, tl0)
		again, ok := ParseVP9(out)
		if !d.Wide {
			id &= 0x7f
		}
		if !ok || again.Size != d.Size || d.HasPictureID && again.PictureID != id || d.HasTL0 && again.TL0 != tl0 ||
			again.KeyFrame != d.KeyFrame || again.TemporalID != d.TemporalID {
			t.Fatalf("%+v became %+v", d, again)
		}
	})
}
