package sfu

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// busy makes a layer with connected slots, and a function that sends it the next of packets of size bytes. Times are
// measured if timed is given.
func busy(tb testing.TB, slots, size int, timed ...*atomic.Bool) (next func(), sent *int) {
	tb.Helper()
	now := time.Unix(1e9, 0)
	clock := func() time.Time { return now }
	timed = append(timed, nil)
	u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, Clock: clock, Timed: timed[0]})
	l := u.AddLayer("", 1)
	sent = new(int)
	packet := rtpPacket(0, 0, true, append([]byte{0x90, 0xe0, 0x81, 0x02, 0x07, 0x20, 0x00}, make([]byte, size)...))
	seq := uint16(0)
	next = func() {
		seq++
		now = now.Add(5 * time.Millisecond)
		binary.BigEndian.PutUint16(packet[2:], seq)
		binary.BigEndian.PutUint32(packet[4:], uint32(seq)*450)
		packet[15], packet[16] = byte(seq), byte(seq)
		l.Write(packet, now)
	}
	for range slots {
		s := NewSlot(SlotConfig{
			Kind: Video, SSRC: 2, RTXSSRC: 3, Codecs: viewerCodecs, MID: "1", MIDExtensionID: 4, Clock: clock, Timed: timed[0],
			Write: func(h *rtp.Header, payload []byte) error {
				*sent++
				return nil
			},
		})
		s.Feed(u)
		s.mu.Lock()
		s.connected = true // the wait after connecting is not what is measured
		s.wakeLocked(now)
		s.mu.Unlock()
		tb.Cleanup(s.Close)
	}
	for range 2 * ringVideo {
		next()
	}
	tb.Cleanup(u.Close)
	*sent = 0
	return next, sent
}

func TestForwardingDoesNotAllocate(t *testing.T) {
	var timed atomic.Bool
	timed.Store(true)
	for _, slots := range []int{0, 1, 20} {
		next, sent := busy(t, slots, 1100, &timed)
		if n := testing.AllocsPerRun(500, next); n != 0 {
			t.Errorf("%d slots: %v allocations a packet", slots, n)
		}
		if *sent != 501*slots {
			t.Errorf("%d slots: %d packets sent", slots, *sent)
		}
	}
}

func BenchmarkForward(b *testing.B) {
	for _, slots := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("slots=%d", slots), func(b *testing.B) {
			next, sent := busy(b, slots, 1100)
			b.ReportAllocs()
			for b.Loop() {
				next()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(*sent), "ns/forwarded")
		})
	}
}

// TestEverythingAtOnce is for the race detector, and for deadlocks.
func TestEverythingAtOnce(t *testing.T) {
	tracks := make([]*UpTrack, 3)
	var writers, others sync.WaitGroup
	stop := make(chan struct{})
	for i := range tracks {
		u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: vp8, RequestKeyFrame: func(uint32) {}, KeyFrameInterval: time.Millisecond})
		tracks[i] = u
		for j, rid := range []string{"q", "f"} {
			cam := newCamera(u.AddLayer(rid, uint32(j)))
			writers.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
						cam.film(n%20 == 0)
						cam.layer.WriteSenderReport(timeToNTP(time.Now()), cam.ts, time.Now())
					}
				}
			})
		}
	}
	slots := make([]*Slot, 4)
	for i := range slots {
		var last uint16
		s := NewSlot(SlotConfig{Kind: Video, SSRC: slotSSRC, RTXSSRC: rtxSSRC, Codecs: viewerCodecs, Write: func(h *rtp.Header, _ []byte) error {
			last = h.SequenceNumber // written by one at a time, or the race detector says so
			return nil
		}})
		slots[i] = s
		others.Go(func() {
			for n := range 300 {
				switch n % 5 {
				case 0:
					s.Feed(tracks[n/5%len(tracks)])
				case 1:
					s.Connected()
				case 2:
					s.SenderReport(time.Now())
				case 3:
					s.HandleRTCP(append(nack(uint16(n), uint16(n+7)), &rtcp.PictureLossIndication{MediaSSRC: slotSSRC}))
				case 4:
					if n%50 == 4 {
						s.Disconnected()
					}
					s.Stats()
				}
			}
		})
		others.Go(func() {
			for range 300 {
				s.mu.Lock()
				_ = last
				s.mu.Unlock()
				tracks[0].Stats()
				tracks[1].RequestKeyFrame()
			}
		})
	}
	others.Wait()
	tracks[0].Close()
	slots[0].Close()
	close(stop)
	writers.Wait()
	for _, u := range tracks {
		u.Close()
		if n := len(*u.slots.Load()); n != 0 {
			t.Errorf("%d slots at a closed track", n)
		}
	}
	for _, s := range slots {
		s.Close()
		if s.Feeding() != nil {
			t.Error("a slot is fed by a closed track")
		}
	}
}
