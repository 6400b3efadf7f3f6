package main

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// TestHistogram holds the quantiles against those of the sorted values.
func TestHistogram(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h histogram
	var all []time.Duration
	for range 20000 {
		d := time.Duration(math.Exp(r.Float64()*14)) * time.Microsecond // 1 us to 1.2 s
		h.add(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, q := range []float64{0, .01, .5, .95, .99, .999} {
		got, want := h.quantile(q), all[int(q*float64(len(all)))]
		if math.Abs(float64(got-want)) > 0.04*float64(want)+1000 {
			t.Errorf("quantile %v is %v, not %v", q, got, want)
		}
	}
	if h.count() != 20000 || time.Duration(h.max.Load()) != all[len(all)-1] {
		t.Errorf("count %d, max %v", h.count(), time.Duration(h.max.Load()))
	}
	var empty histogram
	if empty.quantile(.5) != 0 {
		t.Error("nothing has a median")
	}
	last := -1
	for us := range 1 << 16 { // every value is in the bucket of its own size, and buckets rise
		d := time.Duration(us) * time.Microsecond
		b := bucketOf(d)
		if b < last || math.Abs(float64(valueOf(b)-d)) > 0.02*float64(d)+1000 {
			t.Fatalf("%v is in bucket %d of %v", d, b, valueOf(b))
		}
		last = b
	}
	if b := bucketOf(1000 * time.Hour); b != len(h.counts)-1 {
		t.Errorf("a very long time is in bucket %d", b)
	}
	if b := bucketOf(-time.Second); b != 0 {
		t.Errorf("a negative time is in bucket %d", b)
	}
	two := merged(&h, &h)
	if two.count() != 2*h.count() || two.quantile(.5) != h.quantile(.5) {
		t.Error("merged histograms are not their sum")
	}
}

func TestReceived(t *testing.T) {
	for name, c := range map[string]struct {
		seqs           []uint16
		expected, once uint64
		twice          uint64
	}{
		"in order":        {[]uint16{1, 2, 3, 4}, 4, 4, 0},
		"a hole":          {[]uint16{1, 2, 5}, 5, 3, 0},
		"over the end":    {[]uint16{65534, 65535, 0, 1}, 4, 4, 0},
		"hole at the end": {[]uint16{65534, 1}, 4, 2, 0},
		"out of order":    {[]uint16{10, 12, 11, 13}, 4, 4, 0},
		"first overtaken": {[]uint16{10, 9, 11}, 3, 3, 0},
		"over zero back":  {[]uint16{0, 65535, 1}, 3, 3, 0},
		"twice":           {[]uint16{1, 2, 2, 1, 3}, 3, 3, 2},
		"nothing":         {nil, 0, 0, 0},
	} {
		r := received{rate: 90000}
		for _, s := range c.seqs {
			r.take(&rtp.Header{SequenceNumber: s}, 100, 0)
		}
		if r.expected() != c.expected || r.packets != c.once || r.twice != c.twice || r.bytes != c.once*100 {
			t.Errorf("%s: expected %d, packets %d, twice %d, bytes %d", name, r.expected(), r.packets, r.twice, r.bytes)
		}
	}
}

// TestReport: the share lost since the last report, and the time since the
// last sender report.
func TestReport(t *testing.T) {
	r := received{ssrc: 7, rate: 90000, lastSR: 0xabcd}
	now := time.Unix(1000, 0)
	r.lastSRAt = now.Add(-1500 * time.Millisecond)
	for s := range uint16(100) {
		if s%4 != 1 {
			r.take(&rtp.Header{SequenceNumber: s}, 1, 0)
		}
	}
	first := r.report(now)
	if first.SSRC != 7 || first.FractionLost != 64 || first.TotalLost != 25 || first.LastSequenceNumber != 99 ||
		first.LastSenderReport != 0xabcd || first.Delay != 3*65536/2 {
		t.Errorf("first report: %+v", first)
	}
	for s := range uint16(100) {
		r.take(&rtp.Header{SequenceNumber: 100 + s}, 1, 0)
	}
	if second := r.report(now); second.FractionLost != 0 || second.TotalLost != 25 {
		t.Errorf("second report: %+v", second)
	}
}

// TestJitter: packets that alternate by 10 ms have a jitter that nears it.
func TestJitter(t *testing.T) {
	r := received{rate: 48000}
	for i := range 400 {
		late := time.Duration(i%2) * 10 * time.Millisecond
		r.take(&rtp.Header{SequenceNumber: uint16(i), Timestamp: uint32(i) * 960}, 1, time.Duration(i)*20*time.Millisecond+late)
	}
	if r.jitter < 450 || r.jitter > 500 {
		t.Errorf("the jitter is %.0f ticks of 48 kHz, not about 480", r.jitter)
	}
}

func TestKeyFrame(t *testing.T) {
	descriptor := []byte{0x90, 0x80, 0x81, 0x02} // begins a frame, picture id of 15 bits
	more := []byte{0x80, 0x80, 0x81, 0x02}
	packet := func(seq uint16, ts uint32, marker bool, d []byte, first byte) (*rtp.Header, []byte) {
		return &rtp.Header{SequenceNumber: seq, Timestamp: ts, Marker: marker}, append(slices.Clone(d), first, 1, 2)
	}
	var k keyFrame
	for i, p := range []struct {
		seq    uint16
		ts     uint32
		marker bool
		d      []byte
		first  byte
		want   bool
	}{
		{1, 1, true, descriptor, 1, false},  // another frame
		{2, 2, false, descriptor, 0, false}, // a key frame begins
		{4, 2, true, more, 0, false},        // with a hole
		{5, 3, false, descriptor, 0, false},
		{6, 3, false, more, 1, false},
		{7, 3, true, more, 1, true},
		{8, 4, true, descriptor, 0, false}, // only the first counts
	} {
		h, payload := packet(p.seq, p.ts, p.marker, p.d, p.first)
		if got := k.take(h, payload); got != p.want {
			t.Errorf("packet %d: %v", i, got)
		}
	}
	for _, c := range []struct {
		p          []byte
		start, key bool
	}{
		{nil, false, false},
		{[]byte{0x10}, false, false},
		{[]byte{0x10, 0x00}, true, true},
		{[]byte{0x10, 0x01}, true, false},
		{[]byte{0x11, 0x00}, false, false},                          // not the first partition
		{[]byte{0x90, 0x80, 0x01, 0x00}, true, true},                // picture id of 7 bits
		{[]byte{0x90, 0xf0, 0x81, 2, 3, 4, 0}, true, true},          // all of it
		{[]byte{0x90, 0xf0, 0x81, 2}, true, false},                  // cut short
		{[]byte{0x90, 0x80}, true, false},                           // cut short
		{append([]byte{0x90, 0x20, 0x40}, 0x01, 0x00), true, false}, // a layer number
	} {
		if start, key := vp8Start(c.p); start != c.start || key != c.key {
			t.Errorf("%x: start %v, key %v", c.p, start, key)
		}
	}
}

// TestCompute does the sums of a window by hand.
func TestCompute(t *testing.T) {
	at := time.Unix(0, 0)
	from := moment{at: at, own: time.Second, offered: 100, known: true, server: serverFigures{cpu: 10 * time.Second, rss: 20000, goroutines: 30},
		up: traffic{1000, 10}, viewers: []counts{{expected: 50, packets: 50, bytes: 500}, {}}}
	to := moment{at: at.Add(10 * time.Second), own: 6 * time.Second, offered: 2100, known: true, keys: 3,
		server: serverFigures{cpu: 12 * time.Second, rss: 21000, goroutines: 50}, up: traffic{1_001_000, 1010}, down: traffic{10000, 100},
		viewers: []counts{
			{expected: 2050, packets: 2050, bytes: 1_250_500, received: traffic{1_400_000, 2000}, sent: traffic{5000, 100}},
			{expected: 2000, packets: 1900, bytes: 1_000_000, received: traffic{1_100_000, 1900}},
		}}
	s := compute(from, to, serverFigures{rss: 20000, goroutines: 10}, 2)
	for name, pair := range map[string][2]float64{
		"seconds":            {s.Seconds, 10},
		"packets a viewer":   {s.PacketsPerViewer, 195},
		"kbit a viewer":      {s.KbitPerViewer, 900},
		"worst kbit":         {s.KbitWorstViewer, 800},
		"loss":               {s.Loss, 2.5},
		"worst loss":         {s.LossWorstViewer, 5},
		"missing":            {s.Missing, 2.5},
		"cpu":                {s.ServerCPU, 20},
		"cpu a viewer":       {s.CPUPerViewer, 100},
		"micros a packet":    {s.MicrosPerPacket, 2e6 / 3900},
		"memory a viewer":    {s.RSSPerViewer, 500},
		"goroutines":         {s.GoPerViewer, 20},
		"sent":               {s.SentKbit, float64(1_400_000+1_100_000+10000+28*(3900+100)) * 8 / 1e4},
		"received":           {s.ReceivedKbit, float64(1_000_000+5000+28*(1000+100)) * 8 / 1e4},
		"generator":          {s.GeneratorCPU, 50},
		"key frame requests": {float64(s.KeyAsked), 3},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-6*math.Abs(pair[1]) {
			t.Errorf("%s: %v, not %v", name, pair[0], pair[1])
		}
	}
	if nobody := compute(from, moment{at: at.Add(time.Second)}, serverFigures{}, 1); nobody.KbitPerViewer != 0 || nobody.ServerKnown || math.IsNaN(nobody.Loss) {
		t.Errorf("a window without viewers: %+v", nobody)
	}
}

func TestLimits(t *testing.T) {
	good := step{Viewers: 10, Seconds: 10, PacketsPerViewer: 200, GeneratorCPU: 50, GeneratorCores: 1, Delay: quantiles{P99: 10}}
	for want, change := range map[string]func(*step){
		"":                 func(*step) {},
		"its own CPU":      func(s *step) { s.GeneratorCPU, s.Loss = 90, 3 },
		"sends late":       func(s *step) { s.SentLateP99, s.Delay.P99 = 20, 80 },
		"sockets overflow": func(s *step) { s.Loss, s.DroppedByUs = 1, 150 },
		"loss above":       func(s *step) { s.Loss, s.DroppedByUs = 1, 50 },
		"do not come":      func(s *step) { s.Missing = 3 },
		"p99":              func(s *step) { s.Delay.P99 = 51 },
	} {
		s := good
		change(&s)
		if got, _ := s.limit(); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("want %q, got %q", want, got)
		}
	}
}

func TestCompareRatios(t *testing.T) {
	q := quantiles{P50: 10}
	ours := phase{Server: "kelas", Steps: []step{
		{Viewers: 50, MicrosPerPacket: 10, Delay: quantiles{P50: 1, P99: 4}, RSSPerViewer: 300, GoPerViewer: 12, FirstKey: &q},
		{Viewers: 100, MicrosPerPacket: 9, Limit: "loss"}}}
	theirs := phase{Server: "pion", Steps: []step{
		{Viewers: 50, MicrosPerPacket: 20, Delay: quantiles{P50: 4, P99: 8}, RSSPerViewer: 1200, GoPerViewer: 24},
		{Viewers: 100}, {Viewers: 200}}}
	got := compare(ours, theirs)
	want := compared{Viewers: 50, MicrosPerPacket: .5, DelayP50: .25, DelayP99: .5, RSSPerViewer: .25, Goroutines: .5}
	if len(got) != 2 || got[0] != want || !strings.Contains(got[1].Note, "kelas: loss") || got[1].MicrosPerPacket != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestPlot(t *testing.T) {
	p := draw("A <title>", []series{{"one", [][2]float64{{0, 0}, {9, 97}}}, {"none", nil}})
	if len(p.Lines) != 2 || p.Lines[1].Path != "" {
		t.Fatalf("lines: %+v", p.Lines)
	}
	if top := p.YTicks[len(p.YTicks)-1]; top.Label != "100" || top.At != plotTop {
		t.Errorf("the highest tick: %+v", top)
	}
	if right := p.XTicks[len(p.XTicks)-1]; right.Label != "10" || right.At != plotRight {
		t.Errorf("the last tick: %+v", right)
	}
	if last := p.Lines[0].Dots[1]; last[0] <= plotLeft || last[0] >= plotRight || last[1] <= plotTop || last[1] >= plotBottom {
		t.Errorf("a dot is outside: %v", last)
	}
	for _, c := range [][2]float64{{.8, 1}, {1, 1}, {1.1, 2}, {3, 5}, {7, 10}, {120, 200}, {.03, .05}} {
		if got := round125(c[0]); math.Abs(got-c[1]) > 1e-9 {
			t.Errorf("%v is rounded to %v", c[0], got)
		}
	}
	var b bytes.Buffer
	if err := (&report{Command: "kelas-load <script>"}).writeHTML(&b); err != nil || strings.Contains(b.String(), "<script>") {
		t.Errorf("an empty report: %v", err)
	}
}
