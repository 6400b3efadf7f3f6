package sfu

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"kelas/pipeline/codec"
)

const (
	// replayMaxAge is how old the cached key frame of a browser may be: two seconds of pictures are shown at once without
	// harm, more was not tried.
	replayMaxAge = 2 * time.Second
	// holeSettles is how long a lost packet may take to be sent again.
	holeSettles = 150 * time.Millisecond
	// requestAgain is how long a key frame may take before it is asked for once more.
	requestAgain = time.Second
)

// Layer is one encoding of an up track and the only place where its packets are kept.
type Layer struct {
	track  *UpTrack
	rid    string
	ssrc   uint32
	rank   int
	added  int
	format codec.Format
	keys   keyRequester
	view   view // of the goroutine that writes
	rate   layerRate
	times  layerTimes

	mu     sync.RWMutex
	ring   *ring // nil once closed
	timing layerClock

	lastPacket                                     atomic.Int64
	packets, bytes, duplicates, empties, malformed atomic.Uint64
	old, keyFrames                                 atomic.Uint64
	lost                                           atomic.Int64
	lossFraction                                   atomic.Uint64 // bits of a float64, since the last sweep but one

	sweptPackets, sweptLost uint64 // of the last sweep, which alone uses them
}

// RID is the layer's restriction identifier, "" without simulcast.
func (l *Layer) RID() string { return l.rid }

// SSRC is the layer's SSRC.
func (l *Layer) SSRC() uint32 { return l.ssrc }

// Write takes one RTP packet as read from the transport; the buffer is the caller's again on return.
// Only one goroutine may write a layer.
func (l *Layer) Write(packet []byte, arrival time.Time) {
	h, body, ok := parseRTP(packet)
	if !ok {
		l.malformed.Add(1)
		return
	}
	if !l.remember(h, body, arrival.UnixNano()) {
		return
	}
	if isSet(l.track.cfg.Timed) {
		l.times.taken.note(int64(time.Since(arrival)))
	}
	if l.view.empty() {
		l.empties.Add(1)
	} else {
		l.packets.Add(1)
		l.bytes.Add(uint64(len(body)))
		l.lastPacket.Store(l.view.arrival)
		if l.rate.note(l.view.tid, len(body), h.marker, l.view.arrival) {
			l.rate.compare(l.track.fpsBelow(l))
		}
		l.track.noteFlow(l, l.view.arrival)
	}
	if w := l.track.cfg.Workers; w != nil {
		w.send(parcel{layer: l, ext: l.view.ext, highest: l.view.highest, ends: h.marker})
		return
	}
	ask := false
	slots := *l.track.slots.Load()
	for _, s := range slots {
		if s.deliver(l, &l.view) {
			ask = true
		}
	}
	if l.track.cfg.Flush != nil && len(slots) > 0 && (h.marker || l.track.cfg.Kind == Audio) {
		l.track.cfg.Flush()
	}
	if len(slots) > 0 {
		l.times.through(arrival)
	}
	if ask {
		l.askAgain(l.view.arrival)
	}
}

// askAgain asks for a key frame on behalf of slots that wait: each asks with each packet that is none, and one
// question a second is enough.
func (l *Layer) askAgain(now int64) {
	if l.keys.quietFor(requestAgain, now) {
		l.keys.request()
	}
}

// remember puts the packet into the ring and the view.
func (l *Layer) remember(h rtpHeader, body []byte, arrival int64) bool {
	key := len(body) > 0 && (l.track.cfg.Kind == Audio || codec.Inspect(l.format, body).KeyFrame)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ring == nil {
		return false
	}
	previous := l.ring.keyTS
	ext, v, lost := l.ring.insert(h, key, arrival, body)
	switch v {
	case duplicate:
		l.duplicates.Add(1)
		return false
	case tooOld:
		l.old.Add(1)
		return false
	}
	l.lost.Add(lost)
	if len(body) > 0 {
		l.timing.note(h.ts, arrival)
		l.times.note(h.ts, arrival, l.timing.rate)
	}
	if key {
		l.keys.key.Store(arrival)
	}
	if key && (l.ring.keyTS != previous || l.keyFrames.Load() == 0) {
		l.keyFrames.Add(1)
	}
	l.view.load(l.ring.get(ext), l.ring.highest, l.format)
	return true
}

// WriteSenderReport takes what the layer's sender said about its clock (RFC 3550, section 6.4.1).
func (l *Layer) WriteSenderReport(ntp uint64, rtp uint32, arrival time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timing.report(ntp, rtp, arrival.UnixNano())
}

// read copies a packet out of the ring.
func (l *Layer) read(ext int64, v *view) (found bool, highest int64, oldest int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.ring == nil {
		return false, ext - 1, ext
	}
	e := l.ring.get(ext)
	if e != nil {
		v.load(e, l.ring.highest, l.format)
	}
	return e != nil, l.ring.highest, l.ring.highest - l.ring.size() + 1
}

// readShort copies a packet out of the ring by the low bits of its number.
func (l *Layer) readShort(ext uint32, v *view) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.ring == nil {
		return false
	}
	e := l.ring.getShort(ext)
	if e != nil {
		v.load(e, l.ring.highest, l.format)
	}
	return e != nil
}

// replayable tells where the cached pictures begin, when there are any worth sending.
func (l *Layer) replayable(now time.Time) (from int64, ts uint32, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.ring == nil {
		return 0, 0, false
	}
	from, ok = l.ring.replayable(now.UnixNano(), int64(l.track.cfg.ReplayAge), int64(holeSettles))
	return from, l.ring.keyTS, ok
}

func (l *Layer) timeOf(ts uint32) (int64, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.timing.timeOf(ts)
}

func (l *Layer) timestampAt(at int64) (uint32, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.timing.timestampAt(at)
}

// sweep says how much of what was sent since the last one is missing (RFC 3550, section A.3).
func (l *Layer) sweep() {
	packets, lost := l.packets.Load(), uint64(max(0, l.lost.Load()))
	came, missing := packets-l.sweptPackets, int64(lost-l.sweptLost) // fewer than before, when what was late has come
	l.sweptPackets, l.sweptLost = packets, lost
	fraction := 0.0
	if missing > 0 {
		fraction = float64(missing) / float64(int64(came)+missing)
	}
	l.lossFraction.Store(math.Float64bits(fraction))
}

// close gives the memory back and ends the requests.
func (l *Layer) close() {
	l.mu.Lock()
	l.ring = nil
	l.mu.Unlock()
	l.keys.close()
}

func (l *Layer) stats() LayerStats {
	st := LayerStats{
		RID: l.rid, SSRC: l.ssrc,
		Packets: l.packets.Load(), Bytes: l.bytes.Load(), Duplicates: l.duplicates.Load(), Empty: l.empties.Load(),
		Malformed: l.malformed.Load(), TooOld: l.old.Load(), Lost: uint64(max(0, l.lost.Load())),
		KeyFrames: l.keyFrames.Load(), KeyFrameRequests: l.keys.sent.Load(),
		Jitter: l.times.jitter(), Latency: l.times.latency(), Taken: l.times.taken.get(),
		LossFraction: math.Float64frombits(l.lossFraction.Load()),
	}
	if at := l.lastPacket.Load(); at != 0 {
		st.LastPacket = time.Unix(0, at)
	}
	return st
}
