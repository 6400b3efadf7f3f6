package kurento

import "kelas/pipeline"

// The modules elements and filters.

const (
	whyMixing = "it decodes and mixes, and nothing is decoded on the server"
	whyFilter = "a filter decodes and encodes every picture, and nothing is decoded on the server"
	whyHTTP   = "media posted over HTTP would have to be decoded and encoded; let PlayerEndpoint read the file"
	whyMTU    = "packets are passed on as their sender cut them, and what the server cuts itself is for all receivers alike; requestKeyframe asks for a key frame"
	whyREMB   = "only browsers, at a WebRtcEndpoint, are told a limit by REMB"
)

func sdpEndpoint() class {
	return class{name: "SdpEndpoint", module: "core", parent: "SessionEndpoint", abstract: true,
		props: []property{
			bandwidth("maxAudioRecvBandwidth", func(b *pipeline.Bandwidth) *int { return &b.MaxAudioRecv }),
			bandwidth("maxVideoRecvBandwidth", func(b *pipeline.Bandwidth) *int { return &b.MaxVideoRecv }),
		},
		methods: []method{
			{name: "generateOffer", params: []param{may("options", "OfferOptions")}, result: "String", do: generateOffer},
			{name: "processOffer", params: []param{text("offer")}, result: "String", do: processOffer},
			{name: "processAnswer", params: []param{text("answer")}, result: "String", do: processAnswer},
			{name: "getLocalSessionDescriptor", result: "String", do: getLocalSDP},
			{name: "getRemoteSessionDescriptor", result: "String", do: getRemoteSDP},
		}}
}

func baseRtpEndpoint() class {
	return class{name: "BaseRtpEndpoint", module: "core", parent: "SdpEndpoint", abstract: true,
		events: []string{"ConnectionStateChanged", "MediaStateChanged"},
		props: []property{
			bandwidth("minVideoRecvBandwidth", func(b *pipeline.Bandwidth) *int { return &b.MinVideoRecv }),
			bandwidth("minVideoSendBandwidth", func(b *pipeline.Bandwidth) *int { return &b.MinVideoSend }),
			bandwidth("maxVideoSendBandwidth", func(b *pipeline.Bandwidth) *int { return &b.MaxVideoSend }),
			{name: "mtu", typ: "int", get: getMTU, setAbsent: whyMTU},
			{name: "rembParams", typ: "RembParams", get: getRembParams, set: setRembParams},
			{name: "mediaState", typ: "MediaState", get: getMediaState},
			{name: "connectionState", typ: "ConnectionState", get: getConnectionState},
		},
		methods: []method{{name: "requestKeyframe", do: requestKeyframe}},
	}
}

func elementClasses() []class {
	in := need("mediaPipeline", "MediaPipeline")
	return []class{
		{name: "WebRtcEndpoint", module: "elements", parent: "BaseRtpEndpoint", make: makeWebRtc,
			ctor: []param{in, or("recvonly", "boolean", false), or("sendonly", "boolean", false), or("useDataChannels", "boolean", false),
				or("certificateKeyType", "CertificateKeyType", "ECDSA"), or("qosDscp", "DSCPValue", "NO_VALUE")},
			events: []string{"DataChannelClosed", "DataChannelOpened", "DtlsConnectionStateChange", "IceCandidateFound",
				"IceComponentStateChanged", "IceGatheringDone", "NewCandidatePairSelected"},
			props: append(addressProperties(), []property{
				{name: "ICECandidatePairs", typ: "IceCandidatePair[]", get: getCandidatePairs},
				{name: "IceConnectionState", typ: "IceConnection[]", get: getIceStates},
				{name: "DtlsConnectionState", typ: "DtlsConnection[]", get: getDtlsStates},
			}...),
			methods: []method{
				{name: "gatherCandidates", do: gatherCandidates},
				{name: "addIceCandidate", params: []param{need("candidate", "IceCandidate")}, do: addIceCandidate},
				{name: "createDataChannel", params: []param{or("label", "String", ""), or("ordered", "boolean", true), or("maxPacketLifeTime", "int", int64(-1)),
					or("maxRetransmits", "int", int64(-1)), or("protocol", "String", "")}, do: createDataChannel},
				{name: "closeDataChannel", params: []param{need("channelId", "int")}, do: closeDataChannel},
			}},
		{name: "RtpEndpoint", module: "elements", parent: "BaseRtpEndpoint", make: makeRTP, events: []string{"OnKeySoftLimit"},
			ctor: []param{in, or("crypto", "SDES", map[string]any{}), or("useIpv6", "boolean", false)}},
		{name: "PlayerEndpoint", module: "elements", parent: "UriEndpoint", make: makePlayer,
			ctor:   []param{in, text("uri"), or("useEncodedMedia", "boolean", false), or("networkCache", "int", int64(2000))},
			events: []string{"EndOfStream"},
			props: []property{
				{name: "videoInfo", typ: "VideoInfo", get: getVideoInfo},
				{name: "position", typ: "int64", get: getPosition, set: setPosition},
				{name: "elementGstreamerDot", typ: "String", get: getDot},
			},
			methods: []method{{name: "play", do: play}}},
		{name: "RecorderEndpoint", module: "elements", parent: "UriEndpoint", make: makeRecorder,
			ctor:    []param{in, text("uri"), or("mediaProfile", "MediaProfileSpecType", "WEBM"), or("stopOnEndOfStream", "boolean", false)},
			events:  []string{"Recording", "Paused", "Stopped"},
			methods: []method{{name: "record", do: startRecording}, {name: "stopAndWait", do: stopAndWait}}},
		{name: "Dispatcher", module: "elements", parent: "Hub", make: makeDispatcher, ctor: []param{in},
			methods: []method{{name: "connect", params: []param{need("source", "HubPort"), need("sink", "HubPort")}, do: dispatch}}},
		{name: "DispatcherOneToMany", module: "elements", parent: "Hub", make: makeOneToMany, ctor: []param{in},
			methods: []method{
				{name: "setSource", params: []param{need("source", "HubPort")}, do: setSource},
				{name: "removeSource", do: removeSource},
			}},
		{name: "HttpEndpoint", module: "elements", parent: "SessionEndpoint", abstract: true},
		{name: "HttpPostEndpoint", module: "elements", parent: "HttpEndpoint", absent: whyHTTP},
		{name: "Composite", module: "elements", parent: "Hub", absent: whyMixing},
		{name: "Mixer", module: "elements", parent: "Hub", absent: whyMixing},
		{name: "AlphaBlending", module: "elements", parent: "Hub", absent: whyMixing},
	}
}

