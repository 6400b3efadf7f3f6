package pipeline

import (
	"errors"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
)

const smallOffer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" +
	"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 00:11\r\na=setup:actpass\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n" +
	"m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=bundle-only\r\na=sendonly\r\n" +
	"a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"

// viewerOffer only receives.
var viewerOffer = strings.NewReplacer("a=sendonly", "a=recvonly\r\na=extmap:3 "+sdp.TransportCCURI+"\r\na=rtcp-fb:* nack").Replace(smallOffer)

func TestReadOffer(t *testing.T) {
	o, err := readOffer(smallOffer, WebRtcEndpointOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(o.lines) != 2 || !o.sending() || o.sdp != smallOffer {
		t.Fatalf("%+v", o)
	}
	if l := o.lines[0]; l.sends || !l.receives || l.at != (pad{Audio, "default"}) || len(l.codecs) != 1 {
		t.Errorf("%+v", l)
	}
	if l := o.lines[1]; !l.sends || l.receives || len(l.codecs) != 1 || l.codecs[0] != 96 {
		t.Errorf("%+v", l)
	}
	o, err = readOffer(smallOffer, WebRtcEndpointOptions{SendOnly: true})
	if err != nil || o.sending() || strings.Contains(o.sdp, "sendonly") || !strings.Contains(o.sdp, "a=inactive") {
		t.Errorf("%v\n%s", err, o.sdp)
	}
}

func FuzzReadOffer(f *testing.F) {
	f.Add(smallOffer, false, false)
	f.Add(smallOffer, true, false)
	f.Add(strings.ReplaceAll(smallOffer, "\r\n", "\n"), false, true)
	f.Add("v=0\r\nm=audio\r\n", false, false)
	f.Fuzz(func(t *testing.T, text string, recvOnly, sendOnly bool) {
		opts := WebRtcEndpointOptions{RecvOnly: recvOnly, SendOnly: sendOnly}
		o, err := readOffer(text, opts)
		if err != nil {
			if !errors.Is(err, ErrBadSDP) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if len(o.lines) == 0 || len(o.lines) > maxMediaLines || o.fingerprint == "" {
			t.Fatalf("%+v", o)
		}
		seen := map[pad]bool{}
		for _, l := range o.lines {
			if l.media != Audio && l.media != Video {
				continue
			}
			if seen[l.at] {
				t.Fatalf("two lines at %v", l.at)
			}
			seen[l.at] = true
			if recvOnly && l.receives || sendOnly && l.sends {
				t.Fatalf("a direction that is not allowed: %+v", l)
			}
		}
		if err := o.continues(o); err != nil {
			t.Fatalf("it does not continue itself: %v", err)
		}
	})
}

// The same through pion: whatever gets past the check must not bring it down.
func FuzzProcessOffer(f *testing.F) {
	s, err := NewServer(Config{}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	p, err := s.NewMediaPipeline()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(smallOffer)
	f.Add(viewerOffer)
	f.Add(strings.Replace(viewerOffer, "a=recvonly", "a=inactive", 1))
	f.Add(strings.Replace(smallOffer, "a=sendonly", "a=sendrecv\r\na=rid:q send\r\na=simulcast:send q", 1))
	f.Fuzz(func(t *testing.T, text string) {
		e, err := p.NewWebRtcEndpoint(WebRtcEndpointOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Release()
		answer, err := e.ProcessOffer(t.Context(), text)
		if err == nil && !strings.Contains(answer, "a=ice-lite") {
			t.Fatalf("a strange answer: %q", answer)
		}
		var offered, answered sdp.SessionDescription
		if _, ours := e.link.(viewerLink); ours {
			if err := answered.UnmarshalString(answer); err != nil {
				t.Fatalf("the answer cannot be read: %v\n%s", err, answer)
			}
			_ = offered.UnmarshalString(text)
			if len(offered.MediaDescriptions) != len(answered.MediaDescriptions) {
				t.Fatalf("%d m-lines for %d", len(answered.MediaDescriptions), len(offered.MediaDescriptions))
			}
		}
		if err != nil && !errors.Is(err, ErrBadSDP) {
			t.Fatalf("error %v", err)
		}
	})
}

// An answer is held to what was offered, whatever it says.
func FuzzReadAnswer(f *testing.F) {
	f.Add(strings.Replace(smallOffer, "actpass", "active", 1))
	f.Add(strings.NewReplacer("actpass", "passive", "recvonly", "sendrecv").Replace(smallOffer))
	f.Fuzz(func(t *testing.T, text string) {
		offered := []offerLine{{media: Audio, mid: "0", sends: true}, {media: Video, mid: "1", receives: true}}
		o, err := readAnswer(text, offered)
		if err != nil {
			if !errors.Is(err, ErrBadSDP) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if len(o.lines) != 2 || o.lines[0].receives || o.lines[1].sends || o.lines[0].mid != "0" || o.lines[1].media != Video {
			t.Fatalf("%+v", o.lines)
		}
	})
}
