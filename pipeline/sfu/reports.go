package sfu

// SourceClock relates one sender's NTP clock to ours.
type SourceClock struct{}

// NewSourceClock makes a clock that has heard nothing yet.
func NewSourceClock() *SourceClock { return &SourceClock{} }
