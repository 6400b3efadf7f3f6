package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"kelas/pipeline/codec"
)

// maxSample is more than any picture has.
const maxSample = maxFrame

// Track is one stream of a file.
type Track struct {
	Kind          Kind
	MimeType      string // "video/VP8", "audio/opus"
	Channels      int
	Width, Height int // 0: the file does not say
	// Profile is that of VP9 and AV1. ProfileLevelID is that of H264, six hexadecimal digits.
	Profile        int
	ProfileLevelID string

	format codec.Format
	number uint64 // in the file
	avc    *avcConfig
}

// Sample is a picture or a packet of sound as it is sent: H264 with start codes and, before a key frame, with its
// parameter sets; AV1 without temporal delimiters.
type Sample struct {
	Kind Kind
	At   time.Duration // when it is shown, from the start of the file
	Key  bool
	Data []byte
}

// Reader gives the samples of a file in its order, which is that of decoding. It has no lock and no goroutine.
type Reader struct {
	file   container
	tracks [kinds]*Track
	info   Info
}

// Info is what is known of a file.
type Info struct {
	Container string        // "WebM", "MKV", "MP4", "IVF", "Ogg"
	Duration  time.Duration // 0: not known
	Seekable  bool
	// LeftOut are the codecs, in the file's words, of streams that cannot be sent on without decoding.
	LeftOut []string
}

// container is a file of some format.
type container interface {
	// open reads what stands before the first sample.
	open() (tracks []Track, info Info, err error)
	// next gives the next sample of a track that was chosen, as the file keeps it; io.EOF at the end.
	next() (t *Track, s Sample, err error)
	// seek goes to the newest sample at or before to from which decoding can begin, of pictures if there are any.
	// Samples before that are given by nobody.
	seek(to time.Duration) (at time.Duration, err error)
	// choose says which tracks are wanted.
	choose(tracks [kinds]*Track)
}

// Open finds out what a file is, and takes its first stream of pictures and of sound that can be sent on.
func Open(src Source) (*Reader, error) {
	c := newCursor(src)
	head, err := c.peek(12)
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	r := &Reader{}
	switch {
	case bytes.HasPrefix(head, []byte{0x1a, 0x45, 0xdf, 0xa3}):
		r.file = &matroskaReader{in: c}
	case bytes.HasPrefix(head, []byte("DKIF")):
		r.file = &ivfReader{in: c}
	case bytes.HasPrefix(head, []byte("OggS")):
		r.file = &oggReader{in: c}
	case len(head) >= 8 && bytes.Equal(head[4:8], []byte("ftyp")):
		r.file = &mp4Reader{in: c}
	default:
		return nil, fmt.Errorf("%w: it is no WebM, MKV, MP4, IVF or Ogg", ErrFormat)
	}
	tracks, info, err := r.file.open()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: it ends before the first sample", ErrDamaged)
		}
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	r.info = info
	for i := range tracks {
		if t := &tracks[i]; r.tracks[t.Kind] == nil {
			r.tracks[t.Kind] = t
		}
	}
	if r.tracks[Audio] == nil && r.tracks[Video] == nil {
		return nil, fmt.Errorf("%w: it has none of VP8, VP9, AV1, H264 and Opus", ErrFormat)
	}
	r.file.choose(r.tracks)
	return r, nil
}

// Track is the stream of a kind, nil without one.
func (r *Reader) Track(k Kind) *Track { return r.tracks[k] }

// Info is what is known of the file.
func (r *Reader) Info() Info { return r.info }

// Next gives the next sample; io.EOF at the end, also where a file is cut.
func (r *Reader) Next() (Sample, error) {
	for {
		t, s, err := r.file.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				err = fmt.Errorf("reading the file: %w", err)
			}
			return Sample{}, err
		}
		if s.Data, err = t.send(s.Data, &s); err != nil {
			return Sample{}, fmt.Errorf("reading the file: %w", err)
		}
		if len(s.Data) == 0 {
			continue
		}
		s.Kind = t.Kind
		return s, nil
	}
}

// Seek goes to the key frame at or before to, and tells where that is.
func (r *Reader) Seek(to time.Duration) (time.Duration, error) {
	if !r.info.Seekable {
		return 0, ErrNotSeekable
	}
	at, err := r.file.seek(max(to, 0))
	if err != nil {
		return 0, fmt.Errorf("seeking in the file: %w", err)
	}
	return at, nil
}

// send makes a sample what goes into RTP, and sets Key where only the data tell.
func (t *Track) send(data []byte, s *Sample) ([]byte, error) {
	switch t.format {
	case codec.FormatH264:
		return t.avc.annexB(data, s)
	case codec.FormatAV1:
		return av1WithoutDelimiters(data), nil
	}
	return data, nil
}

// codecName is a file's word for a codec as it may stand in a log.
func codecName(s string) string {
	if len(s) > 32 {
		s = s[:32]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// isKey looks into a picture.
func isKey(f codec.Format, data []byte) bool {
	switch f {
	case codec.FormatVP8:
		return len(data) > 0 && data[0]&1 == 0
	case codec.FormatVP9:
		_, ok := vp9Form(data)
		return ok
	case codec.FormatAV1:
		return av1HasSequence(data)
	}
	return true
}

// openTrack makes a track of what a file says; ok is false for codecs that are not sent on.
func openTrack(f codec.Format, private []byte) (t Track, ok bool) {
	t = Track{Kind: Video, format: f}
	switch f {
	case codec.FormatVP8:
		t.MimeType = "video/VP8"
	case codec.FormatVP9:
		t.MimeType = "video/VP9"
	case codec.FormatAV1:
		t.MimeType = "video/AV1"
		if len(private) >= 4 {
			t.Profile = int(private[1] >> 5)
		}
	case codec.FormatH264:
		t.MimeType = "video/H264"
		t.avc, ok = parseAVCConfig(private)
		if !ok {
			return t, false
		}
		t.ProfileLevelID = t.avc.profile
	case codec.FormatOpus:
		t.Kind, t.MimeType, t.Channels = Audio, "audio/opus", 2
		if len(private) >= 19 && private[9] == 1 {
			t.Channels = 1
		}
	default:
		return t, false
	}
	return t, true
}
