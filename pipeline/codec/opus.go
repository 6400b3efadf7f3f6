package codec

import "time"

// OpusDuration is the length of the sound in an Opus packet (RFC 6716, section 3.1), 0 if it cannot be told.
func OpusDuration(payload []byte) time.Duration {
	if len(payload) == 0 {
		return 0
	}
	config := payload[0] >> 3
	var frame time.Duration
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [4]time.Duration{10, 20, 40, 60}[config&3] * time.Millisecond
	case config < 16: // hybrid: 10, 20 ms
		frame = time.Duration(10<<(config&1)) * time.Millisecond
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = 2500 * time.Microsecond << (config & 3)
	}
	switch payload[0] & 3 {
	case 0:
		return frame
	case 3:
		if len(payload) < 2 {
			return 0
		}
		// A packet is never longer than 120 ms (R5).
		if d := frame * time.Duration(payload[1]&0x3f); d <= 120*time.Millisecond {
			return d
		}
		return 0
	}
	return 2 * frame
}
