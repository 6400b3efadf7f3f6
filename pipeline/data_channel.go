package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

const (
	maxDataChannels     = 64   // open or opening, of one endpoint
	maxDataChannelsEver = 1024 // of one connection: SCTP keeps a little of each
	maxDataLabel        = 1024 // bytes of a label or a protocol
	// maxDataBuffered is what may wait for one browser in one channel. A message
	// that does not fit any more is dropped, for that channel alone.
	maxDataBuffered = 1 << 20
)

// DataChannelOptions are those of W3C's RTCDataChannelInit; the zero value is
// reliable and in order.
type DataChannelOptions struct {
	Unordered bool
	// MaxPacketLifeTime gives a message up after so many milliseconds,
	// MaxRetransmits after so many repetitions; at most one of both is set.
	MaxPacketLifeTime, MaxRetransmits *uint16
	// Protocol is for the page; at most 1024 bytes.
	Protocol string
}

// DataChannelStats are the figures of one channel.
type DataChannelStats struct {
	ID                             uint16
	Label, Protocol                string
	State                          string // connecting, open, closing or closed
	MessagesSent, MessagesReceived uint64
	BytesSent, BytesReceived       uint64
	Dropped                        uint64 // messages: the browser was too slow
}

// DataStats are the figures of an endpoint's data channels.
type DataStats struct {
	Opened, Closed uint64
	Channels       []DataChannelStats // those that are not closed
}

// dataChannels are an endpoint's: to the graph a source and a sink. A message
// goes to the channels of the label by which it came, or to all where there is
// none; Kurento sends to all in any case.
type dataChannels struct {
	endpoint *WebRtcEndpoint
	source   *dataSource
	feed     *dataSource // pipeline.mu guards it

	wishes []dataWish // made before there was a connection; the work queue's

	opened, closed atomic.Uint64

	mu      sync.Mutex
	list    []*dataChannel
	ever    int
	started bool
}

type dataWish struct {
	label string
	opts  DataChannelOptions
}

type dataChannel struct {
	dc   *webrtc.DataChannel
	open atomic.Bool

	sent, sentBytes, received, receivedBytes, dropped atomic.Uint64
}

func newDataChannels(e *WebRtcEndpoint) *dataChannels {
	return &dataChannels{endpoint: e, source: newDataSource()}
}

// CreateDataChannel opens a channel to the browser; before the negotiation it
// is opened with it. DataChannelOpened tells when it is there: never, if the
// browser then negotiates no data. After such a negotiation it is refused.
func (e *WebRtcEndpoint) CreateDataChannel(label string, opts DataChannelOptions) error {
	if e.dead.Load() {
		return fmt.Errorf("creating a data channel: %w", ErrReleased)
	}
	err := e.call(context.Background(), func() error { return e.data.create(label, opts) })
	if err != nil {
		return fmt.Errorf("creating a data channel: %w", err)
	}
	return nil
}

// create runs in the work queue.
func (c *dataChannels) create(label string, opts DataChannelOptions) error {
	e := c.endpoint
	switch {
	case !e.opts.UseDataChannels, e.first != nil && !e.first.takesData():
		return ErrNoDataChannels
	case opts.MaxPacketLifeTime != nil && opts.MaxRetransmits != nil:
		return fmt.Errorf("%w: both MaxPacketLifeTime and MaxRetransmits are set", ErrBadDataChannel)
	case len(label) > maxDataLabel || len(opts.Protocol) > maxDataLabel:
		return fmt.Errorf("%w: label and protocol may have %d bytes each", ErrBadDataChannel, maxDataLabel)
	}
	if !c.hasRoom() {
		return ErrTooManyDataChannels
	}
	w := dataWish{label, opts}
	if pc := e.peer(); pc != nil {
		return c.make(pc, w)
	}
	c.wishes = append(c.wishes, w)
	return nil
}

func (c *dataChannels) hasRoom() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.list)+len(c.wishes) < maxDataChannels && c.ever < maxDataChannelsEver
}

func (c *dataChannels) make(pc *webrtc.PeerConnection, w dataWish) error {
	ordered := !w.opts.Unordered
	dc, err := pc.CreateDataChannel(w.label, &webrtc.DataChannelInit{
		Ordered: &ordered, MaxPacketLifeTime: w.opts.MaxPacketLifeTime, MaxRetransmits: w.opts.MaxRetransmits,
		Protocol: &w.opts.Protocol,
	})
	if err != nil {
		return fmt.Errorf("%w: %v", ErrBadDataChannel, err)
	}
	c.add(dc)
	return nil
}

// begin makes what was wished for and lets the browser open channels. It runs
// in the work queue before the first description.
func (c *dataChannels) begin(pc *webrtc.PeerConnection) error {
	pc.OnDataChannel(func(dc *webrtc.DataChannel) {
		if !c.endpoint.opts.UseDataChannels || c.endpoint.dead.Load() || !c.add(dc) {
			_ = dc.Close() // it has not begun; nobody else knows of it
		}
	})
	for _, w := range c.wishes {
		if err := c.make(pc, w); err != nil {
			return err
		}
	}
	return nil
}

