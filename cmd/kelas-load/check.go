package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// What Kelas promises of itself.
const (
	cpuPromise       = 0.5  // of the plain forwarder's CPU for a packet, at most
	delayPromise     = 1.0  // of its p99, less than
	crowdPromise     = 350  // viewers on one core
	crowdLoss        = 0.1  // per cent, less than
	crowdDelay       = 50.0 // ms, p99, less than
	memoryPromise    = 350.0
	goroutinePromise = 15.0
	firstMedian      = 50.0 // ms from the offer to the first packet of a picture
	firstWorst       = 200.0
	rushPromise      = 100 // joins in a second
	keyPromise       = 2.0 // key frames asked of the presenter in a second
	churnPromise     = 10000
	churnGrowth      = 0.15 // of the memory after the first tenth
	churnGoroutines  = 5
)

// promise is one of them, and what was found.
type promise struct {
	What  string `json:"what"`
	Found string `json:"found"`
	Holds string `json:"holds"` // yes, no, or why it was not judged
}

// check measures one promise after the other.
func (m *measurement) check(ctx context.Context) error {
	o := *m.options
	defer func() { m.options = &o }()
	with := func(change func(*options), run func(context.Context) error) error {
		p := o
		change(&p)
		m.options = &p
		return errors.Join(run(ctx), ctx.Err())
	}
	err := with(func(p *options) { p.Compare, p.JoinRate = true, 50; p.Ladder = []int{100, 300} }, m.compareBoth)
	if err != nil {
		return err
	}
	m.judgeRatios()
	crowd := func(p *options) {
		p.Self, p.JoinRate, p.Duration = true, 50, 15*time.Second
		p.Ladder = []int{crowdPromise}
	}
	if err := with(crowd, m.self); err != nil {
		return err
	}
	m.judgeCrowd(m.lastStep())
	rush := func(p *options) {
		p.Self, p.JoinRate, p.Duration, p.Settle = true, rushPromise, 2*time.Second, 500*time.Millisecond
		p.Ladder = []int{rushPromise}
	}
	if err := with(rush, m.self); err != nil {
		return err
	}
	m.judgeRush(m.lastStep())
	if err := with(func(p *options) { p.Self, p.Churn = true, churnPromise }, m.self); err != nil {
		return err
	}
	m.judgeChurn(m.report.Phases[len(m.report.Phases)-1].Churn)
	return nil
}

// lastStep is nil when the last phase came to none.
func (m *measurement) lastStep() *step {
	steps := m.report.Phases[len(m.report.Phases)-1].Steps
	if len(steps) == 0 {
		return nil
	}
	return &steps[len(steps)-1]
}

func (m *measurement) judge(holds bool, because string, what, found string) {
	p := promise{What: what, Found: found, Holds: "no"}
	switch {
	case because != "":
		p.Holds = "not judged: " + because
	case holds:
		p.Holds = "yes"
	}
	m.report.Promises = append(m.report.Promises, p)
}

// disturbed tells why a step says nothing of the server.
func (s *step) disturbed() string {
	if s == nil {
		return "it came to no figures"
	}
	if s.GeneratorLimit {
		return s.Limit
	}
	return ""
}

func (m *measurement) judgeRatios() {
	for _, c := range m.report.Ratios {
		m.judge(c.MicrosPerPacket <= cpuPromise, c.Disturbed, fmt.Sprintf("%d viewers: at most half of the plain forwarder's CPU for a packet", c.Viewers),
			fmt.Sprintf("%.2f of it", c.MicrosPerPacket))
		m.judge(c.DelayP99 < delayPromise, c.Disturbed, fmt.Sprintf("%d viewers: p99 of the delay below the plain forwarder's", c.Viewers),
			fmt.Sprintf("%.2f of it", c.DelayP99))
	}
}

func (m *measurement) judgeCrowd(s *step) {
	why := s.disturbed()
	if s == nil {
		s = &step{}
	}
	where := "on one core"
	if m.serverCores == nil {
		where = "on all cores"
	}
	m.judge(s.Viewers >= crowdPromise && s.Loss < crowdLoss && s.Delay.P99 < crowdDelay, why,
		fmt.Sprintf("%d viewers %s: less than %.1f %% lost, p99 of the delay below %.0f ms", crowdPromise, where, crowdLoss, crowdDelay),
		fmt.Sprintf("%d viewers, %.3f %% lost, p99 %.1f ms, %.0f %% of a core", s.Viewers, s.Loss, s.Delay.P99, s.ServerCPU))
	m.judge(s.RSSPerViewer <= memoryPromise, "", fmt.Sprintf("at most %.0f kB of memory for a viewer, signaling included", memoryPromise),
		fmt.Sprintf("%.0f kB", s.RSSPerViewer))
	m.judge(s.GoPerViewer <= goroutinePromise, "", fmt.Sprintf("at most %.0f goroutines for a viewer, signaling included", goroutinePromise),
		fmt.Sprintf("%.1f", s.GoPerViewer))
}

func (m *measurement) judgeRush(s *step) {
	why := s.disturbed()
	if s == nil || s.FirstPack == nil {
		s = &step{FirstPack: &quantiles{}}
	}
	m.judge(s.FirstPack.P50 <= firstMedian && s.FirstPack.P99 <= firstWorst, why,
		fmt.Sprintf("%d join in a second: first packet of a picture within %.0f ms, p99 %.0f ms", rushPromise, firstMedian, firstWorst),
		fmt.Sprintf("%.0f ms, p99 %.0f ms", s.FirstPack.P50, s.FirstPack.P99))
	m.judge(s.JoinKeys <= keyPromise*s.JoinSeconds+1, "", fmt.Sprintf("the presenter is asked for at most %.0f key frames a second meanwhile", keyPromise),
		fmt.Sprintf("%.0f in %.1f s", s.JoinKeys, s.JoinSeconds))
}

func (m *measurement) judgeChurn(c *churned) {
	if c == nil {
		m.judge(false, "it came to no figures", "many joins and leaves", "")
		return
	}
	m.judge(float64(c.End.RSS) <= float64(c.Early.RSS)*(1+churnGrowth), "",
		fmt.Sprintf("%d joins and leaves: memory no more than after the first tenth (and %.0f %%)", c.Visits, 100*churnGrowth),
		fmt.Sprintf("%d kB before, %d kB after %d, %d kB at the end", c.Empty.RSS, c.Early.RSS, max(1, c.Visits/10), c.End.RSS))
	m.judge(c.End.Goroutines <= c.Empty.Goroutines+churnGoroutines, "", "goroutines as before the first",
		fmt.Sprintf("%d before, %d at the end", c.Empty.Goroutines, c.End.Goroutines))
}

// writePromises says in words what holds.
func (r *report) writePromises(w io.Writer) error {
	if len(r.Promises) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nWhat Kelas promises of itself, on this machine")
	for _, p := range r.Promises {
		mark := map[string]string{"yes": "holds         ", "no": "DOES NOT HOLD "}[p.Holds]
		if mark == "" {
			mark = "not judged    "
		}
		if _, err := fmt.Fprintf(w, "%s %s: %s\n", mark, p.What, p.Found); err != nil {
			return err
		}
		if mark == "not judged    " {
			fmt.Fprintf(w, "               (%s)\n", p.Holds)
		}
	}
	return nil
}
