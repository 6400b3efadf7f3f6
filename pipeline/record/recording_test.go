package record_test

import (
	"testing"
	"time"

	"kelas/pipeline/record"
	"kelas/pipeline/record/recordtest"
)

const length = 4 * time.Second

// TestContainers records what ffmpeg has encoded and has ffprobe read and ffmpeg decode it.
func TestContainers(t *testing.T) {
	for _, tt := range []struct {
		container record.Container
		mime, is  string
	}{
		{record.WebM, "video/VP8", "vp8"},
		{record.WebM, "video/VP9", "vp9"},
		{record.WebM, "video/AV1", "av1"},
		{record.MKV, "video/VP8", "vp8"},
		{record.MKV, "video/H264", "h264"},
		{record.MP4, "video/H264", "h264"},
		{record.MP4, "video/AV1", "av1"},
	} {
		t.Run(tt.container.String()+" "+tt.is, func(t *testing.T) {
			f := newFolder(t, "both."+tt.container.String())
			r := record.New(record.Config{Container: tt.container, Audio: true, Video: true, Create: f.create}, epoch)
			pictures := newSource(t, tt.mime, recordtest.Video(t, tt.mime, "320x180", length), epoch)
			sound := newSource(t, "audio/opus", recordtest.Sound(t, length), epoch)
			pictures.open(t, r, epoch)
			sound.open(t, r, epoch)
			end := play(t, r, epoch, nil, pictures, sound)
			closeAll(t, r, end)
			got := recordtest.Probe(t, f.files[0])
			video, audio := got.Stream("video"), got.Stream("audio")
			if video == nil || audio == nil || video.Codec != tt.is || audio.Codec != "opus" {
				t.Fatalf("streams: %+v", got.Streams)
			}
			if video.Width != 320 || video.Height != 180 {
				t.Errorf("size %dx%d", video.Width, video.Height)
			}
			if len(video.Packets) != 100 || len(audio.Packets) < 200 {
				t.Errorf("%d pictures, %d packets of sound", len(video.Packets), len(audio.Packets))
			}
			video.CheckOrder(t)
			audio.CheckOrder(t)
			if off := video.Packets[0].At - audio.Packets[0].At; off.Abs() > 2*time.Millisecond {
				t.Errorf("sound and pictures begin %v apart", off)
			}
			if d := got.Duration - length; d.Abs() > 80*time.Millisecond {
				t.Errorf("duration %v", got.Duration)
			}
			if n := recordtest.Decode(t, f.files[0]); n != 100 {
				t.Errorf("%d pictures decoded", n)
			}
		})
	}
}
