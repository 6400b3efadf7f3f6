package pipeline

import (
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"

	"kelas/pipeline/viewer"
)

// watchSRTPProfile reads use_srtp in the ServerHello (RFC 5764, section 4.1.1),
// where a DTLS server puts the one profile it has chosen.
func watchSRTPProfile(tell func(string)) func(handshake.MessageServerHello) handshake.Message {
	return func(hello handshake.MessageServerHello) handshake.Message {
		for _, x := range hello.Extensions {
			if u, ok := x.(*extension.UseSRTP); ok && len(u.ProtectionProfiles) > 0 {
				tell(viewer.ProfileName(u.ProtectionProfiles[0]))
			}
		}
		return &hello
	}
}
