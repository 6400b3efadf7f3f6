package kurento

import (
	"errors"
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
		if n := c.int(limit.name); n >= 0 {
			v := uint16(min(n, math.MaxUint16)) // as Kurento has it, 65535 stands for more
			*limit.to = &v
		}
	}
	if opts.MaxPacketLifeTime != nil && opts.MaxRetransmits != nil {
		return nil, fail(codeIllegalParam, "Syntax error")
	}
	return nil, c.webrtc().CreateDataChannel(c.text("label"), opts)
}

// closeDataChannel: what is not open is no error, as in Kurento.
func closeDataChannel(c *call) (any, error) {
	if !c.webrtc().DataChannels() {
		return nil, pipeline.ErrNoDataChannels
	}
	n := c.int("channelId")
	if n < 0 || n > math.MaxUint16 {
		return nil, nil
	}
	err := c.webrtc().CloseDataChannel(uint16(n))
	if errors.Is(err, pipeline.ErrNoSuchDataChannel) {
		return nil, nil
	}
	return nil, err
}
