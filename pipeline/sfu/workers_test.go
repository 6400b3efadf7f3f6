package sfu

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// ready makes a slot that is live with the next key frame.
func ready(t testing.TB, u *UpTrack, c SlotConfig) *Slot {
	c.Kind, c.SSRC, c.Codecs = u.Kind(), slotSSRC, viewerCodecs
	s := NewSlot(c)
	t.Cleanup(s.Close)
	s.Feed(u)
	s.mu.Lock()
	s.connected = true // the wait after connecting is not what is tested
	s.wakeLocked(time.Now())
	s.mu.Unlock()
	return s
}

// TestWorkersKeepOrder: each slot is sent everything in order, by its own worker alone, and each frame is followed
// by a flush of every worker that sent some of it.
func TestWorkersKeepOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var flushed [3]atomic.Int64
		w := NewWorkers(3, func(i int) { flushed[i].Add(1) })
		defer w.Close()
		u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, Workers: w})
		defer u.Close()
		cam := newCamera(u.AddLayer("", 7))
		cam.packets = 40 // more than a batch
		var numbers [7][]uint16
		for i := range numbers {
			ready(t, u, SlotConfig{Worker: i % 2, Write: func(h *rtp.Header, _ []byte) error {
				numbers[i] = append(numbers[i], h.SequenceNumber)
				return nil
			}})
		}
		for i := range 20 {
			cam.film(i == 0)
			time.Sleep(40 * time.Millisecond)
			synctest.Wait()
		}
		for i, n := range numbers {
			if len(n) != 20*cam.packets {
				t.Fatalf("slot %d was sent %d packets", i, len(n))
			}
			for j := range n[1:] {
				if n[j+1] != n[j]+1 {
					t.Fatalf("slot %d: %d follows %d", i, n[j+1], n[j])
				}
			}
		}
		if a, b, c := flushed[0].Load(), flushed[1].Load(), flushed[2].Load(); a != 20 || b != 20 || c != 0 {
			t.Errorf("flushes %d, %d, %d", a, b, c)
		}
		if w.Dropped() != 0 {
			t.Errorf("%d left out", w.Dropped())
		}
	})
}

// TestSoundWaitsForNoPicture: sound that comes while a picture goes out to many is sent before the rest of them.
func TestSoundWaitsForNoPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorkers(1, nil)
		defer w.Close()
		pictures := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, Workers: w})
		defer pictures.Close()
		sound := NewUpTrack(UpTrackConfig{Kind: Audio, Codec: opus, Workers: w})
		defer sound.Close()
		cam, mic := newCamera(pictures.AddLayer("", 7)), sound.AddLayer("", 8)
		var order []string
		speak, spoken := false, 0
		for i := range 100 {
			ready(t, pictures, SlotConfig{Write: func(h *rtp.Header, _ []byte) error {
				order = append(order, "picture")
				if speak && i == 10 && h.Marker {
					spoken = len(order)
					mic.Write(rtpPacket(1, 960, false, []byte{1}), time.Now())
				}
				return nil
			}})
		}
		ready(t, sound, SlotConfig{Write: func(*rtp.Header, []byte) error {
			order = append(order, "sound")
			return nil
		}})
		cam.film(true)
		synctest.Wait()
		order, speak = nil, true
		cam.film(false)
		synctest.Wait()
		if len(order) != 100*cam.packets+1 {
			t.Fatalf("%d packets", len(order))
		}
		// How much of the picture the worker found when it began is chance; what counts is what follows.
		if at := slices.Index(order, "sound"); at < spoken || at > spoken+cam.packets {
			t.Errorf("sound that came behind %d packets was sent behind %d", spoken, at)
		}
	})
}

// TestWorkerThatIsBehind leaves out what is newest, and says so.
func TestWorkerThatIsBehind(t *testing.T) {
	w := NewWorkers(1, nil)
	defer w.Close()
	u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, Workers: w})
	defer u.Close()
	cam := newCamera(u.AddLayer("", 7))
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	ready(t, u, SlotConfig{Write: func(*rtp.Header, []byte) error {
		once.Do(func() {
			close(held)
			<-release
		})
		return nil
	}})
	cam.film(true)
	<-held
	for range maxParcels {
		cam.film(false)
	}
	if n := w.Dropped(); n == 0 || n > uint64(maxParcels*cam.packets) {
		t.Errorf("%d packets left out", n)
	}
	close(release)
}

// TestWorkerBehindTheRing: what is written over before its turn is left out, counted, and the slot goes on with a key
// frame.
func TestWorkerBehindTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorkers(1, nil)
		defer w.Close()
		u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, Workers: w})
		defer u.Close()
		cam := newCamera(u.AddLayer("", 7))
		held, release := make(chan struct{}), make(chan struct{})
		var sent atomic.Int64
		ready(t, u, SlotConfig{Write: func(*rtp.Header, []byte) error {
			if sent.Add(1) == 1 {
				close(held)
				<-release
			}
			return nil
		}})
		cam.film(true)
		<-held
		const more = 2 * ringVideo
		for range more / cam.packets {
			cam.film(false)
		}
		if n := w.Dropped(); n != 0 {
			t.Errorf("%d left out while there was room", n)
		}
		close(release)
		synctest.Wait()
		if n := w.Dropped(); n < ringVideo-uint64(cam.packets) || n > more {
			t.Errorf("%d of %d packets left out, the ring has %d", n, more, ringVideo)
		}
		before := sent.Load()
		cam.film(true)
		synctest.Wait()
		if n := sent.Load() - before; n != int64(cam.packets) {
			t.Errorf("%d packets of the next key frame", n)
		}
	})
}

// TestWorkersEnd also with packets waiting.
func TestWorkersEnd(t *testing.T) {
	w := NewWorkers(2, nil)
	u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, Workers: w})
	ready(t, u, SlotConfig{})
	cam := newCamera(u.AddLayer("", 7))
	for i := range 100 {
		cam.film(i == 0)
	}
	w.Close()
	cam.film(false)
	u.Close()
}

func TestWorkersDoNotAllocate(t *testing.T) {
	flushed := make(chan struct{}, 64)
	w := NewWorkers(1, func(int) { flushed <- struct{}{} })
	defer w.Close()
	u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, Workers: w, RingSize: 16})
	defer u.Close()
	cam := newCamera(u.AddLayer("", 7))
	for range 20 {
		ready(t, u, SlotConfig{Write: func(*rtp.Header, []byte) error { return nil }})
	}
	var frames [][][]byte
	for i := range 400 {
		frames = append(frames, cam.frame(i == 0))
	}
	now := time.Now()
	next := func() {
		for _, p := range frames[0] {
			cam.layer.Write(p, now)
		}
		frames = frames[1:]
		<-flushed
	}
	for range 100 {
		next()
	}
	if n := testing.AllocsPerRun(200, next); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
