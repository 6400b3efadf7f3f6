package classroom

import (
	"fmt"
	"sync"
	"time"

	"kelas/pipeline"
)

// The class decides under its mutex who feeds whom; one goroutine then
// brings the pipeline to that state. It compares what is with what should
// be, so however many decisions fall while it works, none is queued and
// none is lost.

// releasers bounds how many endpoints are released at once: when a class
// ends, hundreds are.
const releasers = 8

// makeEndpoint makes the media of an endpoint, and the pipeline with the
// first one.
func (c *Class) makeEndpoint(end *endpoint) error {
	c.wireMu.Lock()
	defer c.wireMu.Unlock()
	c.lock()
	stopped := c.closing || c.gone
	c.unlock()
	if stopped {
		return ErrClosing // nobody would release it
	}
	if c.pipe == nil {
		pipe, err := c.reg.media.NewPipeline()
		if err != nil {
			return fmt.Errorf("making the class's pipeline: %w", err)
		}
		c.pipe = pipe
	}
	media, err := c.pipe.NewEndpoint(end.role)
	if err != nil {
		c.dropPipeline()
		return fmt.Errorf("making the %s endpoint: %w", end.role, err)
	}
	c.made[end] = struct{}{}
	c.lock()
	end.media = media
	c.ends++
	c.unlock()
	end.cancel = media.Subscribe(func(ev pipeline.Event) { c.endpointEvent(end, ev) })
	return nil
}

// discardLocked gives an endpoint up; the media goroutine releases it.
func (c *Class) discardLocked(end *endpoint) {
	if end == nil || end.over {
		return
	}
	end.over = true
	if end.media != nil {
		c.trash = append(c.trash, end)
		wake(c.mediaWake)
	}
}

// keepMedia is the class's media goroutine.
func (c *Class) keepMedia() {
	for {
		select {
		case <-c.mediaWake:
			c.rewire()
			c.release(c.takeTrash())
		case <-c.quit:
			c.wireMu.Lock()
			rest := make([]*endpoint, 0, len(c.made))
			for end := range c.made {
				rest = append(rest, end)
			}
			c.wireMu.Unlock()
			c.release(rest)
			return
		}
	}
}

func (c *Class) takeTrash() []*endpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.trash
	c.trash = nil
	return list
}

// rewire feeds every place of every viewer from what the class shows now.
func (c *Class) rewire() {
	c.wireMu.Lock()
	defer c.wireMu.Unlock()
	c.mu.Lock()
	sources := c.sourcesLocked()
	wanted := make(map[*endpoint]map[Slot]feed, len(c.tabs))
	for _, t := range c.tabs {
		if t.viewer != nil {
			wanted[t.viewer] = nil
			if c.pres != nil {
				wanted[t.viewer] = c.feedsLocked(t.viewer, sources)
			}
		}
	}
	c.mu.Unlock()
	for v, feeds := range wanted {
		for _, f := range flows {
			if err := v.feedFrom(f.slot, feeds[f.slot]); err != nil {
				c.reg.counts.pipelineErrors.Add(1)
				c.log.Warn("a viewer could not be connected", "endpoint", v.media.ID(), "err", err)
			}
		}
	}
}

// feedFrom brings one place of a viewer to what it is to be fed from; wireMu
// is held.
func (e *endpoint) feedFrom(to Slot, want feed) error {
	have := e.fed[to]
	if have == want {
		return nil
	}
	var err error
	if want.from != nil {
		err = want.from.media.Feed(e.media, want.place, to)
	} else {
		err = have.from.media.Unfeed(e.media, have.place, to)
	}
	if err != nil {
		return err
	}
	if e.fed == nil {
		e.fed = make(map[Slot]feed, len(flows))
	}
	e.fed[to] = want
	return nil
}

// release releases endpoints, and with the last one the pipeline.
func (c *Class) release(list []*endpoint) {
	if len(list) == 0 {
		return
	}
	var wg sync.WaitGroup
	room := make(chan struct{}, releasers)
	for _, end := range list {
		room <- struct{}{}
		wg.Go(func() {
			end.cancel()
			end.media.Release()
			<-room
		})
	}
	wg.Wait()

	c.wireMu.Lock()
	for _, end := range list {
		delete(c.made, end)
	}
	c.dropPipeline()
	c.wireMu.Unlock()
	c.mu.Lock()
	c.ends -= len(list)
	if len(c.tabs) == 0 {
		wake(c.keeperWake)
	}
	c.mu.Unlock()
}

// dropPipeline releases the pipeline when it has no endpoints; wireMu is held.
func (c *Class) dropPipeline() {
	if c.pipe != nil && len(c.made) == 0 {
		c.pipe.Release()
		c.pipe = nil
	}
}

// endpointEvent passes on what the media server tells of an endpoint.
func (c *Class) endpointEvent(end *endpoint, ev pipeline.Event) {
	if took := c.firstMeeting(end, ev); took >= 0 && c.reg.connected != nil {
		c.reg.connected(end.role, took)
	}
	c.lock()
	defer c.unlock()
	if end.over || end.t.ended != nil && !c.pres.has(end) {
		return
	}
	switch ev := ev.(type) {
	case pipeline.IceCandidateFound:
		c.tellLocked(end.t, IceCandidateFound{end.role, IceCandidate(ev.Candidate)})
	case pipeline.ConnectionStateChanged:
		end.state = ev.New
		switch ev.New {
		case pipeline.ConnectionNew:
		default:
			c.tellLocked(end.t, MediaState{end.role, string(ev.New)})
		}
		c.refreshLocked(end.t.p)
	case pipeline.SourceAdded:
		c.sourceLocked(end, slotOf(ev.MediaType, ev.Description), ev.Codec)
	case pipeline.SourceRemoved:
		c.sourceLocked(end, slotOf(ev.MediaType, ev.Description), "")
	case pipeline.Unplayable:
		if slot := slotOf(ev.MediaType, ev.SinkDescription); slot != "" {
			c.tellLocked(end.t, SlotUnplayable{Slot: slot, Codec: ev.Codec, Supported: ev.Accepted})
		}
	case pipeline.LayerChanged:
		slot := slotOf(ev.MediaType, ev.SinkDescription)
		c.layerLocked(end, slot, LayerChanged{slot, ev.Layer.RID, ev.Layer.Temporal, ev.Layer.Paused})
	case pipeline.LayersWanted:
		slot := slotOf(ev.MediaType, ev.Description)
		c.layerLocked(end, slot, LayersWanted{slot, ev.RIDs})
	case pipeline.Error:
		c.reg.counts.pipelineErrors.Add(1)
		c.log.Warn("trouble at an endpoint", "endpoint", end.media.ID(), "err", ev.Err)
	}
}

// firstMeeting is the time from an endpoint's first offer until it was first
// connected, when ev says that it is; negative otherwise.
func (c *Class) firstMeeting(end *endpoint, ev pipeline.Event) time.Duration {
	change, ok := ev.(pipeline.ConnectionStateChanged)
	if !ok || change.New != pipeline.ConnectionConnected {
		return -1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if end.met {
		return -1 // a restart, which says nothing of joining
	}
	end.met = true
	return max(0, c.reg.now().Sub(end.asked))
}

// sourceLocked notes the codec of what a presenter sends in a slot.
func (c *Class) sourceLocked(end *endpoint, slot Slot, codec string) {
	if slot == "" || end.role == EndpointViewer || end.codecs[slot] == codec {
		return
	}
	end.codecs[slot] = codec
	if c.pres.has(end) {
		wake(c.mediaWake)
		c.tellAllLocked(SlotsChanged{c.slotsLocked()})
	}
}
