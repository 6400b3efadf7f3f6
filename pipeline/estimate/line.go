package estimate

import "time"

const (
	// Least is the smallest figure ever given, in bits a second.
	Least = 30_000
	// afterFull is how much of what a full line carried is taken for its capacity: the rest empties the queue.
	afterFull = 0.85
	// pause is how long after a decrease the next one may come: what was sent before it must be gone.
	pause = 500e6
	// emptied is how long after a decrease a queue must have become shorter. One that has not was none: the
	// way has become longer.
	emptied = 2500e6
	// silence is how long a line without transport-wide feedback is waited for, once packets go out.
	silence = 2e9
	// blindLoss is the share lost, in two receiver reports in a row, that counts as full where nothing better
	// is known.
	blindLoss = lossBearable
	// outage is how long, in ns, nothing of what was sent may arrive and still be loss. Longer is a line that was
	// away for a moment, which says nothing of what it carries.
	outage = 150e6
	// mostReported is more than a browser has to say at once. A handful of bytes can claim to be about 65535 packets.
	mostReported = 8 * memory
	// few is how many packets must be out before silence means something.
	few = 50
)

// Line is the estimate for one viewer. The zero value has seen nothing.
type Line struct {
	sent   sentLog
	delays delays
	losses losses

	last      arrivals // the newest feedback, to know it again
	any       bool
	clock     int64 // us of the newest reference time, unwrapped
	reference uint32

	sentBytes   int64 // all that went out
	unreported  int
	firstSent   int64
	reportedAt  int64
	decreasedAt int64
	decreasedBy int64 // us of queue at the decrease, 0: by loss
	before      int64 // the capacity believed before it

	remb     int64
	rembAt   int64
	lossy    int // receiver reports in a row with much loss
	fraction float64

	// Packets in a row that did not arrive, until one does: how many, and when the first and the newest of them
	// went out.
	missing               int
	missingFrom, missedAt int64

	// Of the packets sent since Mark.
	marked              int64
	markLost, markTotal int
}

// Full is told when the line turns out to carry less than is sent.
type Full struct {
	// Rate is what it carries, in bits a second.
	Rate int64
	// ByLoss: by packets lost, not by a queue.
	ByLoss bool
}

// Sent takes note of a packet of so many bytes, lower layers included.
func (l *Line) Sent(number uint16, size int, now time.Time) {
	at := now.UnixNano()
	if l.firstSent == 0 {
		l.firstSent = at
	}
	l.sentBytes += int64(size)
	l.unreported++
	l.sent.put(number, size, at)
}

// SentBytes is the sum of all sizes.
func (l *Line) SentBytes() int64 { return l.sentBytes }

// Outstanding tells whether a packet has not been reported yet.
func (l *Line) Outstanding(number uint16) bool { return l.sent.peek(number) }

// Reset forgets what belonged to another path: after a reconnect delays are not comparable.
func (l *Line) Reset() {
	l.delays.reset()
	l.losses.reset()
	l.sent.forget()
	l.missing = 0
	l.unreported, l.firstSent, l.reportedAt, l.decreasedAt, l.lossy, l.any = 0, 0, 0, 0, 0, false
}

// Blind tells that packets go out and no transport-wide feedback comes: only the coarse reports are left.
func (l *Line) Blind(now time.Time) bool {
	since := max(l.firstSent, l.reportedAt)
	return l.unreported > few && since != 0 && now.UnixNano()-since > silence && l.reportedAt == 0
}

// Heard tells that the line reports arrivals.
func (l *Line) Heard(now time.Time) bool {
	return l.reportedAt != 0 && now.UnixNano()-l.reportedAt < silence
}

// Arrivals takes a transport-wide feedback packet; false when it was seen before or says nothing.
func (l *Line) Arrivals(p []byte, now time.Time) bool {
	if len(p) < 20 {
		return false
	}
	a := readArrivals(p)
	if a.count > mostReported {
		return false
	}
	if l.any && a == l.last {
		return false // a compound packet reaches us once for each stream it is about
	}
	if !l.any {
		l.any, l.reference, l.clock = true, a.reference, int64(a.reference)*referenceTick
	}
	step := int32(a.reference-l.reference) << 8 >> 8
	l.clock += int64(step) * referenceTick
	l.reference, l.last = a.reference, a
	at := now.UnixNano()
	l.reportedAt, l.unreported = at, 0
	a.each(p, func(number uint16, arrived bool, arrival int64) {
		size, sentAt, ok := l.sent.take(number, at)
		if !ok {
			return
		}
		if sentAt >= l.marked {
			l.markTotal++
			if !arrived {
				l.markLost++
			}
		}
		if !arrived {
			l.miss(sentAt)
			return
		}
		l.found(at)
		arrival += l.clock
		l.delays.add(arrival, arrival-sentAt/1000, size)
	})
	return true
}

