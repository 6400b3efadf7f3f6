package pipeline

import "time"

// What is asked for again, and when. A viewer's slot waits with a frame until
// its packets are there, so a presenter's loss is asked for soon; but a packet
// that is only late must have its chance.
const (
	nackAfter       = 10 * time.Millisecond // overtaken by others
	nackOvertakenBy = 4                     // or overtaken by so many
	nackAgain       = 60 * time.Millisecond
	nackTries       = 8
	nackForget      = time.Second
	nackMaxGap      = 256 // a larger jump is a new beginning
	nackMaxOpen     = 512
)

// missing knows which packets of one SSRC have not come (RFC 4585, section
// 6.2.1). It sits behind pion's unwrapping of RTX: an interceptor does not see
// that a packet came by RTX, and would go on asking for it.
type missing struct {
	started bool
	highest uint16
	open    []gap
}

type gap struct {
	seq   uint16
	since time.Time
	asked time.Time
	tries int
}

// see takes a packet's number and returns the numbers to ask for now. The
// result is valid until the next call.
func (m *missing) see(seq uint16, now time.Time, due []uint16) []uint16 {
	due = due[:0]
	if !m.started {
		m.started, m.highest = true, seq
		return due
	}
	switch step := int16(seq - m.highest); {
	case step > nackMaxGap || step < -nackMaxGap*8:
		m.open, m.highest = m.open[:0], seq
	case step > 0:
		for s := m.highest + 1; s != seq && len(m.open) < nackMaxOpen; s++ {
			m.open = append(m.open, gap{seq: s, since: now})
		}
		m.highest = seq
	default:
		m.came(seq)
	}
	if len(m.open) == 0 {
		return due
	}
	kept := m.open[:0]
	for _, g := range m.open {
		if g.tries >= nackTries || now.Sub(g.since) > nackForget {
			continue
		}
		if m.due(g, now) {
			g.asked = now
			g.tries++
			due = append(due, g.seq)
		}
		kept = append(kept, g)
	}
	m.open = kept
	return due
}

func (m *missing) due(g gap, now time.Time) bool {
	if g.tries > 0 {
		return now.Sub(g.asked) >= nackAgain
	}
	return now.Sub(g.since) >= nackAfter || m.highest-g.seq >= nackOvertakenBy
}

func (m *missing) came(seq uint16) {
	for i := range m.open {
		if m.open[i].seq == seq {
			m.open = append(m.open[:i], m.open[i+1:]...)
			return
		}
	}
}
