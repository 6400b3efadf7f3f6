package estimate

import "encoding/binary"

// The RTCP packets that are read (RFC 3550, section 12.1; RFC 4585, section 6.1).
const (
	typeSR        = 200
	typeRR        = 201
	typeTransport = 205
	typePayload   = 206
	formatTWCC    = 15 // draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1
	formatAFB     = 15 // REMB is one of these (draft-alvestrand-rmcat-remb-03, section 2.2)
)

// Report is one RTCP packet that says something about the line. Which fields count depends on Kind.
type Report struct {
	Kind     ReportKind
	SSRC     uint32  // Reception: the stream that the block is about
	Fraction float64 // Reception: lost since the report before, 0..1
	Bitrate  int64   // REMB: bits a second
	Arrivals []byte  // Transport: the packet itself, valid during the call
}

// ReportKind tells the reports apart.
type ReportKind uint8

// The reports that count.
const (
	Transport ReportKind = iota + 1
	REMB
	Reception
)

// Read walks over a compound RTCP packet and calls f for each report about the line. What cannot be read ends it.
func Read(compound []byte, f func(Report)) {
	for len(compound) >= 8 {
		size := 4 * (int(binary.BigEndian.Uint16(compound[2:])) + 1)
		if compound[0]>>6 != 2 || size > len(compound) || size < 8 {
			return
		}
		readOne(compound[:size], f)
		compound = compound[size:]
	}
}

// OnlyArrivals tells whether a compound packet is transport-wide feedback and nothing else.
func OnlyArrivals(compound []byte) bool {
	any := false
	for len(compound) >= 8 {
		size := 4 * (int(binary.BigEndian.Uint16(compound[2:])) + 1)
		if compound[1] != typeTransport || compound[0]&0x1f != formatTWCC || size > len(compound) {
			return false
		}
		any = true
		compound = compound[size:]
	}
	return any && len(compound) == 0
}

func readOne(p []byte, f func(Report)) {
	count := int(p[0] & 0x1f)
	switch p[1] {
	case typeSR:
		if len(p) >= 28 {
			readBlocks(p[28:], count, f)
		}
	case typeRR:
		readBlocks(p[8:], count, f)
	case typeTransport:
		if count == formatTWCC && len(p) >= 20 {
			f(Report{Kind: Transport, Arrivals: p})
		}
	case typePayload:
		if count == formatAFB && len(p) >= 20 && string(p[12:16]) == "REMB" {
			exponent := p[17] >> 2
			mantissa := int64(p[17]&3)<<16 | int64(binary.BigEndian.Uint16(p[18:]))
			if exponent <= 40 {
				f(Report{Kind: REMB, Bitrate: mantissa << exponent})
			}
		}
	}
}

func readBlocks(b []byte, count int, f func(Report)) {
	for ; count > 0 && len(b) >= 24; count, b = count-1, b[24:] {
		f(Report{Kind: Reception, SSRC: binary.BigEndian.Uint32(b), Fraction: float64(b[4]) / 256})
	}
}

const (
	referenceTick = 64_000 // us
	deltaTick     = 250    // us
	referenceMask = 1<<24 - 1
)

// arrivals is a transport-wide feedback packet on its way through.
type arrivals struct {
	base      uint16
	count     int
	reference uint32
	number    uint8
}

func readArrivals(p []byte) arrivals {
	return arrivals{
		base: binary.BigEndian.Uint16(p[12:]), count: int(binary.BigEndian.Uint16(p[14:])),
		reference: binary.BigEndian.Uint32(p[16:]) >> 8, number: p[19],
	}
}

// each calls f for each packet of the feedback in the order of numbers. at is in us and counts from the
// feedback's reference time; it means nothing for a packet that did not arrive. A packet that is cut ends it: what was
// said before holds.
func (a arrivals) each(p []byte, f func(number uint16, arrived bool, at int64)) {
	deltas := a.deltasAt(p)
	if deltas < 0 {
		return
	}
	at := int64(0)
	number := a.base
	a.symbols(p, func(symbol uint8) bool {
		switch symbol {
		case 1:
			if deltas >= len(p) {
				return false
			}
			at += int64(p[deltas]) * deltaTick
			deltas++
		case 2:
			if deltas+2 > len(p) {
				return false
			}
			at += int64(int16(binary.BigEndian.Uint16(p[deltas:]))) * deltaTick
			deltas += 2
		}
		f(number, symbol == 1 || symbol == 2, at)
		number++
		return true
	})
}

// symbols goes through the status chunks (section 3.1.3 and 3.1.4) and returns where they end, -1 when they are cut.
func (a arrivals) symbols(p []byte, f func(symbol uint8) bool) int {
	at, left := 20, a.count
	for left > 0 {
		if at+2 > len(p) {
			return -1
		}
		chunk := binary.BigEndian.Uint16(p[at:])
		at += 2
		n, bits := 14, 1
		switch {
		case chunk&0x8000 == 0:
			n, bits = int(chunk&0x1fff), 0
		case chunk&0x4000 != 0:
			n, bits = 7, 2
		}
		n = min(n, left)
		left -= n
		for i := range n {
			symbol := uint8(chunk >> 13 & 3)
			switch bits {
			case 1:
				symbol = uint8(chunk >> (13 - i) & 1)
			case 2:
				symbol = uint8(chunk >> (12 - 2*i) & 3)
			}
			if f != nil && !f(symbol) {
				return at
			}
		}
	}
	return at
}

func (a arrivals) deltasAt(p []byte) int { return a.symbols(p, nil) }
