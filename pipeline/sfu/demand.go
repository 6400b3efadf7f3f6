package sfu

import (
	"math"
	"slices"
	"time"
)

// demandHold is how long nobody must have wanted a layer before its sender is told to stop it: a page that is
// loaded again, or a line that is weak for a moment, turns nothing off.
const demandHold = 8 * time.Second

// demand is what the sender of a track was told of its layers.
type demand struct {
	told     int32 // highest rank that is wanted, math.MaxInt32: all
	begun    bool
	lowSince int64 // since when less is wanted than was told, 0: not
}

// Demand tells which of the encodings that the sender offered somebody wants, and whether that is other than it
// was: more at once, less after demandHold. The lowest is always wanted, so that whoever comes has a picture. It is
// called by one goroutine.
func (u *UpTrack) Demand(rids []string, now time.Time) (wanted []string, changed bool) {
	if len(rids) < 2 {
		return rids, false
	}
	d := &u.demand
	if !d.begun {
		d.begun, d.told = true, math.MaxInt32
	}
	before := within(rids, d.told)
	want, at := u.wantedRank(), now.UnixNano()
	switch {
	case slices.Equal(within(rids, want), before):
		d.lowSince = 0
	case want > d.told:
		d.told, d.lowSince = want, 0
	case d.lowSince == 0:
		d.lowSince = at
	case at-d.lowSince >= int64(demandHold):
		d.told, d.lowSince = want, 0
	}
	wanted = within(rids, d.told)
	off := int32(0)
	for i, rid := range rids {
		if r := int32(rankOf(rid, i)); !slices.Contains(wanted, rid) && (off == 0 || r < off) {
			off = r
		}
	}
	u.stopped.Store(off)
	return wanted, !slices.Equal(wanted, before)
}

// within are the encodings up to a rank, and the lowest in any case.
func within(rids []string, rank int32) []string {
	least := int32(math.MaxInt32)
	for i, rid := range rids {
		least = min(least, int32(rankOf(rid, i)))
	}
	var list []string
	for i, rid := range rids {
		if r := int32(rankOf(rid, i)); r <= max(rank, least) {
			list = append(list, rid)
		}
	}
	return list
}

// wantedRank is the highest rank that a slot may be sent. One that is at the highest known would take more.
func (u *UpTrack) wantedRank() int32 {
	top := 0
	u.mu.Lock()
	for _, l := range u.layers {
		top = max(top, l.rank)
	}
	u.mu.Unlock()
	want := int32(-1)
	for _, s := range *u.slots.Load() {
		if !s.awake.Load() {
			continue
		}
		rank := s.limit.get().rank
		if int(rank) >= top {
			return math.MaxInt32
		}
		want = max(want, rank)
	}
	return want
}