// settle ends what begin began: the connection is the endpoint's, or it has
// come to nothing, and what was wished for waits for the next.
func (c *dataChannels) settle(adopted bool) {
	if adopted {
		c.wishes = nil
		return
	}
	c.mu.Lock()
	c.list, c.ever = nil, 0 // nothing can have opened
	c.mu.Unlock()
}

// add watches a channel; false: there are too many.
func (c *dataChannels) add(dc *webrtc.DataChannel) bool {
	x := &dataChannel{dc: dc}
	c.mu.Lock()
	if len(c.list) >= maxDataChannels || c.ever >= maxDataChannelsEver {
		c.mu.Unlock()
		return false
	}
	c.ever++
	c.list = append(c.list[:len(c.list):len(c.list)], x)
	c.mu.Unlock()
	work := &c.endpoint.work
	dc.OnOpen(func() { _ = work.pushOwn(func() { c.channelOpened(x) }) })
	dc.OnClose(func() { _ = work.pushOwn(func() { c.channelClosed(x) }) })
	dc.OnMessage(func(m webrtc.DataChannelMessage) {
		x.received.Add(1)
		x.receivedBytes.Add(uint64(len(m.Data)))
		c.source.send(dataMessage{dc.Label(), m.IsString, m.Data})
	})
	return true
}

// channelOpened runs in the work queue.
func (c *dataChannels) channelOpened(x *dataChannel) {
	e := c.endpoint
	if e.dead.Load() || x.open.Swap(true) {
		return
	}
	c.opened.Add(1)
	c.mu.Lock()
	first := !c.started
	c.started = true
	c.mu.Unlock()
	if first {
		// Both fail only when the endpoint is being released.
		at := pad{Data, DefaultDescription}
		_ = e.pipeline.publishSource(&e.element, at, source{data: c.source})
		_ = e.pipeline.addDataSink(&e.element, at, c)
	}
	e.events.emit(DataChannelOpened{idOf(x.dc)})
}

func (c *dataChannels) channelClosed(x *dataChannel) {
	c.mu.Lock()
	n := len(c.list)
	c.list = slices.DeleteFunc(slices.Clone(c.list), func(o *dataChannel) bool { return o == x })
	gone := len(c.list) < n
	c.mu.Unlock()
	if gone && x.open.Load() {
		c.closed.Add(1)
		c.endpoint.events.emit(DataChannelClosed{idOf(x.dc)})
	}
}

func idOf(dc *webrtc.DataChannel) uint16 {
	if id := dc.ID(); id != nil {
		return *id
	}
	return 0
}

// DataChannels tells whether the endpoint was made for data channels.
func (e *WebRtcEndpoint) DataChannels() bool { return e.opts.UseDataChannels }

// CloseDataChannel closes a channel, whoever opened it.
func (e *WebRtcEndpoint) CloseDataChannel(id uint16) error {
	if e.dead.Load() {
		return fmt.Errorf("closing a data channel: %w", ErrReleased)
	}
	for _, x := range e.data.all() {
		if x.open.Load() && idOf(x.dc) == id {
			if err := x.dc.Close(); err != nil {
				return fmt.Errorf("closing data channel %d: %w", id, err)
			}
			return nil
		}
	}
	return fmt.Errorf("closing data channel %d: %w", id, ErrNoSuchDataChannel)
}

func (c *dataChannels) all() []*dataChannel {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list
}

// feedData is the graph's; pipeline.mu is held.
func (c *dataChannels) feedData(d *dataSource) {
	if c.feed == d {
		return
	}
	if c.feed != nil {
		c.feed.detach(c)
	}
	if c.feed = d; d != nil {
		d.attach(c)
	}
}

// receive sends a message to the browser.
func (c *dataChannels) receive(m dataMessage) {
	list := c.all()
	named := slices.ContainsFunc(list, func(x *dataChannel) bool { return x.takes(m.label) })
	for _, x := range list {
		if x.open.Load() && (!named || x.takes(m.label)) {
			x.send(m)
		}
	}
}

func (x *dataChannel) takes(label string) bool { return x.open.Load() && x.dc.Label() == label }

func (x *dataChannel) send(m dataMessage) {
	if x.dc.BufferedAmount()+uint64(len(m.body)) > maxDataBuffered {
		x.dropped.Add(1)
		return
	}
	var err error
	if m.text {
		err = x.dc.SendText(string(m.body))
	} else {
		err = x.dc.Send(m.body)
	}
	if err != nil {
		x.dropped.Add(1) // it is closing
		return
	}
	x.sent.Add(1)
	x.sentBytes.Add(uint64(len(m.body)))
}

func (c *dataChannels) stats() DataStats {
	st := DataStats{Opened: c.opened.Load(), Closed: c.closed.Load()}
	for _, x := range c.all() {
		st.Channels = append(st.Channels, DataChannelStats{
			ID: idOf(x.dc), Label: x.dc.Label(), Protocol: x.dc.Protocol(), State: x.dc.ReadyState().String(),
			MessagesSent: x.sent.Load(), BytesSent: x.sentBytes.Load(),
			MessagesReceived: x.received.Load(), BytesReceived: x.receivedBytes.Load(), Dropped: x.dropped.Load(),
		})
	}
	return st
}
