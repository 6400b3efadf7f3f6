package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is all viewers of one run.
type crowd struct {
	stamps   *stamps
	identity *identity
	unknown  atomic.Uint64 // packets whose payload nobody sent
	late     [2]atomic.Pointer[histogram]

	mu      sync.Mutex
	viewers []*viewer

	stop context.CancelFunc
	wg   sync.WaitGroup
}

func newCrowd(st *stamps, id *identity) *crowd {
	c := &crowd{stamps: st, identity: id}
	c.resetDelays()
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.wg.Go(func() { c.serve(ctx) })
	return c
}

func (c *crowd) delays(video bool) *histogram { return c.late[index(video)].Load() }

// resetDelays begins to count anew and returns what was counted.
func (c *crowd) resetDelays() [2]*histogram {
	var old [2]*histogram
	for i := range c.late {
		old[i] = c.late[i].Swap(&histogram{})
	}
	return old
}

// slices of the feedback interval, so that the viewers' packets do not all
// leave in one moment.
const feedbackSlices = 10

func (c *crowd) serve(ctx context.Context) {
	tick := time.NewTicker(feedbackEvery / feedbackSlices)
	defer tick.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			all := c.all()
			for i := turn % feedbackSlices; i < len(all); i += feedbackSlices {
				// A little early is better than a round late.
				all[i].due(now.Add(feedbackEvery / feedbackSlices / 2))
			}
		}
	}
}

func (c *crowd) all() []*viewer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.viewers)
}

func (c *crowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.viewers)
}

// joinsAtOnce bounds how many viewers negotiate at the same time: each costs
// the generator a handshake as well.
const joinsAtOnce = 16

// grow adds viewers until there are n, rate a second. It stops at the first
// that cannot join.
func (c *crowd) grow(ctx context.Context, t target, n, rate int) error {
	pause := time.Second / time.Duration(max(1, rate))
	gate := make(chan struct{}, joinsAtOnce)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var joins sync.WaitGroup
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for number := c.size() + 1; number <= n; number++ {
		select {
		case <-ctx.Done():
		case gate <- struct{}{}:
			joins.Go(func() {
				defer func() { <-gate }()
				if err := c.add(ctx, t, number); err != nil {
					cancel(fmt.Errorf("viewer %d: %w", number, err))
				}
			})
		}
		if ctx.Err() != nil {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	joins.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return nil
}

// joinTime is how long one viewer may take to join, the media included.
const joinTime = 20 * time.Second

func (c *crowd) add(ctx context.Context, t target, number int) error {
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	_, err := c.admit(ctx, t, number)
	return err
}

// admit brings one viewer in.
func (c *crowd) admit(ctx context.Context, t target, number int) (*viewer, error) {
	l, err := t.come(ctx, number)
	if err != nil {
		return nil, err
	}
	v, err := newViewer(ctx, c, l)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.viewers = append(c.viewers, v)
	c.mu.Unlock()
	return v, nil
}

// awaitPictures waits until every viewer has a key frame.
func (c *crowd) awaitPictures(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		without := 0
		for _, v := range c.all() {
			if v.joining().key == 0 {
				without++
			}
		}
		if without == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d viewers see no picture: %w", without, c.size(), context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// close lets all viewers leave and waits for them.
func (c *crowd) close() {
	c.stop()
	c.wg.Wait()
	c.mu.Lock()
	all := c.viewers
	c.viewers = nil
	c.mu.Unlock()
	var leaving sync.WaitGroup
	gate := make(chan struct{}, joinsAtOnce)
	for _, v := range all {
		gate <- struct{}{}
		leaving.Go(func() {
			defer func() { <-gate }()
			v.close()
		})
	}
	leaving.Wait()
}

// profile is the SRTP profile of the first viewer; the server gives all the
// same.
func (c *crowd) profile() string {
	all := c.all()
	if len(all) == 0 {
		return ""
	}
	return all[0].secured.profile.String()
}

// counts are the figures of each viewer.
func (c *crowd) counts() []counts {
	all := c.all()
	out := make([]counts, len(all))
	for i, v := range all {
		out[i] = v.counts()
	}
	return out
}

// joins are the join times of the viewers from the given one on.
func (c *crowd) joins(from int) (packet, key *histogram, err error) {
	packet, key = &histogram{}, &histogram{}
	all := c.all()
	for _, v := range all[min(from, len(all)):] {
		j := v.joining()
		if j.packet == 0 || j.key == 0 {
			return packet, key, errors.New("a viewer saw no picture")
		}
		packet.add(j.packet)
		key.add(j.key)
	}
	return packet, key, nil
}
