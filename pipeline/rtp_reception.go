package pipeline

import (
	"time"

	"github.com/pion/rtcp"
)

// reception is what a receiver report says about one SSRC (RFC 3550, sections
// 6.4.1, A.3 and A.8).
type reception struct {
	ssrc  uint32
	clock float64

	started          bool
	base, highest    int64 // unwrapped
	received         uint64
	expectedPrior    int64
	receivedPrior    uint64
	jitter           float64 // in timestamp units
	lastArrival      time.Time
	lastTimestamp    uint32
	lastReport       uint32 // middle of the NTP time of the last sender report
	lastReportArrive time.Time
}

func (r *reception) see(seq uint16, timestamp uint32, now time.Time) {
	ext := r.highest + int64(int16(seq-uint16(r.highest)))
	if !r.started || ext-r.highest > nackMaxGap*8 || r.highest-ext > nackMaxGap*8 {
		*r = reception{ssrc: r.ssrc, clock: r.clock, started: true, base: int64(seq), highest: int64(seq)}
	} else {
		r.highest = max(r.highest, ext)
		came := now.Sub(r.lastArrival).Seconds() * r.clock
		d := came - float64(int32(timestamp-r.lastTimestamp))
		r.jitter += (max(d, -d) - r.jitter) / 16
	}
	r.received++
	r.lastArrival, r.lastTimestamp = now, timestamp
}

func (r *reception) senderReport(ntp uint64, now time.Time) {
	r.lastReport, r.lastReportArrive = uint32(ntp>>16), now
}

func (r *reception) report(now time.Time) rtcp.ReceptionReport {
	lost := r.highest - r.base + 1 - int64(r.received)
	interval, came := r.take()
	out := rtcp.ReceptionReport{
		SSRC: r.ssrc, LastSequenceNumber: uint32(r.highest), Jitter: uint32(r.jitter),
		TotalLost: uint32(min(max(lost, 0), 1<<23-1)),
	}
	if interval > 0 && interval > came {
		out.FractionLost = uint8(min((interval-came)*256/interval, 255))
	}
	if r.lastReport != 0 {
		out.LastSenderReport = r.lastReport
		out.Delay = uint32(now.Sub(r.lastReportArrive).Seconds() * 65536)
	}
	return out
}

// take is how many packets were expected, and how many came, since it was called
// before.
func (r *reception) take() (expected, came int64) {
	all := r.highest - r.base + 1
	expected, came = all-r.expectedPrior, int64(r.received-r.receivedPrior)
	r.expectedPrior, r.receivedPrior = all, r.received
	return expected, came
}
