package sfu

import (
	"encoding/binary"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtp"
)

// flowing makes a track whose layers flow with these rates: for each layer those of its temporal layers, summed up.
func flowing(t *testing.T, k Kind, rids []string, rates ...[]int64) *UpTrack {
	t.Helper()
	c := vp8
	if k == Audio {
		c = opus
	}
	u := NewUpTrack(UpTrackConfig{Kind: k, Codec: c})
	t.Cleanup(u.Close)
	for i, rid := range rids {
		l := u.AddLayer(rid, uint32(100+i))
		for tid := range temporalLayers {
			l.rate.rates[tid].Store(rates[i][min(tid, len(rates[i])-1)])
		}
		l.rate.top.Store(int32(len(rates[i]) - 1))
		l.lastPacket.Store(time.Now().UnixNano())
		u.noteFlow(l, time.Now().UnixNano())
	}
	return u
}

// place is a connected slot of a line.
func place(t *testing.T, l *Line, k Kind, precedence int, u *UpTrack) *Slot {
	t.Helper()
	s := NewSlot(SlotConfig{Kind: k, SSRC: uint32(1000 + precedence), RTXSSRC: 1, Codecs: viewerCodecs, Line: l, Precedence: precedence,
		Write: func(*rtp.Header, []byte) error { return nil }})
	t.Cleanup(s.Close)
	s.Feed(u)
	return s
}

var (
	cameraRates = [][]int64{{70_000, 110_000, 160_000}, {250_000, 400_000, 550_000}, {700_000, 1_000_000, 1_500_000}}
	screenRates = [][]int64{{300_000, 500_000, 900_000}}
)

func TestOneBudget(t *testing.T) {
	f, h, q := step{300, allTemporal}, step{200, allTemporal}, step{0, allTemporal}
	q1 := step{0, 1}
	whole, thin, thinner := step{0, allTemporal}, step{0, 1}, step{0, 0}
	for _, tt := range []struct {
		name           string
		capacity       int64
		quality        Quality
		screen, camera step
	}{
		{"plenty", 5_000_000, Automatic, whole, f},
		{"the camera gives way first", 2_000_000, Automatic, whole, h},
		{"to its smallest picture", 1_200_000, Automatic, whole, q},
		{"then the screen's pictures become fewer", 1_000_000, Automatic, thin, q},
		{"then the camera's", 650_000, Automatic, thin, q1},
		{"to the last", 440_000, Automatic, thinner, thinner},
		{"the camera goes before the screen", 390_000, Automatic, thinner, nothing},
		{"the screen as long as it is not out of all proportion", 250_000, Automatic, thinner, nothing},
		{"a face, where no screen fits", 150_000, Automatic, nothing, q1},
		{"sound alone", 70_000, Automatic, nothing, nothing},
		{"low saves data on any line", 5_000_000, Low, thinner, q},
		{"sound only", 5_000_000, SoundOnly, nothing, nothing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := NewLine(nil)
				defer l.Close()
				mic := flowing(t, Audio, []string{""}, []int64{40_000})
				place(t, l, Audio, 5, mic)
				camera := place(t, l, Video, 1, flowing(t, Video, []string{"q", "h", "f"}, cameraRates...))
				screen := place(t, l, Video, 0, flowing(t, Video, []string{""}, screenRates...))
				l.capacity, l.bounded = tt.capacity, true
				l.SetQuality(tt.quality)
				if got := screen.limit.get(); got != tt.screen {
					t.Errorf("the screen %v, want %v", got, tt.screen)
				}
				if got := camera.limit.get(); got != tt.camera {
					t.Errorf("the camera %v, want %v", got, tt.camera)
				}
			})
		})
	}
}

// TestStartOnAnUnknownLine: the middle layer, and everything of what has one.
func TestStartOnAnUnknownLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLine(nil)
		defer l.Close()
		camera := place(t, l, Video, 1, flowing(t, Video, []string{"q", "h", "f"}, cameraRates...))
		if got := camera.limit.get(); got.rank != 200 {
			t.Errorf("the camera begins with %v", got)
		}
		screen := place(t, l, Video, 0, flowing(t, Video, []string{""}, []int64{900_000, 1_400_000, 2_000_000}))
		if got := screen.limit.get(); got.tid != allTemporal {
			t.Errorf("the screen begins with %v", got)
		}
	})
}

