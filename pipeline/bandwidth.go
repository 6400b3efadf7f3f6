package pipeline

import (
	"fmt"
	"strings"
	"time"

	"github.com/pion/rtcp"
)

// Bandwidth bounds what an endpoint takes and gives, in kbit/s; 0 is no bound.
type Bandwidth struct {
	// MaxVideoRecv and MaxAudioRecv are what the other side may send. They stand
	// in the description (b=AS, and b=TIAS of RFC 3890), for which they must be set
	// before the negotiation; a WebRtcEndpoint also repeats the bound of pictures
	// each second as REMB, which holds at any time.
	MaxVideoRecv, MaxAudioRecv int
	// MinVideoRecv is what the other side should not go below. It stands in the
	// description as x-google-min-bitrate, which Chromium knows and others do not;
	// set it before the negotiation.
	MinVideoRecv int
	// MaxVideoSend is what the other side is sent of pictures: layers and temporal
	// layers are left out until it fits, and the lowest layer remains. Of a camera
	// with one layer nothing can be left out, and nothing is encoded anew: as in
	// Kurento, its browser is told the least bound of all who receive it (REMB),
	// which then holds for all of them.
	MaxVideoSend int
	// MinVideoSend is what is tried whatever the other side reports of its line.
	MinVideoSend int
}

// MaxBandwidth is the largest bound, 10 Gbit/s, in kbit/s.
const MaxBandwidth = 10_000_000

func (b Bandwidth) check() error {
	for name, n := range map[string]int{
		"MaxVideoRecv": b.MaxVideoRecv, "MaxAudioRecv": b.MaxAudioRecv, "MinVideoRecv": b.MinVideoRecv,
		"MaxVideoSend": b.MaxVideoSend, "MinVideoSend": b.MinVideoSend,
	} {
		if n < 0 || n > MaxBandwidth {
			return fmt.Errorf("%w: %s is %d; 0 to %d kbit/s are possible", ErrBadBandwidth, name, n, MaxBandwidth)
		}
	}
	return nil
}

// SetBandwidth changes the bounds.
func (e *WebRtcEndpoint) SetBandwidth(b Bandwidth) error {
	if err := b.check(); err != nil {
		return fmt.Errorf("setting the bandwidth: %w", err)
	}
	if e.dead.Load() {
		return fmt.Errorf("setting the bandwidth: %w", ErrReleased)
	}
	e.bandwidth.Store(&b)
	e.line.SetBounds(int64(b.MinVideoSend)*1000, int64(b.MaxVideoSend)*1000)
	return nil
}

// Bandwidth are the bounds.
func (e *WebRtcEndpoint) Bandwidth() Bandwidth {
	if b := e.bandwidth.Load(); b != nil {
		return *b
	}
	return Bandwidth{}
}

// SetBandwidth changes the bounds. Of an RtpEndpoint's, MinVideoRecv and
// MinVideoSend are not there, and MaxVideoSend acts on the source alone.
func (e *RtpEndpoint) SetBandwidth(b Bandwidth) error {
	if err := b.check(); err != nil {
		return fmt.Errorf("setting the bandwidth: %w", err)
	}
	switch {
	case b.MinVideoRecv != 0 || b.MinVideoSend != 0:
		return fmt.Errorf("setting the bandwidth: %w: least bandwidths of an RtpEndpoint", ErrUnsupported)
	case e.dead.Load():
		return fmt.Errorf("setting the bandwidth: %w", ErrReleased)
	}
	e.bandwidth.Store(&b)
	return nil
}

// Bandwidth are the bounds.
func (e *RtpEndpoint) Bandwidth() Bandwidth { return *e.bandwidth.Load() }

// videoTaker is an element that can say how much of a picture it wants, in
// kbit/s; 0 is all of it. Elements that cannot say take all.
type videoTaker interface{ maxVideo() int }

func (e *WebRtcEndpoint) maxVideo() int { return e.Bandwidth().MaxVideoSend }
func (e *RtpEndpoint) maxVideo() int    { return e.Bandwidth().MaxVideoSend }

// boundOf is the least bound of all who are fed by a source, through relays too;
// 0: none has one.
func (p *MediaPipeline) boundOf(e *element, at pad) (least int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := make(map[port]struct{})
	var walk func(e *element, at pad)
	walk = func(e *element, at pad) {
		for to := range e.outputs[at] {
			if _, again := seen[to]; again {
				continue
			}
			seen[to] = struct{}{}
			if to.element.relay != nil {
				for _, next := range to.element.relay.repeatedByLocked() {
					walk(next, to.pad)
				}
				continue
			}
			if t, ok := to.element.self.(videoTaker); ok {
				if n := t.maxVideo(); n > 0 && (least == 0 || n < least) {
					least = n
				}
			}
		}
	}
	walk(e, at)
	return least
}

