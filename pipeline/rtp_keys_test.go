package pipeline_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func TestRTPWithKeys(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{})
	teacher.Start(pipelinetest.Mic)
	for suite, profile := range map[pipeline.CryptoSuite]srtp.ProtectionProfile{
		pipeline.AES128CMSHA80: srtp.ProtectionProfileAes128CmHmacSha1_80,
		pipeline.AES128CMSHA32: srtp.ProtectionProfileAes128CmHmacSha1_32,
		pipeline.AES256CMSHA80: srtp.ProtectionProfileAes256CmHmacSha1_80,
		pipeline.AES256CMSHA32: srtp.ProtectionProfileAes256CmHmacSha1_32,
	} {
		t.Run(string(suite), func(t *testing.T) {
			keyLen, _ := profile.KeyLen()
			ours := bytes.Repeat([]byte{7}, keyLen+14)
			e := newRTP(t, p, pipeline.RtpEndpointOptions{Crypto: &pipeline.SDES{Suite: suite, Key: ours}})
			connect(t, teacher.endpoint, e)
			x := newPhone(t)
			dec, err := srtp.CreateContext(ours[:keyLen], ours[keyLen:], profile)
			if err != nil {
				t.Fatal(err)
			}
			x.open = func(b []byte) []byte {
				out, err := dec.DecryptRTP(nil, b, nil)
				if err != nil {
					return nil
				}
				return out
			}
			x.listen()
			plain := x.offer("audio", "RTP/AVP", "96", "a=rtpmap:96 opus/48000/2")
			if _, err := e.ProcessOffer(t.Context(), plain); !errors.Is(err, pipeline.ErrBadSDP) {
				t.Errorf("an offer without keys: %v", err)
			}
			theirs := bytes.Repeat([]byte{9}, keyLen+14)
			inline := base64.StdEncoding.EncodeToString(theirs)
			answer, err := e.ProcessOffer(t.Context(), x.offer("audio", "RTP/SAVP", "96", "a=rtpmap:96 opus/48000/2",
				"a=crypto:4 "+string(suite)+" inline:"+inline+"|2^31"))
			if err != nil {
				t.Fatal(err)
			}
			if want := "a=crypto:4 " + string(suite) + " inline:" + base64.StdEncoding.EncodeToString(ours) + "\r\n"; !strings.Contains(answer, want) {
				t.Errorf("no %q in\n%s", want, answer)
			}
			eventually(t, "sound comes", func() bool { return len(x.got()) > 20 })
			x.mu.Lock()
			if x.unusable != 0 {
				t.Errorf("%d packets could not be decrypted", x.unusable)
			}
			x.mu.Unlock()
			// What is not encrypted, or by another key, is not taken.
			to := target(t, answer, 0)
			x.send(to, 96, 1, 77, []byte{1, 2, 3})
			enc, err := srtp.CreateContext(theirs[:keyLen], theirs[keyLen:], profile)
			if err != nil {
				t.Fatal(err)
			}
			q := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: 2, SSRC: 78}, Payload: []byte{1, 2, 3}}
			raw, _ := q.Marshal()
			if raw, err = enc.EncryptRTP(nil, raw, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := x.rtp.WriteToUDPAddrPort(raw, to); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the good one is taken", func() bool {
				st := e.Stats()
				return len(st.Received) == 1 && st.Received[0].Packets == 1
			})
			if st := e.Stats(); st.SRTPProfile != string(suite) {
				t.Errorf("%+v", st)
			}
			e.Release()
		})
	}
}
