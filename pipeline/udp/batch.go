package udp

import "net/netip"

const (
	chunkSize = 64 << 10 // the unit in which a batch takes memory
	maxTrains = 4096     // of a batch: small packets for many destinations
)

// train is what can leave as one message: packets for one destination, all of
// one size but the last, which may be shorter.
type train struct {
	to      netip.AddrPort
	packets [][]byte // in the batch's chunks
	size    int      // of the first packet
	bytes   int
	shut    bool // nothing may follow
}

// batch is what waits. It keeps its memory, of which there is never more than
// the limit, so that nothing is allocated once it has grown.
type batch struct {
	segments, alone, limit int

	trains []train
	count  int // of trains in use
	last   map[netip.AddrPort]int
	chunks [][]byte
	chunk  int // the one being filled
	used   int // of that chunk
}

// newBatch: packets larger than alone are never put together.
func newBatch(segments, alone, limit int) *batch {
	return &batch{segments: segments, alone: alone, limit: limit, last: make(map[netip.AddrPort]int)}
}

func (b *batch) empty() bool { return b.count == 0 }

// add copies the packet; false: there is no room.
func (b *batch) add(p []byte, to netip.AddrPort) bool {
	room := b.room(len(p))
	if room == nil {
		return false
	}
	b.take(copy(room, p), to)
	return true
}

// take puts the first n bytes of the room that was given last on a train.
func (b *batch) take(n int, to netip.AddrPort) {
	own := b.chunks[b.chunk][b.used : b.used+n : b.used+n]
	b.used += n
	i, known := b.last[to]
	if !known || !b.trains[i].takes(n, b.segments) {
		i = b.newTrain(to, n)
		b.last[to] = i
	}
	t := &b.trains[i]
	t.packets = append(t.packets, own)
	t.bytes += n
	t.shut = n < t.size || n > b.alone
}

func (t *train) takes(n, segments int) bool {
	return !t.shut && n <= t.size && len(t.packets) < segments && t.bytes+n <= maxMessage
}

func (b *batch) newTrain(to netip.AddrPort, size int) int {
	if b.count == len(b.trains) {
		b.trains = append(b.trains, train{packets: make([][]byte, 0, b.segments)})
	}
	t := &b.trains[b.count]
	*t = train{to: to, packets: t.packets[:0], size: size}
	b.count++
	return b.count - 1
}

// room is memory of n bytes in the chunks; nil: there is none.
func (b *batch) room(n int) []byte {
	if b.count == maxTrains {
		return nil
	}
	if len(b.chunks) == 0 || b.used+n > chunkSize {
		next := b.chunk + 1
		if len(b.chunks) == 0 {
			next = 0
		}
		if (next+1)*chunkSize > b.limit {
			return nil
		}
		if next == len(b.chunks) {
			b.chunks = append(b.chunks, make([]byte, chunkSize))
		}
		b.chunk, b.used = next, 0
	}
	return b.chunks[b.chunk][b.used : b.used+n : b.used+n]
}

func (b *batch) reset() {
	clear(b.last)
	b.count, b.chunk, b.used = 0, 0, 0
}
