package record_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"kelas/pipeline/record"
	"kelas/pipeline/record/recordtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// epoch is when the tests' clocks start.
var epoch = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// source sends packets at the times of their frames, on a clock that may be off.
type source struct {
	kind    record.Kind
	codec   record.Codec
	packets []*rtp.Packet
	rate    float64 // ticks in a second of ours
	start   time.Time
	stream  *record.Stream
	asks    int
	lose    func(i int) bool // packets that never come
	late    func(i int) time.Duration
}

func newSource(t *testing.T, mime string, frames []recordtest.Frame, start time.Time) *source {
	s := &source{
		kind: record.Video, codec: record.Codec{MimeType: mime, ClockRate: 90000},
		packets: recordtest.Packetise(t, mime, frames), start: start,
	}
	if mime == "audio/opus" {
		s.kind, s.codec = record.Audio, record.Codec{MimeType: mime, ClockRate: 48000, Channels: 2}
	}
	s.rate = float64(s.codec.ClockRate)
	return s
}

// clock is what sender reports say.
func (s *source) clock(now time.Time) (time.Time, uint32, bool) {
	return now, s.packets[0].Timestamp + uint32(int64(now.Sub(s.start).Seconds()*s.rate)), true
}

func (s *source) open(t *testing.T, r *record.Recording, now time.Time) {
	t.Helper()
	var err error
	s.stream, err = r.Open(s.kind, s.codec, s.clock, func() { s.asks++ }, now)
	if err != nil {
		t.Fatal(err)
	}
}

// due is when a packet comes.
func (s *source) due(i int) time.Time {
	ticks := s.packets[i].Timestamp - s.packets[0].Timestamp
	at := s.start.Add(time.Duration(float64(ticks) / s.rate * 1e9))
	if s.late != nil {
		at = at.Add(s.late(i))
	}
	return at
}

func packetOf(p *rtp.Packet) record.Packet {
	return record.Packet{Seq: p.SequenceNumber, Timestamp: p.Timestamp, Marker: p.Marker, Payload: p.Payload}
}

// arrival is a packet on its way.
type arrival struct {
	at     time.Time
	source *source
	packet *rtp.Packet
}

// play sends what the sources have, in the order of arrival, with a tick each 100 ms, and gives the time of the end.
// each is called before a packet, and may be nil.
func play(t *testing.T, r *record.Recording, from time.Time, each func(now time.Time), sources ...*source) time.Time {
	t.Helper()
	var all []arrival
	for _, s := range sources {
		for i, p := range s.packets {
			if s.lose == nil || !s.lose(i) {
				all = append(all, arrival{s.due(i), s, p})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return a.at.Compare(b.at) })
	now, tick := from, from
	for _, a := range all {
		for ; tick.Before(a.at); tick = tick.Add(100 * time.Millisecond) {
			if err := r.Tick(tick); err != nil {
				t.Fatal(err)
			}
		}
		now = a.at
		if each != nil {
			each(now)
		}
		if err := a.source.stream.Write(packetOf(a.packet), now); err != nil {
			t.Fatal(err)
		}
	}
	return now
}

// folder is where a test records to.
type folder struct {
	t     *testing.T
	dir   string
	name  string
	files []string
}

func newFolder(t *testing.T, name string) *folder { return &folder{t: t, dir: t.TempDir(), name: name} }

func (f *folder) create(n int) (record.File, error) {
	path := filepath.Join(f.dir, string(rune('0'+n))+"-"+f.name)
	f.files = append(f.files, path)
	return os.Create(path)
}

func closeAll(t *testing.T, r *record.Recording, now time.Time) {
	t.Helper()
	if err := r.Close(now); err != nil {
		t.Fatal(err)
	}
}
