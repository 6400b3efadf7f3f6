package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pion/webrtc/v4"
)

// plan is what to do with a target.
type plan struct {
	stream    string
	ladder    []int
	duration  time.Duration // of each window
	settle    time.Duration // between the last join and the window
	rate      int           // joins a second
	preferGCM bool
	endless   bool // the ladder's limits end nothing
	cores     int  // that the generator has
}

// session is one presenter and its growing crowd at one target.
type session struct {
	plan      plan
	target    target
	gauge     gauge
	stamps    *stamps
	presenter *presenter
	crowd     *crowd
	empty     serverFigures // before the first viewer
	progress  *progress
}

// phase is the outcome of one session.
type phase struct {
	Server string   `json:"server"` // kelas, pion
	Stream string   `json:"stream"`
	SRTP   string   `json:"srtp"` // profile that the viewers got
	Steps  []step   `json:"steps"`
	Churn  *churned `json:"churn,omitempty"`
	Ended  string   `json:"ended,omitempty"` // why there was no further step, where that was an error
}

// begin brings the presenter up.
func begin(ctx context.Context, p plan, t target, g gauge, say *progress) (*session, error) {
	st, err := loadStream(p.stream)
	if err != nil {
		return nil, err
	}
	s := &session{plan: p, target: t, gauge: g, progress: say}
	if s.stamps, err = newStamps(st); err != nil {
		return nil, err
	}
	id, err := newIdentity(p.preferGCM)
	if err != nil {
		return nil, err
	}
	if s.presenter, err = newPresenter(st, s.stamps); err != nil {
		return nil, err
	}
	s.crowd = newCrowd(s.stamps, id)
	say.now("the presenter goes live with %s", p.stream)
	up, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	err = s.presenter.start(up, func(ctx context.Context, pc *webrtc.PeerConnection) error { return t.present(ctx, pc, st.shows()) })
	if err != nil {
		s.end()
		return nil, err
	}
	// The server's own memory and goroutines are taken with the media flowing.
	if err := pause(ctx, p.settle); err != nil {
		s.end()
		return nil, err
	}
	s.empty, _ = g.read(ctx, true) // what is not known is left out of the report
	return s, nil
}

// end lets everybody leave.
func (s *session) end() {
	s.crowd.close()
	s.target.silence()
	s.presenter.close()
}

// climb goes up the ladder until its end or a limit.
func (s *session) climb(ctx context.Context, row func(step)) ([]step, error) {
	var steps []step
	for _, n := range s.plan.ladder {
		st, err := s.rung(ctx, n)
		if err != nil {
			return steps, fmt.Errorf("%d viewers: %w", n, err)
		}
		st.Limit, st.GeneratorLimit = st.limit()
		steps = append(steps, st)
		if row != nil {
			row(st)
		}
		if st.Limit != "" && !s.plan.endless {
			break
		}
	}
	return steps, nil
}

// rung measures one number of viewers.
func (s *session) rung(ctx context.Context, n int) (step, error) {
	before, began, keys := s.crowd.size(), time.Now(), s.presenter.keys.Load()
	s.progress.now("%d viewers: joining", n)
	if err := s.crowd.grow(ctx, s.target, n, s.plan.rate); err != nil {
		return step{}, err
	}
	seeing, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	if err := s.crowd.awaitPictures(seeing); err != nil {
		return step{}, err
	}
	joinKeys, joinTook := s.presenter.keys.Load()-keys, time.Since(began)
	if err := pause(ctx, s.plan.settle); err != nil {
		return step{}, err
	}
	from := s.read(ctx, true)
	s.crowd.resetDelays()
	s.presenter.late.Store(&histogram{})
	if err := s.watch(ctx, n); err != nil {
		return step{}, err
	}
	delays, late := s.crowd.resetDelays(), s.presenter.late.Load()
	to := s.read(ctx, false)
	st := compute(from, to, s.empty, s.plan.cores)
	st.Delay, st.DelaySound = merged(delays[:]...).quantiles(), delays[0].quantiles()
	st.SentLateP99 = ms(late.quantile(.99))
	st.JoinKeys, st.JoinSeconds = float64(joinKeys), joinTook.Seconds()
	if n > before {
		packet, key, err := s.crowd.joins(before)
		if err != nil {
			return step{}, err
		}
		first, whole := packet.quantiles(), key.quantiles()
		st.FirstPack, st.FirstKey = &first, &whole
	}
	return st, nil
}

// watch lets the window pass, and says every half second how it goes.
func (s *session) watch(ctx context.Context, n int) error {
	started := time.Now()
	for {
		left := s.plan.duration - time.Since(started)
		if left <= 0 {
			return nil
		}
		d := merged(s.crowd.delays(false), s.crowd.delays(true))
		s.progress.now("%d viewers: %2.0f s left, %d packets, delay p50 %.1f p99 %.1f ms",
			n, left.Seconds(), d.count(), ms(d.quantile(.5)), ms(d.quantile(.99)))
		if err := pause(ctx, min(left, 500*time.Millisecond)); err != nil {
			return err
		}
	}
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// progress is one line on a terminal that is written over and over; anywhere
// else it is nothing.
type progress struct {
	out   io.Writer
	on    bool
	wrote bool
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.on = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) now(format string, args ...any) {
	if p.on {
		fmt.Fprintf(p.out, "\r\x1b[K"+format, args...)
		p.wrote = true
	}
}

// clear makes room for a line that stays.
func (p *progress) clear() {
	if p.wrote {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.wrote = false
	}
}
