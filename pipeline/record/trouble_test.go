package record_test

import (
	"errors"
	"testing"
	"time"

	"kelas/pipeline/record"
	"kelas/pipeline/record/recordtest"
)

func newRecording(t *testing.T, c record.Container) (*record.Recording, *folder) {
	t.Helper()
	f := newFolder(t, "file."+c.String())
	return record.New(record.Config{Container: c, Audio: true, Video: true, Create: f.create}, epoch), f
}

func testPictures(t *testing.T, mime, size string, start time.Time) *source {
	t.Helper()
	return newSource(t, mime, recordtest.Video(t, mime, size, length), start)
}

func testSound(t *testing.T, start time.Time) *source {
	t.Helper()
	return newSource(t, "audio/opus", recordtest.Sound(t, length), start)
}

// first is the number of the first packet that is captured at or after a time.
func (s *source) first(at time.Duration) int {
	for i := range s.packets {
		if !s.due(i).Before(s.start.Add(at)) {
			return i
		}
	}
	return len(s.packets)
}

// TestLate: packets that are overtaken, or come again within the time that is waited, are where they belong.
func TestLate(t *testing.T) {
	for _, mime := range []string{"video/VP8", "video/VP9", "video/H264", "video/AV1"} {
		r, f := newRecording(t, record.MKV)
		pictures := testPictures(t, mime, "320x180", epoch)
		pictures.late = func(i int) time.Duration {
			switch {
			case i%29 == 7:
				return 300 * time.Millisecond
			case i%5 == 1:
				return 60 * time.Millisecond
			}
			return 0
		}
		sound := testSound(t, epoch)
		sound.late = func(i int) time.Duration { return time.Duration(i%3) * 30 * time.Millisecond }
		pictures.open(t, r, epoch)
		sound.open(t, r, epoch)
		closeAll(t, r, play(t, r, epoch, nil, pictures, sound))
		if st := r.Stats(); st.Pictures != 100 || st.Gaps != 0 || st.Late != 0 || st.Filled+st.Cut > 2 || pictures.asks != 0 {
			t.Errorf("%s: %+v, asked %d times", mime, st, pictures.asks)
		}
		if n := recordtest.Decode(t, f.files[0]); n != 100 {
			t.Errorf("%s: %d pictures decoded", mime, n)
		}
	}
}

// TestLoss: what cannot be decoded is left out, a key frame is asked for, and the times go on.
func TestLoss(t *testing.T) {
	for _, mime := range []string{"video/VP8", "video/VP9", "video/H264", "video/AV1"} {
		r, f := newRecording(t, record.MKV)
		pictures, sound := testPictures(t, mime, "320x180", epoch), testSound(t, epoch)
		hole := pictures.first(1400 * time.Millisecond) // the next key frame comes after 2 s
		pictures.lose = func(i int) bool { return i == hole }
		quiet := sound.first(2 * time.Second)
		sound.lose = func(i int) bool { return i >= quiet && i < quiet+4 || i >= quiet+50 && i < quiet+75 }
		pictures.open(t, r, epoch)
		sound.open(t, r, epoch)
		closeAll(t, r, play(t, r, epoch, nil, pictures, sound))
		got := recordtest.Probe(t, f.files[0])
		video, audio := got.Stream("video"), got.Stream("audio")
		if n := len(video.Packets); n != 85 || pictures.asks == 0 {
			t.Errorf("%s: %d pictures, asked %d times, %+v", mime, n, pictures.asks, r.Stats())
		}
		if at := video.Packets[35]; !at.Key || at.At != 2*time.Second {
			t.Errorf("%s: after the loss: %+v", mime, at)
		}
		checkSteady(t, audio, length)
		if n := recordtest.Decode(t, f.files[0]); n != len(video.Packets) {
			t.Errorf("%s: %d pictures decoded", mime, n)
		}
	}
}

// checkSteady: sound stands without a hole from the start to the end.
func checkSteady(t *testing.T, audio *recordtest.Stream, end time.Duration) {
	t.Helper()
	at := time.Duration(0)
	for i, p := range audio.Packets {
		if (p.At - at).Abs() > 2*time.Millisecond {
			t.Errorf("packet %d of sound is at %v, the one before ends at %v", i, p.At, at)
			return
		}
		at = p.At + max(p.Duration, 20*time.Millisecond)
	}
	if (at - end).Abs() > 150*time.Millisecond {
		t.Errorf("sound ends at %v", at)
	}
}

