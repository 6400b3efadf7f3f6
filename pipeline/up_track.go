package pipeline

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"kelas/pipeline/sfu"
)

// upTrack is one m-line on which the browser sends: to the graph a source. Its
// sfu.UpTrack is replaced when the browser changes the codec.
type upTrack struct {
	endpoint *WebRtcEndpoint
	mid      string
	at       pad
	rids     []string // its encodings, as offered

	asked    atomic.Uint64 // sequence numbers, by NACK
	askedFor atomic.Uint64 // NACKs

	mu    sync.Mutex
	up    *sfu.UpTrack
	loops int
	flow  flowMeter
	gone  bool // nothing is told of it any more
}

func (t *upTrack) current() *sfu.UpTrack {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.up
}

// trackArrived runs in the work queue: packets of a new SSRC have come.
func (e *WebRtcEndpoint) trackArrived(pc *webrtc.PeerConnection, remote *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	if e.dead.Load() || e.peer() != pc {
		return
	}
	mid := midOf(pc, r)
	e.mu.Lock()
	at, known := e.places[mid]
	e.mu.Unlock()
	if !known {
		e.server.log.Debug("media on an m-line that does not send", "endpoint", e.id)
		return
	}
	t := e.upTrackFor(pc, mid, at, remote)
	if t == nil {
		return
	}
	in := &inbound{track: t, pc: pc, remote: remote, receiver: r}
	in.bind()
	if e.byLoss.Load() != nil {
		e.tellLimit(time.Now()) // before it has sent much
	}
	e.wg.Go(in.read)
	e.wg.Go(in.readSenderReports)
}

func midOf(pc *webrtc.PeerConnection, r *webrtc.RTPReceiver) string {
	for _, t := range pc.GetTransceivers() {
		if t.Receiver() == r {
			return t.Mid()
		}
	}
	return ""
}

// upTrackFor finds the m-line's track or makes it, and counts a loop more.
func (e *WebRtcEndpoint) upTrackFor(pc *webrtc.PeerConnection, mid string, at pad, remote *webrtc.TrackRemote) *upTrack {
	e.mu.Lock()
	for _, t := range e.tracks {
		if t.mid == mid {
			e.mu.Unlock()
			t.mu.Lock()
			t.loops++
			t.mu.Unlock()
			return t
		}
	}
	t := &upTrack{endpoint: e, mid: mid, at: at, rids: e.rids[mid], loops: 1}
	t.up = e.newUpTrack(pc, at, remote)
	e.tracks = append(e.tracks[:len(e.tracks):len(e.tracks)], t)
	e.mu.Unlock()
	if err := e.pipeline.publish(&e.element, at, t.up); err != nil {
		return nil // released meanwhile
	}
	return t
}

func (e *WebRtcEndpoint) newUpTrack(pc *webrtc.PeerConnection, at pad, remote *webrtc.TrackRemote) *sfu.UpTrack {
	return sfu.NewUpTrack(sfu.UpTrackConfig{
		Kind:            kindOf(at.media),
		Codec:           codecOf(remote.Codec().RTPCodecCapability),
		RequestKeyFrame: pictureLoss(pc),
		SourceClock:     e.clock,
		Timed:           &e.pipeline.timed,
		Workers:         e.server.workers,
	})
}

// inbound is one SSRC of an up track: a simulcast layer, or the whole track.
type inbound struct {
	track    *upTrack
	pc       *webrtc.PeerConnection
	remote   *webrtc.TrackRemote
	receiver *webrtc.RTPReceiver
	layer    atomic.Pointer[sfu.Layer]
	pt       webrtc.PayloadType // the read loop's
}

// bind gives the SSRC a layer of the current up track, and makes a new up track
// first when the codec is another one.
func (in *inbound) bind() {
	t := in.track
	codec := codecOf(in.remote.Codec().RTPCodecCapability)
	t.mu.Lock()
	old, fresh := t.up, false
	if !old.Codec().Matches(codec) {
		t.up = t.endpoint.newUpTrack(in.pc, t.at, in.remote)
		fresh = true
	}
	up := t.up
	t.mu.Unlock()
	in.layer.Store(up.AddLayer(in.remote.RID(), uint32(in.remote.SSRC())))
	in.pt = in.remote.PayloadType()
	if fresh {
		if err := t.endpoint.pipeline.publish(&t.endpoint.element, t.at, up); err != nil {
			up.Close() // released meanwhile
		}
		t.endpoint.server.addPast(receivedStats(t.at, old))
		old.Close()
	}
}