const (
	// soundShare is left for sound in a bound that holds for the whole connection.
	soundShare = 64
	// noBound lifts one that was told before, in kbit/s.
	noBound = 100_000
)

// estimate is what the browser is told to send at most (draft-alvestrand-rmcat-remb-03),
// in kbit/s, for all its media together; 0 is no bound.
func (e *WebRtcEndpoint) estimate(tracks []*upTrack) (most int, ssrcs []uint32) {
	b := e.Bandwidth()
	wanted, sound := 0, 0
	for _, t := range tracks {
		for _, l := range t.current().Stats().Layers {
			ssrcs = append(ssrcs, l.SSRC)
		}
		if t.at.media == Audio {
			sound = soundShare
			continue
		}
		n := 0
		if len(t.rids) < 2 { // layers of a simulcast are chosen for each viewer
			n = e.pipeline.boundOf(&e.element, t.at)
		}
		if n == 0 || wanted < 0 {
			wanted = -1
			continue
		}
		wanted += n
	}
	if b.MaxAudioRecv > 0 {
		sound = min(sound, b.MaxAudioRecv)
	}
	most = b.MaxVideoRecv
	if wanted > 0 && (most == 0 || wanted < most) {
		most = wanted
	}
	if most > 0 {
		most += sound
	}
	return most, ssrcs
}

// remb is the message of the moment, nil when there is none to send: the least
// of all that bounds the browser.
func (e *WebRtcEndpoint) remb(tracks []*upTrack, now time.Time) rtcp.Packet {
	if len(tracks) == 0 {
		return nil
	}
	most, ssrcs := e.estimate(tracks)
	if m := e.byLoss.Load(); m != nil {
		b, bound := e.Bandwidth(), int64(0)
		if b.MaxVideoRecv > 0 {
			bound = int64(b.MaxVideoRecv+soundShare) * 1000
		}
		limit := int(m.limit(now, bound, int64(b.MinVideoRecv)*1000) / 1000)
		if most == 0 || limit < most {
			most = limit
		}
	}
	was := e.toldMost.Swap(int64(most))
	switch {
	case len(ssrcs) == 0 || most == 0 && was == 0:
		return nil
	case most == 0:
		most = noBound
	}
	return &rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: float32(most) * 1000, SSRCs: ssrcs}
}

// tellLimit tells the browser now what else the sweep would.
func (e *WebRtcEndpoint) tellLimit(now time.Time) {
	e.mu.Lock()
	link, state, tracks := e.link, e.state, e.tracks
	e.mu.Unlock()
	if link == nil || state != ConnectionConnected || e.dead.Load() {
		return
	}
	if r := e.remb(tracks, now); r != nil {
		_ = link.writeRTCP([]rtcp.Packet{r}) // a closing connection needs none
	}
}

// bounded writes the bounds into a description: b= lines behind the connection
// address of an m-line (RFC 8866, section 5.8), and what Chromium reads.
func (b Bandwidth) bounded(text string) string {
	if b.MaxAudioRecv == 0 && b.MaxVideoRecv == 0 && b.MinVideoRecv == 0 {
		return text
	}
	var out strings.Builder
	most, least := 0, 0
	for line := range strings.SplitAfterSeq(text, "\n") {
		kind, isMedia := strings.CutPrefix(line, "m=")
		if isMedia {
			most, least = 0, 0
			switch {
			case strings.HasPrefix(kind, "audio"):
				most = b.MaxAudioRecv
			case strings.HasPrefix(kind, "video"):
				most, least = b.MaxVideoRecv, b.MinVideoRecv
			}
		}
		if least > 0 && strings.HasPrefix(line, "a=fmtp:") && !strings.Contains(line, "apt=") {
			line = fmt.Sprintf("%s;x-google-min-bitrate=%d\r\n", strings.TrimRight(line, "\r\n"), least)
		}
		out.WriteString(line)
		if most > 0 && strings.HasPrefix(line, "c=") {
			fmt.Fprintf(&out, "b=AS:%d\r\nb=TIAS:%d\r\n", most, most*1000)
		}
		if pt, ok := mappedVideo(line); ok && least > 0 && !strings.Contains(text, "a=fmtp:"+pt+" ") {
			fmt.Fprintf(&out, "a=fmtp:%s x-google-min-bitrate=%d\r\n", pt, least)
		}
	}
	return out.String()
}

// mappedVideo is the payload type of a video encoding's a=rtpmap line.
func mappedVideo(line string) (pt string, ok bool) {
	rest, ok := strings.CutPrefix(line, "a=rtpmap:")
	if !ok {
		return "", false
	}
	pt, name, _ := strings.Cut(rest, " ")
	name, _, _ = strings.Cut(name, "/")
	k, known := rtpEncodings[strings.ToUpper(name)]
	return pt, known && k.media == Video
}
