package pipeline

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

const plainOffer = "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=x\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n" +
	"m=audio 5004 RTP/AVP 0 96 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n" +
	"m=video 5006 RTP/AVPF 97 98\r\na=rtpmap:97 VP8/90000\r\na=rtpmap:98 H264/90000\r\na=fmtp:98 packetization-mode=1;profile-level-id=42e01f\r\n" +
	"a=rtcp-fb:* nack pli\r\na=rtcp-fb:97 nack\r\na=rtcp-fb:97 goog-remb\r\na=rtcp:6000\r\na=recvonly\r\n" +
	"m=application 5010 UDP/DTLS/SCTP webrtc-datachannel\r\n" +
	"m=audio 5012 RTP/AVP 8\r\n"

const secureOffer = "v=0\r\no=- 1 2 IN IP4 10.0.0.5\r\ns=x\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n" +
	"m=audio 5004 RTP/SAVPF 0\r\na=rtcp-mux\r\n" +
	"a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA\r\n" +
	"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4\r\n" +
	"a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20\r\n"

func TestReadRTPDescription(t *testing.T) {
	d, err := readRTPDescription(plainOffer)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.lines) != 4 || d.lines[0].rejected || d.lines[1].rejected || !d.lines[2].rejected || !d.lines[3].rejected {
		t.Fatalf("%+v", d.lines)
	}
	a, v := d.lines[0], d.lines[1]
	if len(a.codecs) != 2 || a.codecs[0].codec.MimeType != "audio/PCMU" || a.codecs[1].codec.Channels != 2 || !a.sends || !a.receives || a.feedback {
		t.Errorf("%+v", a)
	}
	if a.addr != netip.MustParseAddrPort("10.0.0.5:5004") || a.control.Port() != 5005 || v.control.Port() != 6000 {
		t.Errorf("%v %v %v", a.addr, a.control, v.control)
	}
	if !v.codecs[0].has("nack") || !v.codecs[1].has("nack pli") || v.codecs[1].has("nack") || v.sends || !v.receives || !v.feedback {
		t.Errorf("%+v", v)
	}
	d, err = readRTPDescription(secureOffer)
	if err != nil {
		t.Fatal(err)
	}
	l := d.lines[0]
	if !l.secure || !l.feedback || !l.mux || l.control != l.addr || len(l.crypto) != 1 || l.crypto[0].tag != 3 || l.crypto[0].Suite != AES128CMSHA32 {
		t.Errorf("%+v", l)
	}
}

func TestBadRTPDescriptions(t *testing.T) {
	for name, c := range map[string]struct{ sdp, why string }{
		"empty":       {"", "empty"},
		"garbage":     {"hello", ""},
		"no lines":    {plainOffer[:strings.Index(plainOffer, "m=")], "no m-line"},
		"no address":  {strings.Replace(plainOffer, "c=IN IP4 10.0.0.5\r\n", "", 1), "no connection address"},
		"a name":      {strings.Replace(plainOffer, "c=IN IP4 10.0.0.5", "c=IN IP4 evil.example", 1), "no IP address"},
		"elsewhere":   {strings.Replace(plainOffer, "a=rtcp:6000", "a=rtcp:6000 IN IP4 10.0.0.6", 1), "address of its own"},
		"port":        {strings.Replace(plainOffer, "a=rtcp:6000", "a=rtcp:66000", 1), "66000"},
		"no key":      {strings.ReplaceAll(secureOffer, "inline", "outline"), "a=crypto"},
		"nothing":     {strings.NewReplacer("RTP/AVPF", "UDP/TLS/RTP/SAVPF", "RTP/AVP", "UDP/TLS/RTP/SAVPF").Replace(plainOffer), "can be used"},
		"only others": {strings.NewReplacer("VP8", "THEORA", "H264", "H261", "opus", "speex", " 0 ", " 3 ", "AVP 8", "AVP 9").Replace(plainOffer), "can be used"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := readRTPDescription(c.sdp); !errors.Is(err, ErrBadSDP) || !strings.Contains(err.Error(), c.why) {
				t.Errorf("error %v, want ErrBadSDP with %q", err, c.why)
			}
		})
	}
}

