package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

// report is everything that a run found out.
type report struct {
	Made     time.Time  `json:"made"`
	Machine  string     `json:"machine"`
	Command  string     `json:"command"`
	Pinned   string     `json:"pinned,omitempty"`
	Phases   []phase    `json:"phases"`
	Ratios   []compared `json:"ratios,omitempty"`
	Promises []promise  `json:"promises,omitempty"`
	Kurento  []kurento  `json:"kurento,omitempty"`
	Finished bool       `json:"finished"` // false: it was interrupted or failed
}

// kurento is what was published of a Kurento classroom with one to nine
// viewers, as the range over the nine steps, on two cores of a Xeon Gold 6130.
type kurento struct {
	Stream       string     `json:"stream"`
	CPU          [2]float64 `json:"cpuPercent"`
	RSS          [2]float64 `json:"memoryKB"`
	SentKbit     [2]float64 `json:"sentKbit"`
	ReceivedKbit [2]float64 `json:"receivedKbit"`
}

var published = []kurento{
	{Stream: "webcam", CPU: [2]float64{2.7, 7.7}, RSS: [2]float64{61870, 94867}, SentKbit: [2]float64{234, 1170}, ReceivedKbit: [2]float64{158, 225}},
	{Stream: "screen", CPU: [2]float64{3.7, 10.0}, RSS: [2]float64{94867, 127865}, SentKbit: [2]float64{325, 1990}, ReceivedKbit: [2]float64{181, 262}},
}

// compared is Kelas beside the baseline at the same number of viewers. A
// ratio is Kelas divided by the baseline: below 1 is less.
type compared struct {
	Viewers         int     `json:"viewers"`
	MicrosPerPacket float64 `json:"microsPerPacket"`
	DelayP50        float64 `json:"delayP50"`
	DelayP99        float64 `json:"delayP99"`
	RSSPerViewer    float64 `json:"rssPerViewer"`
	Goroutines      float64 `json:"goroutinesPerViewer"`
	FirstKey        float64 `json:"firstKeyFrameP50"`
	Note            string  `json:"note,omitempty"`
	Disturbed       string  `json:"disturbed,omitempty"` // why the ratio says little
}

// compare takes the ratios of the steps that both have.
func compare(ours, theirs phase) []compared {
	var out []compared
	for _, a := range ours.Steps {
		for _, b := range theirs.Steps {
			if a.Viewers != b.Viewers {
				continue
			}
			c := compared{Viewers: a.Viewers, MicrosPerPacket: ratio(a.MicrosPerPacket, b.MicrosPerPacket),
				DelayP50: ratio(a.Delay.P50, b.Delay.P50), DelayP99: ratio(a.Delay.P99, b.Delay.P99),
				RSSPerViewer: ratio(a.RSSPerViewer, b.RSSPerViewer), Goroutines: ratio(a.GoPerViewer, b.GoPerViewer)}
			if a.FirstKey != nil && b.FirstKey != nil {
				c.FirstKey = ratio(a.FirstKey.P50, b.FirstKey.P50)
			}
			for _, s := range []struct {
				who  string
				step step
			}{{ours.Server, a}, {theirs.Server, b}} {
				if s.step.GeneratorLimit {
					c.Disturbed = s.who + ": " + s.step.Limit
				}
				if s.step.Limit != "" {
					c.Note += s.who + ": " + s.step.Limit + ". "
				}
			}
			out = append(out, c)
		}
	}
	return out
}

// column is one figure of a step, in the table and in CSV.
type column struct {
	short, long string
	value       func(step) string
}

func number(digits int, f func(step) float64) func(step) string {
	return func(s step) string { return strconv.FormatFloat(f(s), 'f', digits, 64) }
}

// known leaves a figure of the server out where it is not known.
func known(digits int, f func(step) float64) func(step) string {
	return func(s step) string {
		if !s.ServerKnown {
			return ""
		}
		return number(digits, f)(s)
	}
}

func joined(f func(step) *quantiles, which func(quantiles) float64) func(step) string {
	return func(s step) string {
		if q := f(s); q != nil {
			return strconv.FormatFloat(which(*q), 'f', 0, 64)
		}
		return ""
	}
}

func p50(q quantiles) float64 { return q.P50 }
func p99(q quantiles) float64 { return q.P99 }

