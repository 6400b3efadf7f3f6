package pipeline

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// ProcessOffer answers an offer. There is one negotiation in an endpoint's
// life; an offer that is refused leaves the endpoint as it was.
func (e *RtpEndpoint) ProcessOffer(ctx context.Context, sdp string) (answer string, err error) {
	err = e.negotiate(ctx, func() error {
		if e.ourOffer || e.isNegotiated() {
			return ErrAlreadyNegotiated
		}
		d, err := readRTPDescription(sdp)
		if err != nil {
			return err
		}
		media, local, err := e.answer(d)
		if err == nil {
			answer, err = e.describe(d.lines, local)
		}
		if err != nil {
			closeAll(media)
			return err
		}
		e.adopt(media, answer, sdp)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("processing an offer: %w", err)
	}
	return answer, nil
}

// negotiate runs f alone, and not on an endpoint that is gone.
func (e *RtpEndpoint) negotiate(ctx context.Context, f func() error) error {
	e.negotiating.Lock()
	defer e.negotiating.Unlock()
	switch {
	case e.dead.Load():
		return ErrReleased
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return f()
}

func (e *RtpEndpoint) isNegotiated() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.media != nil
}

func closeAll(media []*rtpMedia) {
	for _, x := range media {
		x.close()
	}
}

// answer opens what the usable lines of an offer need.
func (e *RtpEndpoint) answer(d *rtpDescription) (media []*rtpMedia, local []*rtpLocal, err error) {
	for i, l := range d.lines {
		if l.rejected {
			local = append(local, nil)
			continue
		}
		x, err := e.openMedia(l.media)
		if err != nil {
			return media, nil, err
		}
		media = append(media, x)
		x.remote = l
		if err := e.settle(x, l.crypto); err != nil {
			return media, nil, fmt.Errorf("m-line %d: %w", i+1, err)
		}
		x.local.protos, x.local.codecs = l.protos, l.codecs
		if x.local.mux = l.mux; l.mux {
			x.local.control = 0
		}
		if err := x.prepare(); err != nil {
			return media, nil, fmt.Errorf("m-line %d: %w", i+1, err)
		}
		local = append(local, &x.local)
	}
	return media, local, nil
}

// settle fills in what this side says about a line, and chooses the keys.
func (e *RtpEndpoint) settle(x *rtpMedia, theirs []taggedKey) error {
	l := &x.remote
	x.local.ssrc, x.local.port, x.local.control = x.ssrc, portOf(x.rtp), portOf(x.control)
	x.local.sends, x.local.receives = l.receives, l.sends
	x.local.bandwidth = e.wantsOf(l.media)
	if ip := l.addr.Addr(); ip.IsMulticast() {
		// Everybody sees one and the same description (RFC 3264, section 6.2): we
		// send to the group, whatever the direction is called.
		l.receives, l.sends, l.comedia = l.sends || l.receives, false, false
		x.local.sends, x.local.receives = l.receives, false
		x.local.addr, x.local.port, x.local.control = ip, l.addr.Port(), l.control.Port()
		x.local.ttl = min(max(l.ttl, 1), 255)
	}
	switch {
	case !l.secure && e.opts.Crypto != nil:
		return badSDP("it is not encrypted, and the endpoint was made with a key")
	case !l.secure:
		return nil
	}
	for _, k := range theirs {
		mine := SDES{Suite: k.Suite}
		if c := e.opts.Crypto; c != nil {
			if c.Suite != k.Suite {
				continue
			}
			mine = *c
		}
		mine, err := mine.check()
		if err != nil {
			return err
		}
		x.theirKey, x.local.key = &k.SDES, &taggedKey{k.tag, mine}
		return nil
	}
	return badSDP("it offers no encryption with %s", e.opts.Crypto.Suite)
}

// describe writes this side's description.
func (e *RtpEndpoint) describe(lines []rtpLine, local []*rtpLocal) (string, error) {
	bind, err := e.server.rtpBindAddr(e.opts.UseIPv6)
	if err != nil {
		return "", err
	}
	addr := e.server.rtpPublicAddr(bind)
	for _, l := range local {
		if l != nil && !l.addr.IsValid() {
			l.addr = addr
		}
	}
	return writeRTPDescription(e.session, addr, e.cname, lines, local), nil
}

// adopt makes negotiated media the endpoint's own.
func (e *RtpEndpoint) adopt(media []*rtpMedia, local, remote string) {
	e.mu.Lock()
	old := e.state
	e.media, e.localSDP, e.remoteSDP, e.state = media, local, remote, ConnectionConnected
	e.mu.Unlock()
	for _, x := range media {
		x.start()
	}
	e.events.emit(MediaSessionStarted{})
	e.events.emit(ConnectionStateChanged{old, ConnectionConnected})
}

// GenerateOffer makes an offer with AVPF, or SAVPF where the endpoint has a key.
func (e *RtpEndpoint) GenerateOffer(ctx context.Context, opts OfferOptions) (offer string, err error) {
	err = e.negotiate(ctx, func() error {
		if e.ourOffer || e.isNegotiated() {
			return ErrAlreadyNegotiated
		}
		var media []*rtpMedia
		var local []*rtpLocal
		for _, m := range []MediaType{Audio, Video} {
			if m == Audio && opts.NoAudio || m == Video && opts.NoVideo {
				continue
			}
			x, err := e.openMedia(m)
			if err != nil {
				closeAll(media)
				return err
			}
			media = append(media, x)
			x.remote = rtpLine{media: m, addr: netip.AddrPortFrom(netip.IPv4Unspecified(), 9), receives: true, sends: true}
			x.local = e.offerLine(x)
			local = append(local, &x.local)
		}
		if offer, err = e.describe(nil, local); err != nil {
			closeAll(media)
			return err
		}
		e.offered, e.ourOffer = media, true
		e.mu.Lock()
		e.localSDP = offer
		e.mu.Unlock()
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("generating an offer: %w", err)
	}
	return offer, nil
}

// wantsOf is how much this side wants to receive, in kbit/s.
func (e *RtpEndpoint) wantsOf(m MediaType) int {
	if m == Audio {
		return e.Bandwidth().MaxAudioRecv
	}
	return e.Bandwidth().MaxVideoRecv
}

func (e *RtpEndpoint) offerLine(x *rtpMedia) rtpLocal {
	l := rtpLocal{
		// With a port for RTCP, lest the other side knows no mux (RFC 5761, section 5.1.1).
		protos: "RTP/AVPF", port: portOf(x.rtp), control: portOf(x.control), ssrc: x.ssrc, mux: true,
		sends: true, receives: x.remote.sends, codecs: offeredCodecs(x.at.media),
		bandwidth: e.wantsOf(x.at.media),
	}
	if e.opts.Crypto != nil {
		l.protos, l.key = "RTP/SAVPF", &taggedKey{1, *e.opts.Crypto}
	}
	return l
}

// ProcessAnswer takes the answer to GenerateOffer and returns this side's
// description. An answer that is refused leaves the offer open.
func (e *RtpEndpoint) ProcessAnswer(ctx context.Context, sdp string) (local string, err error) {
	err = e.negotiate(ctx, func() error {
		switch {
		case e.ourOffer && e.isNegotiated():
			return ErrAnswerAlreadyProcessed
		case !e.ourOffer:
			return ErrOfferNotGenerated
		}
		d, err := readRTPDescription(sdp)
		if err != nil {
			return err
		}
		if len(d.lines) != len(e.offered) {
			return badSDP("it has %d m-lines, %d were offered", len(d.lines), len(e.offered))
		}
		media, err := e.takeAnswer(d)
		if err != nil {
			return err
		}
		for _, x := range e.offered {
			if !slices.Contains(media, x) {
				x.closeSockets()
			}
		}
		e.offered = nil
		local, _ = e.LocalSessionDescription()
		e.adopt(media, local, sdp)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("processing an answer: %w", err)
	}
	return local, nil
}

// takeAnswer narrows what was offered to what was answered; when it fails,
// everything is as it was.
func (e *RtpEndpoint) takeAnswer(d *rtpDescription) (media []*rtpMedia, err error) {
	type before struct {
		remote rtpLine
		local  rtpLocal
	}
	was := make([]before, len(e.offered))
	for i, x := range e.offered {
		was[i] = before{x.remote, x.local}
	}
	defer func() {
		if err == nil {
			return
		}
		for i, x := range e.offered {
			x.remote, x.local, x.slot, x.enc, x.dec = was[i].remote, was[i].local, nil, nil, nil
		}
	}()
	for i, l := range d.lines {
		x := e.offered[i]
		if l.rejected {
			continue
		}
		if l.media != x.at.media || l.secure != (x.local.key != nil) {
			return nil, badSDP("m-line %d is not what was offered", i+1)
		}
		l.sends = l.sends && x.remote.sends
		l.codecs = slices.DeleteFunc(l.codecs, func(c rtpCodec) bool {
			return !slices.ContainsFunc(x.local.codecs, func(o rtpCodec) bool { return o.pt == c.pt && o.codec.MimeType == c.codec.MimeType })
		})
		if len(l.codecs) == 0 {
			return nil, badSDP("m-line %d has no codec that was offered", i+1)
		}
		offered := x.local
		x.remote = l
		if err := e.settle(x, l.crypto); err != nil {
			return nil, fmt.Errorf("m-line %d: %w", i+1, err)
		}
		x.local.addr, x.local.key = offered.addr, offered.key
		if err := x.prepare(); err != nil {
			return nil, fmt.Errorf("m-line %d: %w", i+1, err)
		}
		media = append(media, x)
	}
	return media, nil
}
