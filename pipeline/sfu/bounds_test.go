package sfu

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestBounds: what is sent of pictures keeps to the bound, never below the lowest layer, and goes up again.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, ask := &viewer{}, &asked{}
		line := NewLine(nil)
		slot := NewSlot(SlotConfig{Kind: Video, SSRC: slotSSRC, Codecs: viewerCodecs, Write: v.write, Line: line})
		u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, RequestKeyFrame: ask.ask})
		defer func() {
			slot.Close()
			line.Close()
			u.Close()
		}()
		q, h, f := newCamera(u.AddLayer("q", 1)), newCamera(u.AddLayer("h", 2)), newCamera(u.AddLayer("f", 3))
		q.packets, h.packets, f.packets = 2, 8, 24
		h.id, f.id = 100000, 200000
		slot.Connected()
		slot.Feed(u)
		roll := func() (last uint32) {
			for i := range 150 {
				for _, c := range []*camera{q, h, f} {
					c.film(i%25 == 0)
				}
				if i%25 == 24 {
					line.Sweep(time.Now())
				}
				time.Sleep(40 * time.Millisecond)
			}
			all := v.take()
			if len(all) == 0 {
				t.Fatal("nothing is sent")
			}
			return all[len(all)-1].id() / 100000
		}
		if got := roll(); got != 2 {
			t.Fatalf("without a bound layer %d is sent", got)
		}
		rate := func(c *camera) int64 { return c.layer.rate.upTo(allTemporal) }
		for _, c := range []struct {
			name  string
			most  int64
			layer uint32
		}{
			{"between the middle and the best", (rate(h) + rate(f)) / 2, 1},
			{"below all", rate(q) / 2, 0},
			{"none", 0, 2},
			{"below the middle", (rate(q) + rate(h)) / 2, 0},
		} {
			line.SetBounds(0, c.most)
			if got := roll(); got != c.layer {
				t.Errorf("a bound %s (%d): layer %d is sent, want %d", c.name, c.most, got, c.layer)
			}
		}
		// A layer that grows over the bound is left.
		line.SetBounds(0, 2*rate(f))
		if got := roll(); got != 2 {
			t.Fatalf("layer %d is sent, want 2", got)
		}
		f.packets = 100
		if got := roll(); got != 1 {
			t.Errorf("layer %d is sent after the best has grown, want 1", got)
		}
	})
}