var columns = []column{
	{"viewers", "viewers", func(s step) string { return strconv.Itoa(s.Viewers) }},
	{"cpu%", "server_cpu_percent", known(1, func(s step) float64 { return s.ServerCPU })},
	{"us/pkt", "server_micros_per_packet", known(2, func(s step) float64 { return s.MicrosPerPacket })},
	{"ms/v·s", "server_cpu_ms_per_viewer_second", known(2, func(s step) float64 { return s.CPUPerViewer })},
	{"rss kB", "server_rss_kb", known(0, func(s step) float64 { return float64(s.RSS) })},
	{"kB/v", "server_rss_kb_per_viewer", known(0, func(s step) float64 { return s.RSSPerViewer })},
	{"gor/v", "server_goroutines_per_viewer", known(1, func(s step) float64 { return s.GoPerViewer })},
	{"sent kbit/s", "server_sent_kbit", number(0, func(s step) float64 { return s.SentKbit })},
	{"recv kbit/s", "server_received_kbit", number(0, func(s step) float64 { return s.ReceivedKbit })},
	{"kbit/s/v", "kbit_per_viewer", number(0, func(s step) float64 { return s.KbitPerViewer })},
	{"pkt/s/v", "packets_per_viewer", number(0, func(s step) float64 { return s.PacketsPerViewer })},
	{"loss%", "loss_percent", number(3, func(s step) float64 { return s.Loss })},
	{"miss%", "missing_percent", number(2, func(s step) float64 { return s.Missing })},
	{"p50", "delay_p50_ms", number(2, func(s step) float64 { return s.Delay.P50 })},
	{"p95", "delay_p95_ms", number(2, func(s step) float64 { return s.Delay.P95 })},
	{"p99 ms", "delay_p99_ms", number(2, func(s step) float64 { return s.Delay.P99 })},
	{"1st pkt", "first_packet_p50_ms", joined(func(s step) *quantiles { return s.FirstPack }, p50)},
	{"p99", "first_packet_p99_ms", joined(func(s step) *quantiles { return s.FirstPack }, p99)},
	{"1st key", "first_key_frame_p50_ms", joined(func(s step) *quantiles { return s.FirstKey }, p50)},
	{"p99 ms", "first_key_frame_p99_ms", joined(func(s step) *quantiles { return s.FirstKey }, p99)},
	{"own cpu%", "generator_cpu_percent", number(0, func(s step) float64 { return s.GeneratorCPU })},
}

// table is a table that can be written row by row.
type table struct {
	out    io.Writer
	header bool
}

// row writes one step. Columns have the width of their heading or of the
// widest thing that is to be expected there.
func (t *table) row(s step) {
	width := func(c column) int { return max(len([]rune(c.short)), 7) }
	if !t.header {
		t.header = true
		for _, c := range columns {
			fmt.Fprintf(t.out, "%*s ", width(c), c.short)
		}
		fmt.Fprintln(t.out)
	}
	for _, c := range columns {
		fmt.Fprintf(t.out, "%*s ", width(c), c.value(s))
	}
	fmt.Fprintln(t.out)
	if s.Limit != "" {
		fmt.Fprintf(t.out, "        ^ %s\n", s.Limit)
	}
}

func (r *report) writeRatios(w io.Writer) error {
	if len(r.Ratios) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nKelas divided by the plain pion forwarder; below 1 is less")
	fmt.Fprintln(t, "viewers\tCPU/packet\tdelay p50\tdelay p99\tmemory/viewer\tgoroutines/viewer\tfirst key frame\t")
	for _, c := range r.Ratios {
		fmt.Fprintf(t, "%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", c.Viewers, c.MicrosPerPacket, c.DelayP50, c.DelayP99, c.RSSPerViewer, c.Goroutines, c.FirstKey)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range r.Ratios {
		if c.Note != "" {
			fmt.Fprintf(w, "at %d viewers: %s\n", c.Viewers, c.Note)
		}
	}
	return nil
}

// writeKurento puts the published ranges beside ours.
func (r *report) writeKurento(w io.Writer) error {
	if len(r.Kurento) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nfrom one viewer to nine; Kurento as published, on two cores of a Xeon Gold 6130; ours on this machine,")
	fmt.Fprintln(w, "CPU in per cent of one core (how the published figure counts its cores is not said)")
	fmt.Fprintln(t, "\tserver\tCPU %\tmemory kB\tsent kbit/s\treceived kbit/s")
	for _, k := range r.Kurento {
		line := func(who string, cpu, rss, sent, received [2]float64) {
			fmt.Fprintf(t, "%s\t%s\t%.1f - %.1f\t%.0f - %.0f\t%.0f - %.0f\t%.0f - %.0f\n", k.Stream, who,
				cpu[0], cpu[1], rss[0], rss[1], sent[0], sent[1], received[0], received[1])
		}
		line("Kurento", k.CPU, k.RSS, k.SentKbit, k.ReceivedKbit)
		for _, p := range r.Phases {
			if p.Stream != k.Stream && p.Stream != k.Stream+"-small" {
				continue
			}
			line(p.Server, span(p, func(s step) float64 { return s.ServerCPU }), span(p, func(s step) float64 { return float64(s.RSS) }),
				span(p, func(s step) float64 { return s.SentKbit }), span(p, func(s step) float64 { return s.ReceivedKbit }))
		}
	}
	return t.Flush()
}

// span is the first and the last value of a phase.
func span(p phase, f func(step) float64) [2]float64 {
	if len(p.Steps) == 0 {
		return [2]float64{}
	}
	return [2]float64{f(p.Steps[0]), f(p.Steps[len(p.Steps)-1])}
}

func (r *report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *report) writeCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	head := []string{"server", "stream"}
	for _, col := range columns {
		head = append(head, col.long)
	}
	rows := [][]string{append(head, "limit")}
	for _, p := range r.Phases {
		for _, s := range p.Steps {
			line := []string{p.Server, p.Stream}
			for _, col := range columns {
				line = append(line, col.value(s))
			}
			rows = append(rows, append(line, s.Limit))
		}
	}
	return c.WriteAll(rows)
}
