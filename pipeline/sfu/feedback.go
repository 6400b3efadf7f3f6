package sfu

import (
	"math"
	"time"

	"github.com/pion/rtcp"
)

// HandleRTCP takes the feedback of the viewer. Packets about other SSRCs are ignored.
func (s *Slot) HandleRTCP(packets []rtcp.Packet) {
	now := s.cfg.Clock()
	var ask *Layer
	s.mu.Lock()
	if !s.closed {
		for _, p := range packets {
			if l := s.feedbackLocked(p, now); l != nil {
				ask = l
			}
		}
	}
	s.mu.Unlock()
	requestKeyFrame(ask)
}

func (s *Slot) feedbackLocked(p rtcp.Packet, now time.Time) (ask *Layer) {
	switch p := p.(type) {
	case *rtcp.TransportLayerNack:
		if p.MediaSSRC == s.cfg.SSRC {
			s.counts.nackPackets.Add(1)
			s.nackLocked(p.Nacks, now)
		}
	case *rtcp.PictureLossIndication:
		if p.MediaSSRC == s.cfg.SSRC {
			return s.pictureLostLocked(now)
		}
	case *rtcp.FullIntraRequest:
		// RFC 5104, section 4.3.1.2: the target is in the entries, the media source is not used.
		for _, e := range p.FIR {
			if e.SSRC == s.cfg.SSRC {
				s.counts.firs.Add(1)
				return s.pictureLostLocked(now)
			}
		}
	case *rtcp.ReceiverReport:
		s.receptionLocked(p.Reports, now)
	case *rtcp.SenderReport:
		s.receptionLocked(p.Reports, now)
	}
	return nil
}

func (s *Slot) nackLocked(pairs []rtcp.NackPair, now time.Time) {
	if !s.connected {
		return
	}
	v := views.Get().(*view)
	defer views.Put(v)
	at := now.UnixNano()
	for _, pair := range pairs {
		s.nackOneLocked(pair.PacketID, at, v)
		for i, bits := uint16(1), pair.LostPackets; bits != 0; i, bits = i+1, bits>>1 {
			if bits&1 != 0 {
				s.nackOneLocked(pair.PacketID+i, at, v)
			}
		}
	}
}

func (s *Slot) nackOneLocked(seq uint16, now int64, v *view) {
	s.counts.nacks.Add(1)
	if !s.out.resend(seq, now, v) {
		s.counts.nacksUnknown.Add(1)
	}
}

// pictureLostLocked answers a PLI or FIR. A fresh viewer has most likely lost the very start; it gets the
// cached pictures again, which costs nobody else anything. Later on the source is asked.
func (s *Slot) pictureLostLocked(now time.Time) (ask *Layer) {
	s.counts.plis.Add(1)
	if s.cfg.Kind != Video {
		return nil
	}
	switch s.state {
	case waiting:
		return s.source.goal(&s.limit)
	case live:
	default:
		return nil // nothing is sent, or pictures are under way
	}
	at := now.UnixNano()
	if at >= s.freshUntil {
		return s.layer
	}
	if wait := s.replayedAt + int64(replayInterval) - at; s.replayedAt != 0 && wait > 0 {
		if s.timer == nil {
			s.armLocked(time.Duration(wait))
		}
		return nil
	}
	return s.startLocked(now)
}

func (s *Slot) receptionLocked(reports []rtcp.ReceptionReport, now time.Time) {
	for _, r := range reports {
		if r.SSRC != s.cfg.SSRC {
			continue
		}
		s.counts.lostFraction.Store(math.Float64bits(float64(r.FractionLost) / 256))
		s.counts.lostTotal.Store(r.TotalLost)
		s.counts.jitter.Store(int64(r.Jitter) * 1e9 / s.out.rewriter.rate)
		if r.LastSenderReport != 0 {
			// RFC 3550, section 6.4.1: in units of 1/65536 s, modulo 2^32.
			units := uint32(timeToNTP(now)>>16) - r.LastSenderReport - r.Delay
			if units < 1<<16*60 {
				s.counts.rtt.Store(int64(units) * 1e9 >> 16)
			}
		}
	}
}

// SenderReport returns the report for this moment, nil when there is nothing to report: nothing was sent yet,
// or nothing is being sent. Its NTP time is ours; the RTP time is that of a capture at this moment, found by
// the source's own reports, so that all tracks of one source agree.
func (s *Slot) SenderReport(now time.Time) *rtcp.SenderReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &s.out.rewriter
	if s.layer == nil || !w.running || !w.anyTS {
		return nil
	}
	src, ok := s.layer.timestampAt(now.UnixNano())
	if !ok {
		return nil
	}
	ts := w.wantTS + int64(int32(src-w.srcTS))
	// The next source continues from what the viewer was told last.
	s.out.lineAt, s.out.lineTS = now.UnixNano(), ts
	return &rtcp.SenderReport{
		SSRC:        s.cfg.SSRC,
		NTPTime:     timeToNTP(now),
		RTPTime:     uint32(ts),
		PacketCount: uint32(s.counts.packets.Load()),
		OctetCount:  uint32(s.counts.bytes.Load()),
	}
}
