package sfu

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestNTP(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 4, 5, 500_000_000, time.UTC)
	ntp := timeToNTP(at)
	if ntp>>32 != uint64(at.Unix())+ntpUnix || ntp&0xffffffff != 1<<31 {
		t.Errorf("%x", ntp)
	}
	if back := ntpToUnixNano(ntp); back != at.UnixNano() {
		t.Errorf("%d, want %d", back, at.UnixNano())
	}
}

// pair is a sender with a clock of its own, a microphone and a camera whose packets take their time.
type pair struct {
	start        time.Time
	ntpShift     time.Duration // the sender's clock is ahead of ours by this
	mic, cam     *UpTrack
	micL, camL   *Layer
	micTS, camTS uint32 // timestamps at start
	micLag       time.Duration
	camLag       time.Duration
	seq          uint16
}

func newPair(shift time.Duration, shared bool) *pair {
	var clock *SourceClock
	if shared {
		clock = NewSourceClock()
	}
	p := &pair{start: time.Now(), ntpShift: shift, micTS: 1<<32 - 5000, camTS: 777, micLag: 10 * time.Millisecond, camLag: 10 * time.Millisecond, seq: 5}
	p.mic = NewUpTrack(UpTrackConfig{Kind: Audio, Codec: opus, SourceClock: clock})
	p.cam = NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, SourceClock: clock})
	p.micL, p.camL = p.mic.AddLayer("", 1), p.cam.AddLayer("", 2)
	return p
}

func (p *pair) close() {
	p.mic.Close()
	p.cam.Close()
}

func (p *pair) ts(base uint32, rate int64, at time.Time) uint32 {
	return base + uint32(int64(at.Sub(p.start))*rate/1e9)
}

// capture sends sound and picture of one moment, each with its lag.
func (p *pair) capture(key bool) (at time.Time) {
	at = time.Now()
	tag := byte(1)
	if key {
		tag = 0
	}
	p.micL.Write(rtpPacket(p.seq, p.ts(p.micTS, 48000, at), false, []byte{0x78, byte(p.seq)}), at.Add(p.micLag))
	p.camL.Write(rtpPacket(p.seq, p.ts(p.camTS, 90000, at), true, []byte{0x10, tag, byte(p.seq)}), at.Add(p.camLag))
	p.seq++
	return at
}

func (p *pair) report() {
	at := time.Now()
	ntp := timeToNTP(at.Add(p.ntpShift))
	p.micL.WriteSenderReport(ntp, p.ts(p.micTS, 48000, at), at.Add(p.micLag))
	p.camL.WriteSenderReport(ntp, p.ts(p.camTS, 90000, at), at.Add(p.camLag))
}

// lips is how far sound and picture of one capture are apart for a viewer that goes by the sender reports.
func lips(t *testing.T, mic, cam *Slot, micTS, camTS uint32) time.Duration {
	t.Helper()
	now := time.Now()
	a, v := mic.SenderReport(now), cam.SenderReport(now)
	if a == nil || v == nil {
		t.Fatal("no sender report")
	}
	if a.NTPTime != timeToNTP(now) || v.NTPTime != a.NTPTime || a.SSRC != slotSSRC {
		t.Fatalf("%+v %+v", a, v)
	}
	sound := now.Add(time.Duration(int64(int32(micTS-a.RTPTime)) * 1e9 / 48000))
	picture := now.Add(time.Duration(int64(int32(camTS-v.RTPTime)) * 1e9 / 90000))
	return picture.Sub(sound)
}

