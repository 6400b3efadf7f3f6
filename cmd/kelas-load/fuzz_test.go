package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/pion/rtp"
)

// FuzzAnswer: an answer is refused with words, or has all that is needed.
func FuzzAnswer(f *testing.F) {
	f.Add("a=ice-ufrag:a\r\na=ice-pwd:b\r\na=fingerprint:sha-256 AA\r\na=rtpmap:96 VP8/90000\r\na=candidate:1 1 udp 1 1.2.3.4 5 typ host\r\n")
	f.Add("a=candidate:1 1 udp 1 1.2.3.4 99999 typ host")
	f.Fuzz(func(t *testing.T, sdp string) {
		a, err := readAnswer(sdp)
		if err != nil {
			if !errors.Is(err, errAnswer) {
				t.Fatal(err)
			}
			return
		}
		if a.ufrag == "" || a.pwd == "" || a.fingerprint == "" || len(a.addresses) == 0 || len(a.addresses) > 16 {
			t.Fatalf("%+v", a)
		}
		for _, at := range a.addresses {
			if !at.Addr().Is4() || !strings.Contains(sdp, at.Addr().String()) {
				t.Fatalf("%v is not in the answer", at)
			}
		}
	})
}

// FuzzReceived: whatever numbers come, no more are counted than were used,
// and a number that comes again at once is never counted twice.
func FuzzReceived(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 255, 255, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := received{rate: 90000}
		var k keyFrame
		for i := 0; i+1 < len(raw); i += 2 {
			h := rtp.Header{SequenceNumber: uint16(raw[i])<<8 | uint16(raw[i+1]), Timestamp: uint32(i)}
			before := r.packets
			r.take(&h, 1, 0)
			r.take(&h, 1, 0)
			if r.packets > before+1 || r.packets > r.expected() {
				t.Fatalf("after %d numbers: %d packets, %d expected", i/2+1, r.packets, r.expected())
			}
			if k.take(&h, raw[i:]); k.done && !h.Marker && !k.running {
				t.Fatal("a key frame is whole without its end")
			}
		}
	})
}
