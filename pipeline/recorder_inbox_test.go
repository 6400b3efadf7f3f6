package pipeline

import (
	"testing"

	"github.com/pion/rtp"

	"kelas/pipeline/codec"
)

// TestInboxFull: a disk that stands still makes nobody wait. Pictures are left out up to a key frame, sound has its own
// room, and the loop sees a hole in the numbers.
func TestInboxFull(t *testing.T) {
	in := newRecorderInbox()
	video := &recorderTap{media: Video, in: in, format: codec.FormatVP8}
	audio := &recorderTap{media: Audio, in: in, format: codec.FormatOpus}
	delta, key := make([]byte, 1100), make([]byte, 1100)
	delta[0], delta[1] = 0x10, 0x01
	key[0], key[1] = 0x10, 0x00
	seq := uint16(0)
	write := func(tap *recorderTap, payload []byte) {
		seq++
		if err := tap.write(&rtp.Header{SequenceNumber: seq}, payload); err != nil {
			t.Fatal(err)
		}
	}
	write(video, key)
	for range 2 * inboxVideoBytes / len(delta) {
		write(video, delta)
	}
	kept := len(in.items)
	if in.dropped.Load() == 0 || in.video > inboxVideoBytes+len(delta)+64 {
		t.Fatalf("%d bytes wait, %d packets were left out", in.video, in.dropped.Load())
	}
	write(video, key)
	if len(in.items) != kept {
		t.Error("a key frame was taken where there was no room")
	}
	for range inboxAudio + 10 {
		write(audio, delta[:80])
	}
	if n := len(in.items) - kept; n != inboxAudio {
		t.Errorf("%d packets of sound taken", n)
	}
	in.take()
	write(video, delta)
	if n := len(in.take()); n != 0 {
		t.Error("pictures went on in the middle of a group")
	}
	dropped := in.dropped.Load()
	write(video, key)
	write(video, delta)
	write(audio, delta[:80])
	if n := len(in.take()); n != 3 || in.dropped.Load() != dropped {
		t.Errorf("%d packets taken after the disk came back, %d left out", n, in.dropped.Load()-dropped)
	}
}
