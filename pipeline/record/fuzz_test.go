package record_test

import (
	"testing"
	"time"

	"kelas/pipeline/record"
)

type nowhere struct{}

func (nowhere) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }
func (nowhere) Truncate(int64) error                   { return nil }
func (nowhere) Sync() error                            { return nil }
func (nowhere) Close() error                           { return nil }

// FuzzStream gives payloads of strangers to every depacketiser. A packet is a byte for its number's step and marker, one
// for its length, and its payload.
func FuzzStream(f *testing.F) {
	f.Add(uint8(0), []byte("\x80\x0b\x10\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00\x80\x02\x10\x11"))
	f.Add(uint8(1), []byte("\x80\x08\x8c\x80\x00\x82\x49\x83\x42\x00"))
	f.Add(uint8(2), []byte("\x00\x0a\x78\x00\x03\x67\x42\xc0\x00\x02\x68\xce\x80\x02\x65\x88\x00\x03\x7c\x85\x88\x80\x03\x7c\x45\x88"))
	f.Add(uint8(3), []byte("\x80\x0e\x08\x0b\x0a\x09\x00\x00\x00\x02\xaf\xff\x9b\x5f\x30\x08"))
	f.Add(uint8(4), []byte("\x00\x01\xfc\x01\x02\xfb\x06"))
	mimes := []string{"video/VP8", "video/VP9", "video/H264", "video/AV1", "audio/opus"}
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		mime := mimes[int(which)%len(mimes)]
		kind := record.Video
		if mime == "audio/opus" {
			kind = record.Audio
		}
		for _, c := range []record.Container{record.MKV, record.MP4} {
			r := record.New(record.Config{
				Container: c, Audio: true, Video: true, Create: func(int) (record.File, error) { return nowhere{}, nil },
			}, epoch)
			clock := func(now time.Time) (time.Time, uint32, bool) { return now, uint32(now.Sub(epoch).Milliseconds()), true }
			s, err := r.Open(kind, record.Codec{MimeType: mime}, clock, func() {}, epoch)
			if err != nil {
				continue
			}
			seq, now := uint16(0), epoch
			for rest := b; len(rest) >= 2; {
				flags, n := rest[0], min(int(rest[1]), len(rest)-2)
				seq += 1 + uint16(flags&3)
				now = now.Add(50 * time.Millisecond)
				p := record.Packet{Seq: seq, Timestamp: uint32(flags >> 2 & 15), Marker: flags&0x80 != 0, Payload: rest[2 : 2+n]}
				if err := s.Write(p, now); err != nil {
					t.Fatal(err)
				}
				rest = rest[2+n:]
			}
			if err := r.Close(now.Add(time.Second)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
