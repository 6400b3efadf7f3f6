package main

import (
	"context"
	"net"
	"time"
)

// moment is everything that is read at the two ends of a window.
type moment struct {
	at       time.Time
	server   serverFigures
	known    bool // server could be read
	own      time.Duration
	offered  uint64 // packets that the presenter sent
	up, down traffic
	viewers  []counts
	unknown  uint64
	dropped  uint64
	keys     uint64
}

// step is the outcome of one window with a fixed number of viewers.
type step struct {
	Viewers int     `json:"viewers"`
	Seconds float64 `json:"seconds"`

	PacketsPerViewer float64 `json:"packetsPerViewer"`      // a second, mean
	KbitPerViewer    float64 `json:"kbitPerViewer"`         // a second of RTP payload, mean
	KbitWorstViewer  float64 `json:"kbitWorstViewer"`       // a second, the viewer that got least
	Loss             float64 `json:"lossPercent"`           // by sequence numbers
	LossWorstViewer  float64 `json:"lossWorstPercent"`      // the same, of the worst viewer
	Missing          float64 `json:"missingPercent"`        // of what the presenter sent, whatever the numbers say
	Resent           uint64  `json:"retransmitted"`         // packets on the SSRC for it
	Undecryptable    uint64  `json:"undecryptable"`         // packets
	Strange          uint64  `json:"strange"`               // packets with a payload that nobody sent
	DroppedByUs      uint64  `json:"droppedAtTheGenerator"` // packets, by the kernel at the viewers' sockets

	Delay      quantiles  `json:"delayMs"` // pictures and sound
	DelaySound quantiles  `json:"delaySoundMs"`
	FirstPack  *quantiles `json:"firstPacketMs,omitempty"` // of those that joined for this step
	FirstKey   *quantiles `json:"firstKeyFrameMs,omitempty"`
	KeyAsked   uint64     `json:"keyFrameRequests"` // to the presenter, within the window

	JoinSeconds float64 `json:"joinSeconds"` // until all that joined for this step had a picture
	JoinKeys    float64 `json:"joinKeyFrameRequests"`

	ServerKnown     bool    `json:"serverKnown"`
	ServerCPU       float64 `json:"serverCpuPercent"` // of one core
	CPUPerViewer    float64 `json:"serverCpuMsPerViewerSecond"`
	MicrosPerPacket float64 `json:"serverMicrosPerPacket"` // forwarded
	RSS             uint64  `json:"serverRssKB"`
	RSSPerViewer    float64 `json:"serverRssKBPerViewer"` // above what it was before the first
	Goroutines      int     `json:"serverGoroutines"`
	GoPerViewer     float64 `json:"serverGoroutinesPerViewer"`
	SentKbit        float64 `json:"serverSentKbit"`     // a second, IPv4 and UDP headers included
	ReceivedKbit    float64 `json:"serverReceivedKbit"` // a second

	GeneratorCPU   float64 `json:"generatorCpuPercent"` // of one core
	GeneratorCores int     `json:"generatorCores"`
	SentLateP99    float64 `json:"presenterLateP99Ms"` // by the generator's fault

	Limit          string `json:"limit,omitempty"` // why the ladder ended here
	GeneratorLimit bool   `json:"generatorLimit"`  // then the figures say nothing of the server
}

// read takes a moment.
func (s *session) read(ctx context.Context, begins bool) moment {
	m := moment{at: time.Now(), own: ownCPU(), offered: s.stamps.total(), viewers: s.crowd.counts(),
		unknown: s.crowd.unknown.Load(), keys: s.presenter.keys.Load()}
	m.up, m.down = s.presenter.traffic()
	f, err := s.gauge.read(ctx, begins)
	m.server, m.known = f, err == nil
	ports := map[uint16]bool{}
	for _, v := range s.crowd.all() {
		if at, ok := v.path.sock.LocalAddr().(*net.UDPAddr); ok {
			ports[at.AddrPort().Port()] = true
		}
	}
	m.dropped, _ = dropped(ports) // only a hint; not everywhere known
	return m
}

