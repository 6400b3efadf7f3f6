package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Run measures, and writes what there is of a report also when it fails
// half-way.
func (o *options) Run(r *runner) error {
	rep := &report{Made: time.Now(), Machine: machine(), Command: hide(r.args)}
	m := &measurement{options: o, out: r.out, progress: newProgress(r.err), report: rep}
	err := m.run(r.ctx)
	rep.Finished = err == nil
	m.progress.clear()
	return errors.Join(err, m.write())
}

type measurement struct {
	*options
	out      io.Writer
	progress *progress
	report   *report

	steps       []int // the ladder; the options' when nil
	serverCores []int // nil: all
	cores       int   // the generator's
}

func (m *measurement) run(ctx context.Context) error {
	fmt.Fprintln(m.out, m.report.Machine)
	if err := m.split(); err != nil {
		return err
	}
	switch {
	case m.URL != "":
		viewers := m.ViewerToken
		if viewers == "" {
			viewers = m.Token
		}
		t := &kelas{url: m.URL, class: m.Class, token: m.Token, viewers: viewers}
		return m.phases(ctx, "kelas", t, gauge{pid: m.PID, metrics: m.URL + "/metrics", token: m.MetricsToken})
	case m.Check:
		return m.check(ctx)
	case m.Self:
		return m.self(ctx)
	case m.Baseline != "":
		return m.pion(ctx)
	}
	return m.compareBoth(ctx)
}

func (m *measurement) compareBoth(ctx context.Context) error {
	if err := errors.Join(m.self(ctx), ctx.Err()); err != nil {
		return err
	}
	if err := m.pion(ctx); err != nil {
		return err
	}
	m.report.Ratios = compare(m.report.Phases[0], m.report.Phases[1])
	return nil
}

func (m *measurement) rungs() []int {
	if m.steps != nil {
		return m.steps
	}
	return m.ladder()
}

// split gives the server the first core and the generator the others.
func (m *measurement) split() error {
	all := allowedCores()
	m.cores = len(all)
	switch {
	case m.NoPin || m.URL != "":
		return nil
	case len(all) < 2 && m.Pin:
		return errors.New("--pin needs two cores at least")
	case len(all) < 2:
		return nil
	}
	if err := moveTo(all[1:]); err != nil {
		return err
	}
	m.serverCores, m.cores = all[:1], len(all)-1
	m.report.Pinned = fmt.Sprintf("the server alone on core %d", all[0])
	fmt.Fprintln(m.out, m.report.Pinned)
	return nil
}

func (m *measurement) self(ctx context.Context) error {
	binary, err := findKelas(m.Kelas)
	if err != nil {
		return err
	}
	m.progress.now("starting a server")
	c, t, err := startKelas(ctx, binary, m.serverCores)
	if err != nil {
		return err
	}
	err = m.phases(ctx, "kelas", t, gauge{pid: c.cmd.Process.Pid, metrics: c.url + "/metrics"})
	return errors.Join(err, c.stop())
}

func (m *measurement) pion(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	m.progress.now("starting the baseline")
	c, t, err := startBaseline(ctx, self, m.serverCores)
	if err != nil {
		return err
	}
	err = m.phases(ctx, "pion", t, gauge{pid: c.cmd.Process.Pid, metrics: c.url + "/metrics"})
	return errors.Join(err, c.stop())
}

// phases measures a target with one stream, or with both of the scenario.
func (m *measurement) phases(ctx context.Context, name string, t target, g gauge) error {
	streams := []string{m.Stream}
	if m.Scenario == "thesis" {
		streams = []string{"webcam-small", "screen-small"}
		m.report.Kurento = published
	}
	for _, stream := range streams {
		if err := m.phase(ctx, name, stream, t, g); err != nil {
			return fmt.Errorf("%s, %s: %w", name, stream, err)
		}
	}
	return nil
}

func (m *measurement) phase(ctx context.Context, name, stream string, t target, g gauge) error {
	s, err := begin(ctx, plan{stream: stream, ladder: m.rungs(), duration: m.Duration, settle: m.Settle, rate: m.JoinRate,
		preferGCM: m.GCM, endless: m.Endless || m.Scenario != "" || m.Compare, cores: m.cores}, t, g, m.progress)
	if err != nil {
		return err
	}
	defer s.end()
	m.progress.clear()
	fmt.Fprintf(m.out, "\n%s, %s\n", name, stream)
	if m.Churn > 0 {
		return m.churnPhase(ctx, s, name, stream)
	}
	rows := &table{out: m.out}
	steps, err := s.climb(ctx, func(st step) {
		m.progress.clear()
		rows.row(st)
	})
	done := phase{Server: name, Stream: stream, SRTP: s.crowd.profile(), Steps: steps}
	m.progress.clear()
	if err != nil && len(steps) > 0 && ctx.Err() == nil {
		// That no more viewers can join is an outcome too.
		done.Ended, err = err.Error(), nil
		fmt.Fprintln(m.out, "        ended:", done.Ended)
	}
	if done.SRTP != "" {
		fmt.Fprintln(m.out, "        viewers were sent", done.SRTP)
	}
	m.report.Phases = append(m.report.Phases, done)
	m.progress.now("%s: everybody leaves", name)
	return err
}

func (m *measurement) churnPhase(ctx context.Context, s *session, name, stream string) error {
	c, err := s.churn(ctx, m.Churn)
	m.progress.clear()
	if err != nil {
		return err
	}
	m.report.Phases = append(m.report.Phases, phase{Server: name, Stream: stream, Churn: &c})
	_, err = fmt.Fprintf(m.out, "%d times a viewer came and left, in %.0f s; first packet %.0f ms, p99 %.0f ms; the presenter was asked for %d key frames\n"+
		"memory %d kB before, %d kB after a tenth, %d kB at the end; goroutines %d, %d, %d\n",
		c.Visits, c.Seconds, c.FirstPack.P50, c.FirstPack.P99, c.KeyAsked, c.Empty.RSS, c.Early.RSS, c.End.RSS,
		c.Empty.Goroutines, c.Early.Goroutines, c.End.Goroutines)
	return err
}

// write prints what was compared and writes the files that were asked for.
func (m *measurement) write() error {
	errs := []error{m.report.writeRatios(m.out), m.report.writeKurento(m.out), m.report.writePromises(m.out)}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{{m.JSON, m.report.writeJSON}, {m.CSV, m.report.writeCSV}, {m.HTML, m.report.writeHTML}} {
		if f.name == "" {
			continue
		}
		file, err := os.Create(f.name)
		if err == nil {
			err = errors.Join(f.write(file), file.Close())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("writing %s: %w", f.name, err))
		}
	}
	return errors.Join(errs...)
}