// TestOneKindAlone: a profile with both kinds does not wait for what never comes.
func TestOneKindAlone(t *testing.T) {
	for _, c := range []record.Container{record.WebM, record.MP4} {
		mime := map[record.Container]string{record.WebM: "video/VP8", record.MP4: "video/H264"}[c]
		r, f := newRecording(t, c)
		sound := testSound(t, epoch)
		sound.open(t, r, epoch)
		closeAll(t, r, play(t, r, epoch, nil, sound))
		got := recordtest.Probe(t, f.files[0])
		if len(got.Streams) != 1 || got.Stream("audio") == nil {
			t.Errorf("%s: sound alone: %+v", c, got.Streams)
		}
		r, f = newRecording(t, c)
		pictures := testPictures(t, mime, "320x180", epoch)
		pictures.open(t, r, epoch)
		closeAll(t, r, play(t, r, epoch, nil, pictures))
		got = recordtest.Probe(t, f.files[0])
		if v := got.Stream("video"); v == nil || len(v.Packets) != 100 {
			t.Errorf("%s: pictures alone: %+v", c, got.Streams)
		}
		recordtest.Decode(t, f.files[0])
	}
}

// TestOneKindLater: what comes later is in the same file, in its place.
func TestOneKindLater(t *testing.T) {
	const later = 2 * time.Second
	for _, c := range []record.Container{record.WebM, record.MP4} {
		mime := map[record.Container]string{record.WebM: "video/VP8", record.MP4: "video/H264"}[c]
		for _, soundFirst := range []bool{true, false} {
			r, f := newRecording(t, c)
			pictures, sound := testPictures(t, mime, "320x180", epoch), testSound(t, epoch)
			if soundFirst {
				pictures.start = epoch.Add(later)
			} else {
				sound.start = epoch.Add(later)
			}
			pictures.open(t, r, epoch)
			sound.open(t, r, epoch)
			closeAll(t, r, play(t, r, epoch, nil, pictures, sound))
			if len(f.files) != 1 {
				t.Errorf("%s: %d files", c, len(f.files))
			}
			got := recordtest.Probe(t, f.files[0])
			video, audio := got.Stream("video"), got.Stream("audio")
			if video == nil || audio == nil {
				t.Fatalf("%s: %+v", c, got.Streams)
			}
			want := time.Duration(0)
			if soundFirst {
				want = later
			}
			if at := video.Packets[0].At; (at - want).Abs() > 25*time.Millisecond {
				t.Errorf("%s: pictures begin at %v", c, at)
			}
			if soundFirst {
				// Silence follows the pictures a little behind.
				checkSteady(t, audio, length+later-1120*time.Millisecond)
			} else if n := r.Stats().Sounds; n < 200 {
				t.Errorf("%s: %d packets of sound", c, n)
			}
			if d := got.Duration - length - later; d.Abs() > 100*time.Millisecond {
				t.Errorf("%s: duration %v", c, got.Duration)
			}
			if n := recordtest.Decode(t, f.files[0]); n < 100 {
				t.Errorf("%s: %d pictures decoded", c, n)
			}
		}
	}
}

// TestResolutionChange goes on in the same file; another source takes the place of the first.
func TestResolutionChange(t *testing.T) {
	for _, tt := range []struct {
		c    record.Container
		mime string
	}{{record.WebM, "video/VP8"}, {record.WebM, "video/VP9"}, {record.MKV, "video/H264"}, {record.MP4, "video/H264"}, {record.MP4, "video/AV1"}} {
		r, f := newRecording(t, tt.c)
		first := testPictures(t, tt.mime, "320x180", epoch)
		first.open(t, r, epoch)
		now := play(t, r, epoch, nil, first)
		second := testPictures(t, tt.mime, "160x90", now.Add(40*time.Millisecond))
		second.open(t, r, now)
		closeAll(t, r, play(t, r, now, nil, second))
		if len(f.files) != 1 {
			t.Errorf("%s %s: %d files", tt.c, tt.mime, len(f.files))
		}
		got := recordtest.Probe(t, f.files[0])
		if n := len(got.Stream("video").Packets); n != 200 {
			t.Errorf("%s %s: %d pictures", tt.c, tt.mime, n)
		}
		if n := recordtest.Decode(t, f.files[0]); n < 199 {
			t.Errorf("%s %s: %d pictures decoded", tt.c, tt.mime, n)
		}
	}
}

// TestTimestampJump: a source that counts anew neither makes hours of silence nor loses its pictures.
func TestTimestampJump(t *testing.T) {
	for _, jump := range []uint32{1 << 30, 3 << 30} {
		r, f := newRecording(t, record.WebM)
		pictures, sound := testPictures(t, "video/VP8", "320x180", epoch), testSound(t, epoch)
		pictures.open(t, r, epoch)
		sound.open(t, r, epoch)
		var shift uint32
		clock := pictures.clock
		now := epoch
		for i, p := range pictures.packets {
			now = pictures.due(i)
			if now.Sub(epoch) > 2*time.Second {
				shift = jump
			}
			q := packetOf(p)
			q.Timestamp += shift
			if i == 0 {
				pictures.stream, _ = r.Open(record.Video, pictures.codec, func(now time.Time) (time.Time, uint32, bool) {
					at, ts, ok := clock(now)
					return at, ts + shift, ok
				}, func() {}, epoch)
			}
			if err := pictures.stream.Write(q, now); err != nil {
				t.Fatal(err)
			}
		}
		closeAll(t, r, now)
		got := recordtest.Probe(t, f.files[0])
		if n := len(got.Stream("video").Packets); n != 100 {
			t.Errorf("%d pictures", n)
		}
		if (got.Duration - length).Abs() > time.Second {
			t.Errorf("duration %v", got.Duration)
		}
	}
}