// ratio is a/b, and 0 where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// compute makes the figures of a window from its two ends.
func compute(from, to moment, empty serverFigures, cores int) step {
	seconds := to.at.Sub(from.at).Seconds()
	n := len(to.viewers)
	s := step{Viewers: n, Seconds: seconds, GeneratorCores: cores, ServerKnown: from.known && to.known,
		KeyAsked: to.keys - from.keys, Strange: to.unknown - from.unknown, DroppedByUs: to.dropped - min(to.dropped, from.dropped),
		GeneratorCPU: 100 * ratio((to.own-from.own).Seconds(), seconds)}
	var sum counts
	worst := -1.0
	for i, b := range to.viewers {
		var a counts
		if i < len(from.viewers) {
			a = from.viewers[i]
		}
		d := b.minus(a)
		sum = sum.plus(d)
		s.LossWorstViewer = max(s.LossWorstViewer, 100*d.loss())
		if kbit := ratio(float64(d.bytes)*8/1000, seconds); worst < 0 || kbit < worst {
			worst = kbit
		}
	}
	s.KbitWorstViewer = max(0, worst)
	s.Loss = 100 * sum.loss()
	if offered := float64(to.offered-from.offered) * float64(n); offered > 0 {
		s.Missing = 100 * max(0, 1-float64(sum.packets)/offered)
	}
	s.Resent, s.Undecryptable = sum.resent, sum.undone
	s.PacketsPerViewer = ratio(ratio(float64(sum.packets), seconds), float64(n))
	s.KbitPerViewer = ratio(ratio(float64(sum.bytes)*8/1000, seconds), float64(n))
	s.SentKbit = ratio(float64(sum.received.wire()+to.down.wire()-from.down.wire())*8/1000, seconds)
	s.ReceivedKbit = ratio(float64(sum.sent.wire()+to.up.wire()-from.up.wire())*8/1000, seconds)
	if s.ServerKnown {
		s.server(from.server, to.server, empty, float64(sum.packets))
	}
	return s
}

func (s *step) server(from, to, empty serverFigures, packets float64) {
	cpu := (to.cpu - from.cpu).Seconds()
	n := float64(s.Viewers)
	s.ServerCPU = 100 * ratio(cpu, s.Seconds)
	s.CPUPerViewer = ratio(1000*ratio(cpu, s.Seconds), n)
	s.MicrosPerPacket = ratio(cpu*1e6, packets)
	s.RSS = to.rss
	s.RSSPerViewer = ratio(float64(to.rss)-float64(empty.rss), n)
	s.Goroutines = to.goroutines
	if to.goroutines > 0 && empty.goroutines > 0 {
		s.GoPerViewer = ratio(float64(to.goroutines-empty.goroutines), n)
	}
}

func (c counts) minus(o counts) counts {
	return counts{expected: c.expected - o.expected, packets: c.packets - o.packets, twice: c.twice - o.twice, bytes: c.bytes - o.bytes,
		resent: c.resent - o.resent, undone: c.undone - o.undone, sent: c.sent.minus(o.sent), received: c.received.minus(o.received)}
}

func (c counts) plus(o counts) counts {
	return counts{expected: c.expected + o.expected, packets: c.packets + o.packets, twice: c.twice + o.twice, bytes: c.bytes + o.bytes,
		resent: c.resent + o.resent, undone: c.undone + o.undone, sent: c.sent.plus(o.sent), received: c.received.plus(o.received)}
}

// loss is the part of the numbers that did not come. Late packets of before
// the window may make it come out below nothing.
func (c counts) loss() float64 {
	return max(0, ratio(float64(int64(c.expected-c.packets)), float64(c.expected)))
}

func (t traffic) minus(o traffic) traffic { return traffic{t.bytes - o.bytes, t.packets - o.packets} }
func (t traffic) plus(o traffic) traffic  { return traffic{t.bytes + o.bytes, t.packets + o.packets} }

// merged is the sum of histograms.
func merged(hs ...*histogram) *histogram {
	out := &histogram{}
	for _, h := range hs {
		for i := range h.counts {
			out.counts[i].Add(h.counts[i].Load())
		}
		out.max.Store(max(out.max.Load(), h.max.Load()))
	}
	return out
}

// Where a ladder ends.
const (
	lossLimit      = 0.5  // per cent
	missingLimit   = 1    // per cent
	delayLimit     = 50   // ms, p99
	generatorLimit = 0.85 // of its cores
	lateLimit      = 10   // ms, p99 of the presenter's own clock
)

// limit says in words which limit a step has passed, "" for none. Where the
// generator is at its own limit, nothing else can be said of the server.
func (s step) limit() (why string, generator bool) {
	share := s.GeneratorCPU / 100 / float64(max(1, s.GeneratorCores))
	lost := uint64(s.Loss / 100 * s.PacketsPerViewer * s.Seconds * float64(s.Viewers))
	switch {
	case share > generatorLimit:
		return "the generator is at its limit: its own CPU", true
	case s.SentLateP99 > lateLimit:
		return "the generator is at its limit, or the machine busy with something else: the presenter sends late", true
	case s.Loss > lossLimit && s.DroppedByUs*2 > lost:
		return "the generator is at its limit: its sockets overflow", true
	case s.Loss > lossLimit:
		return "loss above 0.5 %", false
	case s.Missing > missingLimit+100*ratio(s.Delay.P99/1000, s.Seconds):
		// What is on its way at the end of the window is not missing.
		return "more than 1 % of the packets do not come", false
	case s.Delay.P99 > delayLimit:
		return "p99 of the delay above 50 ms", false
	}
	return "", false
}
