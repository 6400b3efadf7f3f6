package record

import "time"

const (
	clockPause = 250 * time.Millisecond // between two looks at the source's clock
	clockGain  = 10                     // a tenth of what is seen to be off is mended at each look
	clockSlew  = 5 * time.Millisecond   // and never more than this
	clockJump  = 500 * time.Millisecond // more than this is no drift: the source's clock was set
)

// streamClock gives a stream's timestamps their place in the recorder's time. What it is told of the source's clock
// trembles with the network while the source has not reported; so it follows slowly, which is still a hundred times
// faster than quartz drifts.
type streamClock struct {
	rate   int64
	source Clock

	known  bool
	ts     uint32 // base
	at     int64  // time of base
	looked time.Time
}

// start takes the moment of arrival for want of anything better.
func (c *streamClock) start(ts uint32, now time.Time) {
	c.known, c.ts, c.at = true, ts, now.UnixNano()
}

// look asks the source's clock when it is time to; false: nothing is known of it.
func (c *streamClock) look(now time.Time) bool {
	if c.known && now.Sub(c.looked) < clockPause {
		return true
	}
	at, ts, ok := c.source(now)
	if !ok {
		return c.known
	}
	c.looked = now
	if !c.known {
		c.known, c.ts, c.at = true, ts, at.UnixNano()
		return true
	}
	expected := c.timeOf(ts)
	off := time.Duration(at.UnixNano() - expected)
	if off > clockJump || off < -clockJump {
		c.ts, c.at = ts, at.UnixNano()
		return true
	}
	step := min(max(off/clockGain, -clockSlew), clockSlew)
	// The base moves along, so that it stays near and timestamps may wrap.
	c.ts, c.at = ts, expected+int64(step)
	return true
}

func (c *streamClock) timeOf(ts uint32) int64 {
	ticks := int64(int32(ts - c.ts))
	return c.at + ticks/c.rate*1e9 + ticks%c.rate*1e9/c.rate
}
