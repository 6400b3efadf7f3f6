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
	id := c.obj.id
	w, ok := c.obj.part.(interface {
		Stats() pipeline.EndpointStats
	})
	if !ok {
		add(id, "ElementStats", "element", map[string]any{"inputLatency": []any{}})
		return out, nil
	}
	add(id, "EndpointStats", "endpoint", map[string]any{"inputLatency": []any{}, "E2ELatency": []any{}})
	st := w.Stats()
	wanted := func(t pipeline.TrackStats) bool {
		return !c.has("mediaType") || c.text("mediaType") == string(t.MediaType)
	}
	for _, t := range st.Received {
		if wanted(t) {
			m := streamMembers(t)
			m["packetsReceived"], m["bytesReceived"], m["jitter"] = t.Packets, t.Bytes, 0.0
			add(streamID("inbound", t), "RTCInboundRTPStreamStats", "inboundrtp", m)
		}
	}
	for _, t := range st.Sent {
		if wanted(t) {
			m := streamMembers(t)
			m["packetsSent"], m["bytesSent"], m["targetBitrate"], m["roundTripTime"] = t.Packets, t.Bytes, 0.0, t.RoundTrip.Seconds()
			add(streamID("outbound", t), "RTCOutboundRTPStreamStats", "outboundrtp", m)
		}
	}
	return out, nil
}

func streamID(way string, t pipeline.TrackStats) string {
	return fmt.Sprintf("%s_%s_%s", way, strings.ToLower(string(t.MediaType)), t.Description)
}

func streamMembers(t pipeline.TrackStats) map[string]any {
	return map[string]any{"ssrc": "", "associateStatsId": "", "isRemote": false, "mediaTrackId": strings.ToLower(string(t.MediaType)) + "_" + t.Description,
		"transportId": "", "codecId": t.Codec, "firCount": 0, "pliCount": t.PLIs, "nackCount": t.NACKs, "sliCount": 0, "remb": 0,
		"packetsLost": t.Lost, "fractionLost": t.LossFraction}
}
