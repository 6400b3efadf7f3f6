package sfu

import (
	"cmp"
	"slices"
	"time"
)

// rung is one thing that a slot may be sent, with what it costs on the wire in bits a second.
type rung struct {
	step
	cost int64
}

// ladder lists the rungs of a track, the cheapest first: the temporal layers of the lowest layer, then each
// higher layer whole. A camera keeps its motion as long as there is a smaller picture; a screen, which has one layer,
// keeps its size and gives up pictures.
type ladder struct {
	rungs [temporalLayers + maxLayers]rung
	n     int
}

func (l *ladder) add(rank int, tid uint8, cost int64) {
	if l.n < len(l.rungs) {
		l.rungs[l.n] = rung{step{int32(rank), tid}, cost}
		l.n++
	}
}

// ladder makes the ladder of what flows, and of what would flow if its sender had not been told to stop.
func (u *UpTrack) ladder(q Quality, now int64) (l ladder) {
	var list [maxLayers]*Layer
	layers := append(list[:0], *u.flow.Load()...)
	if off := u.stopped.Load(); off != 0 {
		u.mu.Lock()
		for _, o := range u.layers {
			if o.rank >= int(off) && !o.flows(now) && !slices.ContainsFunc(layers, func(k *Layer) bool { return k.rank == o.rank }) {
				layers = append(layers, o)
			}
		}
		u.mu.Unlock()
		slices.SortFunc(layers, func(a, b *Layer) int { return cmp.Compare(a.rank, b.rank) })
	}
	for i, o := range layers {
		if i > 0 {
			if q == Low {
				break
			}
			l.add(o.rank, allTemporal, o.rate.upTo(allTemporal))
			continue
		}
		top := uint8(o.rate.top.Load())
		for tid := range top {
			l.add(o.rank, tid, o.rate.upTo(tid))
			if q == Low && len(layers) == 1 {
				return l // all that can be saved of a track with one layer
			}
		}
		l.add(o.rank, allTemporal, o.rate.upTo(allTemporal))
	}
	return l
}

// rungOf finds where a step stands: the highest rung within it, -1 for nothing.
func (l *ladder) rungOf(s step) int {
	if s.rank < 0 || l.n == 0 {
		return -1
	}
	at := 0
	for i, r := range l.rungs[:l.n] {
		if r.rank < s.rank || r.rank == s.rank && r.tid <= s.tid {
			at = i
		}
	}
	return at
}

func (l *ladder) cost(i int) int64 {
	if i < 0 || l.n == 0 {
		return 0
	}
	return l.rungs[i].cost
}

// soundLocked is what sound takes, before anything else.
func (l *Line) soundLocked() (sum int64) {
	now := l.clock().UnixNano()
	for _, t := range l.seats {
		if u := t.slot.feeding.Load(); u != nil && t.slot.cfg.Kind == Audio {
			for _, o := range *u.flow.Load() {
				if o.flows(now) {
					sum += max(o.rate.upTo(allTemporal), 24_000)
				}
			}
		}
	}
	return sum
}

// places are the slots with pictures to share the line between, with their ladders.
type places struct {
	seats   [8]*seat
	ladders [8]ladder
	at      [8]int
	n       int
	spent   int64
}

func (l *Line) placesLocked(p *places) {
	q := l.Quality()
	now := l.clock().UnixNano()
	p.spent = l.soundLocked()
	for _, t := range l.seats {
		u := t.slot.feeding.Load()
		if t.slot.cfg.Kind != Video || u == nil || p.n == len(p.seats) {
			continue
		}
		i := p.n
		p.n++
		p.seats[i], p.ladders[i] = t, u.ladder(q, now)
		p.at[i] = p.ladders[i].rungOf(t.now)
		p.spent += p.ladders[i].cost(p.at[i])
	}
}

// spentLocked is what the slots are sent now, as far as it is known.
func (l *Line) spentLocked() int64 {
	var p places
	l.placesLocked(&p)
	return p.spent
}

// allocateLocked shares the line anew; true when a slot was given less than before. Without raise nobody is given
// more, but for sources that are new: a step up has its own time.
func (l *Line) allocateLocked(raise bool, ask *asks) (lower bool) {
	var p places
	l.placesLocked(&p)
	left, room := l.forPicturesLocked() // room: bounds never stop a picture, the line may
	var next [8]int
	for i := range p.n {
		next[i] = -1
		cost := p.ladders[i].cost(0)
		switch {
		case l.Quality() == SoundOnly || p.ladders[i].n == 0:
			continue
		case p.at[i] < 0 && !raise && !p.seats[i].new:
			continue
		case cost <= room, !l.bounded, i == 0 && cost/2 <= room:
			next[i] = 0
			left, room = left-cost, room-cost
		}
	}
	for i := range p.n {
		top := p.ladders[i].n - 1
		if !raise && !p.seats[i].new {
			top = min(top, p.at[i])
		}
		for next[i] >= 0 && next[i] < top {
			more := p.ladders[i].cost(next[i]+1) - p.ladders[i].cost(next[i])
			if more > left {
				break
			}
			next[i]++
			left -= more
		}
	}
	for i := range p.n {
		if p.ladders[i].n == 0 && l.Quality() != SoundOnly {
			continue // nothing flows yet
		}
		lower = lower || next[i] < p.at[i]
		l.setLocked(p.seats[i], &p.ladders[i], next[i], ask)
	}
	return lower
}

