package pipeline

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"kelas/pipeline/record"
	"kelas/pipeline/sfu"
)

const (
	rtspSilence = 10 * time.Second // of a camera, and it is connected to anew
	rtspWaitMin = 500 * time.Millisecond
	rtspWaitMax = 15 * time.Second
	rtspWorked  = 30 * time.Second // after which the pauses between tries begin small again
)

// rtspSession is one connection to a camera.
type rtspSession struct {
	loop   *playerLoop
	client *gortsplib.Client
	lost   atomic.Uint64 // packets
	hold   *atomic.Bool
}

// stream plays what is live: while it is connected, and again after it was lost. What cannot be reached at first is an
// error; later it is waited for, longer and longer.
func (l *playerLoop) stream() error {
	wait := rtspWaitMin
	for first := true; l.ctx.Err() == nil; first = false {
		began := time.Now()
		connected, err := l.session()
		for _, t := range l.tracks {
			t.tellFlow(false)
		}
		if first && !connected {
			return err
		}
		if time.Since(began) > rtspWorked {
			wait = rtspWaitMin
		}
		l.endpoint.server.log.Info("a stream was lost and is tried again", "endpoint", l.endpoint.id, "in", wait, "error", err)
		if err := l.pauseFor(wait); err != nil {
			return err
		}
		wait = min(2*wait, rtspWaitMax)
	}
	return l.ctx.Err()
}

// pauseFor does what it is told to meanwhile.
func (l *playerLoop) pauseFor(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return l.ctx.Err()
		case <-l.wake:
			l.work()
		case <-timer.C:
			return nil
		}
	}
}

// session is one connection, from its start to its loss.
func (l *playerLoop) session() (connected bool, err error) {
	s := &rtspSession{loop: l, hold: &l.hold}
	u, protocol, err := rtspURL(l.endpoint.opts.URI)
	if err != nil {
		return false, err
	}
	s.client = &gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host, Protocol: protocol, ReadTimeout: rtspSilence, WriteTimeout: rtspSilence,
		DialContext: l.endpoint.server.playFrom.dial, UserAgent: "kelas", DisableRTCPSenderReports: true,
		OnResponse:        keepToHost,
		OnPacketsLost:     func(n uint64) { s.lost.Add(n) },
		OnDecodeError:     func(error) { s.lost.Add(1) },
		OnTransportSwitch: func(error) {},
	}
	if err := s.client.Start(); err != nil {
		return false, fmt.Errorf("starting RTSP: %w", err)
	}
	stop := context.AfterFunc(l.ctx, s.client.Close)
	defer stop()
	defer s.client.Close()
	if err := s.play(u); err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.client.Wait() }() // ends with the client, which is closed below
	for {
		select {
		case err := <-ended:
			return true, err
		case <-l.ctx.Done():
			s.client.Close()
			return true, <-ended
		case <-l.wake:
			l.work()
		}
	}
}

// rtspURL reads a uri, whose scheme may choose the transport as GStreamer's do.
func rtspURL(uri string) (*base.URL, *gortsplib.Protocol, error) {
	var protocol *gortsplib.Protocol
	tcp, udp := gortsplib.ProtocolTCP, gortsplib.ProtocolUDP
	switch {
	case len(uri) > 8 && uri[:8] == "rtspt://":
		uri, protocol = "rtsp://"+uri[8:], &tcp
	case len(uri) > 8 && uri[:8] == "rtspu://":
		uri, protocol = "rtsp://"+uri[8:], &udp
	}
	u, err := base.ParseURL(uri)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: it is no RTSP uri", ErrBadURI)
	}
	return u, protocol, nil
}

// keepToHost has packets come from the host that was dialled, and go there: a server may name another one, which
// nobody has allowed.
func keepToHost(r *base.Response) {
	v, ok := r.Header["Transport"]
	if !ok {
		return
	}
	var t headers.Transport
	if t.Unmarshal(v) == nil && (t.Source2 != nil || t.Destination2 != nil) {
		t.Source2, t.Destination2 = nil, nil
		r.Header["Transport"] = t.Marshal()
	}
}

func (s *rtspSession) play(u *base.URL) error {
	desc, _, err := s.client.Describe(u)
	if err != nil {
		return fmt.Errorf("asking for the stream: %w", err)
	}
	clock, epoch := sfu.NewSourceClock(), time.Now()
	taken := make(map[record.Kind]bool)
	for _, m := range desc.Medias {
		if m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			track, unpack, ok := rtspFormat(f)
			if !ok || taken[track.Kind] {
				continue
			}
			t, err := s.loop.trackFor(track, clock, epoch)
			if err != nil {
				return err
			}
			if _, err := s.client.Setup(desc.BaseURL, m, 0, 0); err != nil {
				return fmt.Errorf("setting up the stream: %w", err)
			}
			taken[track.Kind] = true
			s.receive(m, f, t, unpack)
			break
		}
	}
	if len(taken) == 0 {
		return fmt.Errorf("%w: the stream has none of H264, VP8, VP9, Opus and G.711", ErrUnsupported)
	}
	s.loop.openOnce()
	if _, err := s.client.Play(nil); err != nil {
		return fmt.Errorf("starting the stream: %w", err)
	}
	return nil
}

