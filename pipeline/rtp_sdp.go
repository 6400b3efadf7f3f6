package pipeline

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"kelas/pipeline/sfu"
)

// rtpDescription is a session description of plain RTP that has been looked
// through (RFC 8866; RFC 3551, RFC 4585 and RFC 4568 for its profiles).
type rtpDescription struct {
	lines []rtpLine
}

// rtpLine is one of its m-lines.
type rtpLine struct {
	kind     string // as written: "audio", "video", ...
	protos   string
	formats  []string
	rejected bool // port 0, or of no use here; the answer rejects it

	media           MediaType
	addr            netip.AddrPort // where the other side takes RTP
	control         netip.AddrPort // and RTCP
	ttl             int            // of a multicast address, as written
	sends, receives bool           // the other side
	comedia         bool           // send to where packets come from
	mux             bool           // RTP and RTCP on one port (RFC 5761)
	feedback        bool           // AVPF or SAVPF
	secure          bool           // SAVP or SAVPF
	crypto          []taggedKey
	codecs          []rtpCodec
}

type taggedKey struct {
	tag int
	SDES
}

// rtpCodec is a payload type with its meaning.
type rtpCodec struct {
	pt    uint8
	codec sfu.Codec
	fb    []string // rtcp-fb values that are known here
}

// has tells whether a kind of feedback was agreed on.
func (c rtpCodec) has(fb string) bool { return slices.Contains(c.fb, fb) }

// rtpFeedback is what is answered to (RFC 4585, section 4.2; RFC 5104).
var rtpFeedback = []string{"nack", "nack pli", "ccm fir"}

// staticCodecs have a meaning without a=rtpmap (RFC 3551, section 6).
var staticCodecs = map[uint8]sfu.Codec{
	0: {MimeType: "audio/PCMU", ClockRate: 8000, Channels: 1},
	8: {MimeType: "audio/PCMA", ClockRate: 8000, Channels: 1},
}

// rtpEncodings are the encodings that the graph can carry.
var rtpEncodings = map[string]struct {
	media MediaType
	mime  string
	clock uint32
}{
	"OPUS": {Audio, "audio/opus", 48000},
	"PCMU": {Audio, "audio/PCMU", 8000},
	"PCMA": {Audio, "audio/PCMA", 8000},
	"VP8":  {Video, "video/VP8", 90000},
	"VP9":  {Video, "video/VP9", 90000},
	"H264": {Video, "video/H264", 90000},
	"H265": {Video, "video/H265", 90000},
	"AV1":  {Video, "video/AV1", 90000},
}

// readRTPDescription looks a description through. Of each kind the first usable
// m-line is taken; others are marked to be rejected.
func readRTPDescription(text string) (*rtpDescription, error) {
	d, err := parseSDP(text)
	if err != nil {
		return nil, err
	}
	r := &rtpDescription{}
	taken := map[MediaType]bool{}
	for i, m := range d.MediaDescriptions {
		l, err := readRTPLine(m, d)
		if err != nil {
			return nil, badSDP("m-line %d: %v", i+1, err)
		}
		if l.rejected = l.rejected || taken[l.media]; !l.rejected {
			taken[l.media] = true
		}
		r.lines = append(r.lines, l)
	}
	if len(taken) == 0 {
		return nil, badSDP("it has no m-line that can be used")
	}
	return r, nil
}

func readRTPLine(m *sdp.MediaDescription, d *sdp.SessionDescription) (rtpLine, error) {
	l := rtpLine{kind: m.MediaName.Media, protos: strings.Join(m.MediaName.Protos, "/"), formats: m.MediaName.Formats}
	l.media = map[string]MediaType{"audio": Audio, "video": Video}[l.kind]
	switch l.protos {
	case "RTP/AVP":
	case "RTP/AVPF":
		l.feedback = true
	case "RTP/SAVP":
		l.secure = true
	case "RTP/SAVPF":
		l.secure, l.feedback = true, true
	default:
		l.rejected = true
	}
	if l.media == "" || l.rejected || m.MediaName.Port.Value == 0 {
		l.rejected = true
		return l, nil
	}
	l.sends, l.receives = directions(m, d)
	if err := l.readAddress(m, d); err != nil {
		return l, err
	}
	if v, ok := m.Attribute("direction"); ok {
		// draft-ietf-mmusic-sdp-comedia-00, which Kurento follows.
		l.comedia = v == "active" || v == "both"
	}
	_, l.mux = m.Attribute("rtcp-mux")
	if l.mux {
		l.control = l.addr
	}
	if err := l.readCodecs(m); err != nil {
		return l, err
	}
	if l.secure && !l.readKeys(m, d) {
		return l, fmt.Errorf("%s without a usable a=crypto", l.protos)
	}
	l.rejected = len(l.codecs) == 0
	return l, nil
}