func TestSoundAndPictureStayTogether(t *testing.T) {
	tests := []struct {
		name    string
		shared  bool
		reports bool
		micLag  time.Duration
		camLag  time.Duration
		shift   time.Duration
		within  time.Duration
	}{
		{"before any report, by arrival", true, false, 10 * time.Millisecond, 10 * time.Millisecond, time.Hour, time.Millisecond},
		{"by reports, the picture 300 ms late on the way", true, true, 10 * time.Millisecond, 310 * time.Millisecond, -400 * time.Hour, time.Millisecond},
		{"by reports, the sender lives in 1900", true, true, 200 * time.Millisecond, 10 * time.Millisecond, -1000000 * time.Hour, time.Millisecond},
		{"each track with a clock of its own", false, true, 10 * time.Millisecond, 15 * time.Millisecond, time.Hour, 6 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mv, cv := &viewer{}, &viewer{}
				mic, cam := newTestSlot(Audio, mv), newTestSlot(Video, cv)
				defer mic.Close()
				defer cam.Close()
				mic.Connected()
				cam.Connected()
				time.Sleep(time.Second)
				if mic.SenderReport(time.Now()) != nil {
					t.Fatal("a report about nothing")
				}
				// One presenter after the other, whose clocks have nothing to do with each other.
				for turn := range 3 {
					p := newPair(tt.shift*time.Duration(turn+1), tt.shared)
					defer p.close()
					p.micLag, p.camLag = tt.micLag, tt.camLag
					mic.Feed(p.mic)
					cam.Feed(p.cam)
					for i := range 50 {
						p.capture(i == 0)
						if tt.reports && i%20 == 0 {
							p.report()
						}
						time.Sleep(40 * time.Millisecond)
					}
					sounds, pictures := mv.take(), cv.take()
					if len(sounds) != 50 || len(pictures) != 50 {
						t.Fatalf("%d sounds, %d pictures", len(sounds), len(pictures))
					}
					off := lips(t, mic, cam, sounds[49].Timestamp, pictures[49].Timestamp)
					if off > tt.within || off < -tt.within {
						t.Errorf("turn %d: picture %v after the sound", turn, off)
					}
					if sr := cam.SenderReport(time.Now()); sr.PacketCount != uint32(50*(turn+1)) || sr.OctetCount == 0 {
						t.Errorf("%+v", sr)
					}
				}
				mic.Feed(nil)
				if mic.SenderReport(time.Now()) != nil {
					t.Error("a report of an empty slot")
				}
			})
		})
	}
}

func TestReportsStayOnOneLineOverAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cv := &viewer{}
		cam := newTestSlot(Video, cv)
		defer cam.Close()
		p := newPair(time.Hour, true)
		defer p.close()
		cam.Feed(p.cam)
		cam.Connected()
		roll := func(frames int, key bool) {
			for i := range frames {
				p.capture(key && i == 0)
				if i%10 == 0 {
					p.report()
				}
				time.Sleep(40 * time.Millisecond)
			}
		}
		roll(25, true)
		before, at := cam.SenderReport(time.Now()), time.Now()
		cam.Connected()
		roll(25, false)
		after := cam.SenderReport(time.Now())
		want := uint32(int64(time.Since(at)) * 90000 / 1e9)
		if d := int32(after.RTPTime - before.RTPTime - want); d > 90 || d < -90 {
			t.Errorf("the line moved by %d ticks", d)
		}
	})
}

func TestReportWithANonsenseClockIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cv := &viewer{}
		cam := newTestSlot(Video, cv)
		defer cam.Close()
		p := newPair(0, true)
		defer p.close()
		cam.Feed(p.cam)
		cam.Connected()
		time.Sleep(time.Second)
		for i := range 20 {
			p.capture(i == 0)
			p.camL.WriteSenderReport(uint64(i)<<40, uint32(i)*1e9, time.Now())
			time.Sleep(40 * time.Millisecond)
		}
		sr := cam.SenderReport(time.Now())
		all := cv.take()
		last := all[len(all)-1]
		if d := int32(sr.RTPTime - last.Timestamp); d < 0 || d > 9000 {
			t.Errorf("report is %d ticks after the last packet", d)
		}
	})
}

