package pipeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

const (
	maxOfferSize  = 64 << 10
	maxMediaLines = 32
)

// offer is a session description that has been looked through before pion sees
// it, so that a bad one is refused whole.
type offer struct {
	sdp         string
	described   *sdp.SessionDescription // the same, read
	fingerprint string
	lines       []offerLine
	alone       bool // it had no group
	nameless    bool // its lines had no mids
}

// offerLine is one m-line of an offer.
type offerLine struct {
	media    MediaType // Audio, Video, Data, or "" for what we do not know
	mid      string
	at       pad  // its place, by order within the kind
	sends    bool // the browser sends
	receives bool
	rejected bool     // or stopped
	codecs   []uint8  // payload types of the codecs that we pass through
	rids     []string // the encodings that the browser sends, the lowest first; none without simulcast
}

func badSDP(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadSDP, fmt.Sprintf(format, args...))
}

// sending tells whether the browser sends any media.
func (o *offer) sending() bool {
	return slices.ContainsFunc(o.lines, func(l offerLine) bool { return l.sends })
}

// lite tells whether the other side does no checks (RFC 8445, section 2.5): it is
// a server, maybe this one.
func (o *offer) lite() bool {
	_, ok := o.described.Attribute("ice-lite")
	return ok || slices.ContainsFunc(o.described.MediaDescriptions, func(m *sdp.MediaDescription) bool { return has(m, "ice-lite") })
}

// takesData tells whether messages were agreed on.
func (o *offer) takesData() bool {
	return slices.ContainsFunc(o.lines, func(l offerLine) bool { return l.media == Data && !l.rejected })
}

func has(m *sdp.MediaDescription, attribute string) bool {
	_, ok := m.Attribute(attribute)
	return ok
}

// readOffer checks a description and narrows its directions to the options.
func readOffer(text string, opts WebRtcEndpointOptions) (*offer, error) {
	return readDescription(text, opts, false)
}

// parseSDP bounds a description before and after it is parsed.
func parseSDP(text string) (*sdp.SessionDescription, error) {
	switch {
	case text == "":
		return nil, badSDP("it is empty")
	case len(text) > maxOfferSize:
		return nil, badSDP("it has %d bytes; %d are allowed", len(text), maxOfferSize)
	}
	d := &sdp.SessionDescription{}
	if err := d.UnmarshalString(text); err != nil {
		return nil, badSDP("%v", err)
	}
	switch n := len(d.MediaDescriptions); {
	case n == 0:
		return nil, badSDP("it has no m-line")
	case n > maxMediaLines:
		return nil, badSDP("it has %d m-lines; %d are allowed", n, maxMediaLines)
	}
	return d, nil
}

func readDescription(text string, opts WebRtcEndpointOptions, answer bool) (*offer, error) {
	d, err := parseSDP(text)
	if err != nil {
		return nil, err
	}
	o := &offer{described: d}
	places := map[MediaType]int{}
	mids := map[string]bool{}
	changed := false
	for i, m := range d.MediaDescriptions {
		if !answer && nameLine(m, d, i) {
			o.nameless, changed = true, true
		}
		l, err := readLine(m, d)
		if err != nil {
			return nil, badSDP("m-line %d: %v", i+1, err)
		}
		if mids[l.mid] {
			return nil, badSDP("m-line %d: mid %q comes twice", i+1, l.mid)
		}
		mids[l.mid] = true
		if l.media == Data && !answer && !opts.UseDataChannels {
			l.rejected = true
		}
		if l.media == Audio || l.media == Video {
			l.at = pad{l.media, placeName(places[l.media])}
			places[l.media]++
			if narrow(&l, m, opts) {
				changed = true
			}
		}
		o.lines = append(o.lines, l)
	}
	if err := o.readTransport(d, answer); err != nil {
		return nil, err
	}
	if !answer {
		if err := o.makeBundle(d); err != nil {
			return nil, err
		}
	}
	o.sdp = text
	if changed || o.alone {
		b, err := d.Marshal()
		if err != nil {
			return nil, badSDP("%v", err)
		}
		o.sdp = string(b)
	}
	return o, nil
}

// placeName is the description of the n-th m-line of a kind.
func placeName(n int) string {
	names := [...]string{DefaultDescription, ScreenDescription, Speaker1Description, Speaker2Description}
	if n < len(names) {
		return names[n]
	}
	return "media" + strconv.Itoa(n+1)
}