// readAddress takes addresses only: a name would have the server ask a name
// server that the description chose.
func (l *rtpLine) readAddress(m *sdp.MediaDescription, d *sdp.SessionDescription) error {
	c := m.ConnectionInformation
	if c == nil {
		c = d.ConnectionInformation
	}
	if c == nil || c.Address == nil {
		return fmt.Errorf("it has no connection address")
	}
	text, behind, _ := strings.Cut(c.Address.Address, "/")
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return fmt.Errorf("the connection address is no IP address")
	}
	if ip.IsMulticast() && ip.Is4() {
		// The scope, as a number of routers (RFC 8866, section 5.7).
		if l.ttl, err = strconv.Atoi(behind); err != nil || l.ttl < 0 || l.ttl > 255 {
			return fmt.Errorf("the group has not one scope from 0 to 255")
		}
	}
	port := m.MediaName.Port.Value
	if port < 1 || port > 65535 {
		return fmt.Errorf("port %d does not exist", port)
	}
	l.addr = netip.AddrPortFrom(ip.Unmap().WithZone(""), uint16(port))
	if ip.IsUnspecified() || port == 9 { // no address yet (RFC 4145, section 4.1)
		l.comedia = true
	}
	control := port + 1
	if v, ok := m.Attribute("rtcp"); ok { // RFC 3605
		number, rest, _ := strings.Cut(v, " ")
		if control, err = strconv.Atoi(number); err != nil || control < 1 {
			return fmt.Errorf("a=rtcp has no port")
		}
		if f := strings.Fields(rest); len(f) == 3 && f[2] != text {
			return fmt.Errorf("a=rtcp has an address of its own")
		}
	}
	if control > 65535 {
		return fmt.Errorf("port %d does not exist", control)
	}
	l.control = netip.AddrPortFrom(l.addr.Addr(), uint16(control))
	return nil
}

func (l *rtpLine) readCodecs(m *sdp.MediaDescription) error {
	for _, f := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(f, 10, 8)
		if err != nil || pt > 127 {
			return fmt.Errorf("payload type %q is not a number up to 127", f)
		}
		c, ok := l.readCodec(m, f, uint8(pt))
		if ok && !slices.ContainsFunc(l.codecs, func(o rtpCodec) bool { return o.pt == c.pt }) {
			l.codecs = append(l.codecs, c)
		}
	}
	return nil
}

func (l *rtpLine) readCodec(m *sdp.MediaDescription, format string, pt uint8) (c rtpCodec, ok bool) {
	c = rtpCodec{pt: pt, codec: staticCodecs[pt]}
	for _, a := range m.Attributes {
		key, rest, _ := strings.Cut(a.Value, " ")
		switch {
		case a.Key == "rtpmap" && key == format:
			c.codec = readMap(rest)
		case a.Key == "fmtp" && key == format:
			c.codec.FmtpLine = strings.TrimSpace(rest)
		case a.Key == "rtcp-fb" && (key == format || key == "*") && l.feedback:
			if slices.Contains(rtpFeedback, rest) && !c.has(rest) {
				c.fb = append(c.fb, rest)
			}
		}
	}
	k, known := rtpEncodings[encodingName(c.codec)]
	return c, known && k.media == l.media && k.clock == c.codec.ClockRate
}

func encodingName(c sfu.Codec) string {
	_, name, _ := strings.Cut(c.MimeType, "/")
	return strings.ToUpper(name)
}

// readMap reads an a=rtpmap behind its payload type; the zero value is a codec
// that is not known.
func readMap(text string) sfu.Codec {
	parts := strings.Split(strings.TrimSpace(text), "/")
	k, ok := rtpEncodings[strings.ToUpper(parts[0])]
	if !ok || len(parts) < 2 {
		return sfu.Codec{}
	}
	clock, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil {
		return sfu.Codec{}
	}
	c := sfu.Codec{MimeType: k.mime, ClockRate: uint32(clock)}
	if k.media == Audio {
		c.Channels = 1
		if len(parts) > 2 {
			n, err := strconv.ParseUint(parts[2], 10, 8)
			if err != nil {
				return sfu.Codec{}
			}
			c.Channels = uint16(n)
		}
	}
	return c
}

// readKeys keeps the usable keys; false: there is none.
func (l *rtpLine) readKeys(m *sdp.MediaDescription, d *sdp.SessionDescription) bool {
	for _, list := range [][]sdp.Attribute{m.Attributes, d.Attributes} {
		for _, a := range list {
			if a.Key != "crypto" {
				continue
			}
			if tag, s, err := readCrypto(a.Value); err == nil {
				l.crypto = append(l.crypto, taggedKey{tag, s})
			}
		}
	}
	return len(l.crypto) > 0
}
