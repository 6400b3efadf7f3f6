package kurento

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"kelas/pipeline"
)

// getLatencyStats and setLatencyStats are the pipeline's.
func getLatencyStats(c *call) (any, error) { return c.obj.part.(*pipelinePart).LatencyStats(), nil }

func setLatencyStats(c *call) error {
	c.obj.part.(*pipelinePart).SetLatencyStats(c.flag("latencyStats"))
	return nil
}

// statsReport is one answer of getStats.
type statsReport struct {
	c   *call
	now int64
	out map[string]any
}

// getStats has Kurento's names; inbound is what the server received.
func getStats(c *call) (any, error) {
	r := &statsReport{c, c.s.cfg.Now().UnixMilli(), map[string]any{}}
	r.latencies()
	var st pipeline.EndpointStats
	switch e := c.obj.element().(type) {
	case interface{ Stats() pipeline.EndpointStats }:
		st = e.Stats()
	case interface{ Stats() []pipeline.TrackStats }: // a player, which sends what it reads
		st.Received = e.Stats()
	}
	for _, t := range st.Received {
		if r.wanted(t.MediaType) {
			r.received(t, st.RecvLimit)
		}
	}
	for _, t := range st.Sent {
		if r.wanted(t.MediaType) && t.SSRC != 0 {
			r.sent(t, st.Line.Capacity)
		}
	}
	if c.obj.class.name == "WebRtcEndpoint" && r.wanted(pipeline.Data) {
		r.data(st.Data)
	}
	return r.out, nil
}

// wanted tells whether the client asked for that media type.
func (r *statsReport) wanted(media pipeline.MediaType) bool {
	return !r.c.has("mediaType") || r.c.text("mediaType") == string(media)
}

// id is the same for the same thing at each call, and nothing else in the server
// has it: a name-based UUID (RFC 9562, section 5.5).
func (r *statsReport) id(of string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(r.c.obj.id+"/"+of)).String()
}

func (r *statsReport) add(id, typ, kind string, members map[string]any) {
	members["id"], members["type"], members["timestampMillis"] = id, kind, r.now
	r.out[id] = record(typ, members)
}

// latencies are told of the object itself, and as in Kurento only where the
// pipeline was told to measure them.
func (r *statsReport) latencies() {
	if p := r.c.obj.pipeline(); p == nil || !p.part.(*pipelinePart).LatencyStats() {
		return
	}
	input, through := r.c.obj.element().Latencies()
	if !table.isA(r.c.obj.class.name, "Endpoint") {
		r.add(r.c.obj.id, "ElementStats", "element", map[string]any{"inputLatency": r.latencyList(input)})
		return
	}
	r.add(r.c.obj.id, "EndpointStats", "endpoint", map[string]any{
		"inputLatency": r.latencyList(input), "E2ELatency": r.latencyList(through),
	})
}

// latencyList has Kurento's names of sink pads, and nanoseconds.
func (r *statsReport) latencyList(of []pipeline.Latency) []any {
	slices.SortFunc(of, func(a, b pipeline.Latency) int {
		return cmp.Or(strings.Compare(string(a.MediaType), string(b.MediaType)), strings.Compare(a.Description, b.Description))
	})
	list := []any{}
	for _, l := range of {
		if r.wanted(l.MediaType) {
			list = append(list, record("MediaLatencyStat", map[string]any{
				"name": "sink_" + trackName(l.MediaType, l.Description), "type": string(l.MediaType), "avg": float64(l.Mean.Nanoseconds()),
			}))
		}
	}
	return list
}

func trackName(media pipeline.MediaType, description string) string {
	return strings.ToLower(string(media)) + "_" + description
}

// received is one entry for each SSRC.
func (r *statsReport) received(t pipeline.TrackStats, limit int64) {
	if t.MediaType != pipeline.Video {
		limit = 0 // the bound is that of pictures
	}
	for _, s := range t.Streams {
		m := streamMembers(t, s.SSRC)
		m["pliCount"] = s.PLIs - min(t.FIRs, s.PLIs)
		m["packetsLost"], m["fractionLost"], m["remb"] = s.Lost, in256ths(s.LossFraction), limit
		m["packetsReceived"], m["bytesReceived"], m["jitter"] = s.Packets, s.Bytes, s.Jitter.Seconds()
		r.add(r.id(fmt.Sprint("inbound/", s.SSRC)), "RTCInboundRTPStreamStats", "inboundrtp", m)
	}
}

// sent: targetBitrate is what is being sent, as in Kurento; remb what the line
// is believed to carry, by REMB or by transport-wide feedback.
func (r *statsReport) sent(t pipeline.TrackStats, capacity int64) {
	if t.MediaType != pipeline.Video {
		capacity = 0
	}
	m := streamMembers(t, t.SSRC)
	m["pliCount"] = t.PLIs - min(t.FIRs, t.PLIs)
	m["packetsLost"], m["fractionLost"], m["remb"] = t.Lost, in256ths(t.LossFraction), capacity
	m["packetsSent"], m["bytesSent"], m["targetBitrate"], m["roundTripTime"] = t.Packets, t.Bytes, float64(t.Rate), t.RoundTrip.Seconds()
	r.add(r.id(fmt.Sprint("outbound/", t.SSRC)), "RTCOutboundRTPStreamStats", "outboundrtp", m)
}

// in256ths is a fraction as receiver reports have it (RFC 3550, section 6.4.1),
// and Kurento.
func in256ths(fraction float64) float64 { return min(255, float64(int(fraction*256))) }

// streamMembers are what both ways have. sliCount, associateStatsId and
// transportId are empty in Kurento too.
func streamMembers(t pipeline.TrackStats, ssrc uint32) map[string]any {
	return map[string]any{
		"ssrc": fmt.Sprint(ssrc), "associateStatsId": "", "isRemote": false, "mediaTrackId": trackName(t.MediaType, t.Description),
		"transportId": "", "codecId": t.Codec, "firCount": t.FIRs, "nackCount": t.NACKPackets, "sliCount": 0,
	}
}

func (r *statsReport) data(d pipeline.DataStats) {
	r.add(r.id("session"), "RTCPeerConnectionStats", "session", map[string]any{"dataChannelsOpened": d.Opened, "dataChannelsClosed": d.Closed})
	for _, ch := range d.Channels {
		r.add(r.id(fmt.Sprint("datachannel/", ch.ID)), "RTCDataChannelStats", "datachannel", map[string]any{
			"label": ch.Label, "protocol": ch.Protocol, "datachannelid": ch.ID, "state": ch.State,
			"messagesSent": ch.MessagesSent, "messagesReceived": ch.MessagesReceived, "bytesSent": ch.BytesSent, "bytesReceived": ch.BytesReceived,
		})
	}
}
