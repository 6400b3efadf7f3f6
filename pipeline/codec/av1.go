package codec

// AV1 is what the aggregation header and the OBU headers of a payload say (RTP payload format for AV1,
// sections 4.3 and 4.4).
type AV1 struct {
	KeyFrame   bool // a coded video sequence begins: the decoder can start here
	TemporalID uint8
	SpatialID  uint8
}

// The bits of the aggregation header (section 4.4), and the OBU type that opens a sequence
// (AV1 bitstream specification, section 6.2.2).
const (
	av1Z              = 0x80
	av1N              = 0x08
	av1SequenceHeader = 1
)

// ParseAV1 reads a payload. The layer is that of the first OBU which names one.
func ParseAV1(payload []byte) AV1 {
	var a AV1
	if len(payload) < 2 {
		return a
	}
	head := payload[0]
	// The N bit says it; packetizers that forget it still send the sequence header first.
	a.KeyFrame = head&av1N != 0 && head&av1Z == 0
	r := reader{buf: payload, at: 1}
	count := int(head >> 4 & 3)
	named := false
	for i := 1; r.at < len(payload) && !r.failed; i++ {
		size := len(payload) - r.at
		if count == 0 || i < count {
			size = r.leb128()
			if r.failed {
				break
			}
		}
		end := r.at + size
		if size > 0 && r.at < len(payload) && (i > 1 || head&av1Z == 0) {
			obu := payload[r.at]
			if obu>>3&0x0f == av1SequenceHeader {
				a.KeyFrame = true
			}
			if obu&0x04 != 0 && size > 1 && r.at+1 < len(payload) && !named {
				a.TemporalID, a.SpatialID = payload[r.at+1]>>5, payload[r.at+1]>>3&3
				named = true
			}
		}
		if end > len(payload) {
			break
		}
		r.at = end
		if i == count {
			break
		}
	}
	return a
}
