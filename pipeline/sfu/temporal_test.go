package sfu

import (
	"testing"
	"testing/synctest"
	"time"

	"kelas/pipeline/codec"
)

// layered films VP8 with three temporal layers (0 2 1 2).
type layered struct {
	*camera
	frame int
	base  uint8
}

func (c *layered) next(key bool) [][]byte {
	if key {
		c.frame = 0
	}
	at := c.frame % 4
	c.frame++
	tid := [4]byte{0, 2, 1, 2}[at]
	layer := tid << 6
	if at == 1 || at == 2 {
		layer |= 0x20
	}
	if tid == 0 {
		c.base++
	}
	c.tl0 = c.base // counts pictures of the base layer alone
	list := c.camera.frame(key)
	for _, p := range list {
		// L, I and T; the descriptor of camera has no byte for the layer.
		p[13] |= 0x20
	}
	out := make([][]byte, len(list))
	for i, p := range list {
		out[i] = append(append(append([]byte(nil), p[:17]...), layer), p[17:]...)
	}
	return out
}

func (c *layered) roll(frames int, key bool) {
	for i := range frames {
		for _, p := range c.next(key && i == 0) {
			c.layer.Write(p, time.Now())
		}
		time.Sleep(40 * time.Millisecond)
	}
}

func tids(all []got) map[uint8]int {
	counts := map[uint8]int{}
	for _, g := range all {
		d := g.vp8()
		counts[d.TemporalID()]++
	}
	return counts
}

// wantTL0 checks that TL0PICIDX counts the pictures of the base layer.
func wantTL0(t *testing.T, all []got) {
	t.Helper()
	for i := 1; i < len(all); i++ {
		a, b := all[i-1].vp8(), all[i].vp8()
		step := b.TL0 - a.TL0
		if fresh := b.PictureID != a.PictureID && b.TemporalID() == 0; fresh && step != 1 || !fresh && step != 0 {
			t.Fatalf("packet %d of layer %d: TL0PICIDX stepped by %d", i, b.TemporalID(), step)
		}
	}
}

func TestTemporalLayersAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		cam := &layered{camera: st.cam}
		st.connect()
		st.slot.Feed(st.track)
		cam.roll(8, true)
		all := st.viewer.take()
		if n := tids(all); n[0] != 6 || n[1] != 6 || n[2] != 12 {
			t.Fatalf("all of it: %v", n)
		}
		st.slot.limit.set(step{0, 1})
		cam.roll(8, false)
		thin := st.viewer.take()
		if n := tids(thin); n[0] != 6 || n[1] != 6 || n[2] != 0 {
			t.Errorf("two layers: %v", n)
		}
		st.slot.limit.set(step{0, 0})
		cam.roll(8, false)
		base := st.viewer.take()
		if n := tids(base); n[0] != 6 || len(n) != 1 {
			t.Errorf("the base alone: %v", n)
		}
		all = append(append(all, thin...), base...)
		st.slot.limit.set(noLimit)
		cam.roll(8, false)
		again := st.viewer.take()
		if n := tids(again); n[0] != 6 || n[1] != 6 || n[2] != 6 {
			t.Errorf("all of it again: %v", n)
		}
		all = append(all, again...)
		wantContinuous(t, all)
		wantTL0(t, all)
	})
}

// TestTemporalLayerComesBackAtASync: a picture that refers to one that was left out is not sent.
func TestTemporalLayerComesBackAtASync(t *testing.T) {
	top := temporal{top: 0}
	v := &view{format: 1, tid: 1}
	if !top.leaves(v, allTemporal) {
		t.Error("layer 1 without a sync")
	}
	v.tid, v.sync = 2, true
	if !top.leaves(v, allTemporal) {
		t.Error("layer 2 came before layer 1")
	}
	v.tid = 1
	if top.leaves(v, allTemporal) || top.top != 1 {
		t.Error("layer 1 with a sync")
	}
	v.tid, v.sync = 2, false
	if !top.leaves(v, allTemporal) {
		t.Error("layer 2 without a sync")
	}
	v.sync = true
	if top.leaves(v, allTemporal) {
		t.Error("layer 2 with a sync")
	}
	v.tid, v.sync = 2, false
	if top.leaves(v, allTemporal) || !top.leaves(v, 1) {
		t.Error("going on, and down at once")
	}
	v.tid, v.key = 0, true
	if top.leaves(v, allTemporal) || top.top != allTemporal {
		t.Error("a key frame brings all layers")
	}
}

func TestTemporalLayersOfOtherFormats(t *testing.T) {
	vp9, av1 := temporal{top: 0}, temporal{top: 0}
	v := &view{format: 2, tid: 0}
	if vp9.leaves(v, allTemporal) || vp9.top != 0 {
		t.Error("VP9: a base picture that is no switching point")
	}
	v.sync = true
	if vp9.leaves(v, allTemporal) || vp9.top != allTemporal {
		t.Error("VP9: a switching point")
	}
	v = &view{format: 4, tid: 2}
	if !av1.leaves(v, allTemporal) {
		t.Error("AV1: an upper layer in the middle")
	}
	v.tid = 0
	if av1.leaves(v, allTemporal) || av1.top != allTemporal {
		t.Error("AV1: the base picture")
	}
}

