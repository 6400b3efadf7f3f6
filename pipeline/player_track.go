package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"kelas/pipeline/codec"
	"kelas/pipeline/record"
	"kelas/pipeline/sfu"
)

const (
	// PacketSize is the largest RTP packet of pictures that is made here, without
	// what encryption adds; libwebrtc has the same, and every path carries it. What
	// others have made is passed on as it is.
	PacketSize = 1200
	// playerPayload leaves room for the header, the extension of a viewer's slot,
	// and evening out or the number of a retransmission (RFC 4588, section 4).
	playerPayload = PacketSize - 12 - 8 - 16
	// A file makes no key frame on request. So whoever comes late is replayed to from the last one, however long ago it
	// was within these bounds.
	playerReplayAge = 15 * time.Second
	playerRing      = 8192
)

// playerTrack is one source of a player: samples in, RTP out.
type playerTrack struct {
	endpoint  *PlayerEndpoint
	at        pad
	up        *sfu.UpTrack
	layer     *sfu.Layer
	payloader rtp.Payloader
	packet    rtp.Packet
	buf       []byte
	rate      int64
	epoch     time.Time
	base      uint32
	flow      bool
	format    codec.Format
	lost      bool // nothing is sent until a key frame
}

// newPlayerTrack publishes a source for the track.
func newPlayerTrack(e *PlayerEndpoint, t *record.Track, clock *sfu.SourceClock, epoch time.Time) (*playerTrack, error) {
	c, payloader, err := playerCodec(t)
	if err != nil {
		return nil, err
	}
	p := &playerTrack{
		endpoint: e, at: pad{Audio, DefaultDescription}, payloader: payloader, rate: int64(c.ClockRate),
		buf: make([]byte, 1500), epoch: epoch, base: rand.Uint32(), format: codec.FormatOf(t.MimeType),
	}
	// Without workers: when a file has been played to its end, all of it has been sent.
	cfg := sfu.UpTrackConfig{
		Kind: sfu.Audio, Codec: c, SourceClock: clock, Flush: e.server.flushAll, Timed: &e.pipeline.timed,
	}
	if t.Kind == record.Video {
		p.at.media, cfg.Kind = Video, sfu.Video
		cfg.RingSize, cfg.ReplayAge = playerRing, playerReplayAge
	}
	p.up = sfu.NewUpTrack(cfg)
	p.renew()
	if err := e.pipeline.publish(&e.element, p.at, p.up); err != nil {
		p.up.Close()
		return nil, err
	}
	return p, nil
}

// renew begins a stream of new numbers and times within the same source.
func (p *playerTrack) renew() {
	ssrc := rand.Uint32()
	p.layer = p.up.AddLayer("", ssrc)
	p.packet.Header = rtp.Header{Version: 2, SSRC: ssrc, SequenceNumber: uint16(rand.Uint32()), PayloadType: 96}
	p.lost = p.at.media == Video
}

func playerCodec(t *record.Track) (sfu.Codec, rtp.Payloader, error) {
	c := sfu.Codec{MimeType: t.MimeType, ClockRate: 90000}
	switch t.MimeType {
	case "video/VP8":
		return c, &codecs.VP8Payloader{EnablePictureID: true}, nil
	case "video/VP9":
		c.FmtpLine = fmt.Sprintf("profile-id=%d", t.Profile)
		return c, &codecs.VP9Payloader{}, nil
	case "video/AV1":
		c.FmtpLine = fmt.Sprintf("profile=%d", t.Profile)
		return c, &codecs.AV1Payloader{}, nil
	case "video/H264":
		c.FmtpLine = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + t.ProfileLevelID
		return c, &codecs.H264Payloader{}, nil
	case "audio/PCMU", "audio/PCMA":
		return sfu.Codec{MimeType: t.MimeType, ClockRate: 8000, Channels: 1}, &codecs.OpusPayloader{}, nil // whole, as well
	case "audio/opus":
		return sfu.Codec{MimeType: "audio/opus", ClockRate: 48000, Channels: 2}, &codecs.OpusPayloader{}, nil
	}
	return c, nil, fmt.Errorf("%w: %s", ErrUnsupported, t.MimeType)
}

func (p *playerTrack) timestamp(at time.Time) uint32 {
	ns := at.Sub(p.epoch).Nanoseconds()
	return p.base + uint32(ns/1e9*p.rate+ns%1e9*p.rate/1e9)
}

// send gives a sample to whoever is connected; due is when it is shown.
func (p *playerTrack) send(data []byte, due, now time.Time) error {
	return p.sendStamped(data, p.timestamp(due), now)
}

func (p *playerTrack) sendStamped(data []byte, timestamp uint32, now time.Time) error {
	p.packet.Timestamp = timestamp
	parts := p.payloader.Payload(playerPayload, data)
	if p.lost {
		key := func(part []byte) bool { return codec.Inspect(p.format, part).KeyFrame }
		if p.at.media == Video && !slices.ContainsFunc(parts, key) {
			return nil
		}
		p.lost = false
	}
	for i, part := range parts {
		p.packet.SequenceNumber++
		p.packet.Marker = p.at.media == Video && i == len(parts)-1
		p.packet.Payload = part
		n, err := p.packet.MarshalTo(p.buf)
		if err != nil {
			return fmt.Errorf("making packets: %w", err)
		}
		p.layer.Write(p.buf[:n], now)
	}
	return nil
}

// sweep reports the clock, which all tracks of a player share, and tells whether media flow.
func (p *playerTrack) sweep(now time.Time) {
	p.layer.WriteSenderReport(ntpOf(now), p.timestamp(now), now)
	p.tellFlow(true)
}

func (p *playerTrack) tellFlow(flowing bool) {
	if p.flow != flowing {
		p.flow = flowing
		p.endpoint.events.emit(MediaFlowOutStateChanged{flowing, p.at.media, p.at.description})
	}
}

func (p *playerTrack) close() {
	p.endpoint.pipeline.unpublish(&p.endpoint.element, p.at, p.up)
	p.endpoint.server.addPast(receivedStats(p.at, p.up))
	p.up.Close()
	p.tellFlow(false)
}

// ntpOf is the time as sender reports have it (RFC 3550, section 4).
func ntpOf(t time.Time) uint64 {
	const since1900 = 2208988800
	ns := uint64(t.UnixNano() + since1900*1e9)
	return ns/1e9<<32 | (ns%1e9<<32)/1e9
}
