package pipeline

import (
	"sync"
	"sync/atomic"

	"kelas/pipeline/record"
)

const (
	// What a recording may have waiting for the disk: some seconds of pictures, ten seconds of sound.
	inboxVideoBytes = 16 << 20
	inboxAudio      = 512
)

// recorderInbox takes packets from the goroutines of sources, which it never makes wait, and what is to be done from
// the endpoint, in one order.
type recorderInbox struct {
	wake    chan struct{}
	dropped atomic.Uint64

	mu     sync.Mutex
	items  []inboxItem
	video  int // bytes waiting
	sounds int // packets waiting
}

type inboxItem struct {
	tap    *recorderTap
	packet record.Packet
	do     func()
}

func newRecorderInbox() *recorderInbox { return &recorderInbox{wake: make(chan struct{}, 1)} }

// packet is false when there is no room.
func (b *recorderInbox) packet(t *recorderTap, p record.Packet) bool {
	b.mu.Lock()
	full := b.sounds >= inboxAudio
	if t.media == Video {
		full = b.video >= inboxVideoBytes
	}
	if full {
		b.mu.Unlock()
		b.dropped.Add(1)
		return false
	}
	if t.media == Video {
		b.video += len(p.Payload) + 64
	} else {
		b.sounds++
	}
	b.addLocked(inboxItem{tap: t, packet: p})
	return true
}

// roomy tells whether it is worth to begin again after there was no room.
func (b *recorderInbox) roomy(m MediaType) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m == Video {
		return b.video < inboxVideoBytes/2
	}
	return b.sounds < inboxAudio
}

// control is always taken: calls and connections are few.
func (b *recorderInbox) control(do func()) {
	b.mu.Lock()
	b.addLocked(inboxItem{do: do})
}

// addLocked unlocks.
func (b *recorderInbox) addLocked(i inboxItem) {
	b.items = append(b.items, i)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take gives all that waits. What is taken does not count any more, so twice the bounds may be in memory.
func (b *recorderInbox) take() []inboxItem {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.items
	b.items, b.video, b.sounds = nil, 0, 0
	return items
}
