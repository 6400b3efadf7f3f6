package record_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"kelas/pipeline/record"
)

// drifting is a source whose quartz is off, with numbered frames that no decoder would like.
type drifting struct {
	kind   record.Kind
	mime   string
	rate   float64 // ticks in a second of ours
	ticks  uint32  // from frame to frame
	jitter func() time.Duration
	stream *record.Stream
	base   uint32
}

// captured is when frame i was, in our time.
func (d *drifting) captured(i int) time.Duration {
	return time.Duration(float64(i) * float64(d.ticks) / d.rate * 1e9)
}

func (d *drifting) open(t *testing.T, r *record.Recording, clockRate uint32) {
	t.Helper()
	clock := func(now time.Time) (time.Time, uint32, bool) {
		return now.Add(d.jitter()), d.base + uint32(uint64(now.Sub(epoch).Seconds()*d.rate)), true
	}
	var err error
	d.stream, err = r.Open(d.kind, record.Codec{MimeType: d.mime, ClockRate: clockRate, Channels: 2}, clock, func() {}, epoch)
	if err != nil {
		t.Fatal(err)
	}
}

func (d *drifting) write(t *testing.T, i int, now time.Time) {
	t.Helper()
	p := record.Packet{Seq: uint16(i), Timestamp: d.base + uint32(i)*d.ticks, Marker: d.kind == record.Video}
	if d.kind == record.Audio {
		p.Payload = numberedSound(i)
	} else {
		p.Payload = append([]byte{0x10}, numberedPicture(i, i%100 == 0)...)
	}
	if err := d.stream.Write(p, now); err != nil {
		t.Fatal(err)
	}
}

// numberedSound is 20 ms of Opus, by its first byte.
func numberedSound(i int) []byte { return binary.BigEndian.AppendUint32([]byte{0xfc, 0xaa}, uint32(i)) }

// numberedPicture is a VP8 frame, by its head.
func numberedPicture(i int, key bool) []byte {
	b := []byte{0x11, 0, 0}
	if key {
		b = []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00}
	}
	return binary.BigEndian.AppendUint32(b, uint32(i))
}

func numberOf(data []byte) int { return int(binary.BigEndian.Uint32(data[len(data)-4:])) }

// TestHour records an hour from two clocks that drift apart by 0.7 s, and looks how far sound and pictures are apart in
// the file.
func TestHour(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	jitter := func() time.Duration { return time.Duration(random.IntN(4000)-2000) * time.Microsecond }
	f := newFolder(t, "hour.webm")
	r := record.New(record.Config{Container: record.WebM, Audio: true, Video: true, Create: f.create}, epoch)
	sound := &drifting{kind: record.Audio, mime: "audio/opus", rate: 48000 * 1.0001, ticks: 960, jitter: jitter, base: 1 << 31}
	pictures := &drifting{kind: record.Video, mime: "video/VP8", rate: 90000 * 0.9999, ticks: 9000, jitter: jitter, base: 1<<32 - 1000}
	sound.open(t, r, 48000)
	pictures.open(t, r, 90000)
	now := time.Duration(0)
	for a, v := 0, 0; now < time.Hour; {
		if at := sound.captured(a); at <= pictures.captured(v) {
			now = at
			sound.write(t, a, epoch.Add(now+20*time.Millisecond))
			a++
		} else {
			now = pictures.captured(v)
			pictures.write(t, v, epoch.Add(now+20*time.Millisecond))
			v++
		}
	}
	closeAll(t, r, epoch.Add(time.Hour))
	if st := r.Stats(); st.Cut+st.Filled < 10 || st.Cut+st.Filled > 40 {
		t.Errorf("%d packets of sound put in and %d left out for 0.36 s", st.Filled, st.Cut)
	}
	checkHour(t, f.files[0], sound, pictures)
}

func checkHour(t *testing.T, path string, sound, pictures *drifting) {
	t.Helper()
	reader := openFile(t, path)
	var worst, lateSound, latePicture time.Duration
	frames := 0
	for {
		s, err := reader.Next()
		if err != nil {
			break
		}
		frames++
		switch {
		case s.Kind == record.Video:
			latePicture = s.At - pictures.captured(numberOf(s.Data))
		case len(s.Data) == 6:
			lateSound = s.At - sound.captured(numberOf(s.Data))
		default:
			continue // put in
		}
		worst = max(worst, (latePicture - lateSound).Abs())
	}
	if frames < 200000 {
		t.Errorf("%d frames", frames)
	}
	t.Logf("at most %v apart", worst)
	if worst > 40*time.Millisecond {
		t.Errorf("sound and pictures are %v apart", worst)
	}
	if d := reader.Info().Duration; (d - time.Hour).Abs() > 200*time.Millisecond {
		t.Errorf("duration %v", d)
	}
}