// TestScreenTakesFromTheCamera on a line whose bound is known.
func TestScreenTakesFromTheCamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLine(nil)
		defer l.Close()
		l.capacity, l.bounded = 1_600_000, true
		camera := place(t, l, Video, 1, flowing(t, Video, []string{"q", "h", "f"}, cameraRates...))
		if got := camera.limit.get(); got.rank != 300 {
			t.Fatalf("alone the camera has %v", got)
		}
		screen := place(t, l, Video, 0, flowing(t, Video, []string{""}, screenRates...))
		if s, c := screen.limit.get(), camera.limit.get(); s.tid != allTemporal || c.rank != 200 {
			t.Errorf("screen %v, camera %v", s, c)
		}
	})
}

// TestScreenThatComesBack takes its place again, though nothing was connected anew.
func TestScreenThatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLine(nil)
		defer l.Close()
		l.capacity, l.bounded = 1_600_000, true
		pictures := flowing(t, Video, []string{"q", "h", "f"}, cameraRates...)
		screens := flowing(t, Video, []string{""}, screenRates...)
		camera, screen := place(t, l, Video, 1, pictures), place(t, l, Video, 0, screens)
		flow := func(u *UpTrack) {
			for _, o := range u.layers {
				o.lastPacket.Store(time.Now().UnixNano())
				u.noteFlow(o, time.Now().UnixNano())
			}
		}
		want := func(what string, rank int32) {
			t.Helper()
			l.Sweep(time.Now())
			if c, s := camera.limit.get(), screen.limit.get(); c.rank != rank || s != (step{0, allTemporal}) {
				t.Errorf("%s: camera %v, screen %v", what, c, s)
			}
		}
		want("both", 200)
		time.Sleep(3 * layerIdle)
		flow(pictures)
		screens.flow.Store(new([]*Layer))
		want("the camera alone", 300)
		flow(screens)
		want("both again", 200)
	})
}

func TestDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rids := []string{"q", "h", "f"}
		u := flowing(t, Video, rids, cameraRates...)
		want := func(what string, changed bool, layers ...string) {
			t.Helper()
			got, did := u.Demand(rids, time.Now())
			if !slices.Equal(got, layers) || did != changed {
				t.Errorf("%s: %v, changed %v", what, got, did)
			}
		}
		want("at the start", false, rids...)
		time.Sleep(demandHold - time.Second)
		want("not yet", false, rids...)
		time.Sleep(2 * time.Second)
		want("with nobody watching", true, "q")
		want("and once", false, "q")

		l := NewLine(nil)
		defer l.Close()
		s := place(t, l, Video, 1, u)
		want("fed and not connected", false, "q")
		s.Connected()
		time.Sleep(connectWait + time.Millisecond)
		want("a joiner", true, "q", "h")
		l.mu.Lock()
		l.capacity = 3_000_000
		var ask asks
		l.upLocked(time.Now(), &ask)
		l.mu.Unlock()
		want("a good line", true, rids...)

		l.SetQuality(SoundOnly)
		want("for a moment", false, rids...)
		l.SetQuality(Automatic)
		time.Sleep(2 * demandHold)
		want("it came back in time", false, rids...)
		l.SetQuality(Low)
		want("held", false, rids...)
		time.Sleep(demandHold + time.Second)
		want("low", true, "q")
		if got := u.stopped.Load(); got != 200 {
			t.Errorf("stopped from rank %d on", got)
		}
		s.Disconnected()
		want("gone", false, "q")

		free := newTestSlot(Video, &viewer{}) // a recorder has no line: it takes the best
		defer free.Close()
		free.Connected()
		time.Sleep(connectWait + time.Millisecond)
		free.Feed(u)
		want("one without a line", true, rids...)
	})
}

