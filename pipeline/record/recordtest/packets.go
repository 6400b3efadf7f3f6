package recordtest

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// Packetise makes RTP of frames: first number and first timestamp by chance, the clock of the kind.
func Packetise(tb testing.TB, mimeType string, frames []Frame) []*rtp.Packet {
	tb.Helper()
	var payloader rtp.Payloader
	rate := uint32(90000)
	switch mimeType {
	case "video/VP8":
		payloader = &codecs.VP8Payloader{EnablePictureID: true}
	case "video/VP9":
		payloader = &codecs.VP9Payloader{}
	case "video/H264":
		payloader = &codecs.H264Payloader{}
	case "video/AV1":
		payloader = &codecs.AV1Payloader{}
	case "audio/opus":
		payloader, rate = &codecs.OpusPayloader{}, 48000
	default:
		tb.Fatalf("no payloader for %s", mimeType)
	}
	seq, first := uint16(rand.Uint32()), rand.Uint32()
	var out []*rtp.Packet
	for _, f := range frames {
		data := f.Data
		if mimeType == "video/AV1" {
			data = bytes.TrimPrefix(data, []byte{0x12, 0x00}) // temporal delimiters do not travel
		}
		parts := payloader.Payload(1180, data)
		for i, part := range parts {
			seq++
			out = append(out, &rtp.Packet{
				Header: rtp.Header{
					Version: 2, SequenceNumber: seq, PayloadType: 96, SSRC: 7,
					Timestamp: first + uint32(int64(f.At/time.Microsecond)*int64(rate)/1e6),
					Marker:    i == len(parts)-1 && strings.HasPrefix(mimeType, "video"),
				},
				Payload: part,
			})
		}
	}
	return out
}