// TestCodecChange begins another file.
func TestCodecChange(t *testing.T) {
	r, f := newRecording(t, record.MKV)
	sound := testSound(t, epoch)
	sound.packets = append(sound.packets, testSound(t, epoch).packets...)
	for i, p := range sound.packets {
		p.SequenceNumber = uint16(i)
		p.Timestamp = sound.packets[0].Timestamp + uint32(960*i)
	}
	sound.open(t, r, epoch)
	first := testPictures(t, "video/VP8", "320x180", epoch)
	first.open(t, r, epoch)
	half := len(sound.packets) / 2
	whole := sound.packets
	sound.packets = whole[:half]
	now := play(t, r, epoch, nil, first, sound)
	sound.packets, sound.start = whole[half:], now
	second := testPictures(t, "video/H264", "320x180", now.Add(20*time.Millisecond))
	second.open(t, r, now)
	closeAll(t, r, play(t, r, now, nil, second, sound))
	if len(f.files) != 2 {
		t.Fatalf("%d files", len(f.files))
	}
	for i, want := range []string{"vp8", "h264"} {
		got := recordtest.Probe(t, f.files[i])
		video, audio := got.Stream("video"), got.Stream("audio")
		if video == nil || audio == nil || video.Codec != want || len(video.Packets) != 100 {
			t.Fatalf("file %d: %+v", i+1, got.Streams)
		}
		if video.Packets[0].At > 25*time.Millisecond || audio.Packets[0].At > 25*time.Millisecond {
			t.Errorf("file %d begins at %v and %v", i+1, video.Packets[0].At, audio.Packets[0].At)
		}
		if d := got.Duration - length; d.Abs() > 200*time.Millisecond {
			t.Errorf("file %d lasts %v", i+1, got.Duration)
		}
		recordtest.Decode(t, f.files[i])
	}
}

// TestPause: the time of a pause is not in the file.
func TestPause(t *testing.T) {
	r, f := newRecording(t, record.WebM)
	pictures, sound := testPictures(t, "video/VP8", "320x180", epoch), testSound(t, epoch)
	pictures.open(t, r, epoch)
	sound.open(t, r, epoch)
	now := play(t, r, epoch, nil, pictures, sound)
	if err := r.Pause(now); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	r.Resume(now)
	pictures, sound = testPictures(t, "video/VP8", "320x180", now), testSound(t, now)
	// A source that is joined shows at once what it has had before.
	pictures.start, sound.start = now.Add(-time.Second), now.Add(-time.Second)
	pictures.open(t, r, now)
	sound.open(t, r, now)
	closeAll(t, r, play(t, r, now, nil, pictures, sound))
	got := recordtest.Probe(t, f.files[0])
	video := got.Stream("video")
	video.CheckOrder(t)
	if len(video.Packets) != 200 {
		t.Errorf("%d pictures", len(video.Packets))
	}
	if want := 2*length - time.Second; (got.Duration - want).Abs() > 200*time.Millisecond {
		t.Errorf("duration %v, want %v", got.Duration, want)
	}
	checkSteady(t, got.Stream("audio"), 2*length-time.Second)
}

func TestCreateFails(t *testing.T) {
	gone := errors.New("gone")
	r := record.New(record.Config{Audio: true, Video: true, Create: func(int) (record.File, error) { return nil, gone }}, epoch)
	sound := testSound(t, epoch)
	sound.open(t, r, epoch)
	var err error
	for i, p := range sound.packets {
		if err = sound.stream.Write(packetOf(p), sound.due(i)); err != nil {
			break
		}
	}
	if !errors.Is(err, gone) {
		t.Error(err)
	}
	if err := r.Close(epoch); !errors.Is(err, gone) {
		t.Errorf("closing: %v", err)
	}
}

func TestTakes(t *testing.T) {
	r, _ := newRecording(t, record.WebM)
	for _, c := range []record.Codec{{MimeType: "video/H264"}, {MimeType: "video/H265"}, {MimeType: "audio/PCMU"}} {
		if _, err := r.Open(record.Video, c, nil, nil, epoch); !errors.Is(err, record.ErrCodec) {
			t.Errorf("%s: %v", c.MimeType, err)
		}
	}
}
