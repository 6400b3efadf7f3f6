package kurento

// The module core: what every object can do, pipelines, the manager.

func text(name string) param           { return param{name: name, typ: "String"} }
func need(name, typ string) param      { return param{name: name, typ: typ} }
func may(name, typ string) param       { return param{name: name, typ: typ, optional: true} }
func or(name, typ string, d any) param { return param{name: name, typ: typ, optional: true, def: d} }

const (
	whyEncoder = "nothing is encoded on the server, so there is no encoder to set"
	whyDump    = "nothing is written to the server's disk for debugging; getGstreamerDot returns the picture"
)

func coreClasses() []class {
	dot := []method{
		{name: "getGstreamerDot", params: []param{may("details", "GstreamerDotDetails")}, result: "String", do: getDot},
		{name: "dumpGstreamerDot", params: []param{may("details", "GstreamerDotDetails")}, absent: whyDump},
	}
	return []class{
		{name: "MediaObject", module: "core", abstract: true, events: []string{"Error"},
			props: []property{
				{name: "mediaPipeline", typ: "MediaPipeline", final: true, get: getMediaPipeline},
				{name: "parent", typ: "MediaObject", final: true, get: getParent},
				{name: "id", typ: "String", final: true, get: func(c *call) (any, error) { return c.obj.id, nil }},
				{name: "children", typ: "MediaObject[]", get: getChildren},
				{name: "childs", typ: "MediaObject[]", former: true, now: "children", get: getChildren},
				{name: "name", typ: "String", get: getName, set: setName},
				{name: "sendTagsInEvents", typ: "boolean", get: getSendTags, set: setSendTags},
				{name: "creationTime", typ: "int", final: true, get: func(c *call) (any, error) { return c.obj.created.Unix(), nil }},
			},
			methods: []method{
				{name: "addTag", params: []param{text("key"), text("value")}, do: addTag},
				{name: "removeTag", params: []param{text("key")}, do: removeTag},
				{name: "getTag", params: []param{text("key")}, result: "String", do: getTag},
				{name: "getTags", result: "Tag[]", do: getTags},
			}},
		{name: "ServerManager", module: "core", parent: "MediaObject", abstract: true, events: []string{"ObjectCreated", "ObjectDestroyed"},
			props: []property{
				{name: "info", typ: "ServerInfo", get: getInfo},
				{name: "pipelines", typ: "MediaPipeline[]", get: getPipelines},
				{name: "sessions", typ: "String[]", get: getSessions},
				{name: "metadata", typ: "String", get: func(*call) (any, error) { return "", nil }},
			},
			methods: []method{
				{name: "getKmd", params: []param{text("moduleName")}, result: "String", do: getKmd},
				{name: "getCpuCount", result: "int", do: getCPUCount},
				{name: "getUsedCpu", params: []param{need("interval", "int")}, result: "float", do: getUsedCPU},
				{name: "getUsedMemory", result: "int64", do: getUsedMemory},
			}},
		{name: "MediaPipeline", module: "core", parent: "MediaObject", make: makePipeline, methods: dot,
			props: []property{{name: "latencyStats", typ: "boolean", get: getLatencyStats, set: setLatencyStats}}},
		mediaElement(dot),
		{name: "PassThrough", module: "core", parent: "MediaElement", make: makePassThrough, ctor: []param{need("mediaPipeline", "MediaPipeline")}},
		{name: "Hub", module: "core", parent: "MediaObject", abstract: true, methods: dot},
		{name: "HubPort", module: "core", parent: "MediaElement", make: makePort, ctor: []param{need("hub", "Hub")}},
		{name: "Filter", module: "core", parent: "MediaElement", abstract: true},
		{name: "Endpoint", module: "core", parent: "MediaElement", abstract: true},
		{name: "SessionEndpoint", module: "core", parent: "Endpoint", abstract: true, events: []string{"MediaSessionStarted", "MediaSessionTerminated"}},
		{name: "UriEndpoint", module: "core", parent: "Endpoint", abstract: true, events: []string{"UriEndpointStateChanged"},
			props: []property{
				{name: "uri", typ: "String", final: true, get: getURI},
				{name: "state", typ: "UriEndpointState", get: getURIState},
			},
			methods: []method{{name: "pause", do: pauseURI}, {name: "stop", do: stopURI}}},
		sdpEndpoint(),
		baseRtpEndpoint(),
	}
}

