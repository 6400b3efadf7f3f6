package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Payload types and extension ids of the offers made here; an answer keeps
// them (RFC 3264, section 6.1).
const (
	opusType = 111
	vp8Type  = 96
	rtxType  = 97
	twccID   = 5
)

const twccURI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

// viewerOffer is what a browser offers for receiving, with a fixed place for
// everything that may come: mic, camera, screen, screen audio.
func viewerOffer(ufrag, pwd, fingerprint string, id uint64) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("v=0")
	line("o=- %d 2 IN IP4 127.0.0.1", id>>1)
	line("s=-")
	line("t=0 0")
	line("a=group:BUNDLE 0 1 2 3")
	for mid, kind := range []string{"audio", "video", "video", "audio"} {
		if kind == "audio" {
			line("m=audio 9 UDP/TLS/RTP/SAVPF %d", opusType)
		} else {
			line("m=video 9 UDP/TLS/RTP/SAVPF %d %d", vp8Type, rtxType)
		}
		line("c=IN IP4 0.0.0.0")
		line("a=rtcp:9 IN IP4 0.0.0.0")
		line("a=ice-ufrag:%s", ufrag)
		line("a=ice-pwd:%s", pwd)
		line("a=ice-options:trickle")
		line("a=fingerprint:sha-256 %s", fingerprint)
		line("a=setup:actpass")
		line("a=mid:%d", mid)
		line("a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid")
		line("a=extmap:%d %s", twccID, twccURI)
		line("a=recvonly")
		line("a=rtcp-mux")
		line("a=rtcp-rsize")
		if kind == "audio" {
			line("a=rtpmap:%d opus/48000/2", opusType)
			line("a=rtcp-fb:%d transport-cc", opusType)
			line("a=fmtp:%d minptime=10;useinbandfec=1", opusType)
			continue
		}
		line("a=rtpmap:%d VP8/90000", vp8Type)
		for _, fb := range []string{"transport-cc", "ccm fir", "nack", "nack pli"} {
			line("a=rtcp-fb:%d %s", vp8Type, fb)
		}
		line("a=rtpmap:%d rtx/90000", rtxType)
		line("a=fmtp:%d apt=%d", rtxType, vp8Type)
	}
	return b.String()
}

// answer is what a viewer needs of a server's answer.
type answer struct {
	ufrag, pwd  string
	fingerprint string // sha-256, as in the SDP
	passive     bool   // the server is the DTLS server
	addresses   []netip.AddrPort
}

var errAnswer = errors.New("the server's answer cannot be used")

// readAnswer takes the transport of the first m-line, which bundles all.
func readAnswer(sdp string) (answer, error) {
	var a answer
	vp8 := false
	for line := range strings.Lines(sdp) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch key {
		case "a=ice-ufrag":
			a.ufrag = value
		case "a=ice-pwd":
			a.pwd = value
		case "a=setup":
			a.passive = value == "passive"
		case "a=fingerprint":
			if hash, print, ok := strings.Cut(value, " "); ok && strings.EqualFold(hash, "sha-256") {
				a.fingerprint = strings.ToUpper(print)
			}
		case "a=candidate":
			if at, ok := readCandidate(value); ok && len(a.addresses) < 16 {
				a.addresses = append(a.addresses, at)
			}
		case "a=rtpmap":
			vp8 = vp8 || strings.HasPrefix(value, strconv.Itoa(vp8Type)+" VP8/")
		}
	}
	switch {
	case a.ufrag == "" || a.pwd == "":
		return a, fmt.Errorf("%w: it has no ICE credentials", errAnswer)
	case a.fingerprint == "":
		return a, fmt.Errorf("%w: it has no sha-256 fingerprint", errAnswer)
	case !vp8:
		return a, fmt.Errorf("%w: it refuses VP8", errAnswer)
	case len(a.addresses) == 0:
		return a, fmt.Errorf("%w: it has no UDP candidate", errAnswer)
	}
	return a, nil
}

// readCandidate takes component 1 of UDP over IPv4 (RFC 8839, section 5.1).
func readCandidate(value string) (netip.AddrPort, bool) {
	f := strings.Fields(value)
	if len(f) < 8 || f[1] != "1" || !strings.EqualFold(f[2], "udp") {
		return netip.AddrPort{}, false
	}
	ip, err := netip.ParseAddr(f[4])
	port, portErr := strconv.ParseUint(f[5], 10, 16)
	if err != nil || portErr != nil || !ip.Is4() {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip, uint16(port)), true
}
