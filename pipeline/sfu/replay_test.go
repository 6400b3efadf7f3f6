package sfu

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
)

func TestLateJoinerGetsTheCachedPicturesThenLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.slot.Feed(st.track)
		st.cam.roll(45, true) // the key frame is 1.8 s old
		start := time.Now()
		st.slot.Connected()
		st.cam.roll(50, false)
		all := st.viewer.take()
		wantContinuous(t, all)
		wantIDs(t, all, 1, 3*95)
		if d := all[0].at.Sub(start); d != connectWait {
			t.Errorf("first packet after %v", d)
		}
		if d := all[3].at.Sub(all[0].at); d != replayTick {
			t.Errorf("second frame %v after the first", d)
		}
		// The last frame of the cache, the 46th, came before the replay began; half a second later all is live.
		if d := all[3*45].at.Sub(start); d > 700*time.Millisecond {
			t.Errorf("cache was sent after %v", d)
		}
		live := all[3*94]
		if want := start.Add(49 * 40 * time.Millisecond); !live.at.Equal(want) {
			t.Errorf("the last frame left at %v, came at %v", live.at, want)
		}
		if st.asked.count() != 0 {
			t.Error("the source was asked although the cache was good")
		}
		if n := st.slot.Stats().Replays; n != 1 {
			t.Errorf("%d replays", n)
		}
	})
}

func TestReplayIsFasterThanAnyFrameRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.cam.step, st.cam.packets = 90000/240, 1
		st.slot.Feed(st.track)
		shoot := func(n int, key bool) {
			for i := range n {
				st.cam.film(key && i == 0)
				time.Sleep(time.Second / 240)
			}
		}
		shoot(400, true)
		st.slot.Connected()
		shoot(240, false)
		all := st.viewer.take()
		wantContinuous(t, all)
		wantIDs(t, all, 1, 640)
	})
}

func TestLargeKeyFrameIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.cam.packets = 200
		st.slot.Feed(st.track)
		st.cam.film(true)
		st.slot.Connected()
		time.Sleep(time.Second)
		all := st.viewer.take()
		wantIDs(t, all, 1, 200)
		at := map[time.Time]int{}
		for _, g := range all {
			at[g.at]++
		}
		for when, n := range at {
			if n > replayBurst {
				t.Errorf("%d packets at %v", n, when)
			}
		}
		if d := all[199].at.Sub(all[0].at); d > 20*time.Millisecond {
			t.Errorf("spread over %v", d)
		}
	})
}

func TestOldCacheIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.slot.Feed(st.track)
		st.cam.roll(55, true) // 2.2 s
		st.connect()
		if st.asked.count() != 1 {
			t.Errorf("asked %d times, want once", st.asked.count())
		}
		st.cam.roll(2, false)
		if n := len(st.viewer.take()); n != 0 {
			t.Errorf("%d packets", n)
		}
		st.cam.roll(2, true)
		wantIDs(t, st.viewer.take(), 3*57+1, 3*59)
	})
}

func TestCacheWithAHoleIsNotSent(t *testing.T) {
	for _, tt := range []struct {
		name     string
		after    int // frames after the hole
		replayed bool
	}{{"fresh hole may still be filled", 2, true}, {"old hole is for ever", 10, false}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newStage(t)
				st.slot.Feed(st.track)
				st.cam.roll(3, true)
				lost := st.cam.frame(false)
				st.cam.layer.Write(lost[0], time.Now())
				st.cam.layer.Write(lost[2], time.Now())
				st.cam.roll(tt.after, false)
				st.connect()
				time.Sleep(time.Second)
				if got := len(st.viewer.take()) > 0; got != tt.replayed {
					t.Errorf("replayed %v", got)
				}
				if asked := st.asked.count() > 0; asked == tt.replayed {
					t.Errorf("asked %v", asked)
				}
			})
		})
	}
}

func TestReconnectBeginsAnewWithoutGoingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(20, true)
		first := st.viewer.take()
		st.slot.Connected()
		st.slot.Connected() // both states of a restart
		st.cam.roll(40, false)
		second := st.viewer.take()
		wantContinuous(t, append(first, second...))
		wantIDs(t, second, 1, 3*60)
		// Pressed together at first, the timestamps are on their old line again in the end.
		if d := second[len(second)-1].Timestamp - first[0].Timestamp; d != 59*3600 {
			t.Errorf("timestamps moved by %d ticks", int(d)-59*3600)
		}
		if n := st.slot.Stats().Replays; n != 1 {
			t.Errorf("%d replays, want 1", n)
		}
	})
}

func TestPLIOfAFreshViewerReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.slot.Feed(st.track)
		st.cam.roll(2, true)
		st.connect()
		time.Sleep(100 * time.Millisecond) // the replay is over
		first := st.viewer.take()
		wantIDs(t, first, 1, 6)
		st.slot.HandleRTCP(pli()) // too soon after the first replay: later
		st.slot.HandleRTCP(pli())
		if n := len(st.viewer.take()); n != 0 {
			t.Fatalf("%d packets at once", n)
		}
		time.Sleep(500 * time.Millisecond)
		again := st.viewer.take()
		wantIDs(t, again, 1, 6)
		wantContinuous(t, append(first, again...))
		time.Sleep(600 * time.Millisecond)
		st.slot.HandleRTCP(pli())
		time.Sleep(100 * time.Millisecond)
		wantIDs(t, st.viewer.take(), 1, 6)
		if st.asked.count() != 0 {
			t.Error("the source was asked although the cache was good")
		}
		time.Sleep(1500 * time.Millisecond) // now the cache is old
		st.slot.HandleRTCP(pli())
		if n := len(st.viewer.take()); n != 0 || st.asked.count() != 1 {
			t.Errorf("%d packets, asked %d times", n, st.asked.count())
		}
	})
}

func TestPLIWhilePicturesAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.slot.Feed(st.track)
		st.cam.roll(20, true)
		st.slot.Connected()
		st.slot.HandleRTCP(pli())
		time.Sleep(connectWait + 5*time.Millisecond)
		st.slot.HandleRTCP(pli())
		time.Sleep(time.Second)
		wantIDs(t, st.viewer.take(), 1, 60)
		if st.asked.count() != 0 {
			t.Error("the source was asked")
		}
	})
}

func TestNACKDuringReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.slot.Feed(st.track)
		st.cam.roll(20, true)
		st.slot.Connected()
		time.Sleep(connectWait + 25*time.Millisecond)
		all := st.viewer.take()
		st.slot.HandleRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{
			MediaSSRC: slotSSRC, Nacks: []rtcp.NackPair{{PacketID: all[0].SequenceNumber, LostPackets: 3}},
		}})
		again := st.viewer.take()
		if len(again) != 3 || again[0].Timestamp != all[0].Timestamp || again[2].Timestamp != all[2].Timestamp {
			t.Errorf("%d packets", len(again))
		}
	})
}

func TestSlotClosedDuringReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.slot.Feed(st.track)
		st.cam.roll(20, true)
		st.slot.Connected()
		time.Sleep(connectWait + 25*time.Millisecond)
		st.slot.Close()
		st.viewer.take()
		st.cam.roll(3, true)
		st.slot.Connected()
		st.slot.Feed(st.track)
		st.slot.HandleRTCP(pli())
		st.slot.Close()
		time.Sleep(time.Second)
		if n := len(st.viewer.take()); n != 0 {
			t.Errorf("%d packets after Close", n)
		}
		if len(*st.track.slots.Load()) != 0 {
			t.Error("the track still knows the slot")
		}
	})
}

func TestNewFeedReplaysToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.cam.roll(10, true)
		st.slot.Feed(st.track)
		st.cam.roll(10, false)
		all := st.viewer.take()
		wantContinuous(t, all)
		wantIDs(t, all, 1, 60)
	})
}
