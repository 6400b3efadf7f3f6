package sfu

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestPacketLostUpstreamAndFoundGoesInItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(2, true)
		part := st.cam.frame(false)
		whole := st.cam.frame(false)
		st.cam.layer.Write(part[0], time.Now())
		st.cam.layer.Write(part[2], time.Now())
		st.cam.film(false)
		all := st.viewer.take()
		hole := all[6].SequenceNumber + 1
		if all[7].SequenceNumber != hole+1 || all[8].SequenceNumber != hole+5 {
			t.Fatalf("holes were closed: %d %d %d", all[6].SequenceNumber, all[7].SequenceNumber, all[8].SequenceNumber)
		}
		st.slot.HandleRTCP(nack(hole))
		if n := st.slot.Stats().NACKsUnknown; n != 1 {
			t.Errorf("%d unknown", n)
		}
		if n := st.track.Stats().Lost; n != 4 {
			t.Errorf("%d lost, want 4", n)
		}
		for _, p := range [][]byte{whole[1], part[1], whole[0], whole[2], part[1]} {
			st.cam.layer.Write(p, time.Now())
		}
		all = append(all, st.viewer.take()...)
		slices.SortFunc(all, func(a, b got) int { return int(int16(a.SequenceNumber - b.SequenceNumber)) })
		wantContinuous(t, all)
		wantIDs(t, all, 1, 15)
		if stats := st.track.Stats(); stats.Lost != 0 || stats.Duplicates != 1 {
			t.Errorf("%+v", stats)
		}
		st.slot.HandleRTCP(nack(hole))
		if n := len(st.viewer.take()); n != 1 {
			t.Error("the packet that was found cannot be sent again")
		}
	})
}

func TestReorderDuplicateAndLossAtRandom(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			st := newStage(t)
			st.cam.seq, st.cam.ts, st.cam.picture = 65500, 1<<32-20000, 0x7ff0
			st.cam.narrow, st.cam.bare = seed%3 == 1, seed%3 == 2
			st.connect()
			st.slot.Feed(st.track)
			st.cam.film(true)
			lost := 0
			for range 60 {
				var batch [][]byte
				for range 3 {
					for _, p := range st.cam.frame(false) {
						if seed >= 10 && rng.IntN(20) == 0 {
							lost++
							continue
						}
						batch = append(batch, p)
						if rng.IntN(10) == 0 {
							batch = append(batch, p)
						}
					}
				}
				rng.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
				for _, p := range batch {
					st.cam.layer.Write(p, time.Now())
				}
				time.Sleep(120 * time.Millisecond)
			}
			all := st.viewer.take()
			slices.SortStableFunc(all, func(a, b got) int { return int(int16(a.SequenceNumber - b.SequenceNumber)) })
			if !st.cam.bare && len(all) != 3*181-lost {
				t.Errorf("seed %d: %d packets of %d", seed, len(all), 3*181-lost)
			}
			for i := 1; i < len(all); i++ {
				a, b := all[i-1], all[i]
				dSeq, dID := b.SequenceNumber-a.SequenceNumber, b.id()-a.id()
				if dSeq == 0 || uint32(dSeq) != dID {
					t.Fatalf("seed %d: number stepped by %d, content by %d", seed, dSeq, dID)
				}
				dTS, dPic := b.Timestamp-a.Timestamp, (b.vp8().PictureID-a.vp8().PictureID)&0x7fff
				if st.cam.bare {
					if dTS == 0 != (dPic == 0) {
						t.Fatalf("seed %d: picture id stepped by %d, timestamp by %d", seed, dPic, dTS)
					}
				} else if dTS != 3600*uint32(dPic) {
					t.Fatalf("seed %d: picture id stepped by %d, timestamp by %d", seed, dPic, dTS)
				}
			}
		})
	}
}

func TestPaddingLeavesNoHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(1, true)
		pad := func(n int) {
			for range n {
				st.cam.layer.Write(paddingPacket(st.cam.seq, st.cam.ts), time.Now())
				st.cam.seq++
			}
		}
		for range 30 {
			pad(3)
			st.cam.roll(1, false)
		}
		all := st.viewer.take()
		wantContinuous(t, all)
		wantIDs(t, all, 1, 93)
		if n := st.track.Stats().Empty; n != 90 {
			t.Errorf("%d empty packets counted", n)
		}
		// One that comes late finds a hole, which it fills as padding.
		late := st.cam.seq
		st.cam.seq++
		st.cam.roll(1, false)
		st.cam.layer.Write(paddingPacket(late, st.cam.ts-st.cam.step), time.Now())
		filled := st.viewer.take()
		if len(filled) != 4 {
			t.Fatalf("%d packets", len(filled))
		}
		last := filled[3]
		if last.SequenceNumber != filled[0].SequenceNumber-1 || len(last.payload) != 0 || !last.Padding || last.PaddingSize == 0 {
			t.Errorf("%+v", last)
		}
		// And in the cache.
		st.slot.Connected()
		time.Sleep(2 * time.Second)
		wantContinuous(t, append(filled[:3], st.viewer.take()...))
	})
}

func TestKeyFrameWhoseFirstPacketIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(3, false)
		key := st.cam.frame(true)
		for _, i := range []int{1, 2, 0} {
			st.cam.layer.Write(key[i], time.Now())
		}
		st.cam.roll(2, false)
		all := st.viewer.take()
		wantContinuous(t, all)
		wantIDs(t, all, 10, 18)
	})
}

func TestSourceThatJumps(t *testing.T) {
	for _, tt := range []struct {
		name string
		jump func(c *camera)
	}{
		{"ahead", func(c *camera) { c.seq += 20000 }},
		{"back", func(c *camera) { c.seq -= 20000 }},
		{"everything new", func(c *camera) { c.seq, c.ts, c.picture, c.tl0 = 5, 99, 9000, 3 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newStage(t)
				st.connect()
				st.slot.Feed(st.track)
				st.cam.roll(3, true)
				tt.jump(st.cam)
				st.cam.roll(25, false)
				if st.asked.count() == 0 {
					t.Error("no key frame was asked for")
				}
				st.cam.roll(3, true)
				all := st.viewer.take()
				wantContinuous(t, all)
				if len(all) < 9+9 || all[len(all)-1].id() != 3*31 {
					t.Errorf("%d packets", len(all))
				}
			})
		})
	}
}

func TestNumbersWrapManyTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.cam.packets, st.cam.step = 3, 1<<20
		st.connect()
		st.slot.Feed(st.track)
		st.cam.film(true)
		total := 3
		last := st.viewer.take()[2]
		for range 60000 {
			st.cam.film(false)
			all := st.viewer.take()
			total += len(all)
			for _, g := range all {
				if g.SequenceNumber != last.SequenceNumber+1 {
					t.Fatalf("%d after %d", g.SequenceNumber, last.SequenceNumber)
				}
				if d := g.Timestamp - last.Timestamp; d != 0 && d != 1<<20 {
					t.Fatalf("timestamp stepped by %d", d)
				}
				if d := (g.vp8().PictureID - last.vp8().PictureID) & 0x7fff; d > 1 {
					t.Fatalf("picture id stepped by %d", d)
				}
				last = g
			}
		}
		if total != 3*60001 {
			t.Errorf("%d packets", total)
		}
	})
}