// Mark begins a count of its own of what is sent from now on.
func (l *Line) Mark(now time.Time) {
	l.marked, l.markLost, l.markTotal = now.UnixNano(), 0, 0
}

// SinceMark is how many packets that were sent since the mark were reported, and how many of them as lost.
func (l *Line) SinceMark() (lost, total int) { return l.markLost, l.markTotal }

func (l *Line) miss(sentAt int64) {
	if l.missing == 0 {
		l.missingFrom = sentAt
	}
	l.missing++
	l.missedAt = sentAt
}

// found counts a packet that arrived, and those before it that did not.
func (l *Line) found(now int64) {
	if l.missedAt-l.missingFrom < outage {
		for range l.missing {
			l.losses.add(now, true)
		}
	}
	l.missing = 0
	l.losses.add(now, false)
}

// REMB takes the receiver's own figure.
func (l *Line) REMB(bitrate int64, now time.Time) { l.remb, l.rembAt = bitrate, now.UnixNano() }

// Reception takes what a receiver report says of loss.
func (l *Line) Reception(fraction float64) {
	l.fraction = fraction
	if fraction > blindLoss {
		l.lossy++
	} else {
		l.lossy = 0
	}
}

// Check tells whether the line is full. believed is the capacity that is believed in so far; sending is what is
// sent now, for lines that report nothing better.
func (l *Line) Check(believed, sending int64, now time.Time) (Full, bool) {
	at := now.UnixNano()
	if l.decreasedAt != 0 && at-l.decreasedAt < pause {
		return Full{}, false
	}
	if l.reportedAt == 0 {
		return l.checkBlind(believed, sending, at)
	}
	least, growth, ok := l.delays.look(window)
	full := ok && least > standing && growth > growing
	// A deep queue that does not grow may be none: after a decrease it is given time to show it (Mistaken).
	if !full && (l.decreasedAt == 0 || at-l.decreasedAt > 2*emptied) {
		least, growth, ok = l.delays.look(deepWindow)
		full = ok && least > deep && growth > -growing
	}
	byLoss := !full && l.losses.heavy(at)
	if !full && !byLoss {
		return Full{}, false
	}
	f := Full{Rate: max(Least, int64(afterFull*float64(l.delays.rate(rateWindow)))), ByLoss: byLoss}
	l.decreasedAt, l.decreasedBy, l.before = at, l.delays.queue(), believed
	if byLoss {
		l.decreasedBy = 0
	}
	l.losses.reset()
	l.delays.since = l.delays.newest
	return f, true
}

// Hold lets what was sent on top of the rest, and is still on its way, pass without being taken for a full line.
func (l *Line) Hold(now time.Time) {
	l.decreasedAt, l.decreasedBy = now.UnixNano(), 0
	l.losses.reset()
	l.delays.since = l.delays.newest
}

func (l *Line) checkBlind(believed, sending, at int64) (Full, bool) {
	if l.lossy >= 2 {
		l.lossy, l.decreasedAt, l.decreasedBy = 0, at, 0
		return Full{Rate: max(Least, int64(afterFull*float64(sending)*(1-l.fraction))), ByLoss: true}, true
	}
	if l.rembAt != 0 && l.remb < sending && l.remb < believed {
		l.decreasedAt, l.decreasedBy = at, 0
		return Full{Rate: max(Least, l.remb)}, true
	}
	return Full{}, false
}

// Mistaken tells, once, that the last decrease did not shorten the queue: the way has become longer and the line
// carries what it carried before.
func (l *Line) Mistaken(now time.Time) (rate int64, ok bool) {
	if l.decreasedBy < deep || now.UnixNano()-l.decreasedAt < emptied {
		return 0, false
	}
	was := l.decreasedBy
	l.decreasedBy = 0
	if queue := l.delays.queue(); queue < was*7/10 || queue > was*13/10 {
		return 0, false
	}
	l.delays.base, l.delays.last = l.delays.usual()+was, l.delays.usual()+was
	return l.before, true
}

// Queue is how much longer than usual packets are on their way.
func (l *Line) Queue() time.Duration { return time.Duration(l.delays.queue()) * time.Microsecond }

// Arrived is what arrives, in bits a second, over the last half second.
func (l *Line) Arrived() int64 { return l.delays.rate(10) }

// Loss is the share lost over the last second.
func (l *Line) Loss(now time.Time) float64 {
	lost, total := l.losses.sum(now.UnixNano())
	if total == 0 {
		return 0
	}
	return float64(lost) / float64(total)
}

// Heavy tells whether more is lost than a line that is not full loses.
func (l *Line) Heavy(now time.Time) bool { return l.losses.heavy(now.UnixNano()) }
