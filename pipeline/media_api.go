package pipeline

import (
	"fmt"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"kelas/pipeline/sfu"
)

// receiveMTU is the largest packet that is read from a browser.
const receiveMTU = 1500

// absSendTime is http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time.
const absSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"

// mediaAPI holds what makes PeerConnections of two sorts: for browsers that
// send media, and lean ones for browsers that only receive.
type mediaAPI struct {
	settings webrtc.SettingEngine
	logs     logging.LoggerFactory
	ids      *identities
	full     profile
	lean     profile
}

type profile struct {
	codecs       *webrtc.MediaEngine
	interceptors []interceptor.Factory
}

func newMediaAPI(cfg Config, n *network, logs logging.LoggerFactory) (m mediaAPI, err error) {
	if m.settings, err = newSettings(cfg, n, logs); err != nil {
		return m, fmt.Errorf("setting up WebRTC: %w", err)
	}
	m.logs = logs
	if m.ids, err = newIdentities(); err != nil {
		return m, err
	}
	if m.full, err = newFullProfile(logs); err != nil {
		return m, fmt.Errorf("setting up WebRTC for presenters: %w", err)
	}
	if m.lean, err = newLeanProfile(); err != nil {
		return m, fmt.Errorf("setting up WebRTC for viewers: %w", err)
	}
	return m, nil
}

func newSettings(cfg Config, n *network, logs logging.LoggerFactory) (webrtc.SettingEngine, error) {
	s := webrtc.SettingEngine{LoggerFactory: logs}
	s.SetNet(n.net)
	if n.tcpMux != nil {
		s.SetICETCPMux(n.tcpMux)
	}
	s.SetNetworkTypes(n.networkTypes())
	s.SetIncludeLoopbackCandidate(n.loopback)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	// The server is reachable or nothing works at all, so the browser alone
	// does the checks (RFC 8445, section 2.5). Seen to work with ICE restart in
	// Chromium and Firefox.
	s.SetLite(true)
	s.DisableActiveTCP(true)
	s.SetICETimeouts(cfg.DisconnectedTimeout, cfg.FailedTimeout, cfg.KeepAlive)
	s.SetReceiveMTU(receiveMTU)
	// As DTLS server the order of profiles is ours (RFC 5764, section 4.1.1):
	// GCM costs a quarter of AES-CM with HMAC-SHA1, which Chromium would choose.
	s.SetSRTPProtectionProfiles(srtpProfiles...)
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return s, err
	}
	if len(cfg.ExternalIPs) > 0 {
		err := s.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
			External:        cfg.ExternalIPs,
			AsCandidateType: webrtc.ICECandidateTypeHost,
			Mode:            webrtc.ICEAddressRewriteReplace,
		})
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

var srtpProfiles = []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80}

// newPeerConnection makes a PeerConnection; onProfile learns which SRTP profile
// the DTLS handshake chose, which pion does not tell otherwise. data has an
// offer of ours hold a line for data channels. tap sees what goes out and what
// the browser says of it. Without mux it has sockets of its own, from which it
// checks the other side: two endpoints of one server could not be told apart by
// the address that both have. servers are then asked for candidates.
func (m *mediaAPI) newPeerConnection(p profile, id *identity, mux ice.UDPMux, servers []webrtc.ICEServer, tap *lineTap, data bool, onProfile func(string)) (*webrtc.PeerConnection, error) {
	s := m.settings
	s.SetICEUDPMux(mux)
	if mux == nil {
		s.SetLite(false)
		s.SetICETCPMux(nil)
	}
	s.BufferFactory = tap.buffers
	interceptors := &interceptor.Registry{}
	for _, f := range p.interceptors {
		interceptors.Add(f)
	}
	interceptors.Add(tap)
	s.SetDTLSServerHelloMessageHook(watchSRTPProfile(onProfile))
	api := webrtc.NewAPI(
		webrtc.WithSettingEngine(s),
		webrtc.WithMediaEngine(p.codecs),
		webrtc.WithInterceptorRegistry(interceptors),
	)
	return api.NewPeerConnection(webrtc.Configuration{
		ICEServers:                  servers,
		AlwaysNegotiateDataChannels: data,
		Certificates:                []webrtc.Certificate{id.webrtc},
	})
}