func TestSourceClock(t *testing.T) {
	c := NewSourceClock()
	if _, ok := c.offset(); ok {
		t.Error("an offset out of nothing")
	}
	for _, step := range []struct {
		name            string
		at              time.Duration
		ntp, wantOffset time.Duration
	}{
		{"the first is believed", 10 * time.Second, 1010*time.Second - 50*time.Millisecond, -1000*time.Second + 50*time.Millisecond},
		{"a quicker one is better", 15 * time.Second, 1015*time.Second - 20*time.Millisecond, -1000*time.Second + 20*time.Millisecond},
		{"a slower one is not", 20 * time.Second, 1020*time.Second - 90*time.Millisecond, -1000*time.Second + 20*time.Millisecond},
		{"the best outlives its window", 41 * time.Second, 1041*time.Second - 60*time.Millisecond, -1000*time.Second + 20*time.Millisecond},
		{"but not the next one", 72 * time.Second, 1072*time.Second - 70*time.Millisecond, -1000*time.Second + 60*time.Millisecond},
		{"the sender set its clock", 73 * time.Second, 9000 * time.Second, -8927 * time.Second},
		{"and back", 74 * time.Second, 74 * time.Second, 0},
	} {
		c.observe(int64(step.ntp), int64(step.at))
		if got, ok := c.offset(); !ok || got != int64(step.wantOffset) {
			t.Errorf("%s: offset %v, want %v", step.name, time.Duration(got), step.wantOffset)
		}
	}
}

func TestTimestampsThatJump(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &viewer{}
				cam := newTestSlot(Video, v)
				defer cam.Close()
				p := newPair(0, true)
				defer p.close()
				cam.Feed(p.cam)
				cam.Connected()
				time.Sleep(time.Second)
				for i := range 20 {
					if i == 10 {
						p.camTS += uint32(int64(jump) * 9 / 1e5)
					}
					p.capture(i%10 == 0)
					time.Sleep(40 * time.Millisecond)
				}
				all := v.take()
				last := all[len(all)-1]
				sr := cam.SenderReport(time.Now())
				if d := int32(sr.RTPTime - last.Timestamp); d < 0 || d > 9000 {
					t.Errorf("report is %d ticks after the last packet", d)
				}
				// A new run is back on the stream's own line.
				cam.Connected()
				time.Sleep(time.Second)
				again := v.take()
				if len(again) != 10 {
					t.Fatalf("%d packets", len(again))
				}
				if d := int32(again[9].Timestamp - last.Timestamp); d < 0 || d > 2*90000 {
					t.Errorf("timestamps moved by %d over a reconnect", d)
				}
			})
		})
	}
}

func TestSoundOfAnotherClockRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &viewer{}
		pcmu := Codec{MimeType: "audio/PCMU", ClockRate: 8000}
		slot := NewSlot(SlotConfig{Kind: Audio, SSRC: slotSSRC, Write: v.write, Codecs: []SlotCodec{{Codec: opus, PayloadType: 111}, {Codec: pcmu}}})
		defer slot.Close()
		slot.Connected()
		for turn, c := range []Codec{pcmu, opus, pcmu} {
			u := NewUpTrack(UpTrackConfig{Kind: Audio, Codec: c})
			defer u.Close()
			l := u.AddLayer("", 1)
			slot.Feed(u)
			for i := range uint32(10) {
				l.Write(rtpPacket(uint16(i), i*c.ClockRate/50, false, []byte{0x78, byte(turn)}), time.Now())
				time.Sleep(20 * time.Millisecond)
			}
			sr := slot.SenderReport(time.Now())
			all := v.take()
			if len(all) != 10 {
				t.Fatalf("%d packets", len(all))
			}
			if d := sr.RTPTime - all[9].Timestamp; d != c.ClockRate/50 {
				t.Errorf("turn %d: report is %d ticks after the last packet", turn, d)
			}
			if d := all[9].Timestamp - all[0].Timestamp; d != 9*c.ClockRate/50 {
				t.Errorf("turn %d: %d ticks in all", turn, d)
			}
		}
	})
}
