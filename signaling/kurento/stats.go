package kurento

import (
	"fmt"
	"strings"

	"kelas/pipeline"
)

// getStats has Kurento's names; inbound is what the server received.
func getStats(c *call) (any, error) {
	now := c.s.cfg.Now().UnixMilli()
	out := map[string]any{}
	add := func(id, typ, kind string, members map[string]any) {
		members["id"], members["type"], members["timestampMillis"] = id, kind, now
		out[id] = record(typ, members)
	}
	if !table.isA(c.obj.class.name, "Endpoint") {
		add(c.obj.id, "ElementStats", "element", map[string]any{"inputLatency": []any{}})
		return out, nil
	}
	wanted := func(media pipeline.MediaType) bool {
		return !c.has("mediaType") || c.text("mediaType") == string(media)
	}
	var st pipeline.EndpointStats
	switch e := c.obj.element().(type) {
	case interface{ Stats() pipeline.EndpointStats }:
		st = e.Stats()
	case interface{ Stats() []pipeline.TrackStats }: // a player, which sends what it reads
		st.Received = e.Stats()
	}
	add(c.obj.id, "EndpointStats", "endpoint", map[string]any{"inputLatency": []any{}, "E2ELatency": latencies(c, st.Received)})
	for _, t := range st.Received {
		for _, s := range t.Streams {
			if wanted(t.MediaType) {
				m := streamMembers(t, s.SSRC)
				m["packetsReceived"], m["bytesReceived"], m["jitter"] = s.Packets, s.Bytes, s.Jitter.Seconds()
				m["packetsLost"], m["pliCount"], m["remb"] = s.Lost, s.PLIs, st.RecvLimit
				add(fmt.Sprintf("%s_%d", streamID("inbound", t), s.SSRC), "RTCInboundRTPStreamStats", "inboundrtp", m)
			}
		}
	}
	for _, t := range st.Sent {
		if wanted(t.MediaType) {
			m := streamMembers(t, t.SSRC)
			m["packetsSent"], m["bytesSent"], m["targetBitrate"], m["roundTripTime"] = t.Packets, t.Bytes, float64(st.Line.Capacity), t.RoundTrip.Seconds()
			add(streamID("outbound", t), "RTCOutboundRTPStreamStats", "outboundrtp", m)
		}
	}
	if c.obj.class.name == "WebRtcEndpoint" && wanted(pipeline.Data) {
		add("session", "RTCPeerConnectionStats", "session", map[string]any{"dataChannelsOpened": st.Data.Opened, "dataChannelsClosed": st.Data.Closed})
		for _, d := range st.Data.Channels {
			add(fmt.Sprintf("datachannel_%d", d.ID), "RTCDataChannelStats", "datachannel", map[string]any{
				"label": d.Label, "protocol": d.Protocol, "datachannelid": d.ID, "state": d.State,
				"messagesSent": d.MessagesSent, "messagesReceived": d.MessagesReceived, "bytesSent": d.BytesSent, "bytesReceived": d.BytesReceived})
		}
	}
	return out, nil
}

// latencies are how long packets of what the endpoint sends into the pipeline
// stay in the server, in ns, where the pipeline was told to tell it.
func latencies(c *call, sources []pipeline.TrackStats) []any {
	list := []any{}
	if p := c.obj.pipeline(); p == nil || !p.part.(*pipelinePart).latency.Load() {
		return list
	}
	for _, t := range sources {
		list = append(list, record("MediaLatencyStat", map[string]any{
			"name": streamID("source", t), "type": string(t.MediaType), "avg": float64(t.Latency.Nanoseconds())}))
	}
	return list
}

func streamID(way string, t pipeline.TrackStats) string {
	return fmt.Sprintf("%s_%s_%s", way, strings.ToLower(string(t.MediaType)), t.Description)
}

func streamMembers(t pipeline.TrackStats, ssrc uint32) map[string]any {
	return map[string]any{"ssrc": fmt.Sprint(ssrc), "associateStatsId": "", "isRemote": false, "mediaTrackId": strings.ToLower(string(t.MediaType)) + "_" + t.Description,
		"transportId": "", "codecId": t.Codec, "firCount": 0, "pliCount": t.PLIs, "nackCount": t.NACKs, "sliCount": 0, "remb": 0,
		"packetsLost": t.Lost, "fractionLost": t.LossFraction}
}