// TestStoppedLayersAreWishedFor: what the sender was told to stop is still a rung.
func TestStoppedLayersAreWishedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rids := []string{"q", "h", "f"}
		u := flowing(t, Video, rids, cameraRates...)
		u.stopped.Store(200)
		time.Sleep(3 * layerIdle)
		now := time.Now().UnixNano()
		q := u.layers[0]
		q.lastPacket.Store(now)
		u.noteFlow(q, now)
		if n := len(*u.flow.Load()); n != 1 {
			t.Fatalf("%d layers flow", n)
		}
		if l := u.ladder(Automatic, now); l.n != 5 || l.rungs[4].rank != 300 || l.rungs[4].cost != 1_500_000 {
			t.Errorf("%d rungs: %+v", l.n, l.rungs[:l.n])
		}
		u.stopped.Store(0)
		if l := u.ladder(Automatic, now); l.n != 3 {
			t.Errorf("what stopped by itself is a rung: %+v", l.rungs[:l.n])
		}
	})
}

// TestForwardingToALineDoesNotAllocate: with temporal layers left out, and with all.
func TestForwardingToALineDoesNotAllocate(t *testing.T) {
	for _, to := range []step{noLimit, {0, 0}} {
		now := time.Unix(1e9, 0)
		clock := func() time.Time { return now }
		u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, Clock: clock})
		l := NewLine(clock)
		layer := u.AddLayer("", 1)
		number, sent := uint16(0), 0
		s := NewSlot(SlotConfig{Kind: Video, SSRC: 2, RTXSSRC: 3, Codecs: viewerCodecs, Line: l, Clock: clock,
			Write: func(h *rtp.Header, payload []byte) error {
				number++
				sent++
				l.Sent(number, 24+len(payload), now)
				return nil
			}})
		s.Feed(u)
		s.mu.Lock()
		s.connected = true
		s.wakeLocked(now)
		s.mu.Unlock()
		packets := 0
		packet := rtpPacket(0, 0, true, append([]byte{0x90, 0xf0, 0x81, 0x02, 0x07, 0x00, 0x00}, make([]byte, 1100)...))
		next := func() {
			packets++
			now = now.Add(5 * time.Millisecond)
			binary.BigEndian.PutUint16(packet[2:], uint16(packets))
			binary.BigEndian.PutUint32(packet[4:], uint32(packets)*450)
			packet[14], packet[15] = 0x80|byte(packets>>8)&0x7f, byte(packets)
			packet[17] = byte(packets&1) << 6 // every other one is of layer 1
			if packets > 1 {
				packet[18] = 1
			}
			layer.Write(packet, now)
		}
		for range 2 * ringVideo {
			next()
		}
		s.limit.set(to)
		sent = 0
		if n := testing.AllocsPerRun(500, next); n != 0 {
			t.Errorf("%v: %v allocations a packet", to, n)
		}
		if want := map[bool]int{true: 501, false: 251}[to == noLimit]; sent < want-1 || sent > want+1 {
			t.Errorf("%v: %d packets of 501 sent", to, sent)
		}
		s.Close()
		l.Close()
		u.Close()
	}
}

// BenchmarkFeedback is a line with a camera, a screen and sound, which hears of 20 packets.
func BenchmarkFeedback(b *testing.B) {
	l := NewLine(nil)
	defer l.Close()
	for i, k := range []Kind{Audio, Video, Video} {
		u := NewUpTrack(UpTrackConfig{Kind: k, Codec: map[Kind]Codec{Audio: opus, Video: vp8}[k]})
		defer u.Close()
		for j := range 3 {
			layer := u.AddLayer([]string{"q", "h", "f"}[j], uint32(j))
			layer.lastPacket.Store(time.Now().Add(time.Hour).UnixNano())
			u.noteFlow(layer, time.Now().UnixNano())
		}
		s := NewSlot(SlotConfig{Kind: k, SSRC: uint32(i), Codecs: viewerCodecs, Line: l, Precedence: i})
		defer s.Close()
		s.Feed(u)
	}
	recorder := twcc.NewRecorder(1)
	var number uint16
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		now := time.Now()
		for range 20 {
			l.Sent(number, 1000, now)
			recorder.Record(1, number, now.UnixMicro())
			number++
		}
		raw, err := recorder.BuildFeedbackPacket()[0].Marshal()
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		l.HandleRTCP(raw, now)
	}
}
