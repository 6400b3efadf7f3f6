package sfu

import (
	"strconv"
	"strings"
)

// Kind says whether a track carries sound or pictures.
type Kind uint8

// The two kinds of track.
const (
	Audio Kind = iota + 1
	Video
)

// String names the kind as SDP does.
func (k Kind) String() string {
	switch k {
	case Audio:
		return "audio"
	case Video:
		return "video"
	}
	return "unknown"
}

// Codec is what one rtpmap and its fmtp line say.
type Codec struct {
	MimeType  string // "video/VP8", "audio/opus"; case does not matter
	ClockRate uint32
	Channels  uint16
	FmtpLine  string
}

// Matches tells whether packets of one codec are the other's as well: by name, clock rate and channels,
// for H264 also by profile and packetization mode (RFC 6184, section 8.1; the level says only how much),
// for VP9 and AV1 by profile, where a missing one is profile 0, for H265 by profile and tier (RFC 7798,
// section 7.1: 1 and 0 where they are missing).
func (c Codec) Matches(o Codec) bool {
	if !strings.EqualFold(c.MimeType, o.MimeType) || c.ClockRate != o.ClockRate {
		return false
	}
	if c.Channels != 0 && o.Channels != 0 && c.Channels != o.Channels {
		return false
	}
	switch {
	case strings.EqualFold(c.MimeType, "video/H264"):
		a, b := parseFmtp(c.FmtpLine), parseFmtp(o.FmtpLine)
		return h264ProfileOf(a) == h264ProfileOf(b) && numberOf(a, "packetization-mode") == numberOf(b, "packetization-mode")
	case strings.EqualFold(c.MimeType, "video/VP9"):
		return numberOf(parseFmtp(c.FmtpLine), "profile-id") == numberOf(parseFmtp(o.FmtpLine), "profile-id")
	case strings.EqualFold(c.MimeType, "video/H265"):
		a, b := parseFmtp(c.FmtpLine), parseFmtp(o.FmtpLine)
		return h265ProfileOf(a) == h265ProfileOf(b) && numberOf(a, "tier-flag") == numberOf(b, "tier-flag")
	case strings.EqualFold(c.MimeType, "video/AV1"):
		return numberOf(parseFmtp(c.FmtpLine), "profile") == numberOf(parseFmtp(o.FmtpLine), "profile")
	}
	return true
}

// playableAs is the looser question asked when no codec of a viewer Matches: a constrained baseline stream
// is a legal baseline, main and high stream, and a receiver of packetization mode 1 takes mode 0.
func (c Codec) playableAs(o Codec) bool {
	if !strings.EqualFold(c.MimeType, "video/H264") || !strings.EqualFold(o.MimeType, "video/H264") || c.ClockRate != o.ClockRate {
		return false
	}
	a, b := parseFmtp(c.FmtpLine), parseFmtp(o.FmtpLine)
	if numberOf(a, "packetization-mode") > numberOf(b, "packetization-mode") {
		return false
	}
	pa, pb := h264ProfileOf(a), h264ProfileOf(b)
	return pa == pb || pa == h264ConstrainedBaseline && (pb == h264Baseline || pb == h264Main || pb == h264High)
}

func parseFmtp(line string) map[string]string {
	out := make(map[string]string, 4)
	for part := range strings.SplitSeq(line, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if key != "" {
			out[strings.ToLower(key)] = strings.TrimSpace(value)
		}
	}
	return out
}

func numberOf(params map[string]string, key string) int {
	n, err := strconv.Atoi(params[key])
	if err != nil {
		return 0
	}
	return n
}

func h265ProfileOf(params map[string]string) int {
	if _, ok := params["profile-id"]; !ok {
		return 1
	}
	return numberOf(params, "profile-id")
}

type h264Profile uint32

const (
	h264ConstrainedBaseline h264Profile = iota
	h264Baseline
	h264Main
	h264High
	h264Other // the raw profile and constraint bytes are added to this
)

// h264ProfileOf folds the ways of spelling one profile together (RFC 6184, section 8.1, table 5).
// Without profile-level-id the profile is baseline (420010).
func h264ProfileOf(params map[string]string) h264Profile {
	id := params["profile-level-id"]
	if id == "" {
		return h264Baseline
	}
	raw, err := strconv.ParseUint(id, 16, 32)
	if err != nil || len(id) != 6 {
		return h264Other + h264Profile(1<<24)
	}
	idc, iop := byte(raw>>16), byte(raw>>8)
	switch {
	case idc == 0x42 && iop&0x4f == 0x40, idc == 0x4d && iop&0x8f == 0x80, idc == 0x58 && iop&0xcf == 0xc0:
		return h264ConstrainedBaseline
	case idc == 0x42 && iop&0x4f == 0x00, idc == 0x58 && iop&0xcf == 0x80:
		return h264Baseline
	case idc == 0x4d && iop&0xaf == 0x00:
		return h264Main
	case idc == 0x64 && iop == 0x00:
		return h264High
	}
	return h264Other + h264Profile(raw>>8)
}