func newFullProfile(logs logging.LoggerFactory) (profile, error) {
	p := profile{codecs: &webrtc.MediaEngine{}}
	if err := registerCodecs(p.codecs); err != nil {
		return p, err
	}
	for _, x := range []struct {
		uri          string
		audio, video bool
	}{
		{sdp.SDESMidURI, true, true},
		{sdp.SDESRTPStreamIDURI, false, true},
		{sdp.SDESRepairRTPStreamIDURI, false, true},
		{sdp.TransportCCURI, true, true},
		{absSendTime, true, true},
	} {
		if err := registerExtension(p.codecs, x.uri, x.audio, x.video); err != nil {
			return p, err
		}
	}
	reports, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(logs))
	if err != nil {
		return p, err
	}
	feedback, err := twcc.NewSenderInterceptor(twcc.SendInterval(100 * time.Millisecond))
	if err != nil {
		return p, err
	}
	p.interceptors = []interceptor.Factory{reports, feedback}
	return p, nil
}

// newLeanProfile has no interceptor but the endpoint's lineTap. A slot answers NACK itself, and sender
// reports come from one ticker for the whole server: with pion's default set
// each idle viewer would keep three tickers and a megabyte of packets.
func newLeanProfile() (profile, error) {
	p := profile{codecs: &webrtc.MediaEngine{}}
	if err := registerCodecs(p.codecs); err != nil {
		return p, err
	}
	return p, registerExtension(p.codecs, sdp.TransportCCURI, true, true)
}

func registerExtension(m *webrtc.MediaEngine, uri string, audio, video bool) error {
	x := webrtc.RTPHeaderExtensionCapability{URI: uri}
	if audio {
		if err := m.RegisterHeaderExtension(x, webrtc.RTPCodecTypeAudio); err != nil {
			return err
		}
	}
	if video {
		return m.RegisterHeaderExtension(x, webrtc.RTPCodecTypeVideo)
	}
	return nil
}

// registerCodecs: what passes through. The payload types are placeholders; in
// an answer the browser's own stand.
func registerCodecs(m *webrtc.MediaEngine) error {
	err := m.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
			SDPFmtpLine:  "minptime=10;useinbandfec=1",
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: "transport-cc"}},
		},
		PayloadType: 111,
	}, webrtc.RTPCodecTypeAudio)
	if err != nil {
		return err
	}
	for _, c := range g711Codecs {
		if err := m.RegisterCodec(c, webrtc.RTPCodecTypeAudio); err != nil {
			return err
		}
	}
	feedback := []webrtc.RTCPFeedback{
		{Type: "goog-remb"}, {Type: "transport-cc"}, {Type: "ccm", Parameter: "fir"},
		{Type: "nack"}, {Type: "nack", Parameter: "pli"},
	}
	for _, v := range videoCodecs {
		for _, c := range []webrtc.RTPCodecParameters{
			{
				RTPCodecCapability: webrtc.RTPCodecCapability{
					MimeType: v.mime, ClockRate: 90000, SDPFmtpLine: v.fmtp, RTCPFeedback: feedback,
				},
				PayloadType: v.pt,
			},
			{
				RTPCodecCapability: webrtc.RTPCodecCapability{
					MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", v.pt),
				},
				PayloadType: v.rtx,
			},
		} {
			if err := m.RegisterCodec(c, webrtc.RTPCodecTypeVideo); err != nil {
				return err
			}
		}
	}
	return nil
}

// g711Codecs are what cameras and telephones send; browsers have to have them (RFC 7874, section 3).
var g711Codecs = []webrtc.RTPCodecParameters{
	{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}, PayloadType: 0},
	{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMA, ClockRate: 8000}, PayloadType: 8},
}

// videoCodecs with payload types that are placeholders, and those of their
// retransmissions.
var videoCodecs = []struct {
	mime, fmtp string
	pt, rtx    webrtc.PayloadType
}{
	{webrtc.MimeTypeVP8, "", 96, 97},
	{webrtc.MimeTypeVP9, "profile-id=0", 98, 99},
	{webrtc.MimeTypeVP9, "profile-id=2", 100, 101},
	{webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", 102, 103},
	{webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f", 104, 105},
	{webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f", 106, 107},
	{webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f", 108, 109},
	{webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f", 112, 113},
	{webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=640c1f", 114, 115},
	{webrtc.MimeTypeAV1, "", 45, 46},
	{webrtc.MimeTypeH265, "profile-id=1;tier-flag=0", 47, 48},
	{webrtc.MimeTypeH265, "profile-id=2;tier-flag=0", 49, 50},
}

// passedThrough are the codecs that viewers can be sent.
var passedThrough = sync.OnceValue(func() []sfu.Codec {
	list := []sfu.Codec{{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}}
	for _, c := range g711Codecs {
		list = append(list, codecOf(c.RTPCodecCapability))
	}
	for _, v := range videoCodecs {
		list = append(list, sfu.Codec{MimeType: v.mime, ClockRate: 90000, FmtpLine: v.fmtp})
	}
	return list
})
