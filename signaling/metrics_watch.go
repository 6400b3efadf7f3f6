package signaling

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"kelas/classroom"
	"kelas/pipeline"
	"kelas/signaling/kurento"
	"kelas/signaling/socket"
	"kelas/signaling/webhook"
	"kelas/signaling/whip"
)

// figures are what one scrape reads: each part's Stats once.
type figures struct {
	classes classroom.RegistryStats
	media   pipeline.ServerStats
	socket  socket.Stats
	hooks   webhook.Stats
	whip    whip.Stats
	kurento kurento.Stats
}

// metric is one row of what is shown.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	value      func(f *figures) float64
}

func gauge[N int | int64](name, help string, get func(f *figures) N) metric {
	return metric{name, help, prometheus.GaugeValue, func(f *figures) float64 { return float64(get(f)) }}
}

func counter(name, help string, get func(f *figures) uint64) metric {
	return metric{name, help, prometheus.CounterValue, func(f *figures) float64 { return float64(get(f)) }}
}

// shown is the one table of figures; the README lists it.
var shown = []metric{
	gauge("kelas_classes", "Classes in memory.", func(f *figures) int { return f.classes.Classes }),
	gauge("kelas_participants", "Participants present in classes.", func(f *figures) int { return f.classes.Participants }),
	gauge("kelas_sessions", "Connected tabs.", func(f *figures) int { return f.classes.Sessions }),
	gauge("kelas_sessions_lost", "Tabs whose line is cut and that may resume.", func(f *figures) int { return f.classes.SessionsLost }),
	gauge("kelas_presenters", "Endpoints of presenters.", func(f *figures) int { return f.classes.Presenters }),
	gauge("kelas_viewers", "Endpoints of viewers.", func(f *figures) int { return f.classes.Viewers }),
	gauge("kelas_chat_waiting", "Chat entries that wait for the store.", func(f *figures) int { return f.classes.ChatWaiting }),
	gauge("kelas_records_waiting", "Attendance records that wait for the store.", func(f *figures) int { return f.classes.RecordsWaiting }),
	counter("kelas_joins_total", "Sessions that joined a class.", func(f *figures) uint64 { return f.classes.Joins }),
	counter("kelas_resumes_total", "Sessions that came back over a new connection.", func(f *figures) uint64 { return f.classes.Resumes }),
	counter("kelas_outbox_evictions_total", "Sessions cut because their page did not take what was sent.", func(f *figures) uint64 { return f.classes.OutletsLost }),
	counter("kelas_chat_accepted_total", "Chat entries numbered and delivered.", func(f *figures) uint64 { return f.classes.ChatAccepted }),
	counter("kelas_chat_stored_total", "Chat entries stored.", func(f *figures) uint64 { return f.classes.ChatStored }),
	counter("kelas_chat_refused_total", "Chat entries that the store refused for good.", func(f *figures) uint64 { return f.classes.ChatRefused }),
	counter("kelas_records_refused_total", "Attendance records that the store refused for good.", func(f *figures) uint64 { return f.classes.RecordsRefused }),
	counter("kelas_media_errors_total", "Calls of the media server that failed.", func(f *figures) uint64 { return f.classes.PipelineErrors }),
	counter("kelas_journal_retries_total", "Writes of the journal that had to be tried again.", func(f *figures) uint64 { return f.classes.JournalRetries }),

	gauge("kelas_media_pipelines", "Media pipelines.", func(f *figures) int { return f.media.Pipelines }),
	gauge("kelas_media_endpoints", "WebRTC endpoints.", func(f *figures) int { return f.media.Endpoints }),
	gauge("kelas_media_connected", "WebRTC endpoints that are connected.", func(f *figures) int { return f.media.Connected }),
	gauge("kelas_turn_allocations", "Allocations of the built-in TURN server.", func(f *figures) int { return f.media.TURNAllocations }),
	counter("kelas_media_packets_received_total", "RTP packets from presenters.", func(f *figures) uint64 { return f.media.PacketsReceived }),
	counter("kelas_media_bytes_received_total", "RTP bytes from presenters.", func(f *figures) uint64 { return f.media.BytesReceived }),
	counter("kelas_media_packets_sent_total", "RTP packets to viewers.", func(f *figures) uint64 { return f.media.PacketsSent }),
	counter("kelas_media_bytes_sent_total", "RTP bytes to viewers.", func(f *figures) uint64 { return f.media.BytesSent }),
	counter("kelas_media_packets_retransmitted_total", "RTP packets sent again on a NACK.", func(f *figures) uint64 { return f.media.Retransmitted }),
	counter("kelas_media_nacks_total", "Packets that viewers asked for again.", func(f *figures) uint64 { return f.media.NACKs }),
	counter("kelas_media_plis_total", "Key frames that viewers asked for.", func(f *figures) uint64 { return f.media.PLIs }),
	counter("kelas_media_key_frame_requests_total", "Key frames asked of presenters.", func(f *figures) uint64 { return f.media.KeyFrameRequests }),
	counter("kelas_media_lost_upstream_total", "RTP packets from presenters that never came.", func(f *figures) uint64 { return f.media.LostUpstream }),
	counter("kelas_media_lost_downstream_total", "RTP packets that viewers reported lost.", func(f *figures) uint64 { return f.media.LostDownstream }),
	counter("kelas_media_sends_failed_total", "RTP packets that could not be sent.", func(f *figures) uint64 { return f.media.WriteErrors }),
	counter("kelas_media_events_dropped_total", "Events of endpoints dropped since their subscriber was too slow.", func(f *figures) uint64 { return f.media.EventsDropped }),

	gauge("kelas_socket_connections", "Open socket connections.", func(f *figures) int { return f.socket.Connections }),
	counter("kelas_socket_accepted_total", "Socket connections that were let in.", func(f *figures) uint64 { return f.socket.Accepted }),
	counter("kelas_socket_packets_sent_total", "Packets handed to socket connections.", func(f *figures) uint64 { return f.socket.Sent }),
	counter("kelas_socket_evictions_total", "Socket connections cut because they read too slowly.", func(f *figures) uint64 { return f.socket.Evictions }),
	counter("kelas_socket_oversized_total", "Messages above the size limit.", func(f *figures) uint64 { return f.socket.Oversized }),
	counter("kelas_socket_throttled_total", "Messages above the rate.", func(f *figures) uint64 { return f.socket.Throttled }),
	counter("kelas_socket_malformed_total", "Packets that could not be read.", func(f *figures) uint64 { return f.socket.Malformed }),
	gauge("kelas_encoders", "Endpoints of encoders.", func(f *figures) int { return f.classes.Encoders }),
	gauge("kelas_whip_sessions", "Encoders that came by WHIP.", func(f *figures) int { return f.whip.WHIP }),
	gauge("kelas_whep_sessions", "Players that came by WHEP.", func(f *figures) int { return f.whip.WHEP }),
	gauge("kelas_kurento_connections", "Open connections of the Kurento protocol.", func(f *figures) int { return f.kurento.Connections }),
	gauge("kelas_kurento_sessions", "Kurento sessions, those without a connection included.", func(f *figures) int { return f.kurento.Sessions }),
	gauge("kelas_kurento_objects", "Media objects of Kurento sessions.", func(f *figures) int { return f.kurento.Objects }),
	gauge("kelas_events_waiting", "Events of classes that wait to be kept for webhooks.", func(f *figures) int { return f.classes.NewsWaiting }),
	counter("kelas_events_told_total", "Events of classes that were kept for webhooks and callbacks.", func(f *figures) uint64 { return f.classes.NewsTold }),
	counter("kelas_events_lost_total", "Events of classes that could not be kept.", func(f *figures) uint64 { return f.classes.NewsLost }),
	gauge("kelas_webhooks", "Webhooks.", func(f *figures) int { return f.hooks.Webhooks }),
	gauge("kelas_deliveries_waiting", "Deliveries to others that wait.", func(f *figures) int { return f.hooks.Waiting }),
	counter("kelas_deliveries_done_total", "Deliveries that were taken.", func(f *figures) uint64 { return f.hooks.Done }),
	counter("kelas_deliveries_retried_total", "Attempts of deliveries that failed and are made again.", func(f *figures) uint64 { return f.hooks.Retries }),
	counter("kelas_deliveries_failed_total", "Deliveries that were given up.", func(f *figures) uint64 { return f.hooks.Failed }),
	counter("kelas_deliveries_overflowed_total", "Deliveries that found their queue full.", func(f *figures) uint64 { return f.hooks.Overflowed }),
	counter("kelas_socket_panics_total", "Handlers that panicked.", func(f *figures) uint64 { return f.socket.Panics }),
}