func readLine(m *sdp.MediaDescription, d *sdp.SessionDescription) (offerLine, error) {
	var l offerLine
	mid, ok := m.Attribute(sdp.AttrKeyMID)
	if !ok || mid == "" || len(mid) > 64 {
		return l, fmt.Errorf("it has no usable mid")
	}
	l.mid = mid
	switch m.MediaName.Media {
	case "audio":
		l.media = Audio
	case "video":
		l.media = Video
	case "application":
		l.media = Data
		l.rejected = m.MediaName.Port.Value == 0 && !has(m, "bundle-only")
		return l, nil
	default:
		return l, fmt.Errorf("media %q is not known", m.MediaName.Media)
	}
	if !slices.Contains(m.MediaName.Protos, "SAVPF") {
		return l, fmt.Errorf("the transport %q is not RTP/SAVPF", strings.Join(m.MediaName.Protos, "/"))
	}
	if m.MediaName.Port.Value == 0 && !has(m, "bundle-only") {
		l.rejected = true
		return l, nil // rejected or stopped (RFC 3264, section 6); port 0 with bundle-only is not (RFC 9143, section 6)
	}
	l.sends, l.receives = directions(m, d)
	l.rids = sendRIDs(m)
	for _, f := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(f, 10, 8)
		if err != nil || pt > 127 {
			return l, fmt.Errorf("payload type %q is not a number up to 127", f)
		}
		if codecKnown(m, f) {
			l.codecs = append(l.codecs, uint8(pt))
		}
	}
	return l, nil
}

// directions: what the line says, else what the session says, else sendrecv
// (RFC 8866, section 6.7).
func directions(m *sdp.MediaDescription, d *sdp.SessionDescription) (sends, receives bool) {
	for _, list := range [][]sdp.Attribute{m.Attributes, d.Attributes} {
		for _, a := range list {
			switch a.Key {
			case sdp.AttrKeySendRecv:
				return true, true
			case sdp.AttrKeySendOnly:
				return true, false
			case sdp.AttrKeyRecvOnly:
				return false, true
			case sdp.AttrKeyInactive:
				return false, false
			}
		}
	}
	return true, true
}

// codecKnown tells whether a payload type is one of the codecs that pass
// through, by its rtpmap. Profiles are pion's to match.
func codecKnown(m *sdp.MediaDescription, format string) bool {
	for _, a := range m.Attributes {
		if a.Key != "rtpmap" {
			continue
		}
		pt, rest, _ := strings.Cut(a.Value, " ")
		if pt != format {
			continue
		}
		name, _, _ := strings.Cut(rest, "/")
		switch strings.ToUpper(name) {
		case "OPUS", "PCMU", "PCMA", "VP8", "VP9", "H264", "H265", "AV1":
			return true
		}
	}
	return false
}

// narrow takes away a direction that the endpoint was made without.
func narrow(l *offerLine, m *sdp.MediaDescription, opts WebRtcEndpointOptions) bool {
	sends, receives := l.sends && !opts.SendOnly, l.receives && !opts.RecvOnly
	if sends == l.sends && receives == l.receives {
		return false
	}
	l.sends, l.receives = sends, receives
	m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
		switch a.Key {
		case sdp.AttrKeySendRecv, sdp.AttrKeySendOnly, sdp.AttrKeyRecvOnly, sdp.AttrKeyInactive:
			return true
		}
		return false
	})
	name := sdp.AttrKeyInactive
	switch {
	case sends:
		name = sdp.AttrKeySendOnly
	case receives:
		name = sdp.AttrKeyRecvOnly
	}
	m.Attributes = append(m.Attributes, sdp.Attribute{Key: name})
	return true
}

// readTransport wants ICE credentials (RFC 8839, section 5.4), a DTLS
// fingerprint (RFC 8122, section 5) and, in an offer, a role that leaves ours to
// be server.
func (o *offer) readTransport(d *sdp.SessionDescription, answer bool) error {
	for _, key := range []string{"ice-ufrag", "ice-pwd", "fingerprint"} {
		if anyAttribute(d, key) == "" {
			return badSDP("it has no %s", key)
		}
	}
	o.fingerprint = strings.ToLower(anyAttribute(d, "fingerprint"))
	if len(strings.Fields(o.fingerprint)) != 2 {
		return badSDP("its fingerprint has not two parts")
	}
	if !answer && anyAttribute(d, "setup") == "passive" {
		return badSDP("its setup is passive, but the DTLS server is here")
	}
	return nil
}

func anyAttribute(d *sdp.SessionDescription, key string) string {
	if v, ok := d.Attribute(key); ok && v != "" {
		return v
	}
	for _, m := range d.MediaDescriptions {
		if v, ok := m.Attribute(key); ok && v != "" {
			return v
		}
	}
	return ""
}

// continues tells why o cannot be a further offer of the connection that was
// opened by first, nil when it can (RFC 8829, section 5.2.2).
func (o *offer) continues(first *offer) error {
	if o.fingerprint != first.fingerprint {
		return badSDP("it is of another browser connection; that needs an endpoint of its own")
	}
	if len(o.lines) < len(first.lines) {
		return badSDP("it has fewer m-lines than before")
	}
	for i, old := range first.lines {
		if l := o.lines[i]; l.mid != old.mid || l.media != old.media {
			return badSDP("m-line %d is not the same as before", i+1)
		}
	}
	return nil
}
