package pipeline

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// answerWriter makes the answer to a browser that only receives (RFC 8829,
// section 5.3.1).
type answerWriter struct {
	d          sdp.SessionDescription
	ufrag, pwd string
	candidates []string // written on the first line, which all share
	cname      string   // one for all, so that browsers keep them in step (RFC 8834, section 4.9)
	mids       []string
}

// session writes what is above the m-lines.
func (w *answerWriter) session(offer *sdp.SessionDescription, fingerprint string, version uint64) {
	w.d.Origin = sdp.Origin{
		Username: "-", SessionID: offer.Origin.SessionID, SessionVersion: version,
		NetworkType: "IN", AddressType: "IP4", UnicastAddress: "0.0.0.0",
	}
	w.d.SessionName = "-"
	w.d.TimeDescriptions = []sdp.TimeDescription{{}}
	w.d.Attributes = append(w.d.Attributes,
		sdp.NewAttribute("msid-semantic", " WMS *"),
		sdp.NewAttribute("fingerprint", fingerprint),
		sdp.NewPropertyAttribute("ice-lite"),
	)
	if offersBundle(offer) { // a group that was not offered must not be answered (RFC 9143, section 7.3)
		group := "BUNDLE"
		for _, m := range w.mids {
			group += " " + m
		}
		w.d.Attributes = append(w.d.Attributes, sdp.NewAttribute(sdp.AttrKeyGroup, group))
	}
	if _, ok := offer.Attribute(sdp.AttrKeyExtMapAllowMixed); ok {
		w.d.Attributes = append(w.d.Attributes, sdp.NewPropertyAttribute(sdp.AttrKeyExtMapAllowMixed))
	}
}

func offersBundle(offer *sdp.SessionDescription) bool {
	return slices.ContainsFunc(offer.Attributes, func(a sdp.Attribute) bool {
		return a.Key == sdp.AttrKeyGroup && strings.HasPrefix(a.Value, "BUNDLE ")
	})
}

// line answers one m-line; d is nil where nothing is ever sent.
func (w *answerWriter) line(m *sdp.MediaDescription, l offerLine, d *downTrack) {
	var codecs []agreedCodec
	switch {
	case l.rejected || l.media == Data:
	case d != nil:
		codecs = d.agreed
	default:
		codecs = agree(m, l)
	}
	a := &sdp.MediaDescription{
		MediaName: sdp.MediaName{
			Media: m.MediaName.Media, Port: sdp.RangedPort{Value: 9}, Protos: m.MediaName.Protos, Formats: m.MediaName.Formats,
		},
		ConnectionInformation: &sdp.ConnectionInformation{
			NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"},
		},
	}
	w.d.MediaDescriptions = append(w.d.MediaDescriptions, a)
	if len(codecs) == 0 {
		a.MediaName.Port.Value = 0 // rejected (RFC 3264, section 6)
		a.WithValueAttribute(sdp.AttrKeyMID, l.mid)
		a.WithPropertyAttribute(sdp.AttrKeyInactive)
		return
	}
	w.mids = append(w.mids, l.mid)
	a.WithValueAttribute("setup", "passive")
	a.WithValueAttribute(sdp.AttrKeyMID, l.mid)
	a.WithICECredentials(w.ufrag, w.pwd)
	a.WithPropertyAttribute(sdp.AttrKeyRTCPMux)
	if _, ok := m.Attribute(sdp.AttrKeyRTCPRsize); ok {
		a.WithPropertyAttribute(sdp.AttrKeyRTCPRsize)
	}
	a.MediaName.Formats = nil
	for _, c := range codecs {
		writeCodec(a, c)
	}
	if id := stampID(m, codecs); id != 0 {
		a.WithValueAttribute("extmap", strconv.Itoa(int(id))+" "+sdp.TransportCCURI)
	}
	if d != nil && l.receives {
		w.source(a, d)
	} else {
		a.WithPropertyAttribute(sdp.AttrKeyInactive)
	}
	for _, c := range w.candidates {
		a.WithValueAttribute(sdp.AttrKeyCandidate, c[len("candidate:"):])
	}
	if len(w.candidates) > 0 {
		a.WithPropertyAttribute(sdp.AttrKeyEndOfCandidates)
		w.candidates = nil
	}
}

func writeCodec(a *sdp.MediaDescription, c agreedCodec) {
	pt := strconv.Itoa(int(c.pt))
	a.MediaName.Formats = append(a.MediaName.Formats, pt)
	a.WithValueAttribute("rtpmap", pt+" "+c.name)
	if c.codec.FmtpLine != "" {
		a.WithValueAttribute("fmtp", pt+" "+c.codec.FmtpLine)
	}
	for _, f := range c.feedback {
		a.WithValueAttribute("rtcp-fb", pt+" "+f)
	}
	if c.rtx == 0 {
		return
	}
	rtx := strconv.Itoa(int(c.rtx))
	if !slices.Contains(a.MediaName.Formats, rtx) {
		a.MediaName.Formats = append(a.MediaName.Formats, rtx)
		a.WithValueAttribute("rtpmap", rtx+" rtx/90000")
		a.WithValueAttribute("fmtp", rtx+" apt="+pt)
	}
}

// source tells SSRCs (RFC 5576) and the stream's name.
func (w *answerWriter) source(a *sdp.MediaDescription, d *downTrack) {
	main := strconv.FormatUint(uint64(d.ssrc), 10)
	msid := d.StreamID() + " " + d.ID()
	all := []string{main}
	if d.rtxSSRC != 0 {
		rtx := strconv.FormatUint(uint64(d.rtxSSRC), 10)
		a.WithValueAttribute("ssrc-group", "FID "+main+" "+rtx)
		all = append(all, rtx)
	}
	for _, ssrc := range all {
		a.WithValueAttribute("ssrc", ssrc+" cname:"+w.cname)
		a.WithValueAttribute("ssrc", ssrc+" msid:"+msid)
	}
	a.WithValueAttribute("msid", msid)
	a.WithPropertyAttribute(sdp.AttrKeySendOnly)
}
