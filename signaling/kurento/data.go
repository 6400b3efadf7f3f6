package kurento

import (
	"math"

	"kelas/pipeline"
)

// createDataChannel: at most one of both limits, as in W3C's
// RTCDataChannelInit; -1 is none.
func createDataChannel(c *call) (any, error) {
	opts := pipeline.DataChannelOptions{Unordered: !c.flag("ordered"), Protocol: c.text("protocol")}
	for _, limit := range []struct {
		name string
		to   **uint16
	}{{"maxPacketLifeTime", &opts.MaxPacketLifeTime}, {"maxRetransmits", &opts.MaxRetransmits}} {
		n := c.int(limit.name)
		if n < 0 {
			continue
		}
		if n > math.MaxUint16 {
			return nil, fail(codeIllegalParam, "%s is larger than %d", limit.name, math.MaxUint16)
		}
		v := uint16(n)
		*limit.to = &v
	}
	if opts.MaxPacketLifeTime != nil && opts.MaxRetransmits != nil {
		return nil, fail(codeIllegalParam, "Syntax error")
	}
	return nil, c.webrtc().CreateDataChannel(c.text("label"), opts)
}

func closeDataChannel(c *call) (any, error) {
	n := c.int("channelId")
	if n < 0 || n > math.MaxUint16 {
		return nil, fail(codeIllegalParam, "There is no such data channel")
	}
	return nil, c.webrtc().CloseDataChannel(uint16(n))
}
