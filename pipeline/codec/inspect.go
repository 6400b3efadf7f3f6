package codec

import "strings"

// Format is a payload format that is told apart.
type Format uint8

// The formats. Other stands for all that pass through without a look inside.
const (
	Other Format = iota
	FormatVP8
	FormatVP9
	FormatH264
	FormatH265
	FormatAV1
	FormatOpus
)

// FormatOf finds the format of a MIME type such as "video/VP8".
func FormatOf(mimeType string) Format {
	_, name, _ := strings.Cut(mimeType, "/")
	switch strings.ToUpper(name) {
	case "VP8":
		return FormatVP8
	case "VP9":
		return FormatVP9
	case "H264":
		return FormatH264
	case "H265":
		return FormatH265
	case "AV1":
		return FormatAV1
	case "OPUS":
		return FormatOpus
	}
	return Other
}

// Info is what a payload says of itself in every format.
type Info struct {
	// KeyFrame: a decoder that knows nothing can start with this packet.
	KeyFrame bool
	// TemporalID is 0 where the format or the packet has none.
	TemporalID uint8
}

// Inspect reads a payload. Whatever cannot be read is a packet of no importance.
// Every Opus packet can be the first; of an unknown format nothing is known, so every packet may be the
// first there as well: better a wrong picture for a moment than none for ever.
func Inspect(f Format, payload []byte) Info {
	if len(payload) == 0 {
		return Info{}
	}
	switch f {
	case FormatVP8:
		d, _ := ParseVP8(payload)
		return Info{KeyFrame: d.KeyFrame, TemporalID: d.TemporalID()}
	case FormatVP9:
		d, _ := ParseVP9(payload)
		return Info{KeyFrame: d.KeyFrame, TemporalID: d.TemporalID}
	case FormatH264:
		return Info{KeyFrame: ParseH264(payload).SPS}
	case FormatH265:
		return Info{KeyFrame: ParseH265(payload).VPS}
	case FormatAV1:
		a := ParseAV1(payload)
		return Info{KeyFrame: a.KeyFrame, TemporalID: a.TemporalID}
	}
	return Info{KeyFrame: true}
}
