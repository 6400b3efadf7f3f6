package kurento

import "sync"

// letter is one message, and of a request when it came: a number that grows
// over all connections.
type letter struct {
	text []byte
	at   uint64
}

// mailbox is a queue of messages that is bounded in number and in bytes. It
// takes memory for what is in it and nothing more; one message fits into an
// empty one whatever its size. Any number may put in, one takes out.
type mailbox struct {
	maxLen, maxBytes int
	filled           chan struct{} // holds one token when there may be something to take
	freed            chan struct{} // and this one when there may be room

	mu    sync.Mutex
	list  []letter
	bytes int
}

func newMailbox(maxLen, maxBytes int) *mailbox {
	return &mailbox{maxLen: maxLen, maxBytes: maxBytes, filled: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// offer puts m in without waiting; false says that there is no room.
func (b *mailbox) offer(m letter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.list) > 0 && (len(b.list) >= b.maxLen || b.bytes+len(m.text) > b.maxBytes) {
		return false
	}
	b.list = append(b.list, m)
	b.bytes += len(m.text)
	wake(b.filled)
	return true
}

// put waits for room until gone is closed. Only one may wait.
func (b *mailbox) put(m letter, gone <-chan struct{}) {
	for !b.offer(m) {
		select {
		case <-b.freed:
		case <-gone:
			return
		}
	}
}

// take returns the oldest message; false says that there is none.
func (b *mailbox) take() (letter, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.list) == 0 {
		return letter{}, false
	}
	m := b.list[0]
	b.list[0] = letter{}
	b.bytes -= len(m.text)
	if b.list = b.list[1:]; len(b.list) == 0 {
		b.list = nil
	} else {
		wake(b.filled)
	}
	wake(b.freed)
	return m, true
}