func elementEvents() []event {
	of := func(name string, fields ...param) event {
		return event{name: name, module: "elements", parent: "Media", fields: fields}
	}
	was := func(e event, former ...string) event { e.former = former; return e }
	return []event{
		was(of("IceCandidateFound", need("candidate", "IceCandidate")), "OnIceCandidate"),
		was(of("IceGatheringDone"), "OnIceGatheringDone"),
		was(of("IceComponentStateChanged", need("streamId", "int"), need("componentId", "int"), need("state", "IceComponentState")),
			"IceComponentStateChange", "OnIceComponentStateChanged"),
		of("NewCandidatePairSelected", need("candidatePair", "IceCandidatePair")),
		of("DtlsConnectionStateChange", text("streamId"), text("componentId"), text("connectionId"), need("state", "DtlsConnectionState")),
		was(of("DataChannelOpened", need("channelId", "int")), "DataChannelOpen", "OnDataChannelOpened"),
		was(of("DataChannelClosed", need("channelId", "int")), "DataChannelClose", "OnDataChannelClosed"),
		of("OnKeySoftLimit", need("mediaType", "MediaType")),
		of("EndOfStream"),
		of("Recording"), of("Paused"), of("Stopped"),
	}
}

func elementTypes() []complexType {
	rec := func(name string, fields ...param) complexType {
		return complexType{name: name, module: "elements", fields: fields}
	}
	return []complexType{
		enum("elements", "CertificateKeyType", "RSA", "ECDSA"),
		enum("elements", "DSCPValue", "NO_DSCP", "NO_VALUE", "AUDIO_VERYLOW", "AUDIO_LOW", "AUDIO_MEDIUM", "AUDIO_HIGH",
			"VIDEO_VERYLOW", "VIDEO_LOW", "VIDEO_MEDIUM", "VIDEO_MEDIUM_THROUGHPUT", "VIDEO_HIGH", "VIDEO_HIGH_THROUGHPUT",
			"DATA_VERYLOW", "DATA_LOW", "DATA_MEDIUM", "DATA_HIGH", "CHROME_HIGH", "CHROME_MEDIUM", "CHROME_LOW", "CHROME_VERYLOW",
			"CS0", "CS1", "CS2", "CS3", "CS4", "CS5", "CS6", "CS7", "AF11", "AF12", "AF13", "AF21", "AF22", "AF23", "AF31", "AF32", "AF33", "AF41", "AF42", "AF43", "EF", "VOICEADMIT", "LE"),
		enum("elements", "IceComponentState", "DISCONNECTED", "GATHERING", "CONNECTING", "CONNECTED", "READY", "FAILED"),
		enum("elements", "DtlsConnectionState", "NEW", "CLOSED", "FAILED", "CONNECTING", "CONNECTED"),
		enum("elements", "MediaProfileSpecType", "WEBM", "MKV", "MP4", "WEBM_VIDEO_ONLY", "WEBM_AUDIO_ONLY", "MKV_VIDEO_ONLY", "MKV_AUDIO_ONLY",
			"MP4_VIDEO_ONLY", "MP4_AUDIO_ONLY", "JPEG_VIDEO_ONLY", "KURENTO_SPLIT_RECORDER", "FLV"),
		enum("elements", "CryptoSuite", "AES_128_CM_HMAC_SHA1_32", "AES_128_CM_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80"),
		rec("IceCandidate", text("candidate"), or("sdpMid", "String", ""), or("sdpMLineIndex", "int", int64(0))),
		rec("IceCandidatePair", text("streamId"), need("componentId", "int"), text("localCandidate"), text("remoteCandidate")),
		rec("IceConnection", text("streamId"), need("componentId", "int"), need("state", "IceComponentState")),
		rec("DtlsConnection", text("streamId"), text("componentId"), text("connectionId"), need("state", "DtlsConnectionState")),
		rec("SDES", may("key", "String"), may("keyBase64", "String"), may("crypto", "CryptoSuite")),
		rec("VideoInfo", need("isSeekable", "boolean"), need("seekableInit", "int64"), need("seekableEnd", "int64"), need("duration", "int64")),
	}
}

func filterClasses() []class {
	out := []class{{name: "OpenCVFilter", module: "filters", parent: "Filter", abstract: true}}
	for _, name := range []string{"GStreamerFilter", "FaceOverlayFilter", "ImageOverlayFilter", "ZBarFilter"} {
		out = append(out, class{name: name, module: "filters", parent: "Filter", absent: whyFilter})
	}
	return out
}
