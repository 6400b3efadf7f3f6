package sfu

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// FuzzSlot drives two sources and a viewer by a script: whatever comes, nothing panics, and a sequence number
// goes out with one content only. (Two contents under one number would be encrypted with one key stream.)
func FuzzSlot(f *testing.F) {
	f.Add([]byte{0x00, 0x90, 0x80, 0x05, 0x00, 1, 2, 0x20, 1, 0x90, 0x80, 0x06, 0x01}, uint8(0))
	f.Add(bytes.Repeat([]byte{0x01, 1, 0x10, 0x00, 0x42, 2, 0x41, 0x90, 0xe0, 0x02, 0x01, 0x80, 0x00, 0xa0}, 10), uint8(1))
	f.Add(bytes.Repeat([]byte{0x07, 200, 0x08, 0x80, 0xc0, 0x07, 3, 0x08, 0x84}, 20), uint8(2))
	f.Add(bytes.Repeat([]byte{0xe0, 1, 0x67, 0xe1, 0xe2, 0xe3, 9, 0x65}, 20), uint8(3))
	// VP8 with temporal layers, of which the upper one is left out and comes twice.
	f.Add([]byte("\x30\x00\x90\xa0\x00\x00\x00\x00\x00\x00\x00\xb1\x01\x90\xa0\x01\x00\x01\x00\x00\x00\x00\xe8\x01"+
		"\xb1\x01\x90\xa0\x02\x40\x01\x00\x00\x00\x00\xe9\x02\xb1\x01\x90\xa0\x03\x00\x01\x00\x00\x00\x00"), uint8(0))
	f.Fuzz(func(t *testing.T, script []byte, which uint8) {
		codecs := []Codec{vp8, vp8, vp9, h264, opus}
		c := codecs[int(which)%len(codecs)]
		kind := Video
		if c == opus {
			kind = Audio
		}
		now := time.Unix(1e9, 0)
		clock := func() time.Time { return now }
		type key struct {
			ssrc uint32
			seq  uint16
		}
		contents := map[key][]byte{}
		s := NewSlot(SlotConfig{
			Kind: kind, SSRC: slotSSRC, RTXSSRC: rtxSSRC, Codecs: viewerCodecs, Clock: clock,
			Write: func(h *rtp.Header, payload []byte) error {
				content := append([]byte(nil), payload...)
				content = binary.BigEndian.AppendUint32(content, h.Timestamp)
				content = append(content, h.PayloadType, h.PaddingSize)
				k := key{h.SSRC, h.SequenceNumber}
				if old, ok := contents[k]; ok && !bytes.Equal(old, content) {
					t.Errorf("%x %d went out as %x and as %x", k.ssrc, k.seq, old, content)
				}
				contents[k] = content
				if len(payload) == 0 && h.PaddingSize == 0 {
					t.Error("an empty packet went out")
				}
				return nil
			},
		})
		defer s.Close()
		tracks := make([]*UpTrack, 2)
		layers := make([]*Layer, 2)
		for i := range tracks {
			tracks[i] = NewUpTrack(UpTrackConfig{Kind: kind, Codec: c, Clock: clock, RingSize: 64})
			defer tracks[i].Close()
			layers[i] = tracks[i].AddLayer("", uint32(i))
		}
		wake := func() {
			s.mu.Lock()
			s.disarmLocked() // time is ours
			if s.state == held {
				s.state = idle
				s.wakeLocked(now)
			}
			for i := 0; s.state == replaying && i < 100; i++ {
				s.pumpLocked()
			}
			s.mu.Unlock()
		}
		s.Connected()
		wake()
		s.Feed(tracks[0])
		seqs, ts := [2]uint16{65500, 20}, [2]uint32{1<<32 - 9000, 5}
		next := func(n int) []byte {
			n = min(n, len(script))
			part := script[:n]
			script = script[n:]
			return part
		}
		for steps := 0; len(script) > 0 && steps < 5000; steps++ {
			op := next(1)[0]
			i := int(op >> 6 & 1)
			switch {
			case op < 0xe0: // a packet: number and time move as the script says
				arg := next(1)
				jump := int8(0)
				if len(arg) == 1 {
					jump = int8(arg[0])
				}
				seqs[i] += uint16(int16(jump) % 40)
				ts[i] += uint32(op&0x0f) * 1500
				if op == 0x3f {
					seqs[i] += 30000
				}
				p := []byte{0x80, op & 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}
				binary.BigEndian.PutUint16(p[2:], seqs[i])
				binary.BigEndian.PutUint32(p[4:], ts[i])
				body := next(int(op>>4&3) * 3)
				if len(body) > 0 {
					body = append(append([]byte(nil), body...), byte(seqs[i]>>8), byte(seqs[i]))
				}
				layers[i].Write(append(p, body...), now)
				now = now.Add(time.Duration(op&0x1f) * time.Millisecond)
			case op == 0xe0:
				s.Feed(tracks[0])
				wake()
			case op == 0xe1:
				s.Feed(tracks[1])
				wake()
			case op == 0xe2:
				s.Connected()
				wake()
			case op == 0xe3:
				now = now.Add(25 * time.Millisecond)
				for _, b := range next(4) {
					s.HandleRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: slotSSRC, Nacks: []rtcp.NackPair{
						{PacketID: uint16(s.out.rewriter.lastSeq) - uint16(b), LostPackets: rtcp.PacketBitmap(b) * 129},
					}}})
				}
			case op == 0xe4:
				s.HandleRTCP(pli())
				wake()
			case op == 0xe5:
				s.SenderReport(now)
			case op == 0xe6:
				arg := append(next(16), make([]byte, 16)...)
				layers[i].WriteSenderReport(binary.BigEndian.Uint64(arg), binary.BigEndian.Uint32(arg[8:]), now)
			case op == 0xe7:
				now = now.Add(2500 * time.Millisecond)
			case op == 0xe8: // the line carries more or less
				for _, b := range next(1) {
					s.limit.set([]step{noLimit, {0, b >> 3 & 3}, nothing, {0, allTemporal}}[b&3])
				}
			case op == 0xe9: // a worker comes to what the slot has taken from the ring already
				for _, b := range next(1) {
					var v view
					l := layers[b>>7]
					_, highest, _ := l.read(0, &v)
					for ext := highest - int64(b%16); ext <= highest; ext++ {
						if found, _, _ := l.read(ext, &v); found {
							s.deliver(l, &v)
						}
					}
				}
			default:
				wake()
			}
		}
	})
}