func TestSDES(t *testing.T) {
	for _, suite := range CryptoSuites() {
		s, err := SDES{Suite: suite}.check()
		if err != nil {
			t.Fatal(err)
		}
		tag, back, err := readCrypto(s.line(7))
		if err != nil || tag != 7 || back.Suite != suite || !bytes.Equal(back.Key, s.Key) {
			t.Errorf("%s: %v %d %+v", suite, err, tag, back)
		}
		if _, err := s.context(); err != nil {
			t.Errorf("%s: %v", suite, err)
		}
		if _, err := (SDES{Suite: suite, Key: s.Key[1:]}).check(); !errors.Is(err, ErrBadKey) {
			t.Errorf("%s with a short key: %v", suite, err)
		}
	}
	for _, bad := range []string{
		"", "1", "x AES_CM_128_HMAC_SHA1_80 inline:AAAA", "1 AES_CM_128_HMAC_SHA1_80 inline:!", "1 AES_CM_128_HMAC_SHA1_80 inline:",
		"1 AES_CM_128_HMAC_SHA1_80 inline:AAAA", "-1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
		"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj UNENCRYPTED_SRTP",
	} {
		if _, _, err := readCrypto(bad); !errors.Is(err, ErrBadKey) {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}

func FuzzReadRTPDescription(f *testing.F) {
	f.Add(plainOffer)
	f.Add(secureOffer)
	f.Add(strings.Replace(plainOffer, "10.0.0.5", "239.1.2.3/16", 1))
	f.Add(strings.Replace(plainOffer, "IP4 10.0.0.5", "IP6 2001:db8::1", 1))
	f.Fuzz(func(t *testing.T, text string) {
		d, err := readRTPDescription(text)
		if err != nil {
			if !errors.Is(err, ErrBadSDP) {
				t.Fatalf("error %v", err)
			}
			return
		}
		taken := map[MediaType]bool{}
		for _, l := range d.lines {
			if l.rejected {
				continue
			}
			if taken[l.media] || len(l.codecs) == 0 || !l.addr.IsValid() || !l.control.IsValid() || l.addr.Addr() != l.control.Addr() ||
				l.secure && len(l.crypto) == 0 {
				t.Fatalf("%+v", l)
			}
			taken[l.media] = true
		}
	})
}

func FuzzReadCrypto(f *testing.F) {
	f.Add("1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20")
	f.Add("2 AES_256_CM_HMAC_SHA1_32 inline:AAAA|1:4")
	f.Fuzz(func(t *testing.T, value string) {
		_, s, err := readCrypto(value)
		if err != nil {
			if !errors.Is(err, ErrBadKey) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if _, err := s.context(); err != nil {
			t.Fatalf("%q was taken and is of no use: %v", value, err)
		}
	})
}

// What gets past the check is answered with what the check accepts.
func FuzzProcessRTPOffer(f *testing.F) {
	s, err := NewServer(Config{RTPMulticast: true}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	p, err := s.NewMediaPipeline()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plainOffer)
	f.Add(secureOffer)
	f.Add(strings.Replace(plainOffer, "10.0.0.5", "0.0.0.0", 1))
	f.Fuzz(func(t *testing.T, text string) {
		e, err := p.NewRtpEndpoint(RtpEndpointOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Release()
		answer, err := e.ProcessOffer(t.Context(), text)
		switch {
		case err == nil:
			if _, err := readRTPDescription(answer); err != nil {
				t.Fatalf("our answer: %v\n%s", err, answer)
			}
		case errors.Is(err, ErrBadSDP), errors.Is(err, ErrForbiddenAddress), errors.Is(err, ErrNoPort):
		default:
			t.Fatalf("error %v", err)
		}
	})
}
