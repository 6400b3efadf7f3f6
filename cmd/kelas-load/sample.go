package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
)

//go:embed sample/*.ivf sample/*.ogg
var samples embed.FS

// maxPart is what a browser puts of a frame into one packet, about: with the
// descriptor, RTP and SRTP it makes 1200 bytes of UDP.
const maxPart = 1150

// streamNames are the sights there are, each with its sound.
var streamNames = []string{"webcam", "screen", "webcam-small", "screen-small"}

// clip is a few seconds of one track, as packets.
type clip struct {
	name     string
	video    bool
	interval time.Duration // between frames
	step     uint32        // of the RTP clock between frames
	frames   []frame
}

// frame is one picture, or one packet of sound. Only the first picture of a
// clip is a key frame.
type frame struct {
	parts []part
}

// part is what goes into one packet, without the VP8 descriptor.
type part struct {
	payload []byte
	stamp   int // its place among the stamps
}

// stream is what a presenter shows: a sight and a sound.
type stream struct {
	name  string
	video *clip
	audio *clip
	size  int // packets in all clips
}

// loadStream reads an embedded sample and numbers its packets.
func loadStream(name string) (*stream, error) {
	video, err := readVideo(name)
	if err != nil {
		return nil, fmt.Errorf("the sample %s: %w", name, err)
	}
	audio, err := readAudio("mic")
	if err != nil {
		return nil, fmt.Errorf("the sample mic: %w", err)
	}
	s := &stream{name: name, video: video, audio: audio}
	for _, c := range []*clip{video, audio} {
		for _, f := range c.frames {
			for i := range f.parts {
				f.parts[i].stamp = s.size
				s.size++
			}
		}
	}
	return s, nil
}

func readVideo(name string) (*clip, error) {
	raw, err := samples.ReadFile("sample/" + name + ".ivf")
	if err != nil {
		return nil, err
	}
	r, head, err := ivfreader.NewWith(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if head.FourCC != "VP80" || head.TimebaseNumerator == 0 || head.TimebaseDenominator == 0 {
		return nil, fmt.Errorf("it is %q, not VP8", head.FourCC)
	}
	c := &clip{name: name, video: true,
		interval: time.Second * time.Duration(head.TimebaseNumerator) / time.Duration(head.TimebaseDenominator),
		step:     90000 * head.TimebaseNumerator / head.TimebaseDenominator}
	for {
		data, _, err := r.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		// The lowest bit of a frame is 0 in a key frame (RFC 6386, section 9.1).
		if key := len(data) > 0 && data[0]&1 == 0; key != (len(c.frames) == 0) {
			return nil, fmt.Errorf("frame %d: only the first may be a key frame, and must be", len(c.frames))
		}
		c.frames = append(c.frames, frame{parts: split(data)})
	}
	if len(c.frames) == 0 {
		return nil, errors.New("it is empty")
	}
	return c, nil
}

// split cuts a frame into parts of about the same size, as libwebrtc does.
func split(data []byte) []part {
	n := (len(data) + maxPart - 1) / maxPart
	parts := make([]part, 0, n)
	for i := range n {
		parts = append(parts, part{payload: data[len(data)*i/n : len(data)*(i+1)/n]})
	}
	return parts
}

func readAudio(name string) (*clip, error) {
	raw, err := samples.ReadFile("sample/" + name + ".ogg")
	if err != nil {
		return nil, err
	}
	r, _, err := oggreader.NewWith(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := &clip{name: name, interval: 20 * time.Millisecond, step: 960}
	for {
		page, head, err := r.ParseNextPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if _, isHead := head.HeaderType(page); isHead {
			continue
		}
		c.frames = append(c.frames, frame{parts: []part{{payload: page}}})
	}
	if len(c.frames) == 0 {
		return nil, errors.New("it is empty")
	}
	return c, nil
}
