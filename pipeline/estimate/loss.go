package estimate

import "math"

const (
	lossSpan    = 250e6 // ns of one span
	lossSpans   = 4
	lossAtLeast = 20 // packets
	// lossBearable is what NACK repairs: a line that loses so many at random is not full.
	lossBearable = 0.12
)

type lossSpanCount struct {
	from        int64
	lost, total int
}

// losses counts over the last second.
type losses struct {
	spans [lossSpans]lossSpanCount
	at    int
}

func (l *losses) reset() { *l = losses{} }

func (l *losses) add(now int64, lost bool) {
	s := &l.spans[l.at]
	if now-s.from >= lossSpan {
		l.at = (l.at + 1) % lossSpans
		s = &l.spans[l.at]
		*s = lossSpanCount{from: now}
	}
	s.total++
	if lost {
		s.lost++
	}
}

func (l *losses) sum(now int64) (lost, total int) {
	for _, s := range l.spans {
		if now-s.from < lossSpan*(lossSpans+1) {
			lost += s.lost
			total += s.total
		}
	}
	return lost, total
}

// heavy tells whether the line loses more than is bearable, beyond what chance makes of few packets: the lower
// end of the interval in which the true share lies (two and a half deviations).
func (l *losses) heavy(now int64) bool {
	lost, total := l.sum(now)
	if total < lossAtLeast {
		return false
	}
	share := float64(lost) / float64(total)
	return share-2.5*math.Sqrt(share*(1-share)/float64(total)) > lossBearable
}
