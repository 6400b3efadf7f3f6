package pipelinetest

import (
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// Channel is a data channel of a test browser.
type Channel struct {
	tb testing.TB
	dc *webrtc.DataChannel

	mu     sync.Mutex
	opened bool
	closed bool
	got    []string // "t:" and a text, or "b:" and bytes
}

// OpenChannel opens a data channel; before the negotiation, so that the offer
// has a line for it.
func (b *browser) OpenChannel(label string, init *webrtc.DataChannelInit) *Channel {
	b.tb.Helper()
	dc, err := b.pc.CreateDataChannel(label, init)
	if err != nil {
		b.tb.Fatalf("opening a data channel: %v", err)
	}
	return newChannel(b.tb, dc)
}

// Channels hands over the channels that the server opens.
func (b *browser) Channels() <-chan *Channel {
	list := make(chan *Channel, 64)
	b.pc.OnDataChannel(func(dc *webrtc.DataChannel) { list <- newChannel(b.tb, dc) })
	return list
}

func newChannel(tb testing.TB, dc *webrtc.DataChannel) *Channel {
	c := &Channel{tb: tb, dc: dc}
	dc.OnOpen(func() { c.set(func() { c.opened = true }) })
	dc.OnClose(func() { c.set(func() { c.closed = true }) })
	dc.OnMessage(func(m webrtc.DataChannelMessage) {
		kind := "b:"
		if m.IsString {
			kind = "t:"
		}
		c.set(func() { c.got = append(c.got, kind+string(m.Data)) })
	})
	return c
}

func (c *Channel) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// Channel is pion's, for what is not covered here.
func (c *Channel) Channel() *webrtc.DataChannel { return c.dc }

// Got are the messages so far, in order: "t:" and a text, or "b:" and bytes.
func (c *Channel) Got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.got...)
}

// Closed tells whether the channel is closed.
func (c *Channel) Closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// WaitOpen waits until messages can be sent.
func (c *Channel) WaitOpen() {
	c.tb.Helper()
	Eventually(c.tb, 15*time.Second, "the data channel "+c.dc.Label()+" is open", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.opened
	})
}

// SendText sends a text.
func (c *Channel) SendText(s string) {
	c.tb.Helper()
	if err := c.dc.SendText(s); err != nil {
		c.tb.Fatalf("sending on %s: %v", c.dc.Label(), err)
	}
}

// BlockReading stops the page from reading this channel until hold is closed.
func (c *Channel) BlockReading(hold <-chan struct{}) {
	c.dc.OnMessage(func(m webrtc.DataChannelMessage) {
		<-hold
		c.set(func() { c.got = append(c.got, "t:"+string(m.Data)) })
	})
}
