package sfu

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestNothingIsSentBeforeConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.slot.Feed(st.track)
		st.cam.roll(3, true)
		if n := len(st.viewer.take()); n != 0 {
			t.Fatalf("%d packets", n)
		}
		start := time.Now()
		st.slot.Connected()
		st.cam.film(false)
		time.Sleep(100 * time.Millisecond)
		all := st.viewer.take()
		wantContinuous(t, all)
		wantIDs(t, all, 1, 12)
		if wait := all[0].at.Sub(start); wait < 20*time.Millisecond || wait > 50*time.Millisecond {
			t.Errorf("first packet after %v", wait)
		}
		st.slot.Disconnected()
		st.cam.roll(2, true)
		if n := len(st.viewer.take()); n != 0 {
			t.Fatalf("%d packets after the line was down", n)
		}
	})
}

func TestFeedWaitsForAKeyFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.cam.roll(2, false)
		st.slot.Feed(st.track)
		if st.asked.count() != 1 {
			t.Fatalf("asked %d times, want once", st.asked.count())
		}
		st.cam.roll(2, false)
		if n := len(st.viewer.take()); n != 0 {
			t.Fatalf("%d packets before the key frame", n)
		}
		st.cam.roll(3, true)
		all := st.viewer.take()
		wantContinuous(t, all)
		wantIDs(t, all, 13, 21)
	})
}

func TestKeyFrameIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.cam.roll(1, false)
		st.slot.Feed(st.track)
		st.cam.roll(60, false) // 2.4 s in which none comes
		if n := st.asked.count(); n != 3 {
			t.Errorf("asked %d times in 2.4 s, want 3", n)
		}
	})
}

func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		other, second := st.source(vp8)
		defer other.Close()
		second.seq, second.ts, second.picture, second.tl0 = 65530, 1<<32-4000, 0x7ffe, 250
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(5, true)
		st.slot.Feed(nil)
		if st.slot.Feeding() != nil {
			t.Error("an empty slot says it is fed")
		}
		time.Sleep(3 * time.Second)
		second.roll(2, false)
		st.slot.Feed(other)
		st.cam.roll(2, true) // no longer in the slot
		second.roll(5, true)
		second.narrow, second.picture = true, 120
		second.roll(10, true)
		second.bare = true
		second.roll(3, true)
		st.slot.Feed(st.track)
		st.cam.roll(3, true)

		all := st.viewer.take()
		wantContinuous(t, all)
		// Two frames of the first camera were filmed while the second was shown; they are in the cache.
		if want := 3 * (5 + 5 + 10 + 3 + 2 + 3); len(all) != want {
			t.Errorf("%d packets, want %d", len(all), want)
		}
		// The pause is as long in timestamps as it was.
		pause := all[15].Timestamp - all[14].Timestamp
		if want := uint32(3.2 * 90000); pause < want-90 || pause > want+90 {
			t.Errorf("pause of %d ticks, want %d", pause, want)
		}
		for i := 1; i < 45; i++ {
			if d := all[i].vp8().TL0 - all[i-1].vp8().TL0; d > 1 {
				t.Errorf("packet %d: TL0PICIDX stepped by %d", i, d)
			}
		}
		if n := st.slot.Stats().Switches; n != 3 {
			t.Errorf("%d switches, want 3", n)
		}
	})
}

func TestSwitchOfCodec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		screen := NewUpTrack(UpTrackConfig{Kind: Video, Codec: Codec{
			MimeType: "video/h264", ClockRate: 90000, FmtpLine: "profile-level-id=42c028;packetization-mode=1",
		}})
		defer screen.Close()
		layer := screen.AddLayer("", 9)
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(2, true)
		st.slot.Feed(screen)
		layer.Write(rtpPacket(50, 10, true, []byte{0x61, 1}), time.Now())
		layer.Write(rtpPacket(51, 20, false, []byte{0x67, 1}), time.Now())
		layer.Write(rtpPacket(52, 20, true, []byte{0x65, 1}), time.Now())
		time.Sleep(40 * time.Millisecond)
		st.slot.Feed(st.track)
		st.cam.roll(1, true)
		all := st.viewer.take()
		wantContinuous(t, all)
		var types []uint8
		for _, g := range all {
			types = append(types, g.PayloadType)
		}
		if want := []uint8{96, 96, 96, 96, 96, 96, 108, 108, 96, 96, 96, 96, 96, 96, 96, 96, 96}; !slices.Equal(types, want) {
			t.Errorf("payload types %v, want %v", types, want)
		}
	})
}

func TestUnplayable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []Codec
		v := &viewer{}
		var slot *Slot
		slot = NewSlot(SlotConfig{
			Kind: Video, SSRC: 1, Write: v.write,
			Codecs: []SlotCodec{{Codec: vp8, PayloadType: 96}},
			Unplayable: func(c Codec) {
				slot.Feeding() // no lock is held
				told = append(told, c)
			},
		})
		defer slot.Close()
		av1 := NewUpTrack(UpTrackConfig{Kind: Video, Codec: Codec{MimeType: "video/AV1", ClockRate: 90000}})
		defer av1.Close()
		cam := newCamera(av1.AddLayer("", 1))
		slot.Connected()
		slot.Feed(av1)
		slot.Feed(av1)
		cam.roll(3, true)
		slot.Connected()
		time.Sleep(time.Second)
		if len(told) != 1 || told[0].MimeType != "video/AV1" {
			t.Errorf("told %v, want once AV1", told)
		}
		if n := len(v.take()); n != 0 {
			t.Errorf("%d packets of a codec the viewer cannot play", n)
		}
		if slot.Feeding() != av1 {
			t.Error("the slot forgot what feeds it")
		}
		sound := NewUpTrack(UpTrackConfig{Kind: Audio, Codec: opus})
		defer sound.Close()
		slot.Feed(sound)
		if len(told) != 2 {
			t.Error("sound in a video slot was not refused")
		}
	})
}

func TestClosedTrackEmptiesItsSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		st.cam.roll(1, true)
		st.track.Close()
		st.cam.roll(1, true)
		if n := len(st.viewer.take()); n != 3 {
			t.Errorf("%d packets, want 3", n)
		}
		if st.slot.Feeding() != nil {
			t.Error("still fed by a closed track")
		}
		st.slot.Feed(st.track)
		if st.slot.Feeding() != nil {
			t.Error("a closed track was taken")
		}
		late := newCamera(st.track.AddLayer("", 8))
		late.film(true)
		st.track.RequestKeyFrame()
		if st.asked.count() != 0 {
			t.Error("a closed track asked for a key frame")
		}
	})
}

func TestAudioPassesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &viewer{}
		slot := newTestSlot(Audio, v)
		defer slot.Close()
		mics := make([]*UpTrack, 2)
		layers := make([]*Layer, 2)
		for i := range mics {
			mics[i] = NewUpTrack(UpTrackConfig{Kind: Audio, Codec: opus})
			defer mics[i].Close()
			layers[i] = mics[i].AddLayer("", uint32(i))
		}
		slot.Connected()
		seq, ts := uint16(65534), uint32(1<<32-1000)
		speak := func(l *Layer) {
			l.Write(rtpPacket(seq, ts, false, []byte{0x78, byte(seq)}), time.Now())
			seq, ts = seq+1, ts+960
			time.Sleep(20 * time.Millisecond)
		}
		slot.Feed(mics[0])
		for range 5 {
			speak(layers[0])
		}
		slot.Feed(mics[1])
		seq, ts = 9, 9
		for range 5 {
			speak(layers[1])
		}
		all := v.take()
		if len(all) != 10 {
			t.Fatalf("%d packets, want 10", len(all))
		}
		for i := 1; i < len(all); i++ {
			if all[i].SequenceNumber != all[i-1].SequenceNumber+1 || all[i].Timestamp != all[i-1].Timestamp+960 {
				t.Errorf("packet %d: %d %d after %d %d", i, all[i].SequenceNumber, all[i].Timestamp,
					all[i-1].SequenceNumber, all[i-1].Timestamp)
			}
			if all[i].PayloadType != 111 {
				t.Errorf("payload type %d", all[i].PayloadType)
			}
		}
	})
}

func TestMIDIsOnEveryPacket(t *testing.T) {
	for _, tt := range []struct {
		name string
		id   uint8
		mid  string
	}{{"one byte header", 4, "3"}, {"two byte header", 20, "3"}, {"long name", 4, "a name of more than sixteen bytes"}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &viewer{}
				slot := NewSlot(SlotConfig{
					Kind: Video, SSRC: slotSSRC, RTXSSRC: rtxSSRC, Codecs: viewerCodecs, Write: v.write,
					MID: tt.mid, MIDExtensionID: tt.id,
				})
				defer slot.Close()
				st := &stage{asked: &asked{}}
				u, cam := st.source(vp8)
				defer u.Close()
				slot.Connected()
				time.Sleep(time.Second)
				slot.Feed(u)
				cam.roll(2, true)
				all := v.take()
				slot.HandleRTCP(nack(all[1].SequenceNumber))
				all = append(all, v.take()...)
				if len(all) != 7 {
					t.Fatalf("%d packets", len(all))
				}
				for i, g := range all {
					raw, err := g.Marshal()
					if err != nil {
						t.Fatal(err)
					}
					var h = g.Header
					if _, err := h.Unmarshal(raw); err != nil {
						t.Fatal(err)
					}
					if string(h.GetExtension(tt.id)) != tt.mid || len(h.GetExtensionIDs()) != 1 {
						t.Errorf("packet %d: MID %q", i, h.GetExtension(tt.id))
					}
				}
			})
		})
	}
}

func TestWriteErrorsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		st.viewer.broken = true
		st.cam.roll(2, true)
		if n := st.slot.Stats().WriteErrors; n != 6 {
			t.Errorf("%d write errors, want 6", n)
		}
	})
}

func TestStampingBelowWriteDoesNotGrowHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		inner := st.slot.cfg.Write
		stamp := []byte{1, 2}
		st.slot.cfg.Write = nil
		st.slot.cfg.Write = wrapStamp(inner, stamp)
		st.slot.Feed(st.track)
		st.cam.roll(2, true)
		for _, g := range st.viewer.take() {
			if ids := g.GetExtensionIDs(); len(ids) != 1 || ids[0] != 3 {
				t.Fatalf("extensions %v", ids)
			}
		}
	})
}

func TestTwoViewersOfOneTrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStage(t)
		st.connect()
		st.slot.Feed(st.track)
		v := &viewer{}
		second := newTestSlot(Video, v)
		defer second.Close()
		second.Connected()
		second.Feed(st.track)
		time.Sleep(time.Second)
		st.cam.roll(10, true)
		a, b := st.viewer.take(), v.take()
		wantContinuous(t, a)
		wantContinuous(t, b)
		wantIDs(t, a, 1, 30)
		wantIDs(t, b, 1, 30)
	})
}