// TestLatePacketOfALeftFrame: its neighbours went out with a hole in its place, which is filled without it.
func TestLatePacketOfALeftFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		cam := &layered{camera: st.cam}
		st.connect()
		st.slot.Feed(st.track)
		cam.roll(4, true)
		st.viewer.take()
		st.slot.limit.set(step{0, 0})
		cam.roll(1, false) // the base
		left := cam.next(false)
		for _, p := range left[:2] {
			cam.layer.Write(p, time.Now())
		}
		late := left[2]
		cam.roll(6, false) // with the next base picture
		before := st.viewer.take()
		holes := 0
		for i := 1; i < len(before); i++ {
			holes += int(before[i].SequenceNumber-before[i-1].SequenceNumber) - 1
		}
		if holes != 1 {
			t.Fatalf("%d holes", holes)
		}
		cam.layer.Write(late, time.Now())
		filled := st.viewer.take()
		if len(filled) != 1 || len(filled[0].payload) != 0 || !filled[0].Padding {
			t.Fatalf("the hole was filled with %+v", filled)
		}
		// Asked for again it is the same: nothing in its place.
		st.slot.HandleRTCP(nack(filled[0].SequenceNumber))
		again := st.viewer.take()
		if len(again) != 1 || again[0].SSRC != rtxSSRC || len(again[0].payload) != 2 {
			t.Fatalf("sent again: %+v", again)
		}
		cam.roll(4, false)
		wantTL0(t, append(before, st.viewer.take()...))
	})
}

// TestLateFrameBesideALeftOne: a picture that comes late keeps the number that is its own.
func TestLateFrameBesideALeftOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		cam := &layered{camera: st.cam}
		st.connect()
		st.slot.Feed(st.track)
		cam.roll(4, true)
		st.slot.limit.set(step{0, 1})
		cam.roll(2, false) // 0, and 2 which is left out
		st.viewer.take()
		late := cam.next(false) // 1
		cam.roll(2, false)      // 2, left out, and 0
		base := st.viewer.take()
		for _, p := range late {
			cam.layer.Write(p, time.Now())
		}
		got := st.viewer.take()
		if len(base) != 3 || len(got) != 3 {
			t.Fatalf("%d and %d packets", len(base), len(got))
		}
		if d := (base[0].vp8().PictureID - got[0].vp8().PictureID) & 0x7fff; d != 1 {
			t.Errorf("the late picture has a number %d before the one after it", d)
		}
		if d := base[0].SequenceNumber - got[2].SequenceNumber; d != 1 {
			t.Errorf("the late picture ends %d before the one after it", d)
		}
	})
}

// TestVP9KeepsTheDistanceOfPictures: receivers find a picture's references by it.
func TestVP9KeepsTheDistanceOfPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: Codec{MimeType: "video/VP9", ClockRate: 90000, FmtpLine: "profile-id=0"}})
		defer u.Close()
		l := u.AddLayer("", 1)
		st.connect()
		st.slot.Feed(u)
		st.slot.limit.set(step{0, 0})
		for i := range uint16(8) {
			head, frame, tid := byte(0xec), byte(0x84), byte(i%2)
			if i == 0 {
				head, frame = 0xac, 0x80
			}
			id := 100 + i
			l.Write(rtpPacket(500+i, uint32(i)*3600, true, []byte{head, 0x80 | byte(id>>8), byte(id), tid << 5, byte(i / 2), frame, byte(i)}), time.Now())
			time.Sleep(40 * time.Millisecond)
		}
		all := st.viewer.take()
		if len(all) != 4 {
			t.Fatalf("%d packets", len(all))
		}
		for i := 1; i < len(all); i++ {
			a, _ := codec.ParseVP9(all[i-1].payload)
			b, _ := codec.ParseVP9(all[i].payload)
			if all[i].SequenceNumber != all[i-1].SequenceNumber+1 || (b.PictureID-a.PictureID)&0x7fff != 2 || b.TL0 != a.TL0+1 {
				t.Errorf("packet %d: number %d after %d, picture %d after %d", i, all[i].SequenceNumber, all[i-1].SequenceNumber, b.PictureID, a.PictureID)
			}
		}
	})
}

// TestLeftPacketThatComesTwice: a worker hands on what a slot has taken from the ring already. What was left out then
// has no number of its own, and must not take the one of the packet behind it.
func TestLeftPacketThatComesTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		cam := &layered{camera: st.cam}
		st.connect()
		st.slot.Feed(st.track)
		cam.roll(4, true)
		st.slot.limit.set(step{0, 0})
		cam.roll(1, false) // the base
		st.viewer.take()
		twice := func() {
			var v view
			for back := range int64(3) {
				_, highest, _ := cam.layer.read(0, &v)
				if found, _, _ := cam.layer.read(highest-2+back, &v); !found {
					t.Fatal("it is not in the ring")
				}
				st.slot.deliver(cam.layer, &v)
			}
		}
		cam.roll(1, false) // a picture that is left out
		twice()
		cam.layer.Write(paddingPacket(cam.seq, cam.ts), time.Now())
		cam.seq++
		twice()
		if got := st.viewer.take(); len(got) != 0 {
			t.Fatalf("sent in the place of what was left out: %+v", got[0].Header)
		}
		cam.roll(3, false)
		wantContinuous(t, st.viewer.take())
	})
}
