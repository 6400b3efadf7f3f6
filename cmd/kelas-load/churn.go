package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// churned is the outcome of many visits: somebody comes, sees a picture, leaves.
type churned struct {
	Visits    int       `json:"visits"`
	Seconds   float64   `json:"seconds"`
	FirstPack quantiles `json:"firstPacketMs"`
	KeyAsked  uint64    `json:"keyFrameRequests"` // to the presenter
	Empty     churnStop `json:"before"`
	Early     churnStop `json:"afterATenth"`
	End       churnStop `json:"atTheEnd"`
}

// churnStop is the server with nobody in it but the presenter.
type churnStop struct {
	RSS        uint64 `json:"rssKB"`
	Goroutines int    `json:"goroutines"`
}

// churnPeople come again and again: a class remembers everybody who was ever in
// it, which is not what is measured here.
const churnPeople = 100

// churn has n visits of churnPeople viewers, joinsAtOnce at a time.
func (s *session) churn(ctx context.Context, n int) (churned, error) {
	c := churned{Visits: n, Empty: churnStop{s.empty.rss, s.empty.goroutines}}
	began, first := time.Now(), &histogram{}
	keys := s.presenter.keys.Load()
	early := max(1, n/10)
	for _, part := range []struct {
		from, to int
		stop     *churnStop
	}{{0, early, &c.Early}, {early, n, &c.End}} {
		if err := s.visits(ctx, part.from, part.to, first); err != nil {
			return c, err
		}
		s.progress.now("%d of %d viewers have come and left: a moment's calm", part.to, n)
		// Time for the server to let go of what they had.
		if err := pause(ctx, 3*s.plan.settle); err != nil {
			return c, err
		}
		f, _ := s.gauge.read(ctx, true) // what is not known is left out of the report
		*part.stop = churnStop{f.rss, f.goroutines}
	}
	c.Seconds, c.FirstPack, c.KeyAsked = time.Since(began).Seconds(), first.quantiles(), s.presenter.keys.Load()-keys
	return c, nil
}

func (s *session) visits(ctx context.Context, from, to int, first *histogram) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	numbers := make(chan int)
	for range joinsAtOnce {
		wg.Go(func() {
			for number := range numbers {
				if err := s.crowd.visit(ctx, s.target, 1+(number-1)%churnPeople, first); err != nil {
					cancel(fmt.Errorf("viewer %d: %w", number, err))
				}
			}
		})
	}
	for number := from + 1; number <= to && ctx.Err() == nil; number++ {
		if number%100 == 0 {
			s.progress.now("%d of %d viewers have come", number, to)
		}
		select {
		case numbers <- number:
		case <-ctx.Done():
		}
	}
	close(numbers)
	wg.Wait()
	return context.Cause(ctx)
}

// visit comes, waits for a picture's first packet and leaves.
func (c *crowd) visit(ctx context.Context, t target, number int, first *histogram) error {
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	v, err := c.admit(ctx, t, number)
	if err != nil {
		return err
	}
	defer c.dismiss(v)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for v.joining().packet == 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("it sees no picture: %w", context.Cause(ctx))
		}
	}
	first.add(v.joining().packet)
	return nil
}

// dismiss lets one viewer leave.
func (c *crowd) dismiss(v *viewer) {
	c.mu.Lock()
	for i, x := range c.viewers {
		if x == v {
			c.viewers = append(c.viewers[:i:i], c.viewers[i+1:]...)
			break
		}
	}
	c.mu.Unlock()
	v.close()
}
