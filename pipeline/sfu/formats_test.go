package sfu

import (
	"bytes"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"kelas/pipeline/codec"
)

func TestVP9NumbersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		var layers []*Layer
		var tracks []*UpTrack
		for i := range uint32(2) {
			u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: Codec{MimeType: "video/VP9", ClockRate: 90000, FmtpLine: "profile-id=0"}})
			defer u.Close()
			tracks, layers = append(tracks, u), append(layers, u.AddLayer("", i))
		}
		// Two spatial layers in each picture, a wide id, TL0PICIDX.
		film := func(n int, picture uint16, tl0 byte) {
			for i := range 5 {
				for spatial := range byte(2) {
					head, frame := byte(0xe8), byte(0x84)
					if i == 0 {
						head, frame = 0xa8, 0x80
					}
					id := picture + uint16(i)
					body := []byte{head, 0x80 | byte(id>>8&0x7f), byte(id), spatial << 1, tl0 + byte(i), frame, byte(n), byte(i), spatial}
					layers[n].Write(rtpPacket(uint16(100+2*i)+uint16(spatial), uint32(i)*3600, spatial == 1, body), time.Now())
				}
				time.Sleep(40 * time.Millisecond)
			}
		}
		st.slot.Feed(tracks[0])
		film(0, 0x7ffd, 254)
		st.slot.Feed(tracks[1])
		film(1, 5, 90)
		all := st.viewer.take()
		wantContinuous(t, all)
		if len(all) != 20 {
			t.Fatalf("%d packets", len(all))
		}
		first, _ := codec.ParseVP9(all[0].payload)
		for i, g := range all {
			d, ok := codec.ParseVP9(g.payload)
			if !ok || !d.Wide || g.PayloadType != 98 {
				t.Fatalf("packet %d: %+v", i, d)
			}
			if step := (d.PictureID - first.PictureID) & 0x7fff; step != uint16(i/2) {
				t.Errorf("packet %d: picture id stepped by %d in all", i, step)
			}
			if step := d.TL0 - first.TL0; step != byte(i/2) {
				t.Errorf("packet %d: TL0PICIDX stepped by %d in all", i, step)
			}
			st.slot.HandleRTCP(nack(g.SequenceNumber))
			if again := st.viewer.take(); len(again) != 1 || !bytes.Equal(again[0].payload[2:], g.payload) {
				t.Errorf("packet %d was sent again as %+v", i, again)
			}
		}
	})
}

// TestPayloadsPassUnchanged: whatever is not VP8 or VP9 is nobody's business.
func TestPayloadsPassUnchanged(t *testing.T) {
	for _, tt := range []struct {
		name  string
		codec Codec
		body  []byte
	}{
		{"H264", h264, []byte{0x67, 0x42, 0xe0, 0x1f}},
		{"AV1", Codec{MimeType: "video/AV1", ClockRate: 90000}, []byte{0x18, 0x0a, 0x01, 0x02}},
		{"H265", Codec{MimeType: "video/H265", ClockRate: 90000}, []byte{0x40, 0x01, 0x02}},
		{"VP8 with a cut descriptor comes after its key frame", vp8, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &viewer{}
				slot := NewSlot(SlotConfig{Kind: Video, SSRC: slotSSRC, Codecs: []SlotCodec{{Codec: tt.codec, PayloadType: 45}}, Write: v.write})
				defer slot.Close()
				u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: tt.codec})
				defer u.Close()
				l := u.AddLayer("", 1)
				slot.Connected()
				slot.Feed(u)
				time.Sleep(time.Second)
				if tt.body == nil {
					l.Write(rtpPacket(1, 1, true, []byte{0x10, 0}), time.Now())
					tt.body = []byte{0x90, 0x80}
				}
				l.Write(rtpPacket(2, 2, true, tt.body), time.Now())
				all := v.take()
				if len(all) == 0 || !bytes.Equal(all[len(all)-1].payload, tt.body) {
					t.Errorf("%+v", all)
				}
			})
		})
	}
}

func TestExtensionsAndPaddingOfTheSourceAreStripped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		h := rtp.Header{Version: 2, SequenceNumber: 1, SSRC: 7, CSRC: []uint32{1, 2}, Padding: true, PaddingSize: 5, Marker: true}
		if err := h.SetExtension(5, []byte{1, 2, 3}); err != nil {
			t.Fatal(err)
		}
		body := binary.BigEndian.AppendUint32([]byte{0x90, 0x80, 0x81, 0x01, 0x00}, 4711)
		p := rtp.Packet{Header: h, Payload: body}
		raw, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		st.cam.layer.Write(raw, time.Now())
		all := st.viewer.take()
		if len(all) != 1 {
			t.Fatalf("%d packets", len(all))
		}
		g := all[0]
		if g.Extension || len(g.Extensions) != 0 || len(g.CSRC) != 0 || g.Padding || !g.Marker || g.id() != 4711 || len(g.payload) != len(body) {
			t.Errorf("%+v %x", g.Header, g.payload)
		}
	})
}