// trackFor goes on with the source that is there when the codec is the same.
func (l *playerLoop) trackFor(t record.Track, clock *sfu.SourceClock, epoch time.Time) (*playerTrack, error) {
	c, _, err := playerCodec(&t)
	if err != nil {
		return nil, err
	}
	old := l.tracks[t.Kind]
	if old != nil && old.up.Codec() == c {
		old.renew()
		return old, nil
	}
	if old != nil {
		old.close()
		delete(l.tracks, t.Kind)
	}
	p, err := newPlayerTrack(l.endpoint, &t, clock, epoch)
	if err == nil {
		l.tracks[t.Kind] = p
	}
	return p, err
}

// unpacker makes a frame of packets; nil while it is not whole.
type unpacker func(*rtp.Packet) ([]byte, error)

// rtspFormat tells what is sent on. Pictures are packetised anew, for cameras make packets that are too large for a
// browser's path.
func rtspFormat(f format.Format) (t record.Track, unpack unpacker, ok bool) {
	t.Kind = record.Video
	switch f := f.(type) {
	case *format.H264:
		t.MimeType, t.ProfileLevelID = "video/H264", "42e01f"
		if len(f.SPS) >= 4 {
			t.ProfileLevelID = hex.EncodeToString(f.SPS[1:4])
		}
		unpack, ok = unpackH264(f)
	case *format.VP8:
		t.MimeType = "video/VP8"
		d, err := f.CreateDecoder()
		if err == nil {
			unpack, ok = d.Decode, true
		}
	case *format.VP9:
		t.MimeType = "video/VP9"
		if f.ProfileID != nil {
			t.Profile = *f.ProfileID
		}
		d, err := f.CreateDecoder()
		if err == nil {
			unpack, ok = d.Decode, true
		}
	case *format.Opus:
		t.Kind, t.MimeType, t.Channels = record.Audio, "audio/opus", 2
		unpack, ok = unpackWhole, f.ChannelCount <= 2
	case *format.G711:
		t.Kind, t.MimeType, t.Channels = record.Audio, "audio/PCMA", 1
		if f.MULaw {
			t.MimeType = "audio/PCMU"
		}
		unpack, ok = unpackWhole, f.SampleRate == 8000 && f.ChannelCount == 1
	}
	return t, unpack, ok
}

func unpackWhole(p *rtp.Packet) ([]byte, error) { return p.Payload, nil }

// unpackH264 puts the parameter sets before each key frame: some cameras tell them in SDP alone, and whoever comes late
// has seen neither.
func unpackH264(f *format.H264) (unpacker, bool) {
	d, err := f.CreateDecoder()
	if err != nil {
		return nil, false
	}
	sps, pps := f.SafeParams()
	return func(p *rtp.Packet) ([]byte, error) {
		units, err := d.Decode(p)
		if err != nil {
			return nil, err
		}
		var rest [][]byte
		key := false
		for _, u := range units {
			if len(u) == 0 {
				continue
			}
			switch u[0] & 0x1f {
			case 7:
				sps, key = u, true
				continue
			case 8:
				pps = u
				continue
			case 5:
				key = true
			}
			rest = append(rest, u)
		}
		if key && len(sps) > 0 && len(pps) > 0 {
			rest = append([][]byte{sps, pps}, rest...)
		}
		var out []byte
		for _, u := range rest {
			out = append(append(out, 0, 0, 0, 1), u...)
		}
		return out, nil
	}, true
}

// receive sends on what comes of one format. Its callbacks run on the client's goroutines, one for each media.
func (s *rtspSession) receive(m *description.Media, f format.Format, t *playerTrack, unpack unpacker) {
	lost := s.lost.Load()
	s.client.OnPacketRTP(m, f, func(p *rtp.Packet) {
		if s.hold.Load() {
			t.lost = true
			t.tellFlow(false)
			return
		}
		if now := s.lost.Load(); now != lost {
			lost, t.lost = now, true
		}
		data, err := unpack(p)
		if err != nil || len(data) == 0 {
			return // more packets are needed, or a piece is missing, which is counted
		}
		t.tellFlow(true)
		// Fails for what a payloader cannot cut, and such a frame is lost.
		if t.sendStamped(data, p.Timestamp, time.Now()) != nil {
			t.lost = true
		}
	})
	s.client.OnPacketRTCP(m, func(p rtcp.Packet) {
		if sr, ok := p.(*rtcp.SenderReport); ok {
			t.layer.WriteSenderReport(sr.NTPTime, sr.RTPTime, time.Now())
		}
	})
}
