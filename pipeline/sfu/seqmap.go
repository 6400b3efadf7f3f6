package sfu

// sentPacket is what is remembered of a packet that a viewer was sent: enough to send it again, byte for byte.
type sentPacket struct {
	out     uint32 // low bits of the extended number it was sent under
	src     uint32 // low bits of the extended number in the layer's ring
	ts      uint32
	resent  uint32 // milliseconds of the slot's clock when it was last sent again, 0: never
	picture uint16
	tl0     uint8
	known   bool
	hollow  bool // sent without its payload, to fill its place
}

// seqMap is a viewer's memory: sent number -> source number, of fixed size. The packets are in the ring.
type seqMap struct {
	size    int
	entries []sentPacket // made with the first packet: most slots of most viewers are never used
}

func (m *seqMap) put(p sentPacket) {
	if m.entries == nil {
		m.entries = make([]sentPacket, m.size)
	}
	p.known = true
	m.entries[int(p.out)&(m.size-1)] = p
}

func (m *seqMap) get(out int64) *sentPacket {
	if m.entries == nil {
		return nil
	}
	p := &m.entries[int(out)&(m.size-1)]
	if !p.known || p.out != uint32(out) {
		return nil
	}
	return p
}
