package sfu

import (
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"kelas/pipeline/codec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	vp8  = Codec{MimeType: "video/VP8", ClockRate: 90000}
	vp9  = Codec{MimeType: "video/VP9", ClockRate: 90000}
	h264 = Codec{MimeType: "video/H264", ClockRate: 90000, FmtpLine: "packetization-mode=1;profile-level-id=42e01f"}
	opus = Codec{MimeType: "audio/opus", ClockRate: 48000, Channels: 2}
)

// viewerCodecs is what a viewer accepts: numbers of its own.
var viewerCodecs = []SlotCodec{
	{Codec: vp8, PayloadType: 96, RTXPayloadType: 97},
	{Codec: vp9, PayloadType: 98, RTXPayloadType: 99},
	{Codec: h264, PayloadType: 108, RTXPayloadType: 109},
	{Codec: opus, PayloadType: 111},
}

const (
	slotSSRC = 0x5107
	rtxSSRC  = 0x5108
)

// camera makes the packets of a VP8 source: every payload is different.
type camera struct {
	layer   *Layer
	seq     uint16
	ts      uint32
	picture uint16
	tl0     uint8
	step    uint32 // timestamp ticks a frame
	packets int    // a frame
	narrow  bool   // picture ids of 7 bits
	bare    bool   // no picture ids
	id      uint32
}

func newCamera(l *Layer) *camera {
	return &camera{layer: l, seq: 1000, ts: 500000, picture: 77, tl0: 5, step: 3600, packets: 3}
}

func (c *camera) descriptor(start bool) []byte {
	first := byte(0x80)
	if start {
		first |= 0x10
	}
	switch {
	case c.bare:
		return []byte{first &^ 0x80}
	case c.narrow:
		return []byte{first, 0xc0, byte(c.picture & 0x7f), c.tl0}
	}
	return []byte{first, 0xc0, 0x80 | byte(c.picture>>8), byte(c.picture), c.tl0}
}

// frame makes the packets of the next frame, without sending them.
func (c *camera) frame(key bool) [][]byte {
	var out [][]byte
	for i := range c.packets {
		tag := byte(1)
		if key && i == 0 {
			tag = 0
		}
		c.id++
		body := binary.BigEndian.AppendUint32(append(c.descriptor(i == 0), tag), c.id)
		out = append(out, rtpPacket(c.seq, c.ts, i == c.packets-1, body))
		c.seq++
	}
	c.ts += c.step
	c.picture = (c.picture + 1) & 0x7fff
	if c.narrow {
		c.picture &= 0x7f
	}
	c.tl0++
	return out
}

// film sends the next frame.
func (c *camera) film(key bool) {
	for _, p := range c.frame(key) {
		c.layer.Write(p, time.Now())
	}
}

// roll films for a while: a frame each 40 ms, the first one a key frame if wanted.
func (c *camera) roll(frames int, key bool) {
	for i := range frames {
		c.film(key && i == 0)
		time.Sleep(40 * time.Millisecond)
	}
}

func rtpPacket(seq uint16, ts uint32, marker bool, body []byte) []byte {
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 120, SequenceNumber: seq, Timestamp: ts, SSRC: 7, Marker: marker}, Payload: body}
	raw, err := p.Marshal()
	if err != nil {
		panic(err)
	}
	return raw
}

func paddingPacket(seq uint16, ts uint32) []byte {
	return append([]byte{0xa0, 120, byte(seq >> 8), byte(seq), byte(ts >> 24), byte(ts >> 16), byte(ts >> 8), byte(ts), 0, 0, 0, 7}, 0, 0, 0, 4)
}

// got is one packet as a viewer gets it.
type got struct {
	rtp.Header
	payload []byte
	at      time.Time
}

func (g got) vp8() codec.VP8 {
	d, ok := codec.ParseVP8(g.payload)
	if !ok {
		panic("no VP8 descriptor")
	}
	return d
}

// id is what the camera wrote into the payload.
func (g got) id() uint32 {
	return binary.BigEndian.Uint32(g.payload[g.vp8().Size+1:])
}

// viewer collects what a slot sends.
type viewer struct {
	mu     sync.Mutex
	broken bool
	all    []got
}

var errCut = errors.New("line is cut")

func (v *viewer) write(h *rtp.Header, payload []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.broken {
		return errCut
	}
	g := got{Header: h.Clone(), payload: append([]byte(nil), payload...), at: time.Now()}
	v.all = append(v.all, g)
	return nil
}

// take returns what came since the last take.
func (v *viewer) take() []got {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.all
	v.all = nil
	return all
}

type asked struct {
	mu    sync.Mutex
	ssrcs []uint32
}

func (a *asked) ask(ssrc uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ssrcs = append(a.ssrcs, ssrc)
}

func (a *asked) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.ssrcs)
}

// stage is one track, one layer, one viewer.
type stage struct {
	track  *UpTrack
	cam    *camera
	slot   *Slot
	viewer *viewer
	asked  *asked
}

func newStage(t *testing.T) *stage {
	t.Helper()
	st := &stage{viewer: &viewer{}, asked: &asked{}}
	st.track, st.cam = st.source(vp8)
	st.slot = newTestSlot(Video, st.viewer)
	t.Cleanup(func() {
		st.slot.Close()
		st.track.Close()
	})
	return st
}

func (st *stage) source(c Codec) (*UpTrack, *camera) {
	u := NewUpTrack(UpTrackConfig{Kind: Video, Codec: c, RequestKeyFrame: st.asked.ask})
	return u, newCamera(u.AddLayer("", 7))
}

func newTestSlot(k Kind, v *viewer) *Slot {
	return NewSlot(SlotConfig{Kind: k, SSRC: slotSSRC, RTXSSRC: rtxSSRC, Codecs: viewerCodecs, Write: v.write})
}

// connect brings the transport up and lets the wait pass.
func (st *stage) connect() {
	st.slot.Connected()
	time.Sleep(connectWait + time.Millisecond)
}

// wantContinuous: sequence numbers without holes, timestamps never back, picture ids step by one with each frame,
// each frame one timestamp.
func wantContinuous(t *testing.T, all []got) {
	t.Helper()
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		if b.SSRC != slotSSRC {
			t.Fatalf("packet %d: SSRC %x", i, b.SSRC)
		}
		if b.SequenceNumber != a.SequenceNumber+1 {
			t.Fatalf("packet %d: sequence number %d after %d", i, b.SequenceNumber, a.SequenceNumber)
		}
		d := int32(b.Timestamp - a.Timestamp)
		if d < 0 {
			t.Fatalf("packet %d: timestamp went back by %d", i, -d)
		}
		if a.PayloadType != 96 || b.PayloadType != 96 {
			continue
		}
		step := (b.vp8().PictureID - a.vp8().PictureID) & 0x7fff
		if (d == 0) != (step == 0) || step > 1 {
			t.Fatalf("packet %d: picture id stepped by %d, timestamp by %d", i, step, d)
		}
		if !b.vp8().Wide || !b.vp8().HasPictureID {
			t.Fatalf("packet %d: no wide picture id", i)
		}
	}
}

func wantIDs(t *testing.T, all []got, from, to uint32) {
	t.Helper()
	if len(all) != int(to-from+1) {
		t.Fatalf("%d packets, want %d", len(all), to-from+1)
	}
	for i, g := range all {
		if g.id() != from+uint32(i) {
			t.Fatalf("packet %d has content %d, want %d", i, g.id(), from+uint32(i))
		}
	}
}
