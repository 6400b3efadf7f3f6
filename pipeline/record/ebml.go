package record

import (
	"encoding/binary"
	"math"
)

// Element ids (RFC 9559, section 27.1; RFC 8794, section 11.3).
const (
	idEBML               = 0x1a45dfa3
	idEBMLVersion        = 0x4286
	idEBMLReadVersion    = 0x42f7
	idEBMLMaxIDLength    = 0x42f2
	idEBMLMaxSizeLength  = 0x42f3
	idDocType            = 0x4282
	idDocTypeVersion     = 0x4287
	idDocTypeReadVersion = 0x4285
	idVoid               = 0xec
	idSegment            = 0x18538067
	idSeekHead           = 0x114d9b74
	idSeek               = 0x4dbb
	idSeekID             = 0x53ab
	idSeekPosition       = 0x53ac
	idInfo               = 0x1549a966
	idTimestampScale     = 0x2ad7b1
	idDuration           = 0x4489
	idMuxingApp          = 0x4d80
	idWritingApp         = 0x5741
	idTracks             = 0x1654ae6b
	idTrackEntry         = 0xae
	idTrackNumber        = 0xd7
	idTrackUID           = 0x73c5
	idTrackType          = 0x83
	idFlagLacing         = 0x9c
	idCodecID            = 0x86
	idCodecPrivate       = 0x63a2
	idSeekPreRoll        = 0x56bb
	idVideo              = 0xe0
	idPixelWidth         = 0xb0
	idPixelHeight        = 0xba
	idAudio              = 0xe1
	idSamplingFrequency  = 0xb5
	idChannels           = 0x9f
	idCluster            = 0x1f43b675
	idTimestamp          = 0xe7
	idSimpleBlock        = 0xa3
	idCues               = 0x1c53bb6b
	idCuePoint           = 0xbb
	idCueTime            = 0xb3
	idCueTrackPositions  = 0xb7
	idCueTrack           = 0xf7
	idCueClusterPosition = 0xf1
	idCueRelative        = 0xf0
)

// unknownSize is the size of an element that ends with its parent or the file (RFC 8794, section 6.2), in eight bytes.
const unknownSize = 0x01ffffffffffffff

// ebml is a run of elements being written.
type ebml []byte

func (e *ebml) id(id uint32) {
	n := 1
	for id>>(8*n) != 0 {
		n++
	}
	for i := n - 1; i >= 0; i-- {
		*e = append(*e, byte(id>>(8*i)))
	}
}

// size in the fewest bytes; all ones are kept for the unknown size.
func (e *ebml) size(v int) {
	n := 1
	for v >= 1<<(7*n)-1 {
		n++
	}
	e.sizeIn(v, n)
}

func (e *ebml) sizeIn(v, n int) {
	x := uint64(v) | 1<<(7*n)
	for i := n - 1; i >= 0; i-- {
		*e = append(*e, byte(x>>(8*i)))
	}
}

func (e *ebml) bytes(id uint32, b []byte) {
	e.id(id)
	e.size(len(b))
	*e = append(*e, b...)
}

func (e *ebml) text(id uint32, s string) { e.bytes(id, []byte(s)) }

func (e *ebml) uint(id uint32, v uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	i := 0
	for i < 7 && b[i] == 0 {
		i++
	}
	e.bytes(id, b[i:])
}

func (e *ebml) float(id uint32, v float64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], math.Float64bits(v))
	e.bytes(id, b[:])
}

func (e *ebml) master(id uint32, fill func(*ebml)) {
	var body ebml
	fill(&body)
	e.bytes(id, body)
}

// void fills n bytes, which must be 2 or more.
func (e *ebml) void(n int) {
	e.id(idVoid)
	if n < 10 {
		e.sizeIn(n-2, 1)
		*e = append(*e, make([]byte, n-2)...)
		return
	}
	e.sizeIn(n-9, 8)
	*e = append(*e, make([]byte, n-9)...)
}