// setLocked has a slot sent a rung, -1 for nothing.
func (l *Line) setLocked(t *seat, lad *ladder, i int, ask *asks) {
	to := nothing
	if i >= 0 {
		to = lad.rungs[i].step
	}
	t.new = false
	if to == t.now {
		return
	}
	if was := lad.rungOf(t.now); i > was {
		l.counts.ups.Add(1)
	} else if i < was {
		l.counts.downs.Add(1)
	}
	t.now = to
	t.slot.limit.full.Store(l.pressed)
	t.slot.limit.set(to)
	if u := t.slot.feeding.Load(); u != nil && ask != nil {
		if g := u.goal(&t.slot.limit); g != nil && g != t.slot.current.Load() && t.slot.awake.Load() {
			ask.add(g)
		}
	}
}

// seatNewLocked gives sources that have begun to flow, for the first time or again, a place beside those that are
// there.
func (l *Line) seatNewLocked() {
	var p places
	l.placesLocked(&p)
	came := false
	for i := range p.n {
		if p.ladders[i].n == 0 {
			p.seats[i].new = true
		} else if p.seats[i].new {
			came = true
		}
	}
	if !came && l.Quality() != SoundOnly {
		return
	}
	if l.bounded || l.least > 0 || l.most > 0 || l.Quality() != Automatic {
		l.allocateLocked(false, nil) // what has precedence may need room
		return
	}
	for i := range p.n {
		t, lad := p.seats[i], &p.ladders[i]
		if !t.new || lad.n == 0 {
			continue
		}
		left := l.capacity - (p.spent - lad.cost(p.at[i]))
		at := 0
		for at+1 < lad.n && (lad.cost(at+1) <= left || lad.rungs[at+1].rank == lad.rungs[0].rank) {
			at++ // pictures are left out only where it is known that they must be
		}
		p.spent += lad.cost(at) - lad.cost(p.at[i])
		l.setLocked(t, lad, at, nil)
	}
}

// settledLocked: all slots are sent what they should be, and have been for a while.
func (l *Line) settledLocked(at int64) bool {
	for _, t := range l.seats {
		u := t.slot.feeding.Load()
		if t.slot.cfg.Kind == Video && u != nil && t.slot.current.Load() != u.goal(&t.slot.limit) {
			return false
		}
	}
	return at-l.lowered > settled
}

// forceLocked takes a rung from whoever gives way first, since the line is full whatever the figures say. The
// lowest rung of the last slot stays: less would be nothing.
func (l *Line) forceLocked(ask *asks) {
	var p places
	l.placesLocked(&p)
	for i := p.n - 1; i >= 0; i-- {
		if p.at[i] > 0 || p.at[i] == 0 && i > 0 {
			l.setLocked(p.seats[i], &p.ladders[i], p.at[i]-1, ask)
			return
		}
	}
}

// upLocked takes one step up if there is room, or begins to find out.
func (l *Line) upLocked(now time.Time, ask *asks) {
	if l.Quality() == SoundOnly || l.est.Queue() > quiet || l.est.Heavy(now) {
		return
	}
	var p places
	l.placesLocked(&p)
	if p.n < l.shared {
		l.nextTry = 0 // what is gone has left room
	}
	l.shared = p.n
	if now.UnixNano() < l.nextTry {
		return // also where it would fit now: a layer that breathes does so now and then
	}
	want, sound, at := int64(0), l.soundLocked(), -1
	for i := range p.n {
		if p.at[i]+1 >= p.ladders[i].n {
			continue
		}
		need := p.spent + p.ladders[i].cost(p.at[i]+1) - p.ladders[i].cost(p.at[i])
		if l.most > 0 && need-sound > l.most {
			continue
		}
		if need <= max(l.capacity, sound+l.least) {
			l.raiseLocked(&p, i, now, ask)
			return
		}
		if at < 0 {
			want, at = need, i
		}
	}
	if at < 0 || l.startProbeLocked(want, now) {
		return
	}
	if l.est.Blind(now) || !l.canProbeLocked() && l.est.Heard(now) {
		// Nothing to probe with: it is tried.
		l.capacity, l.nextTry = want, now.UnixNano()+l.wait
		l.raiseLocked(&p, at, now, ask)
	}
}

func (l *Line) raiseLocked(p *places, i int, now time.Time, ask *asks) {
	l.setLocked(p.seats[i], &p.ladders[i], p.at[i]+1, ask)
	if l.bounded {
		l.trialTo = now.UnixNano() + trial
	}
}