func mediaElement(dot []method) class {
	link := []param{need("sink", "MediaElement"), may("mediaType", "MediaType"),
		or("sourceMediaDescription", "String", "default"), or("sinkMediaDescription", "String", "default")}
	ends := []param{may("mediaType", "MediaType"), may("description", "String")}
	return class{name: "MediaElement", module: "core", parent: "MediaObject", abstract: true,
		events: []string{"ElementConnected", "ElementDisconnected", "MediaFlowInStateChanged", "MediaFlowOutStateChanged", "MediaTranscodingStateChanged"},
		props: []property{
			{name: "encoderBitrate", typ: "int", absent: whyEncoder},
			{name: "minEncoderBitrate", typ: "int", absent: whyEncoder},
			{name: "maxEncoderBitrate", typ: "int", absent: whyEncoder},
			{name: "outputBitrate", typ: "int", former: true, absent: whyEncoder},
			{name: "minOutputBitrate", typ: "int", former: true, absent: whyEncoder},
			{name: "minOuputBitrate", typ: "int", former: true, absent: whyEncoder}, // sic
			{name: "maxOutputBitrate", typ: "int", former: true, absent: whyEncoder},
			{name: "maxOuputBitrate", typ: "int", former: true, absent: whyEncoder},
		},
		methods: append([]method{
			{name: "connect", params: link, do: connect},
			{name: "disconnect", params: link, do: disconnect},
			{name: "getSourceConnections", params: ends, result: "ElementConnectionData[]", do: getSourceConnections},
			{name: "getSinkConnections", params: ends, result: "ElementConnectionData[]", do: getSinkConnections},
			{name: "isMediaFlowingIn", params: []param{need("mediaType", "MediaType"), or("sinkMediaDescription", "String", "default")}, result: "boolean", do: isMediaFlowingIn},
			{name: "isMediaFlowingOut", params: []param{need("mediaType", "MediaType"), or("sourceMediaDescription", "String", "default")}, result: "boolean", do: isMediaFlowingOut},
			{name: "isMediaTranscoding", params: []param{need("mediaType", "MediaType"), may("binName", "String")}, result: "boolean", do: isMediaTranscoding},
			{name: "getStats", params: []param{may("mediaType", "MediaType")}, result: "Stats<>", do: getStats},
			{name: "setAudioFormat", params: []param{need("caps", "AudioCaps")}, absent: whyEncoder},
			{name: "setVideoFormat", params: []param{need("caps", "VideoCaps")}, absent: whyEncoder},
		}, dot...)}
}

func coreEvents() []event {
	states := func(name, typ string) event {
		return event{name: name, module: "core", parent: "Media", fields: []param{need("oldState", typ), need("newState", typ)}}
	}
	flow := []param{need("state", "MediaFlowState"), text("padName"), need("mediaType", "MediaType")}
	link := []param{need("sink", "MediaElement"), need("mediaType", "MediaType"), text("sourceMediaDescription"), text("sinkMediaDescription")}
	return []event{
		{name: "RaiseBase", module: "core", fields: []param{need("source", "MediaObject"), text("timestampMillis"), need("tags", "Tag[]")}},
		{name: "Media", module: "core", parent: "RaiseBase", fields: []param{text("type")}},
		{name: "Error", module: "core", parent: "RaiseBase", fields: []param{text("description"), need("errorCode", "int"), text("type")}},
		{name: "ObjectCreated", module: "core", parent: "RaiseBase", fields: []param{need("object", "MediaObject")}},
		{name: "ObjectDestroyed", module: "core", parent: "RaiseBase", fields: []param{text("objectId")}},
		{name: "ElementConnected", module: "core", parent: "Media", fields: link},
		{name: "ElementDisconnected", module: "core", parent: "Media", fields: link},
		{name: "MediaFlowInStateChanged", module: "core", parent: "Media", fields: flow, former: []string{"MediaFlowInStateChange"}},
		{name: "MediaFlowOutStateChanged", module: "core", parent: "Media", fields: flow, former: []string{"MediaFlowOutStateChange"}},
		{name: "MediaTranscodingStateChanged", module: "core", parent: "Media", former: []string{"MediaTranscodingStateChange"},
			fields: []param{need("state", "MediaTranscodingState"), text("binName"), need("mediaType", "MediaType")}},
		{name: "MediaSessionStarted", module: "core", parent: "Media"},
		{name: "MediaSessionTerminated", module: "core", parent: "Media"},
		{name: "UriEndpointStateChanged", module: "core", parent: "Media", fields: []param{need("state", "UriEndpointState")}},
		states("MediaStateChanged", "MediaState"),
		states("ConnectionStateChanged", "ConnectionState"),
	}
}

func enum(module, name string, values ...string) complexType {
	return complexType{name: name, module: module, values: values}
}

