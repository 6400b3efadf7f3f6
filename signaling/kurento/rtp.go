package kurento

import (
	"encoding/base64"

	"kelas/pipeline"
)

type rtpPart struct{ *pipeline.RtpEndpoint }

func (p rtpPart) element() pipeline.MediaElement { return p.RtpEndpoint }

// suites are Kurento's names of how SRTP is encrypted; SDP (RFC 4568, RFC
// 6188) has the parts in another order.
var suites = map[string]pipeline.CryptoSuite{
	"AES_128_CM_HMAC_SHA1_80": pipeline.AES128CMSHA80,
	"AES_128_CM_HMAC_SHA1_32": pipeline.AES128CMSHA32,
	"AES_256_CM_HMAC_SHA1_80": pipeline.AES256CMSHA80,
	"AES_256_CM_HMAC_SHA1_32": pipeline.AES256CMSHA32,
}

func makeRTP(c *call) (part, error) {
	crypto, err := readSDES(c.record("crypto"))
	if err != nil {
		return nil, err
	}
	e, err := c.inPipeline().NewRtpEndpoint(pipeline.RtpEndpointOptions{Crypto: crypto, UseIPv6: c.flag("useIpv6")})
	if err != nil {
		return nil, err
	}
	return rtpPart{e}, nil
}

// readSDES is nil for an empty record, as clients send it for plain RTP.
func readSDES(r map[string]any) (*pipeline.SDES, error) {
	key, _ := r["key"].(string)
	encoded, _ := r["keyBase64"].(string)
	suite, _ := r["crypto"].(string)
	if key == "" && encoded == "" && suite == "" {
		return nil, nil
	}
	if key != "" && encoded != "" {
		return nil, fail(codeIllegalParam, "Only one of key and keyBase64 can be given")
	}
	out := &pipeline.SDES{Suite: suites[suite], Key: []byte(key)}
	if encoded != "" {
		var err error
		if out.Key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, fail(codeIllegalParam, "keyBase64 is not base64")
		}
	}
	if len(out.Key) == 0 {
		out.Key = nil
	}
	return out, nil
}
