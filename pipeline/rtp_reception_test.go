package pipeline

import (
	"testing"
	"time"
)

// TestReceptionAfterAJump: a source that counts anew is reported anew, and its jitter is that of what came since.
func TestReceptionAfterAJump(t *testing.T) {
	r := reception{ssrc: 7, clock: 90000}
	now := time.Unix(1_700_000_000, 0)
	roll := func(seq uint16, ts uint32) {
		for i := range uint16(100) {
			now = now.Add(20 * time.Millisecond)
			r.see(seq+i, ts+uint32(i)*1800, now)
		}
	}
	for _, from := range []uint16{65500, 20000, 50000} {
		roll(from, uint32(from)*77777)
		got := r.report(now)
		if got.Jitter > 10 || got.TotalLost != 0 || got.FractionLost != 0 || uint16(got.LastSequenceNumber) != from+99 {
			t.Errorf("from %d: %+v", from, got)
		}
	}
}
