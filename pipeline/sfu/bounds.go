package sfu

// SetBounds bounds what the line is sent of pictures, in bits a second: at least as much as least is tried
// whatever the line reports, and no more than most, where 0 is no bound. The lowest layer is sent in any case; most
// is kept by what can be left out, which is layers and temporal layers.
func (l *Line) SetBounds(least, most int64) {
	var ask asks
	l.mu.Lock()
	l.least, l.most = least, most
	l.allocateLocked(true, &ask)
	l.mu.Unlock()
	ask.send()
}

// forPicturesLocked is what may be spent on pictures, and what the line has room for.
func (l *Line) forPicturesLocked() (spend, room int64) {
	room = max(l.capacity-l.soundLocked(), l.least)
	if spend = room; l.most > 0 {
		spend = min(spend, l.most)
	}
	return spend, room
}

// overLocked: the layers have grown over what may be sent. Rates move by a little all the time.
func (l *Line) overLocked(at int64) bool {
	return l.most > 0 && at-l.lowered > settled && l.spentLocked()-l.soundLocked() > l.most+l.most/8
}
