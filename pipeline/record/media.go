package record

import (
	"fmt"
	"io"
	"time"

	"kelas/pipeline/codec"
)

// Kind says whether a stream carries sound or pictures.
type Kind uint8

// The two kinds of stream.
const (
	Audio Kind = iota
	Video
	kinds
)

// String names the kind as SDP does.
func (k Kind) String() string {
	if k == Audio {
		return "audio"
	}
	return "video"
}

// Container is a kind of file.
type Container uint8

// The containers.
const (
	WebM Container = iota // VP8, VP9, AV1, Opus
	MKV                   // and H264
	MP4                   // H264, AV1, Opus
)

// String is the container's name.
func (c Container) String() string {
	return [...]string{"WebM", "MKV", "MP4"}[c]
}

// Codec is what one rtpmap line says.
type Codec struct {
	MimeType  string // "video/VP8", "audio/opus"; case does not matter
	ClockRate uint32
	Channels  uint16
}

// Takes tells whether the container holds the codec.
func (c Container) Takes(k Kind, mimeType string) error {
	f := codec.FormatOf(mimeType)
	ok := false
	switch f {
	case codec.FormatOpus:
		ok = k == Audio
	case codec.FormatVP8, codec.FormatVP9:
		ok = k == Video && c != MP4
	case codec.FormatAV1:
		ok = k == Video
	case codec.FormatH264:
		ok = k == Video && c != WebM
	}
	if !ok {
		return fmt.Errorf("%w: %s in %s", ErrCodec, mimeType, c)
	}
	return nil
}

// Packet is one RTP packet without its header extensions and padding. An empty payload only fills its number's place.
type Packet struct {
	Seq       uint16
	Timestamp uint32
	Marker    bool
	Payload   []byte
}

// File is what a Recording writes to; an *os.File is one.
type File interface {
	io.WriterAt
	io.Closer
	Sync() error
	// Truncate cuts off what did not fit on the disk.
	Truncate(size int64) error
}

// Clock relates a stream's timestamps to the recorder's time: a capture at the moment at has the timestamp ts. ok is
// false while that is not known. It is asked about four times a second.
type Clock func(now time.Time) (at time.Time, ts uint32, ok bool)

// frame is a picture or a packet of sound, whole.
type frame struct {
	ts   uint32
	key  bool
	data []byte
	form form
}

// form is what a container must be told of a stream; frames that begin a sequence say it.
type form struct {
	format        codec.Format
	width, height int
	channels      int
	private       []byte // avcC, av1C or OpusHead
}

// known: a file can be begun with it.
func (f form) known() bool { return f.format != codec.Other }
