package record

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"kelas/pipeline/codec"
)

const (
	seekHeadSpace = 128
	tracksSpace   = 4096 // for tracks that come later
	maxCluster    = 4 << 20
	// cueEvery is how far the seek points of a file without pictures are apart.
	cueEvery = 5 * time.Second
	// opusPreRoll is what a decoder needs to hear before sound is right (RFC 7845, section 4.6).
	opusPreRoll = 80 * time.Millisecond
)

// Track numbers.
const (
	videoTrack = 1
	audioTrack = 2
)

// matroska writes WebM and MKV (RFC 9559). What comes first in the file but is known last has its place kept free:
// the seek head, the duration, and the tracks, so that pictures may join a file that was begun with sound alone.
type matroska struct {
	output
	webm            bool
	sound, pictures form

	segment      int64 // where the segment's data begin
	info, tracks int64
	duration     int64 // where the duration's value stands
	tracksSize   int

	cluster ebml          // blocks of the cluster under way
	start   time.Duration // its time
	began   bool          // it has blocks
	end     time.Duration // of the last sample of all
	cues    []cue
}

// cue is a point to which a player may jump.
type cue struct {
	at       time.Duration
	track    int
	cluster  int64 // relative to the segment; set when the cluster is written
	relative int   // within the cluster's data
}

func newMatroska(f File, webm bool, sound, pictures form) (*matroska, error) {
	m := &matroska{output: output{file: f}, webm: webm, sound: sound, pictures: pictures}
	var head ebml
	head.master(idEBML, func(e *ebml) {
		e.uint(idEBMLVersion, 1)
		e.uint(idEBMLReadVersion, 1)
		e.uint(idEBMLMaxIDLength, 4)
		e.uint(idEBMLMaxSizeLength, 8)
		e.text(idDocType, map[bool]string{true: "webm", false: "matroska"}[webm])
		e.uint(idDocTypeVersion, 4)
		e.uint(idDocTypeReadVersion, 2)
	})
	head.id(idSegment)
	head = binary.BigEndian.AppendUint64(head, unknownSize)
	m.segment = int64(len(head))
	head.void(seekHeadSpace)
	m.info = int64(len(head))
	head.master(idInfo, func(e *ebml) {
		e.uint(idTimestampScale, uint64(time.Millisecond))
		e.text(idMuxingApp, "kelas")
		e.text(idWritingApp, "kelas")
		e.float(idDuration, 0)
	})
	m.duration = int64(len(head)) - 8
	m.tracks = int64(len(head))
	tracks := m.renderTracks()
	m.tracksSize = len(tracks) + tracksSpace
	head = append(head, tracks...)
	head.void(tracksSpace)
	return m, m.append(head)
}

func (m *matroska) renderTracks() ebml {
	var out ebml
	out.master(idTracks, func(e *ebml) {
		if m.pictures.known() {
			e.master(idTrackEntry, func(e *ebml) { m.describe(e, videoTrack, 1, m.pictures) })
		}
		if m.sound.known() {
			e.master(idTrackEntry, func(e *ebml) { m.describe(e, audioTrack, 2, m.sound) })
		}
	})
	return out
}

func (m *matroska) describe(e *ebml, number, kind uint64, f form) {
	e.uint(idTrackNumber, number)
	e.uint(idTrackUID, number)
	e.uint(idTrackType, kind)
	e.uint(idFlagLacing, 0)
	e.text(idCodecID, map[codec.Format]string{
		codec.FormatVP8: "V_VP8", codec.FormatVP9: "V_VP9", codec.FormatAV1: "V_AV1",
		codec.FormatH264: "V_MPEG4/ISO/AVC", codec.FormatOpus: "A_OPUS",
	}[f.format])
	if f.private != nil {
		e.bytes(idCodecPrivate, f.private)
	}
	if kind == 2 {
		e.uint(idSeekPreRoll, uint64(opusPreRoll))
		e.master(idAudio, func(e *ebml) {
			e.float(idSamplingFrequency, 48000)
			e.uint(idChannels, uint64(f.channels))
		})
		return
	}
	e.master(idVideo, func(e *ebml) {
		e.uint(idPixelWidth, uint64(f.width))
		e.uint(idPixelHeight, uint64(f.height))
	})
}

func (m *matroska) addVideo(f form) error {
	old := m.pictures
	m.pictures = f
	tracks := m.renderTracks()
	free := m.tracksSize - len(tracks)
	if free < 2 {
		m.pictures = old
		return fmt.Errorf("%w: its description has %d bytes", ErrCodec, len(f.private))
	}
	tracks.void(free)
	return m.patch(tracks, m.tracks)
}

