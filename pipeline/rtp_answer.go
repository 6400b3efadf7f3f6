package pipeline

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"kelas/pipeline/sfu"
)

// rtpLocal is what this side says about one m-line.
type rtpLocal struct {
	protos          string
	addr            netip.Addr
	port, control   uint16
	ttl             int
	mux             bool
	sends, receives bool
	codecs          []rtpCodec
	key             *taggedKey
	ssrc            uint32
	bandwidth       int // kbit/s that it wants to receive; 0: no limit
}

func directionName(sends, receives bool) string {
	switch {
	case sends && receives:
		return "sendrecv"
	case sends:
		return "sendonly"
	case receives:
		return "recvonly"
	}
	return "inactive"
}

// writeRTPDescription writes this side's description. lines says what the other
// side offered, in its order; nil, or a nil entry of local, for an offer or a
// rejected line.
func writeRTPDescription(session uint64, addr netip.Addr, cname string, lines []rtpLine, local []*rtpLocal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- %d 1 IN %s\r\ns=-\r\nc=IN %s\r\nt=0 0\r\n", session, addressOf(addr, 0), addressOf(addr, 0))
	for i, l := range local {
		if l == nil {
			was := lines[i]
			fmt.Fprintf(&b, "m=%s 0 %s %s\r\n", was.kind, was.protos, strings.Join(was.formats, " "))
			continue
		}
		l.write(&b, addr, cname)
	}
	return b.String()
}

func addressOf(a netip.Addr, ttl int) string {
	if a.Is6() {
		return "IP6 " + a.String()
	}
	if a.IsMulticast() {
		return fmt.Sprintf("IP4 %s/%d", a, ttl) // RFC 8866, section 5.7
	}
	return "IP4 " + a.String()
}

func (l *rtpLocal) write(b *strings.Builder, session netip.Addr, cname string) {
	kind := "audio"
	if rtpEncodings[encodingName(l.codecs[0].codec)].media == Video {
		kind = "video"
	}
	fmt.Fprintf(b, "m=%s %d %s", kind, l.port, l.protos)
	for _, c := range l.codecs {
		fmt.Fprintf(b, " %d", c.pt)
	}
	b.WriteString("\r\n")
	if l.addr != session {
		fmt.Fprintf(b, "c=IN %s\r\n", addressOf(l.addr, l.ttl))
	}
	if l.bandwidth > 0 {
		fmt.Fprintf(b, "b=AS:%d\r\n", l.bandwidth)
	}
	for _, c := range l.codecs {
		fmt.Fprintf(b, "a=rtpmap:%d %s\r\n", c.pt, mapOf(c.codec))
		if c.codec.FmtpLine != "" {
			fmt.Fprintf(b, "a=fmtp:%d %s\r\n", c.pt, c.codec.FmtpLine)
		}
		for _, fb := range c.fb {
			fmt.Fprintf(b, "a=rtcp-fb:%d %s\r\n", c.pt, fb)
		}
	}
	if l.key != nil {
		fmt.Fprintf(b, "a=crypto:%s\r\n", l.key.line(l.key.tag))
	}
	if l.control != 0 {
		fmt.Fprintf(b, "a=rtcp:%d\r\n", l.control)
	}
	if l.mux {
		b.WriteString("a=rtcp-mux\r\n")
	}
	fmt.Fprintf(b, "a=%s\r\n", directionName(l.sends, l.receives))
	if l.sends {
		fmt.Fprintf(b, "a=ssrc:%d cname:%s\r\n", l.ssrc, cname)
	}
}

func mapOf(c sfu.Codec) string {
	_, name, _ := strings.Cut(c.MimeType, "/")
	if name == "opus" {
		return fmt.Sprintf("opus/%d/2", c.ClockRate) // always two (RFC 7587, section 7)
	}
	return fmt.Sprintf("%s/%d", name, c.ClockRate)
}

// offeredCodecs are what an offer of ours has.
func offeredCodecs(m MediaType) []rtpCodec {
	if m == Audio {
		return []rtpCodec{
			{pt: 96, codec: sfu.Codec{MimeType: "audio/opus", ClockRate: 48000, Channels: 2, FmtpLine: "minptime=10;useinbandfec=1"}},
			{pt: 0, codec: staticCodecs[0]},
			{pt: 8, codec: staticCodecs[8]},
		}
	}
	list := []rtpCodec{
		{pt: 97, codec: sfu.Codec{MimeType: "video/VP8", ClockRate: 90000}},
		{pt: 98, codec: sfu.Codec{MimeType: "video/H264", ClockRate: 90000, FmtpLine: "packetization-mode=1;profile-level-id=42e01f"}},
		{pt: 99, codec: sfu.Codec{MimeType: "video/VP9", ClockRate: 90000, FmtpLine: "profile-id=0"}},
		{pt: 100, codec: sfu.Codec{MimeType: "video/AV1", ClockRate: 90000}},
		{pt: 101, codec: sfu.Codec{MimeType: "video/H265", ClockRate: 90000, FmtpLine: "profile-id=1;tier-flag=0"}},
	}
	for i := range list {
		list[i].fb = slices.Clone(rtpFeedback)
	}
	return list
}
