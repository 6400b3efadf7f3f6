package pipeline

import (
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
)

// watchSRTPProfile reads use_srtp in the ServerHello (RFC 5764, section 4.1.1),
// where a DTLS server puts the one profile it has chosen.
func watchSRTPProfile(tell func(string)) func(handshake.MessageServerHello) handshake.Message {
	return func(hello handshake.MessageServerHello) handshake.Message {
		for _, x := range hello.Extensions {
			if u, ok := x.(*extension.UseSRTP); ok && len(u.ProtectionProfiles) > 0 {
				tell(srtpProfileName(u.ProtectionProfiles[0]))
			}
		}
		return &hello
	}
}

// srtpProfileName uses IANA's names, as browsers' getStats does.
func srtpProfileName(p extension.SRTPProtectionProfile) string {
	switch p {
	case extension.SRTP_AEAD_AES_128_GCM:
		return "AEAD_AES_128_GCM"
	case extension.SRTP_AEAD_AES_256_GCM:
		return "AEAD_AES_256_GCM"
	case extension.SRTP_AES128_CM_HMAC_SHA1_80:
		return "AES_CM_128_HMAC_SHA1_80"
	case extension.SRTP_AES128_CM_HMAC_SHA1_32:
		return "AES_CM_128_HMAC_SHA1_32"
	}
	return "unknown"
}
