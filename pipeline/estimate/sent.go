package estimate

// memory is how many packets are remembered until they are reported: two seconds of 500 packets each.
const memory = 1024

// tick is the unit of send times, so that one fits 32 bits for half a day.
const tick = 10_000 // ns

type sentPacket struct {
	at     uint32 // ticks
	number uint16
	size   uint16 // 0: not known, or reported already
}

// sentLog remembers what went out: 8 kB, made with the first packet.
type sentLog struct{ entries *[memory]sentPacket }

func (l *sentLog) put(number uint16, size int, at int64) {
	if l.entries == nil {
		l.entries = new([memory]sentPacket)
	}
	l.entries[number%memory] = sentPacket{at: uint32(at / tick), number: number, size: uint16(min(size, 1<<16-1))}
}

// take finds a packet once: a second report of it says nothing new.
func (l *sentLog) take(number uint16, now int64) (size int, at int64, ok bool) {
	if l.entries == nil {
		return 0, 0, false
	}
	e := &l.entries[number%memory]
	if e.number != number || e.size == 0 {
		return 0, 0, false
	}
	size = int(e.size)
	e.size = 0
	ago := uint32(now/tick) - e.at
	return size, now - int64(ago)*tick, true
}

// forget: what is reported later belongs to a path that is gone.
func (l *sentLog) forget() {
	if l.entries != nil {
		*l.entries = [memory]sentPacket{}
	}
}

// peek tells the size of a packet that is still not reported, without taking it.
func (l *sentLog) peek(number uint16) bool {
	return l.entries != nil && l.entries[number%memory].number == number && l.entries[number%memory].size > 0
}