// read takes packets off the wire until the track ends. The buffer is reused:
// the layer copies what it keeps.
func (in *inbound) read() {
	defer in.track.readEnded()
	buf := make([]byte, receiveMTU)
	asks := in.asksAgain()
	var gaps missing
	var due []uint16
	for {
		n, attributes, err := in.remote.Read(buf)
		switch {
		case err == nil:
		case errors.Is(err, io.ErrShortBuffer):
			continue
		case n > 0 && !errors.Is(err, io.EOF):
			// A payload type that was not negotiated: the packet is of no
			// use, the track goes on.
			continue
		default:
			return
		}
		if n < 12 {
			continue // shorter than an RTP header
		}
		if pt := webrtc.PayloadType(buf[1] & 0x7f); pt != in.pt {
			in.bind()
			in.pt = pt
		}
		now := time.Now()
		if m := in.track.endpoint.byLoss.Load(); m != nil {
			onlySize := in.track.at.media != Video || attributes.Get(webrtc.AttributeRtxSequenceNumber) != nil
			m.see(uint32(in.remote.SSRC()), binary.BigEndian.Uint16(buf[2:]), n, onlySize, now)
		}
		in.layer.Load().Write(buf[:n], now)
		if asks {
			if due = gaps.see(binary.BigEndian.Uint16(buf[2:]), now, due); len(due) > 0 {
				in.ask(due)
			}
		}
	}
}

// ask sends a NACK. A connection that is closing needs none.
func (in *inbound) ask(due []uint16) {
	in.track.asked.Add(uint64(len(due)))
	in.track.askedFor.Add(1)
	_ = in.pc.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{
		MediaSSRC: uint32(in.remote.SSRC()),
		Nacks:     rtcp.NackPairsFromSequenceNumbers(due),
	}})
}

// asksAgain tells whether the browser answers NACK for this track; for sound
// none does, where Opus repairs itself.
func (in *inbound) asksAgain() bool {
	for _, f := range in.remote.Codec().RTCPFeedback {
		if f.Type == "nack" && f.Parameter == "" {
			return true
		}
	}
	return false
}

// readEnded takes the source away with its last loop.
func (t *upTrack) readEnded() {
	t.mu.Lock()
	t.loops--
	last := t.loops == 0
	t.mu.Unlock()
	if !last {
		return
	}
	// Refused when the endpoint is being released, which closes it all anyway.
	_ = t.endpoint.work.pushOwn(func() { t.remove() })
}

// remove runs in the work queue.
func (t *upTrack) remove() {
	e := t.endpoint
	t.mu.Lock()
	up, again := t.up, t.loops > 0
	t.mu.Unlock()
	if again {
		return // a new SSRC came on the same m-line meanwhile
	}
	e.mu.Lock()
	kept := make([]*upTrack, 0, len(e.tracks))
	for _, o := range e.tracks {
		if o != t {
			kept = append(kept, o)
		}
	}
	e.tracks = kept
	e.mu.Unlock()
	t.endFlow()
	e.pipeline.unpublish(&e.element, t.at, up)
	e.server.addPast(receivedStats(t.at, up))
	up.Close()
}

// readSenderReports ends when the receiver is stopped.
func (in *inbound) readSenderReports() {
	buf := make([]byte, receiveMTU)
	rid, ssrc := in.remote.RID(), uint32(in.remote.SSRC())
	for {
		var n int
		var err error
		if rid == "" {
			n, _, err = in.receiver.Read(buf)
		} else {
			n, _, err = in.receiver.ReadSimulcast(buf, rid)
		}
		if err != nil {
			if errors.Is(err, io.ErrShortBuffer) {
				continue
			}
			return
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue
		}
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok && sr.SSRC == ssrc {
				in.layer.Load().WriteSenderReport(sr.NTPTime, sr.RTPTime, time.Now())
			}
		}
	}
}
