package main

import (
	"fmt"
	"sync/atomic"
	"time"
)

// tailSize is how much of a payload's end tells it from all others. A
// forwarder rewrites header, extensions and the front of the payload (the VP8
// descriptor), and may pad; the end of the encoded data it must not touch.
const tailSize = 16

type tail [tailSize]byte

// stamps know when each packet of the loop was last handed to the socket.
// Sender and receivers share a process and thus a clock. A packet comes again
// a loop later, or after a request for a key frame, which are at least
// keyFrameGap apart: a delay above that may be measured too small.
type stamps struct {
	epoch time.Time
	at    map[tail]int32
	sent  []atomic.Int64 // ns since epoch, 0 never
	video []bool
	// count of packets sent, to compare with what arrives
	packets [2]atomic.Uint64 // sound, pictures
}

func newStamps(s *stream) (*stamps, error) {
	st := &stamps{epoch: time.Now(), at: make(map[tail]int32, s.size), sent: make([]atomic.Int64, s.size), video: make([]bool, s.size)}
	for _, c := range []*clip{s.video, s.audio} {
		for i, f := range c.frames {
			for _, p := range f.parts {
				if len(p.payload) < tailSize {
					return nil, fmt.Errorf("the sample %s: frame %d has a packet of %d bytes, too short to be told from others", c.name, i, len(p.payload))
				}
				key := tailOf(p.payload)
				if other, taken := st.at[key]; taken {
					return nil, fmt.Errorf("the sample %s: frame %d has the same end as packet %d", c.name, i, other)
				}
				st.at[key] = int32(p.stamp)
				st.video[p.stamp] = c.video
			}
		}
	}
	return st, nil
}

func tailOf(payload []byte) tail { return tail(payload[len(payload)-tailSize:]) }

// mark notes that a packet is about to be sent.
func (s *stamps) mark(stamp int, video bool) {
	s.sent[stamp].Store(int64(time.Since(s.epoch)))
	s.packets[index(video)].Add(1)
}

// delay tells how long ago the packet with this payload was sent.
func (s *stamps) delay(payload []byte, now time.Time) (d time.Duration, video, ok bool) {
	if len(payload) < tailSize {
		return 0, false, false
	}
	i, ok := s.at[tailOf(payload)]
	if !ok {
		return 0, false, false
	}
	at := s.sent[i].Load()
	if at == 0 {
		return 0, false, false
	}
	return now.Sub(s.epoch) - time.Duration(at), s.video[i], true
}

// total is how many packets were sent.
func (s *stamps) total() uint64 { return s.packets[0].Load() + s.packets[1].Load() }

func index(video bool) int {
	if video {
		return 1
	}
	return 0
}