func coreTypes() []complexType {
	rec := func(name string, fields ...param) complexType {
		return complexType{name: name, module: "core", fields: fields}
	}
	from := func(parent string, t complexType) complexType { t.parent = parent; return t }
	return []complexType{
		enum("core", "MediaType", "AUDIO", "DATA", "VIDEO"),
		enum("core", "ServerType", "KMS", "KCS"),
		enum("core", "GstreamerDotDetails", "SHOW_MEDIA_TYPE", "SHOW_CAPS_DETAILS", "SHOW_NON_DEFAULT_PARAMS", "SHOW_STATES", "SHOW_FULL_PARAMS", "SHOW_ALL", "SHOW_VERBOSE"),
		enum("core", "MediaFlowState", "FLOWING", "NOT_FLOWING"),
		enum("core", "MediaTranscodingState", "TRANSCODING", "NOT_TRANSCODING"),
		enum("core", "MediaState", "DISCONNECTED", "CONNECTED"),
		enum("core", "ConnectionState", "DISCONNECTED", "CONNECTED"),
		enum("core", "UriEndpointState", "STOP", "START", "PAUSE"),
		enum("core", "AudioCodec", "OPUS", "PCMU", "PCMA", "RAW"),
		enum("core", "VideoCodec", "H265", "AV1", "VP9", "VP8", "H264", "RAW"),
		enum("core", "StatsType", "inboundrtp", "outboundrtp", "session", "datachannel", "track", "transport", "candidatepair",
			"localcandidate", "remotecandidate", "element", "endpoint"),
		enum("core", "RTCDataChannelState", "connecting", "open", "closing", "closed"),
		rec("Tag", text("key"), text("value")),
		rec("ModuleInfo", text("version"), text("name"), text("generationTime"), need("factories", "String[]")),
		rec("ServerInfo", text("version"), need("modules", "ModuleInfo[]"), need("type", "ServerType"), need("capabilities", "String[]")),
		rec("ElementConnectionData", need("source", "MediaElement"), need("sink", "MediaElement"), need("type", "MediaType"),
			text("sourceDescription"), text("sinkDescription")),
		rec("AudioCaps", need("codec", "AudioCodec"), need("bitrate", "int")),
		rec("Fraction", need("numerator", "int"), need("denominator", "int")),
		rec("VideoCaps", need("codec", "VideoCodec"), need("framerate", "Fraction")),
		rec("OfferOptions", may("offerToReceiveAudio", "boolean"), may("offerToReceiveVideo", "boolean")),
		rec("RembParams", may("packetsRecvIntervalTop", "int"), may("exponentialFactor", "float"), may("linealFactorMin", "int"),
			may("linealFactorGrade", "float"), may("decrementFactor", "float"), may("thresholdFactor", "float"), may("upLosses", "int"), may("rembOnConnect", "int")),
		rec("MediaLatencyStat", text("name"), need("type", "MediaType"), need("avg", "double")),
		rec("Stats", text("id"), need("type", "StatsType"), need("timestampMillis", "int64")),
		from("Stats", rec("ElementStats", need("inputLatency", "MediaLatencyStat[]"))),
		from("ElementStats", rec("EndpointStats", need("E2ELatency", "MediaLatencyStat[]"))),
		from("Stats", rec("RTCStats")),
		from("RTCStats", rec("RTCRTPStreamStats", text("ssrc"), text("associateStatsId"), need("isRemote", "boolean"), text("mediaTrackId"), text("transportId"),
			text("codecId"), need("firCount", "int64"), need("pliCount", "int64"), need("nackCount", "int64"), need("sliCount", "int64"), need("remb", "int64"),
			need("packetsLost", "int64"), need("fractionLost", "double"))),
		from("RTCRTPStreamStats", rec("RTCInboundRTPStreamStats", need("packetsReceived", "int64"), need("bytesReceived", "int64"), need("jitter", "double"))),
		from("RTCRTPStreamStats", rec("RTCOutboundRTPStreamStats", need("packetsSent", "int64"), need("bytesSent", "int64"), need("targetBitrate", "double"),
			need("roundTripTime", "double"))),
		from("RTCStats", rec("RTCPeerConnectionStats", need("dataChannelsOpened", "int64"), need("dataChannelsClosed", "int64"))),
		from("RTCStats", rec("RTCDataChannelStats", text("label"), text("protocol"), need("datachannelid", "int64"), need("state", "RTCDataChannelState"),
			need("messagesSent", "int64"), need("bytesSent", "int64"), need("messagesReceived", "int64"), need("bytesReceived", "int64"))),
	}
}
