package pipeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"kelas/pipeline/sfu"
	"kelas/pipeline/viewer"
)

// agreedCodec is a codec of the browser's offer that we pass through, with the
// browser's own numbers.
type agreedCodec struct {
	codec    sfu.Codec
	pt, rtx  uint8 // rtx 0: none
	name     string
	feedback []string
}

// agree finds the codecs of an m-line that we can send.
func agree(m *sdp.MediaDescription, l offerLine) []agreedCodec {
	maps, fmtps, feedback := formatLines(m)
	var list []agreedCodec
	for _, pt := range l.codecs {
		c, ok := codecFrom(l.media, maps[pt], fmtps[pt])
		if !ok || !slices.ContainsFunc(passedThrough(), c.Matches) {
			continue
		}
		a := agreedCodec{codec: c, pt: pt, name: maps[pt], rtx: rtxOf(pt, maps, fmtps)}
		for _, f := range append(feedback[pt], feedback[everyFormat]...) {
			if wanted(l.media, f) && !slices.Contains(a.feedback, f) {
				a.feedback = append(a.feedback, f)
			}
		}
		list = append(list, a)
	}
	return list
}

// stampID is the number of the header extension for transport-wide numbers, 0
// where there is to be none. A packet that may be sent again under its own
// number must stay the same to the byte, or one SRTP nonce would serve for two
// (RFC 7714, section 8.4); so there is none on pictures without RTX.
func stampID(m *sdp.MediaDescription, agreed []agreedCodec) uint8 {
	plain := func(a agreedCodec) bool { return a.rtx == 0 && slices.Contains(a.feedback, "nack") }
	if slices.ContainsFunc(agreed, plain) {
		return 0
	}
	return extensionID(m, sdp.TransportCCURI)
}

// everyFormat stands for "*" in a=rtcp-fb (RFC 4585, section 4.2).
const everyFormat = 255

// formatLines are an m-line's rtpmap, fmtp and rtcp-fb by payload type.
func formatLines(m *sdp.MediaDescription) (maps, fmtps map[uint8]string, feedback map[uint8][]string) {
	maps, fmtps, feedback = map[uint8]string{}, map[uint8]string{}, map[uint8][]string{}
	for _, a := range m.Attributes {
		number, rest, _ := strings.Cut(a.Value, " ")
		pt, err := strconv.ParseUint(number, 10, 7)
		if err != nil {
			if a.Key != "rtcp-fb" || number != "*" {
				continue
			}
			pt = everyFormat
		}
		switch a.Key {
		case "rtpmap":
			maps[uint8(pt)] = rest
		case "fmtp":
			fmtps[uint8(pt)] = rest
		case "rtcp-fb":
			feedback[uint8(pt)] = append(feedback[uint8(pt)], rest)
		}
	}
	return maps, fmtps, feedback
}

// codecFrom reads "name/clock/channels".
func codecFrom(media MediaType, rtpmap, fmtp string) (c sfu.Codec, ok bool) {
	parts := strings.Split(rtpmap, "/")
	if len(parts) < 2 {
		return c, false
	}
	rate, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil {
		return c, false
	}
	c = sfu.Codec{MimeType: strings.ToLower(string(media)) + "/" + parts[0], ClockRate: uint32(rate), FmtpLine: fmtp}
	if len(parts) > 2 {
		n, err := strconv.ParseUint(parts[2], 10, 8)
		if err != nil {
			return c, false
		}
		c.Channels = uint16(n)
	}
	return c, true
}

// rtxOf is the payload type of the retransmissions of another (RFC 4588, section
// 8.6).
func rtxOf(pt uint8, maps, fmtps map[uint8]string) uint8 {
	want := "apt=" + strconv.Itoa(int(pt))
	for rtx, name := range maps {
		if !strings.EqualFold(name, "rtx/90000") {
			continue
		}
		for part := range strings.SplitSeq(fmtps[rtx], ";") {
			if strings.TrimSpace(part) == want {
				return rtx
			}
		}
	}
	return 0
}

func wanted(media MediaType, feedback string) bool {
	switch feedback {
	case "transport-cc":
		return true
	case "goog-remb", "ccm fir", "nack", "nack pli":
		return media == Video
	}
	return false
}

// extensionID is the number of a header extension in an m-line, 0 when it is not
// offered (RFC 8285, section 7).
func extensionID(m *sdp.MediaDescription, uri string) uint8 {
	for _, a := range m.Attributes {
		if a.Key != "extmap" {
			continue
		}
		fields := strings.Fields(a.Value)
		if len(fields) < 2 || fields[1] != uri {
			continue
		}
		number, direction, _ := strings.Cut(fields[0], "/")
		id, err := strconv.ParseUint(number, 10, 8)
		if err != nil || id < 1 || id > 14 || direction == "sendonly" || direction == "inactive" {
			return 0
		}
		return uint8(id)
	}
	return 0
}

// answerViewer writes the answer (RFC 8829, section 5.3).
func (e *WebRtcEndpoint) answerViewer(conn *viewer.Conn, o *offer, slots []*downTrack) (string, error) {
	ufrag, pwd, err := conn.Credentials()
	if err != nil {
		return "", err
	}
	e.answers++
	w := &answerWriter{ufrag: ufrag, pwd: pwd, candidates: conn.Candidates()}
	slotOf := make(map[string]*downTrack, len(slots))
	for _, d := range slots {
		slotOf[d.mid] = d
		if w.cname == "" && d.ssrc != 0 {
			w.cname = fmt.Sprintf("%08x", d.ssrc)
		}
	}
	for i, l := range o.lines {
		w.line(o.described.MediaDescriptions[i], l, slotOf[l.mid])
	}
	w.session(o.described, e.identity.fingerprint, e.answers)
	text, err := w.d.Marshal()
	if err != nil {
		return "", fmt.Errorf("writing the answer: %w", err)
	}
	return string(text), nil
}
