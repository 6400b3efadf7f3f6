package sfu

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestHighestLayerThatFlows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, RequestKeyFrame: st.asked.ask})
		defer u.Close()
		// Added in the order in which they come to life, which says nothing.
		half, quarter, full := newCamera(u.AddLayer("h", 2)), newCamera(u.AddLayer("q", 1)), newCamera(u.AddLayer("f", 3))
		half.id, full.id = 100000, 200000
		full.packets = 6
		st.connect()
		st.slot.Feed(u)
		roll := func(frames int, key bool, cams ...*camera) {
			for i := range frames {
				for _, c := range cams {
					c.film(key && i == 0)
				}
				time.Sleep(40 * time.Millisecond)
			}
		}
		var all []got
		expect := func(name string, low, high uint32) {
			t.Helper()
			part := st.viewer.take()
			if len(part) == 0 {
				t.Fatalf("%s: nothing", name)
			}
			last := part[len(part)-1].id()
			if last < low || last >= high {
				t.Errorf("%s: packet %d", name, last)
			}
			all = append(all, part...)
		}
		roll(5, true, quarter)
		expect("the only one", 1, 100000)
		roll(5, true, quarter, half)
		expect("a better one began with a key frame", 100000, 200000)
		roll(1, false, quarter, half, full)
		expect("the best has no key frame yet", 100000, 200000)
		if st.asked.count() == 0 || st.asked.ssrcs[0] != 3 {
			t.Errorf("asked %v, want the layer with SSRC 3", st.asked.ssrcs)
		}
		roll(5, true, full)
		roll(2, false, quarter, half, full)
		expect("the best", 200000, 300000)
		roll(20, false, quarter, half)
		if n := len(st.viewer.take()); n != 0 {
			t.Errorf("%d packets right after the best one fell silent", n)
		}
		roll(40, false, quarter, half)
		roll(3, true, quarter, half)
		expect("the best is silent", 100000, 200000)
		roll(50, true, quarter)
		roll(3, true, quarter)
		expect("only the lowest is left", 1, 100000)
		wantContinuous(t, all)
	})
}

func TestRankOf(t *testing.T) {
	for _, order := range [][]string{{"q", "h", "f"}, {"l", "m", "h"}, {"low", "mid", "high"}, {"0", "1", "2"}, {"q", "h"}} {
		for i := 1; i < len(order); i++ {
			if rankOf(order[i-1], 9) >= rankOf(order[i], 0) {
				t.Errorf("%v: %s is not below %s", order, order[i-1], order[i])
			}
		}
	}
	if rankOf("a", 0) >= rankOf("b", 1) {
		t.Error("unknown names do not rank as they were added")
	}
}

func TestLayerOfAnotherSSRCTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		u, first := st.source(vp8)
		defer u.Close()
		if u.AddLayer("", 7) != first.layer {
			t.Error("the same SSRC is another layer")
		}
		st.connect()
		st.slot.Feed(u)
		first.roll(3, true)
		second := newCamera(u.AddLayer("", 70))
		second.id = 1000
		second.roll(3, true)
		all := st.viewer.take()
		wantContinuous(t, all)
		wantIDs(t, all[9:], 1001, 1009)
		for i := range uint32(20) {
			u.AddLayer("", 100+i)
		}
		if n := len(u.Stats().Layers); n != maxLayers {
			t.Errorf("%d layers", n)
		}
		first.roll(2, true) // given up
		if n := len(st.viewer.take()); n != 0 {
			t.Errorf("%d packets of a layer that was given up", n)
		}
	})
}

func TestLayerThatStuttersIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, RequestKeyFrame: st.asked.ask})
		defer u.Close()
		low, high := newCamera(u.AddLayer("q", 1)), newCamera(u.AddLayer("h", 2))
		high.id = 100000
		st.connect()
		st.slot.Feed(u)
		// Each layer has a key frame each second; the upper one has every n-th picture.
		roll := func(seconds, every int) bool {
			for i := range 25 * seconds {
				low.film(i%25 == 0)
				if i%every == 0 {
					high.film(i%25 == 0)
				}
				time.Sleep(40 * time.Millisecond)
			}
			all := st.viewer.take()
			return all[len(all)-1].id() >= 100000
		}
		if !roll(3, 1) {
			t.Error("the upper layer is not sent")
		}
		if roll(4, 3) {
			t.Error("a layer with a third of the pictures is sent")
		}
		if roll(2, 1) {
			t.Error("it is sent again at once")
		}
		if !roll(4, 1) {
			t.Error("it is not sent again")
		}
	})
}