// labelled are the figures with one label.
var labelled = []struct {
	name, help, label string
	values            func(f *figures) map[string]uint64
}{
	{"kelas_socket_refused_total", "Socket connections that were refused.", "code", func(f *figures) map[string]uint64 { return f.socket.Refused }},
	{"kelas_socket_messages_total", "Messages from clients.", "event", func(f *figures) map[string]uint64 { return f.socket.Received }},
	{"kelas_socket_failed_total", "Requests of clients answered with an error.", "code", func(f *figures) map[string]uint64 { return f.socket.Failed }},
}

// collector reads the parts' Stats when Prometheus asks.
type collector struct {
	d     Deps
	descs []*prometheus.Desc
	more  []*prometheus.Desc
}

func (m *Metrics) watch(d Deps) error {
	c := &collector{d: d}
	for _, row := range shown {
		c.descs = append(c.descs, prometheus.NewDesc(row.name, row.help, nil, nil))
	}
	for _, row := range labelled {
		c.more = append(c.more, prometheus.NewDesc(row.name, row.help, []string{row.label}, nil))
	}
	if err := m.registry.Register(c); err != nil {
		return fmt.Errorf("metrics: one Metrics serves one Server: %w", err)
	}
	return nil
}

func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range append(append([]*prometheus.Desc{}, c.descs...), c.more...) {
		out <- d
	}
}

func (c *collector) Collect(out chan<- prometheus.Metric) {
	f := &figures{classes: c.d.Registry.Stats()}
	if c.d.Media != nil {
		f.media = c.d.Media.Stats()
	}
	if c.d.SocketStats != nil {
		f.socket = c.d.SocketStats()
	}
	if c.d.WHIP != nil {
		f.whip = c.d.WHIP.Stats()
	}
	if c.d.KurentoStats != nil {
		f.kurento = c.d.KurentoStats()
	}
	if c.d.Webhooks != nil {
		f.hooks = c.d.Webhooks.Stats()
	}
	for i, row := range shown {
		out <- prometheus.MustNewConstMetric(c.descs[i], row.kind, row.value(f))
	}
	for i, row := range labelled {
		for label, n := range row.values(f) {
			out <- prometheus.MustNewConstMetric(c.more[i], prometheus.CounterValue, float64(n), label)
		}
	}
}
