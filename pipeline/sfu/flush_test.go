package sfu

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// TestFlushEndsABurst: it comes once a frame, behind the last packet for the
// last viewer, and behind each packet of sound.
func TestFlushEndsABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // replays run by timers
		var order []string
		note := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, what)
		}
		taken := func() []string {
			mu.Lock()
			defer mu.Unlock()
			defer func() { order = nil }()
			return order
		}
		flush := func() { note("flush") }
		slot := func(k Kind, name string) *Slot {
			s := NewSlot(SlotConfig{Kind: k, SSRC: 2, Codecs: viewerCodecs, Write: func(*rtp.Header, []byte) error {
				note(name)
				return nil
			}})
			t.Cleanup(s.Close)
			return s
		}
		picture := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, Flush: flush})
		sound := NewUpTrack(UpTrackConfig{Kind: Audio, Codec: opus, Flush: flush})
		defer picture.Close()
		defer sound.Close()
		cam, mic := newCamera(picture.AddLayer("", 7)), sound.AddLayer("", 8)
		cam.packets = 2

		cam.film(true)
		mic.Write(rtpPacket(1, 0, false, []byte{1}), time.Now())
		if got := taken(); len(got) != 0 {
			t.Fatalf("nobody watches: %v", got)
		}
		for _, name := range []string{"a", "b"} {
			s, ear := slot(Video, name), slot(Audio, name)
			s.Connected()
			ear.Connected()
			time.Sleep(connectWait + time.Millisecond)
			s.Feed(picture)
			ear.Feed(sound)
		}
		cam.roll(30, false) // whatever is replayed has been
		taken()
		cam.film(false)
		mic.Write(rtpPacket(2, 960, false, []byte{1}), time.Now())
		want := []string{"a", "b", "a", "b", "flush", "a", "b", "flush"}
		if got := taken(); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}