func (m *matroska) write(s sample) error {
	rel := (s.at - m.start).Milliseconds()
	jump := s.kind == Video && s.key
	if m.began && (jump || rel >= clusterLength.Milliseconds() || rel < math.MinInt16 || len(m.cluster) > maxCluster) {
		if err := m.flush(); err != nil {
			return err
		}
	}
	if !m.began {
		m.began = true
		m.start = max(m.start, s.at.Truncate(time.Millisecond)) // times of clusters never go back
		m.cluster.uint(idTimestamp, uint64(m.start.Milliseconds()))
	}
	track := videoTrack
	if s.kind == Audio {
		track = audioTrack
	}
	last := m.lastCue()
	if jump || !m.pictures.known() && (last < 0 || s.at-last >= cueEvery) {
		m.cues = append(m.cues, cue{at: s.at, track: track, cluster: -1, relative: len(m.cluster)})
	}
	m.block(track, s)
	m.end = max(m.end, s.at+s.duration)
	return m.failed
}

func (m *matroska) lastCue() time.Duration {
	if len(m.cues) == 0 {
		return -1
	}
	return m.cues[len(m.cues)-1].at
}

func (m *matroska) block(track int, s sample) {
	m.cluster.id(idSimpleBlock)
	m.cluster.size(4 + len(s.data))
	flags := byte(0)
	if s.key {
		flags = 0x80
	}
	rel := uint16(int16((s.at - s.early - m.start).Milliseconds())) // when it is shown (RFC 9559, section 5.1.3.5.1)
	m.cluster = append(m.cluster, 0x80|byte(track), byte(rel>>8), byte(rel), flags)
	m.cluster = append(m.cluster, s.data...)
}

func (m *matroska) flush() error {
	if !m.began || m.failed != nil {
		return m.failed
	}
	position := m.at - m.segment
	out := make(ebml, 0, len(m.cluster)+12)
	out.bytes(idCluster, m.cluster)
	m.cluster, m.began = m.cluster[:0], false
	if err := m.append(out); err != nil {
		return err
	}
	for i := len(m.cues) - 1; i >= 0 && m.cues[i].cluster < 0; i-- {
		m.cues[i].cluster = position
	}
	return m.patchDuration() // a file that is cut says how long it is, too
}

func (m *matroska) patchDuration() error {
	var b [8]byte
	ms := float64(m.end.Microseconds()) / 1000
	binary.BigEndian.PutUint64(b[:], math.Float64bits(ms))
	return m.patch(b[:], m.duration)
}

func (m *matroska) close() error {
	failed := m.flush()
	if m.at == 0 {
		return failed // not even the head fitted
	}
	m.failed = nil // what did not fit is cut off, and the rest may be made whole
	if err := m.index(); failed == nil {
		failed = err
	}
	return failed
}

// index appends the seek table and says where it is.
func (m *matroska) index() error {
	m.cues = slices.DeleteFunc(m.cues, func(c cue) bool { return c.cluster < 0 })
	cues := m.at - m.segment
	if len(m.cues) > 0 {
		var out ebml
		out.master(idCues, m.renderCues)
		if err := m.append(out); err != nil {
			return err
		}
	}
	var head ebml
	head.master(idSeekHead, func(e *ebml) {
		m.seek(e, idInfo, m.info-m.segment)
		m.seek(e, idTracks, m.tracks-m.segment)
		if len(m.cues) > 0 {
			m.seek(e, idCues, cues)
		}
	})
	head.void(seekHeadSpace - len(head))
	if err := m.patch(head, m.segment); err != nil {
		return err
	}
	var size ebml
	size.sizeIn(int(m.at-m.segment), 8)
	return m.patch(size, m.segment-8)
}

func (m *matroska) seek(e *ebml, id uint32, at int64) {
	var name ebml
	name.id(id)
	e.master(idSeek, func(e *ebml) {
		e.bytes(idSeekID, name)
		e.uint(idSeekPosition, uint64(at))
	})
}

func (m *matroska) renderCues(e *ebml) {
	for _, c := range m.cues {
		e.master(idCuePoint, func(e *ebml) {
			e.uint(idCueTime, uint64(c.at.Milliseconds()))
			e.master(idCueTrackPositions, func(e *ebml) {
				e.uint(idCueTrack, uint64(c.track))
				e.uint(idCueClusterPosition, uint64(c.cluster))
				e.uint(idCueRelative, uint64(c.relative))
			})
		})
	}
}
